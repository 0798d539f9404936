"""Claims, and the z3 that decides them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import z3

from sctorch.errors import SctorchError
from sctorch.verification.proofs.report import Counterexample, ProofPart, ProofStatus

__all__ = ["Claim", "NotCoveredError", "Task", "prover_version", "run_task", "write_task"]


class NotCoveredError(SctorchError):
    """Something of a design that no proof covers; the part that meets it is UNKNOWN."""


@dataclass(frozen=True, eq=False)
class Claim:
    """`goal` holds wherever all of `given` do; `replay` turns a model in which it does not into a counterexample.

    exact : the claim to go by if this one, which says more than it has to, does not hold.
    """

    goal: Any
    replay: Callable[[z3.ModelRef], Counterexample]
    given: Sequence[Any] = ()
    exact: Callable[[], Claim] | None = None


@dataclass(frozen=True, eq=False)
class Task:
    """One part of a proof; `claims` makes its formulas one after another, each after the one before is proved."""

    name: str
    what: str
    claims: Callable[[], Iterator[Claim]] = field(repr=False)


def prover_version() -> str:
    return f"z3 {z3.get_version_string()}"


def run_task(task: Task, timeout: float) -> ProofPart:
    """Prove a part's claims, as far as the time goes."""
    started, count = time.monotonic(), 0

    def ended(status: ProofStatus, reason: str = "", example: Counterexample | None = None) -> ProofPart:
        seconds = round(time.monotonic() - started, 2)
        return ProofPart(task.name, task.what, status, count, seconds, prover_version(), reason, example)

    try:
        for claim in task.claims():
            count += 1
            verdict, solver = _decided(claim, started + timeout)
            if verdict == z3.sat and claim.exact is not None:
                claim = claim.exact()
                verdict, solver = _decided(claim, started + timeout)
            if verdict == z3.sat and solver is not None:
                return ended(ProofStatus.FAILED, example=claim.replay(solver.model()))
            if verdict == z3.unknown:
                return ended(ProofStatus.UNKNOWN, f"no end after {timeout:g} s")
    except NotCoveredError as error:
        return ended(ProofStatus.UNKNOWN, str(error))
    if not count:
        return ended(ProofStatus.UNKNOWN, "it has no claims")
    return ended(ProofStatus.PROVED)


def _decided(claim: Claim, until: float) -> tuple[z3.CheckSatResult, z3.Solver | None]:
    """unsat if a claim holds, sat if not (then with the solver that knows where), unknown when the time is up."""
    left = until - time.monotonic()
    if left <= 0:
        return z3.unknown, None
    if z3.is_true(z3.simplify(claim.goal)):
        return z3.unsat, None
    solver = _solver(claim)
    solver.set("timeout", max(1, int(left * 1000)))
    return solver.check(), solver


def write_task(task: Task, folder: Path) -> ProofPart:
    """Write a part's claims as SMT-LIB files, each of which is to be unsatisfiable, and prove none."""
    started, count, reason = time.monotonic(), 0, ""
    place = folder / re.sub(r"[^\w.-]+", "_", task.name)
    place.mkdir(parents=True, exist_ok=True)
    try:
        for claim in task.claims():
            (place / f"{count:04d}.smt2").write_text(_solver(claim).to_smt2())
            count += 1
    except NotCoveredError as error:
        reason = str(error)
    status = ProofStatus.UNKNOWN if reason else ProofStatus.NOT_RUN
    return ProofPart(task.name, task.what, status, count, round(time.monotonic() - started, 2), "none", reason)


def _solver(claim: Claim) -> z3.Solver:
    solver = z3.SolverFor("QF_BV")
    solver.add(*claim.given, z3.Not(claim.goal))
    return solver
