"""Encoder, delays and the decision: one clock of each, for all inputs and all random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import z3

from sctorch import ir
from sctorch.ir.simulator import decide, delay_step, encode, rate_bits
from sctorch.verification.proofs.context import Context, integer, replay_of
from sctorch.verification.proofs.prover import Claim, Task
from sctorch.verification.proofs.report import Counterexample
from sctorch.verification.proofs.symbols import as_term, symbols
from sctorch.verification.proofs.terms import replaced, symbols_in

__all__ = ["decision_task", "delay_tasks", "encoder_task"]


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
        yield Claim(got == want, replay_of(layer.name, i, want, got, shown | told), [valid])


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
        yield Claim(got == want, replay_of(layer.name, i, want, got), [valid])
    following = model.next[str(line)]
    for d, row in zip(reversed(range(layer.steps)), remaining, strict=True):
        for j, want in enumerate(row):
            got = z3.ZeroExt(context.width - 1, z3.Extract(d * n + j, d * n + j, following))
            yield Claim(got == want, replay_of(layer.name, j, want, got), [valid, z3.Not(clear)])
    yield Claim(following == 0, replay_of(layer.name, 0, z3.BitVecVal(0, line.size()), following), [clear])
    rest = replay_of(layer.name, 0, line, following)
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
    yield Claim(port == shown, replay_of(key, 0, shown, port))
    following = model.after(shown)
    yield Claim(following == shown, replay_of(key, 0, shown, following), [z3.Not(valid)])
    if name in model.registers and kept is not None:
        becomes = answered(model.next[str(kept)])
        right = z3.If(later[0, 0] >= 0, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))
        yield Claim(becomes == right, replay_of(key, 0, right, becomes, told), given)
        yield Claim(z3.Implies(becomes == 1, later[0, 0] == got), replay_of(key, 0, later[0, 0], got, told), given)
        yield Claim(z3.ULT(got, readout.size), replay_of(key, 0, want, got, told), given)
        resting = replay_of(key, 0, kept, model.next[str(kept)])
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
