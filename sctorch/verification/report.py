"""verify(): torch, the reference simulator and exported designs, compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from sctorch import ir
from sctorch.backends import Design
from sctorch.checks import check_instance
from sctorch.errors import ConfigError
from sctorch.lower import lower
from sctorch.nn import ConvertedNetwork, SpikingNetwork
from sctorch.verification.compare import PairResult, compare, compare_signals
from sctorch.verification.snntorch_pair import as_exported, run_snntorch, statement

__all__ = ["VerifyReport", "verify"]


@dataclass(frozen=True)
class VerifyReport:
    """The outcome of every pair; `windows` is how many whole windows each ran.

    notes : what was measured beside the pairs and is no verdict, such as what a conversion rounded.
    """

    pairs: tuple[PairResult, ...]
    windows: int
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return all(pair.mismatches == 0 for pair in self.pairs)

    @property
    def values_compared(self) -> int:
        return sum(pair.values for pair in self.pairs)

    @property
    def spikes_compared(self) -> int:
        return sum(pair.spikes for pair in self.pairs)

    def summary(self) -> str:
        """A table: pair, signals, values compared, spikes among them, mismatches."""
        rows = [("pair", "signals", "values", "spikes", "mismatches")]
        rows += [(p.name, str(len(p.keys)), f"{p.values:,}", f"{p.spikes:,}", f"{p.mismatches:,}") for p in self.pairs]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = [
            "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
            for row in rows
        ]
        lines += [str(p.first) for p in self.pairs if p.first is not None]
        return "\n".join([*lines, *self.notes])

    def raise_if_failed(self) -> None:
        """Raise the first difference as a MismatchError, if there is one."""
        for pair in self.pairs:
            if pair.first is not None:
                raise pair.first

    def to_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "windows": self.windows,
            "values_compared": self.values_compared,
            "spikes_compared": self.spikes_compared,
            "notes": list(self.notes),
            "pairs": [
                {
                    "name": p.name,
                    "signals": list(p.keys),
                    "values": p.values,
                    "spikes": p.spikes,
                    "mismatches": p.mismatches,
                    "first": None if p.first is None else str(p.first),
                }
                for p in self.pairs
            ],
        }


def verify(
    net: SpikingNetwork | ir.Network | torch.nn.Module, design: Design | Sequence[Design], x: Any
) -> VerifyReport:
    """Run the network and its exported designs on the same inputs, and compare all integers.

    The pairs are torch with the simulator, and the simulator with every design. A snntorch network adds its own
    forward, compared with torch: as it is where the conversion is exact; else with the design's rounded parameters
    and membranes, and a note says how many spikes of the network as given differ.

    Parameters
    ----------
    net : the torch network, a snntorch network that was exported (see `sctorch.nn.from_snntorch`), or an integer
        network, when no torch model is at hand.
    design : one exported design, or several.
    x : features [B, n] in [0, 1]; every row is one whole window. For an event encoder spikes [T L, B, n].

    Raises
    ------
    ConfigError
        If a design was made from another network, nothing spikes in some layer, or there is nothing to compare.
    """
    designs: list[Design] = list(design) if isinstance(design, Sequence) else [design]
    for d in designs:
        check_instance(d, Design, "verify: design", "an exported design, or a list of them")
    designs = [form for d in designs for form in d.forms]
    x = np.asarray(x.detach().cpu() if isinstance(x, torch.Tensor) else x, dtype=np.float32)
    given: torch.nn.Module | None = None  # a snntorch network, as it is
    if isinstance(net, torch.nn.Module) and not isinstance(net, SpikingNetwork):
        if not designs:
            raise ConfigError("verify: a snntorch network needs a design, which has its num_steps and encoder")
        given, net = net, as_exported(net, designs[0].network)
    network = net
    if isinstance(net, SpikingNetwork):
        model = designs[0].network if designs else None
        network = lower(net, model.name if model else "net", model.meta if model else None)
    elif not designs:
        raise ConfigError("verify: an integer network alone has nothing to be compared with; give a design too")
    assert isinstance(network, ir.Network)
    for d in designs:
        if _computation(d.network) != _computation(network):
            raise ConfigError(f"{d!r} was exported from another network (or an earlier state of it); export again")
    if x.ndim > 1 and x.shape[-2] == 0:
        raise ConfigError("verify: there is no window in x, so equality there means nothing; give some inputs")
    reference = ir.simulate(network, x)
    pairs, notes = [], []
    if isinstance(net, SpikingNetwork):
        device = next(net.parameters()).device
        trace = {key: v.cpu().numpy() for key, v in net.trace(torch.from_numpy(x).to(device)).items()}
        if isinstance(net, ConvertedNetwork) and given is not None:
            exact, encoded = net.conversion.exact, trace[network.encoder.name]
            theirs = run_snntorch(given, net, encoded, own=exact)
            pairs.append(compare_signals("snntorch = torch", network, theirs, trace))
            if not exact:
                notes.append(statement(net, trace, run_snntorch(given, net, encoded, own=True)))
        pairs.append(compare("torch = ir", network, trace, reference))
    for d in designs:
        pairs.append(compare(f"ir = {d.label}", network, reference, d.trace(x)))
    return VerifyReport(tuple(pairs), int(x.shape[-2]), tuple(notes))


def _computation(network: ir.Network) -> str:
    """Digest of what a network computes: not of its name, which may be a folder's, nor of texts that travel along."""
    return ir.digest(replace(network, name="compared", meta={}))
