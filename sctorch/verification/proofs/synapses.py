"""Synapses: every current, for all spikes and all random numbers, one bit of the inputs after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import z3

from sctorch import ir
from sctorch.ir.simulator import current_of
from sctorch.verification.proofs.context import Context, integer, replay_of, split
from sctorch.verification.proofs.prover import Claim, NotCoveredError, Task
from sctorch.verification.proofs.symbols import as_term, symbols
from sctorch.verification.proofs.terms import replaced, symbols_in

__all__ = ["synapse_tasks"]


def synapse_tasks(context: Context, first: Context) -> list[Task]:
    """One part for each synapse layer. `first` is read for the first one: there the encoder's bits are free."""
    tasks = []
    for layer in context.network.synapses:
        read = first if layer is context.network.synapses[0] else context
        what = f"{layer.size} currents of {int((layer.weight != 0).sum())} synapses for all spikes and random numbers"
        claims = lambda layer=layer, read=read: _synapse(read, layer)  # noqa: E731
        tasks.append(Task(layer.name, what, claims, "synapse", read.later))
    return tasks


def _synapse(context: Context, layer: ir.Synapse) -> Iterator[Claim]:
    """f(x) = g(x) for all bits x, from f(0) = g(0) and, bit by bit, the same difference that the bit makes.

    f is the RTL's current and g the simulator's; bit j is turned on while the bits before it are anything and those
    after it are 0, so the differences add up to f(x) - f(0). Each says that a whole adder tree grows by one term.
    With several ticks in a timestep, that is so of the sum after the first tick, and in every other of what a tick
    adds to any sum before it; without a tick the sum stays.
    """
    width, model = context.width, context.model
    before = context.before(layer)
    values, entries = split(context.traced(before.name), before.name)
    random, inputs = None, symbols([[z3.ZeroExt(width - e.size(), e) for e in entries]])
    if isinstance(layer, ir.StochasticSynapse):
        numbers = context.slices(f"{layer.name}__random", layer.n_inputs)
        random = symbols([[z3.ZeroExt(width - r.size(), r) for r in numbers]])
    length = layer.bitstream_length
    once = replace(layer, bitstream_length=1) if isinstance(layer, ir.StochasticSynapse) else layer
    expected = np.asarray(current_of(once, inputs[None], 0, random))[0]
    bounds = context.ranges[layer.name]
    assert bounds.current is not None
    for i, term in enumerate(context.traced(layer.name)):
        bias = int(layer.bias[i])
        bits = [(j, p, z3.simplify(z3.Extract(p, p, e))) for j, e in enumerate(entries) for p in range(e.size())]
        want = z3.simplify(as_term(expected[i], width))
        tick = _Tick(context, layer, i, bits, want, random)
        after = model.after(term)
        if length == 1:
            yield from tick.claims(replaced(after, values), bias, [])
        else:
            on, opens = (model.wire(f"{layer.name}__{name}") for name in ("tick", "open"))
            yield from _accumulated(context, layer, i, term, values, tick, (on, opens))
            yield Claim(after == term, replay_of(layer.name, i, term, after), [on == 0])
        low, high = (bias + length * t for t in tick.reach())
        inside = int(bounds.current.low[i]) <= low and high <= int(bounds.current.high[i])
        yield Claim(z3.BoolVal(inside), replay_of(layer.name, i, z3.BitVecVal(low, width), z3.BitVecVal(high, width)))


def _accumulated(
    context: Context, layer: ir.Synapse, i: int, term: Any, values: dict[str, Any], tick: _Tick, flags: tuple[Any, Any]
) -> Iterator[Claim]:
    """A sum over several ticks: the first starts it, the others add to it.

    The RTL may add the constants of its inverted bits when it likes: `first` with the first tick and `other` with each
    later one. Together they are the bias.
    """
    (on, opens), name, length = flags, layer.name, layer.bitstream_length
    after = replaced(context.model.after(term), values)
    none = {str(b): z3.BitVecVal(0, 1) for _, _, b in tick.bits}

    def constant(opening: int, start: int) -> int:
        """What the sum is after a tick without a spike."""
        solver = z3.Solver()
        here = context.shows(term, z3.BitVecVal(start, context.width))
        got = replaced(replaced(context.wide(name, after), here), none)
        solver.add(on == 1, opens == opening)
        if solver.check() != z3.sat:
            raise NotCoveredError("its ticks never come")
        return integer(solver.model(), got)

    first = constant(1, 0)
    other = constant(0, first) - first
    yield from tick.claims(after, first, [on == 1, opens == 1])
    (low, high), ticks = tick.reach(), range(1, length)
    lowest = min(first + (t - 1) * other + t * low for t in ticks)
    highest = max(first + (t - 1) * other + t * high for t in ticks)
    total, within = context.ranged(f"sum of {name}[{i}]", lowest, highest)
    later = replaced(after, context.shows(term, total))
    yield from tick.claims(later, total + other, [on == 1, opens == 0, *within])
    bias = first + (length - 1) * other
    told = z3.BitVecVal(int(layer.bias[i]), context.width), z3.BitVecVal(bias, context.width)
    yield Claim(z3.BoolVal(bias == int(layer.bias[i])), replay_of(name, i, *told))


@dataclass(frozen=True, eq=False)
class _Tick:
    """What one tick adds to neuron i's current: `bits` are (input, place, symbol), `want` the simulator's sum."""

    context: Context
    layer: ir.Synapse
    i: int
    bits: list[tuple[int, int, Any]]
    want: Any
    random: Any

    def unit(self, j: int, place: int) -> int:
        weight = int(self.layer.weight[self.i, j])
        return int(np.sign(weight)) if self.random is not None else weight << place

    def reach(self) -> tuple[int, int]:
        """The smallest and the largest sum, of what each bit adds."""
        units = [self.unit(j, place) for j, place, _ in self.bits]
        return sum(u for u in units if u < 0), sum(u for u in units if u > 0)

    def claims(self, term: Any, start: Any, given: list[Any]) -> Iterator[Claim]:
        """The RTL's `term` is `start` and what the tick adds."""
        name, i, width = self.layer.name, self.i, self.context.width
        rtl = self.context.wide(name, term)
        reached = symbols_in(rtl).keys() | symbols_in(self.want).keys()
        rest = {str(b): z3.BitVecVal(0, 1) for _, _, b in self.bits if str(b) in reached}
        nothing = z3.simplify(replaced(self.want, rest)) - int(self.layer.bias[i]) + start
        got = replaced(rtl, rest)
        yield Claim(got == nothing, replay_of(name, i, nothing, got), given)
        for j, place, bit in self.bits:
            if str(bit) not in reached:
                continue
            del rest[str(bit)]
            f, g = replaced(rtl, rest), replaced(self.want, rest)
            off, on = ({str(bit): z3.BitVecVal(v, 1)} for v in (0, 1))
            f0, f1 = replaced(f, off), replaced(f, on)
            grown = z3.simplify(replaced(g, on) - replaced(g, off))
            told = {f"input {j}": z3.BitVecVal(1, 1)}
            if self.random is not None:
                told[f"R[{j}]"] = self.random[0, j]
            yield Claim(f1 == f0 + grown, replay_of(name, i, f0 + grown, f1, told), given)
            unit = self.unit(j, place)
            yield Claim(z3.Or(grown == 0, grown == unit), replay_of(name, i, z3.BitVecVal(unit, width), grown))
