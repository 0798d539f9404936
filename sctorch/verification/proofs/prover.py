"""Claims, and the z3 that decides them.

Formulas that differ in nothing but their symbols' names are one formula: it is proved once (`Known`).
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import z3

from sctorch.errors import SctorchError
from sctorch.verification.proofs.report import Counterexample, ProofPart, ProofStatus
from sctorch.verification.proofs.terms import symbols_in

__all__ = ["Claim", "Known", "NotCoveredError", "Task", "prover_version", "run_task", "write_task"]


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
    """One part of a proof; `claims` makes its formulas one after another, each after the one before is proved.

    kind : what parts like this one are called together, such as "neuron".
    later : what a claim assumes of the design's control, some clocks on, so that a flag that never comes is seen.
    """

    name: str
    what: str
    claims: Callable[[], Iterator[Claim]] = field(repr=False)
    kind: str
    later: Callable[[Sequence[Any]], Any] = field(default=lambda given: z3.And(*given), repr=False)


class Known:
    """Formulas that are proved, with their symbols named anew; and what claims assume that can hold."""

    def __init__(self) -> None:
        self.formulas: dict[int, Any] = {}  # by z3's number of the formula, which lives as long as it is here
        self.possible: dict[int, Any] = {}

    def __contains__(self, formula: Any) -> bool:
        return formula.get_id() in self.formulas

    def add(self, formula: Any) -> None:
        self.formulas[formula.get_id()] = formula


def _renamed(formula: Any) -> Any:
    """A formula with its symbols named by their places among its sorted names, so that neurons alike give one."""
    names = symbols_in(formula)
    plain = sorted(names, key=lambda name: (re.sub(r"\d+", "", name), name))
    pairs = [(names[name], z3.Const(f"symbol {i}", names[name].sort())) for i, name in enumerate(plain)]
    return z3.simplify(z3.substitute(formula, *pairs)) if pairs else formula


def prover_version() -> str:
    return f"z3 {z3.get_version_string()}"


def run_task(task: Task, timeout: float, known: Known | None = None) -> ProofPart:
    """Prove a part's claims, as far as the time goes. known : formulas proved before, to which its own are added."""
    known = Known() if known is None else known
    started, count = time.monotonic(), 0

    def ended(status: ProofStatus, reason: str = "", example: Counterexample | None = None) -> ProofPart:
        seconds = round(time.monotonic() - started, 2)
        return ProofPart(task.name, task.what, status, count, seconds, prover_version(), reason, example)

    try:
        for claim in task.claims():
            count += 1
            verdict, solver = _decided(claim, started + timeout, known)
            if verdict == z3.sat and claim.exact is not None:
                claim = claim.exact()
                verdict, solver = _decided(claim, started + timeout, known)
            if verdict == z3.sat and solver is not None:
                return ended(ProofStatus.FAILED, example=claim.replay(solver.model()))
            if verdict == z3.unsat and claim.given:
                verdict = _possible(task.later(claim.given), started + timeout, known)
            if verdict == z3.unknown:
                return ended(ProofStatus.UNKNOWN, f"no end after {timeout:g} s")
    except NotCoveredError as error:
        return ended(ProofStatus.UNKNOWN, str(error))
    if not count:
        return ended(ProofStatus.UNKNOWN, "it has no claims")
    return ended(ProofStatus.PROVED)


def _decided(claim: Claim, until: float, known: Known) -> tuple[z3.CheckSatResult, z3.Solver | None]:
    """unsat if a claim holds, sat if not (then with the solver that knows where), unknown when the time is up."""
    left = until - time.monotonic()
    if left <= 0:
        return z3.unknown, None
    if z3.is_true(z3.simplify(claim.goal)):
        return z3.unsat, None
    formula = _renamed(z3.And(*claim.given, z3.Not(claim.goal)))
    if formula in known and not z3.is_false(formula):  # what is false at once may be so by what it assumes
        return z3.unsat, None
    solver = _solver(claim)
    solver.set("timeout", max(1, int(left * 1000)))
    verdict = solver.check()
    if verdict == z3.unsat:
        if claim.given and _possible(z3.And(*claim.given), until, known) == z3.unknown:
            return z3.unknown, None
        known.add(formula)
    return verdict, solver


def _possible(term: Any, until: float, known: Known) -> z3.CheckSatResult:
    """sat if what claims assume can hold, unknown when the time is up; where it never does they say nothing.

    Asked once of terms that differ in nothing but their symbols' names.
    """
    if term.get_id() in known.possible:
        return z3.sat
    formula = _renamed(term)
    if formula.get_id() not in known.possible:
        left = until - time.monotonic()
        if left <= 0:
            return z3.unknown
        solver = z3.SolverFor("QF_BV")
        solver.set("timeout", max(1, int(left * 1000)))
        solver.add(formula)
        if (verdict := solver.check()) == z3.unknown:
            return verdict
        if verdict == z3.unsat:
            raise NotCoveredError("what it assumes never holds")
    known.possible |= {each.get_id(): each for each in (term, formula)}
    return z3.sat


def write_task(task: Task, folder: Path) -> ProofPart:
    """Write a part's claims as SMT-LIB files, each of which is to be unsatisfiable, and prove none.

    The part's folder then holds these files alone, whatever an earlier run left there.
    """
    started, count, reason = time.monotonic(), 0, ""
    place = folder / re.sub(r"[^\w.-]+", "_", task.name)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as scratch:
        new = Path(scratch) / place.name
        new.mkdir()
        try:
            for claim in task.claims():
                (new / f"{count:04d}.smt2").write_text(_solver(claim).to_smt2())
                count += 1
        except NotCoveredError as error:
            reason = str(error)
        if place.exists():
            place.rename(Path(scratch) / "old")
        new.rename(place)
    status = ProofStatus.UNKNOWN if reason else ProofStatus.NOT_RUN
    return ProofPart(task.name, task.what, status, count, round(time.monotonic() - started, 2), "none", reason)


def _solver(claim: Claim) -> z3.Solver:
    solver = z3.SolverFor("QF_BV")
    solver.add(*claim.given, z3.Not(claim.goal))
    return solver
