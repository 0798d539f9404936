"""Which nn.Linear and snntorch.Leaky a network runs, in the order in which it runs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from sctorch.errors import ShapeError, UnsupportedError
from sctorch.nn.importing.forward import WAY_OUT, called, is_leaky, is_linear, names_in_use

__all__ = ["Stage", "stages"]


@dataclass(frozen=True)
class Stage:
    """A Linear and the Leaky behind it, with their names in the network; leaky is None where a Linear ends it."""

    linear_name: str
    linear: torch.nn.Linear
    leaky_name: str = ""
    leaky: Any = None

    @property
    def names(self) -> str:
        return f"{self.linear_name} + {self.leaky_name}" if self.leaky is not None else self.linear_name


def stages(net: torch.nn.Module, num_steps: int) -> tuple[Stage, ...]:
    """The network's layers in the order of their use.

    Parameters
    ----------
    net : torch.nn.Sequential, or any module that runs nn.Linear and snntorch.Leaky in turn. Neither it nor the state
        of any neuron changes.
    num_steps : timesteps of the window that a forward of its own is tried with.

    Raises
    ------
    UnsupportedError
        For a module that cannot be kept, or anything between the layers, by name.
    """
    leaves = {name: m for name, m in net.named_modules() if not list(m.children())}
    for name, module in net.named_modules():
        _check_module(called(name, module), module)
    if not any(is_leaky(module) for module in leaves.values()):
        raise UnsupportedError(
            f"a model of type {type(net).__name__}", "from_snntorch",
            "It must hold snntorch.Leaky neurons; otherwise build it as sctorch.nn.SpikingNetwork.",
        )  # fmt: skip
    plain = all(type(m) is torch.nn.Sequential for name, m in net.named_modules() if name not in leaves)
    if not plain:
        names = names_in_use(net, num_steps)
    else:  # a Sequential is its own order
        names = [n for n, m in net.named_modules(remove_duplicate=False) if is_leaky(m) or is_linear(m)]
    return _paired([(name, net.get_submodule(name)) for name in names])


def _check_module(where: str, module: torch.nn.Module) -> None:
    import snntorch

    if module._forward_hooks or module._forward_pre_hooks:
        raise UnsupportedError(
            "a forward hook, which may change what is computed,", where,
            "Remove it (that of torch.nn.utils.prune with prune.remove).",
        )  # fmt: skip
    if is_leaky(module) or is_linear(module):
        return
    if isinstance(module, torch.nn.Dropout):
        if module.training and module.p > 0:
            raise UnsupportedError("dropout in training", where, "Call net.eval() first: an inference has none.")
    elif isinstance(module, torch.nn.Flatten):
        if (module.start_dim, module.end_dim) not in ((1, -1), (1, 1)):
            raise UnsupportedError("flattening other than from dimension 1", where, "Give features [B, n].")
    elif isinstance(module, snntorch.SpikingNeuron):
        raise UnsupportedError("this neuron", where, "Of snntorch's neurons, Leaky itself can be kept exactly.")
    elif not (list(module.children()) or isinstance(module, torch.nn.Identity | torch.nn.modules.loss._Loss)):
        raise UnsupportedError(
            "this module", where,
            "What is kept: torch.nn.Linear and snntorch.Leaky themselves (no subclass; of a parametrisation "
            "torch.nn.utils.parametrize.remove_parametrizations makes one), Flatten, Identity and Dropout. " + WAY_OUT,
        )  # fmt: skip


def _paired(used: list[tuple[str, Any]]) -> tuple[Stage, ...]:
    """Linear, Leaky, Linear, Leaky ...; the last may be a Linear."""
    for name, module in used:
        if [m for _, m in used].count(module) > 1:
            raise UnsupportedError(
                "a module used twice in a timestep", called(name, module), "Give each layer its own module."
            )
    result: list[Stage] = []
    for i, (name, module) in enumerate(used):
        if is_linear(module) != (i % 2 == 0):
            before = called(*used[i - 1]) if i else "nothing"
            raise UnsupportedError(
                f"its place behind {before}", called(name, module), "Linear and Leaky must take turns, a Linear first."
            )
        if is_linear(module):
            if result and module.in_features != result[-1].linear.out_features:
                raise ShapeError(
                    f"{called(name, module)} takes {module.in_features} inputs but {result[-1].names} gives "
                    f"{result[-1].linear.out_features}"
                )
            result.append(Stage(name, module))
        else:
            result[-1] = Stage(result[-1].linear_name, result[-1].linear, name, module)
    return tuple(result)
