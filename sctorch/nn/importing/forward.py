"""A network with a forward of its own is run, on a copy, to see which layers it uses and what lies between them.

Every module's input must be the very output of the one before it: so no scaling, skip connection or decay in between
goes unseen.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sctorch.errors import ConfigError, UnsupportedError

__all__ = ["WAY_OUT", "called", "is_leaky", "is_linear", "isolated", "names_in_use"]

WAY_OUT = "Pass its layers in order, as torch.nn.Sequential(net.fc1, net.lif1, net.fc2, net.lif2)."


def isolated(module: torch.nn.Module) -> Any:
    """A copy that shares nothing with the module, also where a training left its state in an autograd graph."""
    memo = {}
    for part in module.modules():
        for value in (*vars(part).values(), *part._buffers.values()):
            if isinstance(value, Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    result = copy.deepcopy(module, memo)
    for part in result.modules():
        if is_leaky(part):
            leaky: Any = part
            leaky.mem = leaky.mem.new_zeros(0)  # as it is when new
    return result


def is_leaky(module: torch.nn.Module) -> bool:
    import snntorch  # slow to load, and of use here alone

    return type(module) is snntorch.Leaky


def is_linear(module: torch.nn.Module) -> bool:
    return type(module) is torch.nn.Linear


def called(name: str, module: torch.nn.Module) -> str:
    return f"{name or 'the network'} ({type(module).__name__})"


@dataclass
class _Seen:
    """A tensor as it was at one moment: a later change in place shows in its version."""

    tensor: Tensor
    version: int

    def same(self, other: _Seen) -> bool:
        a, b = self.tensor, other.tensor
        return (
            a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride()
            and self.version == other.version
        )  # fmt: skip


@dataclass
class _Call:
    name: str
    entered: _Seen
    left: _Seen
    mem_before: _Seen | None = None
    mem_after: _Seen | None = None


class _OtherInputError(Exception):
    """The network does not take its input the way it was tried."""


def names_in_use(net: torch.nn.Module, num_steps: int) -> list[str]:
    linears = [m for m in net.modules() if isinstance(m, torch.nn.Linear)]
    reasons = [] if linears else ["it has no torch.nn.Linear"]
    for size in dict.fromkeys(m.in_features for m in linears):  # which Linear comes first is not known yet
        for what, inputs, wanted in _ways_in(linears[0].weight, num_steps, size):
            try:
                return _in_order(_run(net, inputs), wanted, num_steps)
            except (ConfigError, UnsupportedError):
                raise
            except Exception as error:  # whatever the user's own forward may raise
                lines = str(error).splitlines() or [""]
                reasons.append(f"{what}: {type(error).__name__.strip('_')}: {lines[0]}")
    raise UnsupportedError(
        "a forward that could not be followed (" + "; ".join(reasons) + ")", called("", net), WAY_OUT
    )


def _ways_in(like: Tensor, num_steps: int, size: int) -> list[tuple[str, list[Tensor], list[Tensor]]]:
    """How a network may want its input: in words, what its forward is given call by call, and what the first Linear
    must then get timestep by timestep."""
    batch = 4 if num_steps == 3 else 3
    with torch.random.fork_rng(devices=[]):
        x = torch.rand(num_steps, batch, size, dtype=torch.float64).to(like.device, like.dtype)
    events = (x > 0.5).to(x.dtype)
    return [
        (f"spikes [{num_steps}, {batch}, {size}]", [events], list(events)),
        (f"features [{batch}, {size}] of one timestep", list(x[:3]), list(x[:3])),
        (f"features [{batch}, {size}] for the whole window", [x[0]], [x[0]] * num_steps),
    ]


@contextmanager
def _own_instances(net: torch.nn.Module) -> Iterator[None]:
    """snntorch resets all neurons of the process at once: let it see those of the copy alone."""
    import snntorch

    saved = snntorch.SpikingNeuron.instances
    snntorch.SpikingNeuron.instances = [m for m in net.modules() if isinstance(m, snntorch.SpikingNeuron)]
    try:
        yield
    finally:
        snntorch.SpikingNeuron.instances = saved


def _run(net: torch.nn.Module, inputs: list[Tensor]) -> list[_Call]:
    """Every call of a Linear or Leaky when a copy of the network is given the inputs in turn."""
    model = isolated(net).eval()
    calls: list[_Call] = []
    pending: list[tuple[_Seen, _Seen | None]] = []

    def seen(tensor: Any) -> _Seen:
        return _Seen(tensor, tensor._version)

    def before(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = args[0] if args else next(v for k, v in kwargs.items() if k in ("input", "input_"))
        mem = (args[1] if len(args) > 1 else kwargs.get("mem")) if is_leaky(module) else None
        if mem is None and is_leaky(module):
            mem = module.mem
        pending.append((seen(given), None if mem is None else seen(mem)))

    def after(name: str, module: Any, output: Any) -> None:
        entered, mem = pending.pop()
        left = output[0] if isinstance(output, tuple) else output
        calls.append(_Call(name, entered, seen(left), mem, seen(module.mem) if is_leaky(module) else None))

    for name, module in model.named_modules():
        if is_leaky(module) or is_linear(module):
            module.register_forward_pre_hook(before, with_kwargs=True)
            module.register_forward_hook(lambda m, _args, output, name=name: after(name, m, output))
    with torch.no_grad(), torch.random.fork_rng(devices=[]), _own_instances(model):
        for x in inputs:
            model(x)
    return calls


def _in_order(calls: list[_Call], wanted: list[Tensor], num_steps: int) -> list[str]:
    """The names of one timestep; every timestep must run them alike, each on the output of the one before."""
    if not calls:
        raise _OtherInputError("no Linear and no Leaky ran")
    names = [call.name for call in calls]
    period = next((i for i in range(1, len(names)) if names[i] == names[0]), len(names))
    steps = len(names) // period
    if names != names[:period] * steps:
        raise UnsupportedError(f"another order of modules in some timestep ({names})", "the network", WAY_OUT)
    firsts = calls[::period]
    for call, x in zip(firsts, wanted, strict=False):
        if call.entered.tensor.shape != x.shape or not torch.equal(call.entered.tensor, x):
            raise _OtherInputError(f"{call.name}, the first to run, was not given it as it is")
    if steps != len(wanted):
        raise ConfigError(f"the network's own forward ran {steps} timesteps of {num_steps}; make num_steps agree")
    last: dict[str, _Call] = {}
    for i, call in enumerate(calls):
        if i % period and not call.entered.same(calls[i - 1].left):
            raise UnsupportedError(
                f"an input that is not what {calls[i - 1].name} gave (something lies between them)", call.name, WAY_OUT
            )
        if call.mem_before is not None:
            held = last[call.name].mem_after if call.name in last else None
            zero = not call.mem_before.tensor.any()
            if not (zero if held is None else call.mem_before.same(held)):
                raise UnsupportedError("a membrane that is changed between two timesteps", call.name, WAY_OUT)
        last[call.name] = call
    return names[:period]
