"""Neurons and scores, by induction over the timesteps: for all states and all inputs within the analysed bounds.

The invariant relates a register of the RTL to the simulator's membrane m: it holds m less a constant (what an empty
membrane holds), or an empty one where a delayed reset to zero has already come. It holds after the clock that clears,
each timestep keeps it, and in between nothing moves. Bounds of m by timestep, from `ir.ranges`, are part of it: a
membrane within those of timestep t is within those of t + 1 after it, so that no register overflows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import numpy as np
import z3

from sctorch import ir
from sctorch.ir.ranges import growing, growing_scores
from sctorch.ir.rules import fire, leaked, neuron_step
from sctorch.verification.proofs.context import Context, Reading, integer
from sctorch.verification.proofs.prover import Claim, NotCoveredError, Task
from sctorch.verification.proofs.report import Counterexample
from sctorch.verification.proofs.terms import replaced

__all__ = [
    "Step",
    "as_bit",
    "bounded",
    "by_step",
    "factor_of",
    "neuron_registers",
    "neuron_tasks",
    "pick",
    "score_registers",
    "score_tasks",
]

MOST_BOUNDS = 4096  # timesteps over which the bounds may go on growing


@dataclass(frozen=True, eq=False)
class Step:
    """One timestep of one neuron or score, on symbols.

    before : the simulator's state; given : what is known of it and of the inputs; outputs : trace key -> what it is
    to show afterwards; after : the simulator's state then; held : registers by name -> what they hold for a state.
    """

    before: Any
    given: list[Any]
    outputs: dict[str, Any]
    after: Any
    held: dict[str, Callable[[Any], Any]]
    inputs: dict[str, Any]


def pick(c: Any, a: Any, b: Any) -> Any:
    if isinstance(c, bool | np.bool_):
        return a if c else b
    return z3.If(c, a, b)


def neuron_tasks(context: Context) -> list[Task]:
    """One part for each neuron layer."""
    tasks = []
    for layer in context.network.layers:
        if isinstance(layer, ir.Neuron):
            rule = f"{layer.leak.kind} leak, {layer.compare}, reset {layer.reset}" + ", delayed" * layer.reset_delay
            what = f"{layer.size} neurons ({rule}): spike and membrane for all states and inputs; no overflow"
            tasks.append(Task(layer.name, what, lambda layer=layer: _neurons(context, layer), "neuron"))  # type: ignore[misc]
    return tasks


def score_tasks(context: Context) -> list[Task]:
    """The readout's scores."""
    readout = context.network.readout
    what = f"{readout.size} scores ({readout.output_mode}): for all states and inputs; no overflow"
    return [Task(readout.name, what, lambda: _scores(context, readout), "readout")]


def neuron_registers(context: Context, layer: ir.Neuron, i: int) -> dict[str, Callable[[Any], Any]]:
    """The registers of a neuron, and what each holds for a membrane of the simulator."""
    plan = next(n for n in context.plan.neurons if n.layer is layer).membranes[i]
    threshold = int(layer.threshold[i])

    def membrane(m: Any) -> Any:
        if layer.reset == "zero" and layer.reset_delay:  # this reset has already come
            m = z3.If(fire(layer, m, threshold), m * 0, m)
        return z3.simplify(z3.Extract(plan.width - 1, 0, m - plan.offset))

    registers: dict[str, Callable[[Any], Any]] = {f"{layer.name}__{i}.mem": membrane}
    fired = f"{layer.name}__{i}.later.fired"
    # Nobody reads it where the threshold is a multiple of what the membrane's width holds, and it is gone then.
    if layer.reset == "subtract" and layer.reset_delay and fired in context.model.registers:
        registers[fired] = lambda m: as_bit(fire(layer, m, threshold), 1)
    return registers


def score_registers(context: Context, i: int) -> dict[str, Callable[[Any], Any]]:
    """The register of a score, as `neuron_registers`."""
    readout = context.plan.readout
    return {f"{readout.layer.name}__{i}.mem": lambda m: z3.simplify(z3.Extract(readout.width - 1, 0, m))}


