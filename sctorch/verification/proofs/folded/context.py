"""A folded design under proof, and its logic run clock by clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import z3

from sctorch import ir
from sctorch.backends.verilog.folded.plan import FoldedPlan
from sctorch.backends.verilog.folded.traces import trace_signals
from sctorch.verification.proofs.context import Reading, Signal
from sctorch.verification.proofs.model import Model
from sctorch.verification.proofs.terms import replaced, symbols_in

__all__ = ["FoldedContext", "Machine", "constant"]


@dataclass(frozen=True, eq=False)
class FoldedContext(Reading):
    """A folded design; the stage of a signal is its bit of trace_valid."""

    plan: FoldedPlan
    read: Callable[[], str]

    @property
    def network(self) -> ir.Network:
        return self.plan.network

    @property
    def register_bits(self) -> list[int]:
        sums = [s.width for s in self.plan.synapses] + [s.part_width for s in self.plan.synapses]
        return [*sums, *(n.width for n in self.plan.neurons), self.plan.readout.width]

    @cached_property
    def signals(self) -> dict[str, Signal]:
        return {s[0]: Signal(*s, place) for place, s in enumerate(trace_signals(self.plan))}

    def arrived(self, key: str) -> Any:
        """The bit that says that a signal is there."""
        place = self.signals[key].stage
        return z3.simplify(z3.Extract(place, place, self.model.wire("trace_valid")))


@dataclass(eq=False)
class Machine:
    """Registers and wires clock by clock, worked out as they are asked for.

    ports : what is on the input ports in a clock, as bit-vectors; anything on those that it leaves out.
    memory : what registers and inputs hold in clocks that are already known; at clock 0 a register may hold anything.
    """

    model: Model
    ports: Callable[[int], dict[str, Any]]
    memory: dict[tuple[str, int], Any] = field(default_factory=dict)

    def at(self, term: Any, clock: int) -> Any:
        return replaced(term, {name: self.value(s, clock) for name, s in symbols_in(term).items()})

    def value(self, symbol: Any, clock: int) -> Any:
        name = symbol.decl().name()
        if (name, clock) not in self.memory:
            following = self.model.next.get(name)
            if following is None:
                here = self._driven(name, symbol, clock)
            else:
                here = self.at(following, clock - 1) if clock else symbol
            self.memory[name, clock] = here
        return self.memory[name, clock]

    def _driven(self, name: str, symbol: Any, clock: int) -> Any:
        for port, value in self.ports(clock).items():
            parts = self.model.driven(port, value)
            if name in parts:
                return parts[name]
        return z3.BitVec(f"{name} at {clock}", symbol.size())


def constant(term: Any) -> int | None:
    """The number that a term is, if it is one."""
    return term.as_long() if z3.is_bv_value(term) else None
