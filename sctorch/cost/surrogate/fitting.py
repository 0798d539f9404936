"""Fits the model to the package's runs: python -m sctorch.cost.surrogate.fitting [--check].

Each figure is a sum of features times coefficients that are not negative, fitted for each family and architecture so
that the squared relative errors are least. A coefficient is drawn towards its first guess, what the part ought to
cost; the more so the fewer networks have that part. Errors are those of networks that were held out: ten times a tenth
of the networks, with all their targets.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from sctorch.cost.structure.tally import Tally
from sctorch.cost.surrogate.model import COEFFICIENTS, FEATURES
from sctorch.cost.surrogate.table import Run, counted, read_runs

__all__ = ["COMMAND", "Held", "fit", "held_out"]

COMMAND = "python -m sctorch.cost.surrogate.fitting"
FOLDS = 10
DRAW = {"luts": 0.2, "ffs": 0.1, "carries": 0.1, "period_ns": 0.2}
ROUNDS, LARGE = 6, 0.08  # errors above LARGE count as their size and not as its square, so that odd ones do not rule
SMALLEST = 200  # LUTs of the runs that count; in smaller designs single gates do


@dataclass(frozen=True)
class Held:
    """What was measured of some runs, and what a model said that was fitted without their networks."""

    what: str
    runs: tuple[Run, ...]
    measured: np.ndarray
    predicted: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """Relative errors."""
        return self.predicted / self.measured - 1


def _measured(what: str, run: Run) -> float | None:
    if run.luts < SMALLEST:
        return None
    if what == "period_ns":
        return 1000 / run.fmax_mhz if run.fmax_mhz else None
    return float({"luts": run.luts, "ffs": run.ffs, "carries": run.carries}[what]) or None


def _matrix(what: str, runs: list[Run], tallies: list[Tally]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of the features, their numbers [runs, features], and the first guesses."""
    rows = [FEATURES[what](t, r.architecture, r.family) for r, t in zip(runs, tallies, strict=True)]
    guesses = {name: guess for row in rows for name, (_, guess) in row.items()}
    names = sorted(guesses)
    numbers = np.array([[row.get(name, (0.0, 0.0))[0] for name in names] for row in rows])
    return names, numbers, np.array([guesses[name] for name in names])


def solve(numbers: np.ndarray, measured: np.ndarray, guesses: np.ndarray, draw: float) -> np.ndarray:
    """Coefficients that are not negative: the least squares of relative errors, drawn towards the guesses."""
    from sklearn.linear_model import LinearRegression

    scale = np.maximum(guesses, 1e-3)
    scale = scale * np.median(measured / (numbers @ scale))  # as the guesses are wrong alike
    weight = np.ones(len(measured))
    shares = numbers * scale / measured[:, None]
    for _ in range(ROUNDS):
        rows = np.vstack([shares * weight[:, None], draw * np.eye(len(scale))])
        wanted = np.concatenate([weight, np.full(len(scale), draw)])
        fitted = LinearRegression(fit_intercept=False, positive=True).fit(rows, wanted).coef_
        weight = np.sqrt(np.minimum(1.0, LARGE / np.maximum(np.abs(shares @ fitted - 1), 1e-9)))
    return fitted * scale


def _groups(runs: tuple[Run, ...], tallies: list[Tally], what: str) -> dict[str, tuple[list[Run], list[Tally]]]:
    groups: dict[str, tuple[list[Run], list[Tally]]] = {}
    for run, tally in zip(runs, tallies, strict=True):
        if _measured(what, run) is not None:
            mine = groups.setdefault(f"{run.family}/{run.architecture}", ([], []))
            mine[0].append(run)
            mine[1].append(tally)
    return groups


def held_out(runs: tuple[Run, ...], tallies: list[Tally]) -> dict[str, dict[str, Held]]:
    """What -> family/architecture -> every run, predicted by a model that has not seen its network."""
    found: dict[str, dict[str, Held]] = {}
    for what in FEATURES:
        for group, (mine, counts) in sorted(_groups(runs, tallies, what).items()):
            _, numbers, guesses = _matrix(what, mine, counts)
            measured = np.array([_measured(what, run) or 0.0 for run in mine])
            fold = np.array([run.seed % FOLDS for run in mine])
            predicted = np.zeros(len(mine))
            for k in range(FOLDS):
                out = fold == k
                if out.any() and not out.all():
                    each = solve(numbers[~out], measured[~out], guesses, DRAW[what])
                    predicted[out] = numbers[out] @ each
            found.setdefault(what, {})[group] = Held(what, tuple(mine), measured, predicted)
    return found


def fit(runs: tuple[Run, ...], tallies: list[Tally]) -> dict[str, Any]:
    """The content of the file of coefficients."""
    models: dict[str, Any] = {}
    held = held_out(runs, tallies)
    for what in FEATURES:
        for group, (mine, counts) in sorted(_groups(runs, tallies, what).items()):
            names, numbers, guesses = _matrix(what, mine, counts)
            measured = np.array([_measured(what, run) or 0.0 for run in mine])
            each = solve(numbers, measured, guesses, DRAW[what])
            errors = np.abs(held[what][group].errors)
            models.setdefault(group, {})[what] = {
                "networks": len({run.seed for run in mine}),
                "each": {name: float(f"{value:.4g}") for name, value in zip(names, each, strict=True)},
                "seen": [name for name, column in zip(names, numbers.T, strict=True) if column.any()],
                "range": [float(f"{v:.4g}") for v in (measured.min(), measured.max())],
                "within": float(f"{np.quantile(errors, 0.9):.3g}"),
                "held_out": {
                    "mean": float(f"{errors.mean():.3g}"),
                    "worst": float(f"{errors.max():.3g}"),
                },
            }
    return {"fitted_by": COMMAND, "runs": len(runs), "networks": len({r.seed for r in runs}), "models": models}


def as_text(fitted: dict[str, Any]) -> str:
    """The file's text."""
    return json.dumps(fitted, indent=1) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the file would change")
    asked = parser.parse_args()
    runs = read_runs()
    text = as_text(fit(runs, counted(runs)))
    if asked.check:
        same = text == COEFFICIENTS.read_text()
        print("the coefficients are those of the table" if same else f"refit them: {COMMAND}")
        return 0 if same else 1
    COEFFICIENTS.write_text(text)
    for group, model in sorted(json.loads(text)["models"].items()):
        told = [
            f"{w} {100 * m['held_out']['mean']:.1f} % (worst {100 * m['held_out']['worst']:.0f} %)"
            for w, m in model.items()
        ]
        print(f"{group}: {model['luts']['networks']} networks; {', '.join(told)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
