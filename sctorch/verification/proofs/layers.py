"""Encoder, synapses, delays and the decision: one clock of each, for all inputs and all random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import z3

from sctorch import ir
from sctorch.ir.simulator import current_of, decide, delay_step, encode, rate_bits
from sctorch.verification.proofs.context import Context, integer, split
from sctorch.verification.proofs.prover import Claim, NotCoveredError, Task
from sctorch.verification.proofs.report import Counterexample
from sctorch.verification.proofs.symbols import as_term, symbols
from sctorch.verification.proofs.terms import replaced, symbols_in

__all__ = ["decision_task", "delay_tasks", "encoder_task", "synapse_tasks"]


def _replay(
    key: str, i: int, want: Any, got: Any, told: dict[str, Any] | None = None
) -> Callable[[z3.ModelRef], Counterexample]:
    def example(model: z3.ModelRef) -> Counterexample:
        lines = tuple(f"{name} = {integer(model, term, signed=False)}" for name, term in (told or {}).items())
        return Counterexample(key, 0, i, integer(model, want), integer(model, got), lines)

    return example


# ---------------------------------------------------------------- encoder


def encoder_task(context: Context) -> Task:
    layer = context.network.encoder
    what = f"{layer.size} entries ({layer.KIND}) for all features and all random numbers"
    return Task(layer.name, what, lambda: _encoder(context, layer), "encoder")


def _encoder(context: Context, layer: ir.Encoder) -> Iterator[Claim]:
    bits = 1 if isinstance(layer, ir.EventEncoder) else layer.bits
    values = [z3.BitVec(f"v[{j}]", bits) for j in range(layer.n_features)]
    port = context.model.driven("in_data", z3.Concat(*reversed(values)) if len(values) > 1 else values[0])
    wide = symbols([[z3.ZeroExt(context.width - bits, v) for v in values]])
    told = {}
    if isinstance(layer, ir.RateEncoder):
        random = context.slices(f"{layer.name}__random", layer.size)
        told = {f"R[{j}]": r for j, r in enumerate(random)}
        expected = rate_bits(wide, symbols([[z3.ZeroExt(context.width - bits, r) for r in random]]))
    else:
        expected = encode(context.network, wide if not isinstance(layer, ir.EventEncoder) else wide[None])
    stage = context.signals[layer.name].stage  # 0 without a register
    valid = context.on("valid", max(stage - 1, 0))
    for i, term in enumerate(context.traced(layer.name)):
        got = context.wide(layer.name, replaced(context.model.after(term) if stage else term, port))
        want = as_term(np.asarray(expected).reshape(-1, layer.size)[0, i], context.width)
        shown = {f"v[{j}]": v for j, v in enumerate(values)}
        yield Claim(got == want, _replay(layer.name, i, want, got, shown | told), [valid])


# ---------------------------------------------------------------- synapses


def synapse_tasks(context: Context, first: Context) -> list[Task]:
    """One part for each synapse layer. `first` is read for the first one: there the encoder's bits are free."""
    tasks = []
    for layer in context.network.synapses:
        read = first if layer is context.network.synapses[0] else context
        what = f"{layer.size} currents of {int((layer.weight != 0).sum())} synapses for all spikes and random numbers"
        tasks.append(Task(layer.name, what, lambda layer=layer, read=read: _synapse(read, layer), "synapse"))  # type: ignore[misc]
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
            yield Claim(after == term, _replay(layer.name, i, term, after), [on == 0])
        low, high = (bias + length * t for t in tick.reach())
        inside = int(bounds.current.low[i]) <= low and high <= int(bounds.current.high[i])
        yield Claim(z3.BoolVal(inside), _replay(layer.name, i, z3.BitVecVal(low, width), z3.BitVecVal(high, width)))


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
    yield Claim(z3.BoolVal(bias == int(layer.bias[i])), _replay(name, i, *told))


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
        yield Claim(got == nothing, _replay(name, i, nothing, got), given)
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
            yield Claim(f1 == f0 + grown, _replay(name, i, f0 + grown, f1, told), given)
            unit = self.unit(j, place)
            yield Claim(z3.Or(grown == 0, grown == unit), _replay(name, i, z3.BitVecVal(unit, width), grown))


# ---------------------------------------------------------------- delays


def delay_tasks(context: Context) -> list[Task]:
    """One part for each delay."""
    tasks = []
    for layer in context.network.layers:
        if isinstance(layer, ir.Delay):
            what = f"{layer.size} axons, {layer.steps} timesteps: for all that is in the line and comes in"
            tasks.append(Task(layer.name, what, lambda layer=layer: _delay(context, layer), "delay"))  # type: ignore[misc]
    return tasks