def _neurons(context: Context, layer: ir.Neuron) -> Iterator[Claim]:
    synapse = context.before(layer)
    assert isinstance(synapse, ir.Synapse)
    current = context.ranges[synapse.name].current
    assert current is not None
    shift = layer.frac - synapse.frac
    bounds = by_step((m for _, m in growing(layer, current.shifted(shift))), context.network.num_steps)
    randoms = context.slices(f"{layer.name}__random", layer.size) if layer.leak.source is not None else None
    for i in range(layer.size):
        threshold, factor = int(layer.threshold[i]), factor_of(layer.leak, i)
        random = z3.ZeroExt(context.width - layer.leak.shift, randoms[i]) if randoms else 0
        drive, within = context.ranged(f"I of {layer.name}[{i}]", int(current.low[i]), int(current.high[i]))

        def step(low: int, high: int, i: int = i, threshold: int = threshold, factor: Any = factor,
                 random: Any = random, drive: Any = drive, within: list[Any] = within) -> Step:  # fmt: skip
            m, known = context.ranged(f"m of {layer.name}[{i}]", low, high)
            spike, after = neuron_step(layer, m, drive << shift, pick, threshold, factor, random)
            held = neuron_registers(context, layer, i)
            outputs = {layer.name: as_bit(spike, context.width), f"{layer.name}.mem": after}
            return Step(m, [*known, *within], outputs, after, held, {"I": drive, "R": random})

        def replay(
            values: dict[str, int], i: int = i, threshold: int = threshold, factor: Any = factor
        ) -> dict[str, int]:
            spike, after = neuron_step(
                layer, values["state"], values["I"] << shift, pick, threshold, factor, values["R"]
            )
            return {layer.name: int(spike), f"{layer.name}.mem": int(after)}

        yield from _induction(context, synapse.name, layer.name, i, bounds, step, replay, drive, within)


def _scores(context: Context, layer: ir.Readout) -> Iterator[Claim]:
    before = context.before(layer)
    current = context.ranges[before.name].current if isinstance(before, ir.Synapse) else None
    if isinstance(before, ir.Synapse):
        assert current is not None
        shift = layer.frac - before.frac
    else:
        shift = 0
        current = ir.ranges.Interval(np.zeros(layer.size, np.int64), np.ones(layer.size, np.int64))
    bounds = by_step(growing_scores(layer, current.shifted(shift)), context.network.num_steps)
    for i in range(layer.size):
        factor = factor_of(layer.leak, i)
        drive, within = context.ranged(f"I of {layer.name}[{i}]", int(current.low[i]), int(current.high[i]))

        def step(low: int, high: int, i: int = i, factor: Any = factor, drive: Any = drive,
                 within: list[Any] = within) -> Step:  # fmt: skip
            m, known = context.ranged(f"score of {layer.name}[{i}]", low, high)
            after = leaked(layer.leak, m, factor) + (drive << shift)
            held = score_registers(context, i)
            return Step(m, [*known, *within], {layer.name: after}, after, held, {"I": drive, "R": 0})

        def replay(values: dict[str, int], factor: Any = factor) -> dict[str, int]:
            return {layer.name: int(leaked(layer.leak, values["state"], factor) + (values["I"] << shift))}

        yield from _induction(context, before.name, layer.name, i, bounds, step, replay, drive, within)


def _induction(
    context: Context,
    source: str,
    name: str,
    i: int,
    bounds: list[ir.ranges.Interval],
    step: Callable[[int, int], Step],
    replay: Callable[[dict[str, int]], dict[str, int]],
    drive: Any,
    within: list[Any],
) -> Iterator[Claim]:
    """Base, step and rest for entry i, fed by the trace port of `source`."""
    model, stage = context.model, context.signals[source].stage
    shown = context.traced(source)[i]
    fed = context.shows(shown, drive)
    valid = context.on("valid", stage)
    clear = context.clears(stage)
    # The port that shows the input shows what the entry is fed with.
    port = context.wide(source, replaced(shown, fed))
    yield Claim(port == drive, _replay_plain(context, source, i, drive, port), within)
    yield from bounded(context, name, i, bounds, step)
    one = step(int(bounds[-2].low[i]), int(bounds[-2].high[i]))
    held = {register: context.register(register) for register in one.held}
    for register, holds in one.held.items():  # base: the clock that clears
        symbol = held[register]
        empty = holds(z3.BitVecVal(0, context.width))
        cleared = model.next[str(symbol)]
        yield Claim(cleared == empty, _replay_register(name, i, register, empty, cleared, "cleared"), [clear])
    given = {str(held[register]): holds(one.before) for register, holds in one.held.items()} | fed
    shown_after, lemmas = None, list[Any]()
    for key, want in one.outputs.items():
        got = context.wide(key, replaced(model.after(context.traced(key)[i]), given))
        yield Claim(got == want, _replay_step(key, i, one, got, replay), [*one.given, valid, *lemmas])
        lemmas.append(got == want)  # the spike decides about the reset: the membrane's claim is easier with it
        if want is one.after:
            shown_after = got
    for register, holds in one.held.items():
        got, want = replaced(model.next[str(held[register])], given), holds(one.after)
        again = _replay_register(name, i, register, want, got, "after a timestep", one)
        whole = Claim(got == want, again, [*one.given, valid, z3.Not(clear)])
        if shown_after is None:
            yield whole
        else:  # what the trace shows is the simulator's state already: the register mostly holds just that
            same = z3.simplify(got) == z3.simplify(holds(shown_after))
            yield Claim(same, again, whole.given, lambda whole=whole: whole)  # type: ignore[misc]
        got = model.next[str(held[register])]
        resting = _replay_register(name, i, register, held[register], got, "in a gap")
        yield Claim(got == held[register], resting, [z3.Not(valid), z3.Not(clear)])


