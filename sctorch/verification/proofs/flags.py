"""valid, first and last: what makes a sequence of clocks out of a sequence of timesteps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import z3

from sctorch.verification.proofs.context import Context
from sctorch.verification.proofs.prover import Claim, Task
from sctorch.verification.proofs.report import Counterexample

__all__ = ["flag_task"]


def flag_task(context: Context) -> Task:
    stages = context.plan.stages
    what = f"valid, first and last through {stages} stages, one clock each, from any state; rst empties them"
    return Task("flags", what, lambda: _claims(context, stages), "flags")


def _claims(context: Context, stages: int) -> Iterator[Claim]:
    model = context.model
    rst = model.inputs["rst"]
    for name in ("valid", "first", "last"):
        taken = model.inputs[f"in_{name}"]
        entering = taken & ~rst if name == "valid" else taken
        if context.network.ticks_per_step == 1:
            yield _claim(name, 0, context.flag(name, 0) == entering)
        for stage in range(stages):
            moved = model.after(context.flag(name, stage + 1))
            valid, first = context.done(stage)
            if name == "valid":
                yield _claim(name, stage + 1, moved == (valid & ~rst))
            elif name == "first":  # what a stage that is not valid says does not matter
                yield _claim(name, stage + 1, moved == first, [valid == 1, rst == 0])
            elif valid.eq(context.flag("valid", stage)):
                yield _claim(name, stage + 1, moved == context.flag(name, stage), [valid == 1, rst == 0])
        yield _claim(name, stages, model.wire(f"out_{name}") == context.flag(name, stages))
    if context.network.ticks_per_step == 1:
        yield _claim("in_ready", 0, model.wire("in_ready") == 1)
    yield _claim("trace_valid", stages, model.wire("trace_valid") == model.wire("valid"))


def _claim(name: str, stage: int, goal: Any, given: tuple[Any, ...] | list[Any] = ()) -> Claim:
    def replay(model: z3.ModelRef) -> Counterexample:
        want, got = (model.eval(t, model_completion=True).as_long() for t in reversed(goal.children()))
        return Counterexample(
            name, 0, stage, want, got, (f"{name} of stage {stage}, one clock after stage {stage - 1}",)
        )

    return Claim(goal, replay, given)
