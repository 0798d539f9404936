"""What every part of a proof reads: a design's network, its plan's stages, and its logic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import z3

from sctorch import ir
from sctorch.backends.verilog.unrolled.plan import DesignPlan
from sctorch.backends.verilog.unrolled.traces import trace_port, trace_signals
from sctorch.verification.proofs.model import Model, read_model
from sctorch.verification.proofs.prover import NotCoveredError
from sctorch.verification.proofs.report import Counterexample
from sctorch.verification.proofs.symbols import extended, needed_width
from sctorch.verification.proofs.terms import replaced, symbols_in

__all__ = ["Context", "Reading", "Signal", "integer", "replay_of", "split"]


@dataclass(frozen=True)
class Signal:
    """A traced signal: entries of `bits` bits each, valid with one stage."""

    key: str
    entries: int
    bits: int
    signed: bool
    stage: int


class Reading:
    """A design under proof, of either architecture.

    read : gives its SMT model, or that of a part of it; it is called when first needed.
    signals : by key. register_bits : of registers that are as wide as the simulator's numbers.
    """

    read: Callable[[], str]

    @property
    def network(self) -> ir.Network:
        raise NotImplementedError

    @cached_property
    def signals(self) -> dict[str, Signal]:
        raise NotImplementedError

    @property
    def register_bits(self) -> list[int]:
        raise NotImplementedError

    @cached_property
    def text(self) -> str:
        return self.read()

    @cached_property
    def model(self) -> Model:
        return read_model(self.text, self.network.name)

    @cached_property
    def width(self) -> int:
        """Bits of the proof's integers: for the simulator's numbers, and for what registers and ports hold."""
        ports = [signal.bits for signal in self.signals.values()]
        return max(needed_width(self.network), *(bits + 2 for bits in [*self.register_bits, *ports]))

    @cached_property
    def ranges(self) -> dict[str, ir.ranges.LayerRanges]:
        return ir.analyse(self.network)

    def before(self, layer: ir.Layer) -> ir.Layer:
        return self.network.layers[self.network.layers.index(layer) - 1]

    @cached_property
    def _shown(self) -> dict[str, list[Any]]:
        return {}

    def traced(self, key: str) -> list[Any]:
        """What a trace port shows now, one bit-vector per entry, as wide as the port has it."""
        if key not in self._shown:
            s = self.signals[key]
            port = self.model.wire(trace_port(key))
            each = (z3.Extract((i + 1) * s.bits - 1, i * s.bits, port) for i in range(s.entries))
            self._shown[key] = [z3.simplify(term) for term in each]
        return self._shown[key]

    def wide(self, key: str, term: Any) -> Any:
        """An entry of a trace port as an integer of the proof's width."""
        s = self.signals[key]
        return extended(term, self.width, s.signed)

    def register(self, name: str) -> Any:
        """The symbol of a register of our library, by its path from the top."""
        if name not in self.model.registers:
            raise NotCoveredError(f"the exported design has no register {name}")
        return self.model.registers[name]

    def slices(self, wire: str, entries: int) -> list[Any]:
        """A wire of `entries` equal parts."""
        term = self.model.wire(wire)
        bits = term.size() // entries
        return [z3.simplify(z3.Extract((i + 1) * bits - 1, i * bits, term)) for i in range(entries)]

    def ranged(self, name: str, low: int, high: int) -> tuple[Any, list[Any]]:
        """A symbolic integer low..high of the proof's width, and what holds of it."""
        bits = ir.signed_width(low, high)
        symbol = z3.BitVec(name, bits)
        wide = extended(symbol, self.width, True)
        return wide, [wide >= low, wide <= high]

    def shows(self, term: Any, value: Any) -> dict[str, Any]:
        """The register behind a trace port's entry (the register and a constant), so that it shows `value`."""
        registers = list(symbols_in(term).values())
        if len(registers) != 1:
            raise NotCoveredError(f"a trace port shows {len(registers)} registers, not one and a constant")
        (register,) = registers
        if z3.is_app_of(term, z3.Z3_OP_EXTRACT) and term.arg(0).eq(register):  # one entry of a wider register
            high, low = term.params()
            parts = [z3.Extract(high - low, 0, value)]
            if high + 1 < register.size():
                parts.insert(0, z3.Extract(register.size() - 1, high + 1, register))
            if low:
                parts.append(z3.Extract(low - 1, 0, register))
            return {str(register): z3.simplify(z3.Concat(*parts)) if len(parts) > 1 else parts[0]}
        hidden = replaced(term, {str(register): z3.BitVecVal(0, register.size())})
        moved = value - z3.SignExt(self.width - term.size(), hidden)
        return {str(register): z3.simplify(z3.Extract(register.size() - 1, 0, moved))}


