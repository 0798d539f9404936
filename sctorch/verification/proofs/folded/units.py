"""Neurons and readout of a folded design: one timestep of a whole layer, from the clock that hands its currents over.

A unit begins at rest and is run clock by clock until it offers what it made; membranes and scores in its memory, the
currents, `first` and the random numbers of a leak are free. By induction over timesteps as for the unrolled design
(`neurons.py`): a window's first timestep takes every membrane as 0, and each one leaves the simulator's in the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import z3

from sctorch import ir
from sctorch.backends.verilog.ports import answer_port
from sctorch.ir.ranges import Interval, growing, growing_scores
from sctorch.ir.rules import leaked, neuron_step
from sctorch.ir.simulator import decide
from sctorch.verification.proofs.context import integer
from sctorch.verification.proofs.folded.context import FoldedContext, Machine, constant
from sctorch.verification.proofs.neurons import Step, as_bit, bounded, by_step, factor_of, pick
from sctorch.verification.proofs.prover import Claim, NotCoveredError, Task
from sctorch.verification.proofs.report import Counterexample
from sctorch.verification.proofs.symbols import as_term, extended, symbols

__all__ = ["neuron_tasks", "neuron_wires", "readout_task", "readout_wires", "weight_memories"]


def neuron_wires(context: FoldedContext) -> list[str]:
    """What is free while neurons are proved: what comes to them, and whether the next one has room."""
    wires = []
    for layer in context.network.layers[1:]:
        name = layer.name
        if isinstance(layer, ir.Synapse):
            wires += [f"{name}__load", f"{name}__load_first", f"{name}__load_last", f"{name}__sums"]
        elif isinstance(layer, ir.Neuron):
            wires += [f"{name}__ready", *([f"{name}__random"] if layer.leak.source is not None else [])]
    return wires


def readout_wires(context: FoldedContext) -> list[str]:
    """What is free while the readout is proved: what comes to it, be it currents or spikes."""
    readout = context.network.readout
    before = context.before(readout)
    name, what = (before.name, "sums") if isinstance(before, ir.Synapse) else (readout.name, "currents")
    return [f"{name}__load", f"{name}__load_first", f"{name}__load_last", f"{name}__{what}"]


def weight_memories(context: FoldedContext) -> list[str]:
    """What no unit needs: the weights."""
    return [f"{layer.name}__weights__memory" for layer in context.network.synapses]


def _within(context: FoldedContext) -> str:
    """Weights that are loaded may bring larger currents than those that the proof is about."""
    return " within the bounds of the exported network's weights, no others" if context.plan.loadable else ""


def neuron_tasks(context: FoldedContext) -> list[Task]:
    """One part for each neuron layer; `context` is read with `neuron_wires` free."""
    tasks = []
    for layer in context.network.layers:
        if isinstance(layer, ir.Neuron):
            rule = f"{layer.leak.kind} leak, {layer.compare}, reset {layer.reset}" + ", delayed" * layer.reset_delay
            what = f"{layer.size} neurons ({rule}), a timestep of all: for all states and inputs{_within(context)}"
            what += "; no overflow"
            tasks.append(Task(layer.name, what, lambda layer=layer: _neurons(context, layer), "neuron"))  # type: ignore[misc]
    return tasks


def readout_task(context: FoldedContext) -> Task:
    """Scores and decision; `context` is read with `readout_wires` free."""
    readout = context.network.readout
    rule = f"{readout.size} scores ({readout.output_mode}) and {readout.decision_rule}"
    what = f"{rule}: for all states and inputs{_within(context)}; the answer's ports"
    return Task(readout.name, what, lambda: _readout(context, readout), "readout")


@dataclass(frozen=True, eq=False)
class _Unit:
    """A unit's run from rest: `load` comes in clock 0, and what it made is there in clock `end`.

    first : whether the timestep is its window's first. marks : wires that say at the end whether it is the first or the
    last one, and what was loaded with it. currents, before : of every entry, what comes and what is kept,
    as integers. given : what is known of them.
    """

    context: FoldedContext
    machine: Machine
    prefix: str
    memory: str
    lanes: int
    bits: int
    end: int
    first: Any
    marks: dict[str, Any]
    currents: list[Any]
    before: list[Any]
    given: list[list[Any]]

    def kept(self, i: int, clock: int) -> Any:
        """What the memory holds of an entry, as wide as it is there."""
        return _slice(self.machine, self.memory, i, self.lanes, self.bits, clock)


def _slice(machine: Machine, memory: str, i: int, lanes: int, bits: int, clock: int) -> Any:
    place, lane = divmod(i, lanes)
    register = machine.model.registers.get(f"{memory}[{place}]")
    if register is None or register.size() != lanes * bits:
        raise NotCoveredError(f"yosys took the memory {memory} apart")
    word = machine.value(register, clock)
    return z3.simplify(z3.Extract((lane + 1) * bits - 1, lane * bits, word))


def _rest(context: FoldedContext, prefix: str, groups: int, place: str) -> dict[str, Any]:
    """The control of a unit that waits for its next timestep."""
    values = dict.fromkeys(("run", "go1", "go2", "go3", "valid"), 0) | {place: groups - 1}
    registers = {what: context.model.registers.get(f"{prefix}.{what}") for what in values}
    return {
        r.decl().name(): z3.BitVecVal(values[what], r.size()) for what, r in registers.items() if r is not None
    }  # fmt: skip


def _loaded(
    context: FoldedContext, layer: ir.Neuron | ir.Readout, lanes: int, bits: int, shift: int, current: Interval,
    bounds: Interval,
) -> _Unit:  # fmt: skip
    """Run a unit. current, bounds : of what comes, and of what is kept."""
    model, name, width = context.model, layer.name, context.width
    before = context.before(layer)
    synapse = isinstance(before, ir.Synapse)
    source = before.name if synapse else name
    neuron = isinstance(layer, ir.Neuron)
    prefix = f"{name}__neurons" if neuron else f"{name}__readout"
    memory = f"{prefix}.{'membranes' if neuron else 'scores'}"
    rest = _rest(context, prefix, -(-layer.size // lanes), "group" if neuron else "place")
    load, first = model.wire(f"{source}__load"), model.wire(f"{source}__load_first")
    machine = Machine(model, lambda clock: {"rst": z3.BitVecVal(0, 1)})
    machine.memory |= {(register, 0): value for register, value in rest.items()}
    most = layer.size + 16
    for clock in range(most):
        machine.memory[load.decl().name(), clock] = z3.BitVecVal(int(clock == 0), 1)
    offered = model.wire(f"{name}__valid" if neuron else "out_valid")
    end = next((c for c in range(1, most) if constant(machine.at(offered, c)) != 0), most)
    if constant(machine.at(offered, end)) != 1:
        raise NotCoveredError("it never offers a timestep, or when depends on what is in it")
    coming = machine.at(model.wire(f"{source}__sums" if synapse else f"{source}__currents"), 0)
    each = coming.size() // layer.size
    slices = [z3.Extract((i + 1) * each - 1, i * each, coming) for i in range(layer.size)]
    currents = [extended(z3.simplify(s), width, synapse) for s in slices]
    opens = machine.at(first, 0)
    shown = name if neuron else "out"
    marks = {f"{shown}_{'_' * neuron}{what}": model.wire(f"{source}__load_{what}") for what in ("first", "last")}
    kept = [_slice(machine, memory, i, lanes, bits, 0) for i in range(layer.size)]
    states, given = [], []
    for i in range(layer.size):
        state = extended(kept[i], width, True)
        inside = z3.And(state >= int(bounds.low[i]), state <= int(bounds.high[i]))
        within = [currents[i] >= int(current.low[i]), currents[i] <= int(current.high[i])]
        states.append(z3.If(opens == 1, z3.BitVecVal(0, width), state))
        given.append([z3.Or(opens == 1, inside), *within])
    return _Unit(context, machine, prefix, memory, lanes, bits, end, opens, marks, currents, states, given)


def _marked(unit: _Unit, key: str) -> Iterator[Claim]:
    """The first and the last timestep of a window are marked as they were when they came."""
    for wire, loaded in unit.marks.items():
        want, got = unit.machine.at(loaded, 0), unit.machine.at(unit.context.model.wire(wire), unit.end)
        yield Claim(got == want, _replay(key, 0, want, got, {wire: got}))


def _neurons(context: FoldedContext, layer: ir.Neuron) -> Iterator[Claim]:
    synapse = context.before(layer)
    assert isinstance(synapse, ir.Synapse)
    current = context.ranges[synapse.name].current
    assert current is not None
    shift, width, name = layer.frac - synapse.frac, context.width, layer.name
    plan = next(n for n in context.plan.neurons if n.layer is layer)
    bounds = by_step((m for _, m in growing(layer, current.shifted(shift))), context.network.num_steps)
    unit = _loaded(context, layer, plan.lanes, plan.width, shift, current, bounds[-2])
    machine, model = unit.machine, context.model
    for i in range(layer.size):
        threshold, factor = int(layer.threshold[i]), factor_of(layer.leak, i)
        random: Any = 0
        if layer.leak.source is not None:  # that of the group visited in the clock before
            place, lane = divmod(i, plan.lanes)
            shown = machine.at(model.wire(f"{name}__random"), plan.groups - place + 1)
            bits = layer.leak.shift
            random = z3.ZeroExt(width - bits, z3.Extract((lane + 1) * bits - 1, lane * bits, shown))

        def step(low: int, high: int, i: int = i, threshold: int = threshold, factor: Any = factor,
                 random: Any = random) -> Step:  # fmt: skip
            m, known = context.ranged(f"m of {name}[{i}]", low, high)
            drive, within = context.ranged(f"I of {name}[{i}]", int(current.low[i]), int(current.high[i]))
            _, after = neuron_step(layer, m, drive << shift, pick, threshold, factor, random)
            return Step(m, [*known, *within], {}, after, {}, {"I": drive, "R": random})

        yield from bounded(context, name, i, bounds, step)
        m, drive = unit.before[i], unit.currents[i]
        spike, after = neuron_step(layer, m, drive << shift, pick, threshold, factor, random)
        told = {"first": unit.first, "membrane": m, "current": drive, "R": as_term(random, width)}
        lemmas: list[Any] = []
        for key, want in ((name, as_bit(spike, width)), (f"{name}.mem", after)):
            got = context.wide(key, machine.at(context.traced(key)[i], unit.end))
            yield Claim(got == want, _replay(key, i, want, got, told), [*unit.given[i], *lemmas])
            lemmas.append(got == want)
        kept = extended(unit.kept(i, unit.end), width, True)
        yield Claim(kept == after, _replay(f"{name}.mem", i, after, kept, told), [*unit.given[i], *lemmas])
    yield from _marked(unit, name)
    yield from _waits(context, unit, layer, plan.groups)


def _waits(context: FoldedContext, unit: _Unit, layer: ir.Neuron, groups: int) -> Iterator[Claim]:
    """What is offered stays until it is taken; then the unit is at rest."""
    model, name = context.model, layer.name
    ready = model.wire(f"{name}__ready").decl().name()
    rest = _rest(context, unit.prefix, groups, "group")
    valid = model.registers[f"{unit.prefix}.valid"].decl().name()
    for taken in (0, 1):
        machine = Machine(model, unit.machine.ports, dict(unit.machine.memory))
        machine.memory[ready, unit.end] = z3.BitVecVal(taken, 1)
        for register, value in rest.items():
            want = z3.BitVecVal(1 - taken, 1) if register == valid else value
            got = machine.value(model.symbol(register), unit.end + 1)
            yield Claim(got == want, _replay(name, 0, want, got, {"taken": z3.BitVecVal(taken, 1)}))
        for i in range(layer.size):
            term = context.traced(name)[i]
            now, later = machine.at(term, unit.end), machine.at(term, unit.end + 1)
            yield Claim(now == later, _replay(name, i, now, later, {}))
            now = unit.kept(i, unit.end)
            later = _slice(machine, unit.memory, i, unit.lanes, unit.bits, unit.end + 1)
            yield Claim(now == later, _replay(f"{name}.mem", i, now, later, {}))


def _readout(context: FoldedContext, layer: ir.Readout) -> Iterator[Claim]:
    before, width, name, plan = context.before(layer), context.width, layer.name, context.plan.readout
    current = context.ranges[before.name].current if isinstance(before, ir.Synapse) else None
    if current is None:
        current = Interval(np.zeros(layer.size, np.int64), np.ones(layer.size, np.int64))
    bounds = by_step(growing_scores(layer, current.shifted(plan.shift)), context.network.num_steps)
    unit = _loaded(context, layer, 1, plan.width, plan.shift, current, bounds[-2])
    machine, scores = unit.machine, []
    every: list[Any] = [fact for given in unit.given for fact in given]
    for i in range(layer.size):
        factor = factor_of(layer.leak, i)

        def step(low: int, high: int, i: int = i, factor: Any = factor) -> Step:
            m, known = context.ranged(f"score of {name}[{i}]", low, high)
            drive, within = context.ranged(f"I of {name}[{i}]", int(current.low[i]), int(current.high[i]))
            after = leaked(layer.leak, m, factor) + (drive << plan.shift)
            return Step(m, [*known, *within], {}, after, {}, {"I": drive, "R": 0})

        yield from bounded(context, name, i, bounds, step)
        m, drive = unit.before[i], unit.currents[i]
        want = leaked(layer.leak, m, factor) + (drive << plan.shift)
        told = {"first": unit.first, "score": m, "current": drive}
        shown = context.wide(name, machine.at(context.traced(name)[i], unit.end))
        kept = extended(unit.kept(i, unit.end), width, True)
        for got in (shown, kept):
            yield Claim(got == want, _replay(name, i, want, got, told), unit.given[i])
        scores.append(shown)
    yield from _marked(unit, name)
    yield from _decision(context, layer, unit, scores, every)


def _decision(
    context: FoldedContext, layer: ir.Readout, unit: _Unit, scores: list[Any], given: list[Any]
) -> Iterator[Claim]:
    """The decision over the scores that the unit shows beside it."""
    key, machine, model = f"{layer.name}.decision", unit.machine, context.model
    (shown,) = context.traced(key)
    before = context.wide(key, machine.at(shown, 0))
    register = model.registers.get(f"{unit.prefix}.by_class.threshold.held")
    held: Any = z3.BitVecVal(-1, context.width)
    given = list(given)
    # Beyond the scores' width a threshold is never reached, and nothing is held.
    reachable = layer.class_threshold < 1 << (context.plan.readout.width - 1)
    holds = layer.decision_rule == "first_to_threshold" and reachable
    if holds:
        kept = z3.BitVec("held", 1) if register is None else machine.value(register, 0)
        held = z3.If(z3.And(unit.first == 0, kept == 1), before, held)
        given.append(z3.Implies(kept == 1, z3.And(before >= 0, before < layer.size)))
    decision, later = decide(layer, symbols([scores]), symbols([[held]]))
    want, got = as_term(decision[0, 0], context.width), context.wide(key, machine.at(shown, unit.end))
    told = {f"score[{i}]": score for i, score in enumerate(scores)}
    yield Claim(got == want, _replay(key, 0, want, got, told), given)
    port, answer = machine.at(model.wire(answer_port(context.network)[0]), unit.end), machine.at(shown, unit.end)
    yield Claim(port == answer, _replay(key, 0, answer, port, told))
    if holds and register is not None:
        becomes = machine.value(register, unit.end)
        right = z3.If(later[0, 0] >= 0, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))
        yield Claim(becomes == right, _replay(key, 0, right, becomes, told), given)
        yield Claim(z3.Implies(becomes == 1, later[0, 0] == got), _replay(key, 0, later[0, 0], got, told), given)


def _replay(key: str, i: int, want: Any, got: Any, told: dict[str, Any]) -> Callable[[z3.ModelRef], Counterexample]:
    def example(model: z3.ModelRef) -> Counterexample:
        lines = tuple(f"{what} = {integer(model, term)}" for what, term in told.items())
        return Counterexample(key, 0, i, integer(model, want), integer(model, got), lines)

    return example