def bounded(
    context: Reading, name: str, i: int, bounds: list[ir.ranges.Interval], step: Callable[[int, int], Step]
) -> Iterator[Claim]:
    """A membrane within the bounds of timestep t is within those of t + 1 after it.

    Bounds that stand still are closed: they hold of every timestep, and nothing else is needed. Timesteps over which
    they grow by the same are one claim, with t a symbol.
    """
    rows = [(int(b.low[i]), int(b.high[i])) for b in bounds]
    if rows[-1] == rows[-2]:
        rows = rows[-2:]
        zero = z3.BitVecVal(0, context.width)
        inside = z3.BoolVal(rows[0][0] <= 0 <= rows[0][1])
        yield Claim(inside, _replay_plain(context, f"{name}.mem", i, zero, zero))
    growth = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(rows)]
    t = 0
    while t < len(growth):
        run = 1 + next((k for k, d in enumerate(growth[t + 1 :]) if d != growth[t]), len(growth) - t - 1)
        (low, high), (down, up) = rows[t], growth[t]
        one = step(rows[t + run - 1][0], rows[t + run - 1][1])
        k, known = context.ranged(f"t of {name}[{i}]", 0, run - 1) if run > 1 else (0, [])
        within = [one.before >= low + k * down, one.before <= high + k * up] if run > 1 else []
        inside = z3.And(one.after >= low + k * down + down, one.after <= high + k * up + up)
        yield Claim(inside, _replay_bound(name, i, t, one), [*one.given, *known, *within])
        t += run


def by_step(bounds: Iterator[ir.ranges.Interval], steps: int) -> list[ir.ranges.Interval]:
    """Bounds after 0 .. steps timesteps; where they stop growing, two that are the same end them."""
    found: list[ir.ranges.Interval] = []
    for b in islice(bounds, steps + 1):
        if found and np.array_equal(found[-1].low, b.low) and np.array_equal(found[-1].high, b.high):
            return [*found, b]
        found.append(b)
        if len(found) > MOST_BOUNDS:
            raise NotCoveredError(f"its bounds grow for more than {MOST_BOUNDS} timesteps")
    return found if len(found) > steps else [*found, found[-1]]


def factor_of(leak: ir.Leak, i: int) -> int | None:
    return int(leak.factor[i if len(leak.factor) > 1 else 0]) if leak.scales else None


def as_bit(test: Any, width: int) -> Any:
    if isinstance(test, bool | np.bool_):
        return z3.BitVecVal(int(test), width)
    return z3.If(test, z3.BitVecVal(1, width), z3.BitVecVal(0, width))


def _replay_plain(context: Reading, key: str, i: int, want: Any, got: Any) -> Callable[[z3.ModelRef], Counterexample]:
    return lambda model: Counterexample(key, 0, i, integer(model, want), integer(model, got), ())


def _replay_bound(name: str, i: int, t: int, step: Step) -> Callable[[z3.ModelRef], Counterexample]:
    def example(model: z3.ModelRef) -> Counterexample:
        before, after = integer(model, step.before), integer(model, step.after)
        line = f"a membrane of {before} leaves the bounds of timestep {t + 1}: it becomes {after}"
        return Counterexample(f"{name}.mem", t, i, before, after, (line,))

    return example


def _values(model: z3.ModelRef, step: Step) -> dict[str, int]:
    found = {k: integer(model, v) if isinstance(v, z3.ExprRef) else int(v) for k, v in step.inputs.items()}
    return {"state": integer(model, step.before)} | found


def _replay_step(
    key: str, i: int, step: Step, got: Any, replay: Callable[[dict[str, int]], dict[str, int]]
) -> Callable[[z3.ModelRef], Counterexample]:
    def example(model: z3.ModelRef) -> Counterexample:
        values = _values(model, step)
        outcome = replay(values)
        lines = (
            f"before the timestep: state {values['state']}, current {values['I']}, R {values['R']}",
            "after it, in the simulator: " + ", ".join(f"{k} {v}" for k, v in outcome.items()),
        )
        return Counterexample(key, 0, i, outcome[key], integer(model, got), lines)

    return example


def _replay_register(
    name: str, i: int, register: str, want: Any, got: Any, when: str, step: Step | None = None
) -> Callable[[z3.ModelRef], Counterexample]:
    def example(model: z3.ModelRef) -> Counterexample:
        numbers = [integer(model, t, signed=False) for t in (want, got)]
        lines = [f"register {register}, {when}: holds {numbers[1]} where the simulator's state asks for {numbers[0]}"]
        if step is not None:
            values = _values(model, step)
            lines.insert(0, f"before: state {values['state']}, current {values['I']}, R {values['R']}")
        return Counterexample(name, 0, i, numbers[0], numbers[1], tuple(lines))

    return example