@dataclass(frozen=True, eq=False)
class Context(Reading):
    """An unrolled design under proof."""

    plan: DesignPlan
    read: Callable[[], str]

    @property
    def network(self) -> ir.Network:
        return self.plan.network

    @property
    def register_bits(self) -> list[int]:
        membranes = [m.width for n in self.plan.neurons for m in n.membranes]
        return membranes + [c.width for s in self.plan.synapses for c in s.counters]

    @cached_property
    def signals(self) -> dict[str, Signal]:
        return {s[0]: Signal(*s) for s in trace_signals(self.plan)}

    def flag(self, name: str, stage: int) -> Any:
        """valid, first or last of a stage, one bit."""
        return z3.simplify(z3.Extract(stage, stage, self.model.wire(name)))

    def on(self, name: str, stage: int) -> Any:
        return self.flag(name, stage) == 1

    def done(self, stage: int) -> tuple[Any, Any]:
        """(valid, first), one bit each, with which a stage hands a timestep (the encoder: a tick) to the next one."""
        for layer in self.network.synapses:
            if layer.bitstream_length > 1 and self.plan.place(layer) == stage:
                return self.model.wire(f"{layer.name}__done"), self.model.wire(f"{layer.name}__first")
        return self.flag("valid", stage), self.flag("first", stage)

    def clears(self, stage: int) -> Any:
        """Whether a window's first timestep comes to a stage in the next clock."""
        valid, first = self.done(stage - 1)
        return z3.And(valid == 1, first == 1)

    @cached_property
    def _settled(self) -> dict[str, Any]:
        """The symbols behind valid and first of every stage and every layer's ticks, and what they become once all
        that was in any stage at first has left the last one."""
        flags = ("tick", "open", "done", "first", "next")
        names = ["valid", "first", *(f"{layer.name}__{flag}" for layer in self.network.synapses for flag in flags)]
        queue, found = [self.model.wires[name] for name in names if name in self.model.wires], dict[str, Any]()
        while queue:
            for name, symbol in symbols_in(queue.pop()).items():
                if name not in found:
                    found[name] = symbol
                    queue += [self.model.next[name]] if name in self.model.next else []
        now = found
        for _ in range(self.plan.stages + 1):
            later = {name: self.model.after(symbol) for name, symbol in found.items()}
            now = {name: replaced(term, now) for name, term in later.items()}
        return now

    @cached_property
    def _later(self) -> dict[tuple[int, ...], tuple[list[Any], Any]]:
        return {}

    def later(self, given: Sequence[Any]) -> Any:
        """What is assumed of the control, that many clocks later."""
        facts = [fact for fact in given if symbols_in(fact).keys() <= self._settled.keys()]
        numbers = tuple(fact.get_id() for fact in facts)  # z3's, of terms which live as long as they are here
        if numbers not in self._later:
            self._later[numbers] = facts, replaced(z3.And(*facts), self._settled)
        return self._later[numbers][1]


def split(terms: list[Any], name: str) -> tuple[dict[str, Any], list[Any]]:
    """Registers behind one-bit entries as fresh bits: what to replace, and each entry's bit after that."""
    values: dict[str, Any] = {}
    for term in terms:
        for text, register in symbols_in(term).items():
            if text not in values:
                bits = [z3.BitVec(f"{name}.{len(values)}.{i}", 1) for i in range(register.size())]
                values[text] = z3.Concat(*reversed(bits)) if len(bits) > 1 else bits[0]
    return values, [replaced(term, values) for term in terms]


def integer(model: z3.ModelRef, term: Any, signed: bool = True) -> int:
    """A bit-vector's value in a counterexample."""
    value = model.eval(term, model_completion=True)
    return value.as_signed_long() if signed else value.as_long()


def replay_of(
    key: str, i: int, want: Any, got: Any, told: dict[str, Any] | None = None
) -> Callable[[z3.ModelRef], Counterexample]:
    """What a claim says where it fails: the simulator's value and the RTL's of an entry, and what is told besides."""

    def example(model: z3.ModelRef) -> Counterexample:
        lines = tuple(f"{name} = {integer(model, term, signed=False)}" for name, term in (told or {}).items())
        return Counterexample(key, 0, i, integer(model, want), integer(model, got), lines)

    return example