def _delay(context: Context, layer: ir.Delay) -> Iterator[Claim]:
    model = context.model
    before = context.before(layer).name
    stage = context.signals[before].stage
    valid = context.on("valid", stage)
    clear = context.clears(stage)
    line = context.register(f"{layer.name}__line.line")
    n = layer.size
    rows = [[z3.Extract(d * n + j, d * n + j, line) for j in range(n)] for d in reversed(range(layer.steps))]
    spikes = symbols([z3.ZeroExt(context.width - 1, t) for t in context.traced(before)])
    wide: list[np.ndarray] = [symbols([z3.ZeroExt(context.width - 1, b) for b in row]) for row in rows]
    leaving, remaining = delay_step(wide, spikes)
    for i, term in enumerate(context.traced(layer.name)):
        got, want = context.wide(layer.name, model.after(term)), leaving[i]
        yield Claim(got == want, _replay(layer.name, i, want, got), [valid])
    following = model.next[str(line)]
    for d, row in zip(reversed(range(layer.steps)), remaining, strict=True):
        for j, want in enumerate(row):
            got = z3.ZeroExt(context.width - 1, z3.Extract(d * n + j, d * n + j, following))
            yield Claim(got == want, _replay(layer.name, j, want, got), [valid, z3.Not(clear)])
    yield Claim(following == 0, _replay(layer.name, 0, z3.BitVecVal(0, line.size()), following), [clear])
    rest = _replay(layer.name, 0, line, following)
    yield Claim(following == line, rest, [z3.Not(valid), z3.Not(clear)])


# ---------------------------------------------------------------- decision


def decision_task(context: Context) -> Task:
    readout = context.network.readout
    what = f"{readout.decision_rule} of {readout.size} scores, for all scores and whatever is held; the answer's port"
    return Task(f"{readout.name}.decision", what, lambda: _decision(context, readout), "decision")


def _decision(context: Context, readout: ir.Readout) -> Iterator[Claim]:
    model, width = context.model, context.width
    key = f"{readout.name}.decision"
    stage = context.signals[key].stage - 1
    valid, first = context.on("valid", stage), context.on("first", stage)
    bounds = context.ranges[readout.name].membrane
    assert bounds is not None
    scores, given = [], [valid]
    fed: dict[str, Any] = {}
    for i, term in enumerate(context.traced(readout.name)):
        score, within = context.ranged(f"score[{i}]", int(bounds.low[i]), int(bounds.high[i]))
        scores.append(score)
        given += within
        fed |= context.shows(term, score)
    (shown,) = context.traced(key)
    held: Any = z3.BitVecVal(-1, width)
    kept = None
    name = f"{readout.name}__decision.by_class.threshold.held"
    # Beyond the scores' width a threshold is never reached, and there is no register for it.
    if readout.decision_rule == "first_to_threshold" and readout.class_threshold < 1 << context.plan.readout.width:
        kept = model.registers.get(name, z3.BitVec("held", 1))
        held = z3.If(z3.And(z3.Not(first), kept == 1), context.wide(key, shown), held)
        given.append(z3.Implies(kept == 1, z3.ULT(z3.ZeroExt(width, shown), readout.size)))
    decision, later = decide(readout, symbols([scores]), symbols([[held]]))
    want = as_term(decision[0, 0], width)
    stays = symbols_in(shown) | symbols_in(valid) | symbols_in(first) | ({} if kept is None else {str(kept): kept})

    def answered(term: Any) -> Any:
        """What a register becomes, over the scores that went into the comparison as many clocks ago as it takes."""
        for _ in range(stage - context.signals[readout.name].stage):
            term = replaced(term, {s: model.next[s] for s in symbols_in(term) if s not in stays and s in model.next})
        return replaced(term, fed)

    got = context.wide(key, answered(model.after(shown)))
    told = {f"score[{i}]": s for i, s in enumerate(scores)}
    yield Claim(got == want, _decided(readout, key, scores, held, want, got), given)
    port = model.wire(next(w for w in ("out_class", "out_logit") if w in model.wires))
    yield Claim(port == shown, _replay(key, 0, shown, port))
    following = model.after(shown)
    yield Claim(following == shown, _replay(key, 0, shown, following), [z3.Not(valid)])
    if name in model.registers and kept is not None:
        becomes = answered(model.next[str(kept)])
        right = z3.If(later[0, 0] >= 0, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))
        yield Claim(becomes == right, _replay(key, 0, right, becomes, told), given)
        yield Claim(z3.Implies(becomes == 1, later[0, 0] == got), _replay(key, 0, later[0, 0], got, told), given)
        yield Claim(z3.ULT(got, readout.size), _replay(key, 0, want, got, told), given)
        resting = _replay(key, 0, kept, model.next[str(kept)])
        yield Claim(model.next[str(kept)] == kept, resting, [z3.Not(valid)])


def _decided(
    readout: ir.Readout, key: str, scores: list[Any], held: Any, want: Any, got: Any
) -> Callable[[z3.ModelRef], Counterexample]:
    def example(model: z3.ModelRef) -> Counterexample:
        numbers = np.array([[integer(model, s) for s in scores]])
        before = np.array([[integer(model, held)]])
        decision, _ = decide(readout, numbers, before)
        lines = (f"scores {numbers[0].tolist()}, held {int(before[0, 0])}",)
        return Counterexample(key, 0, 0, int(decision[0, 0]), integer(model, got), lines)

    return example
