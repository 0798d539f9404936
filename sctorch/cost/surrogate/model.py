"""The fitted model: coefficients from a file of the package, and what they say of a design's counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sctorch.cost.surrogate.features import carry_features, features, path_features, register_features

__all__ = ["COEFFICIENTS", "FEATURES", "MODELLED", "Prediction", "coefficients", "predict"]

COEFFICIENTS = Path(__file__).parent.parent / "data" / "coefficients.json"
Features = Mapping[str, tuple[float, float]]
# What is fitted -> the features that it is fitted to.
FEATURES: Mapping[str, Callable[[Mapping[str, float], str, str], Features]] = {
    "luts": features,
    "ffs": register_features,
    "carries": carry_features,
    "period_ns": path_features,
}
# Families without runs of their own take those of another, which yosys maps alike.
MODELLED = {"ice40": "ice40", "ecp5": "ecp5", "xc7": "xc7", "xcup": "xc7"}


@dataclass(frozen=True)
class Prediction:
    """value, and the share of it that nine of ten held-out networks are within. outside : what no network of the
    training set has, as sentences."""

    value: float
    within: float
    outside: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def coefficients() -> dict[str, Any]:
    """The content of the file of coefficients."""
    return json.loads(COEFFICIENTS.read_text())


def predict(what: str, tally: Mapping[str, float], architecture: str, family: str) -> Prediction | None:
    """LUTs, flip-flops, carry cells or the clock's period of a design; None where nothing was fitted.

    Parameters
    ----------
    what : of `FEATURES`. tally : of `count_unrolled` or `count_folded`. architecture : "unrolled" or "folded".
    """
    known = MODELLED[family]
    fitted = coefficients()["models"].get(f"{known}/{architecture}", {}).get(what)
    if fitted is None:
        return None
    found = FEATURES[what](tally, architecture, known)
    value = max(0.0, sum(number * fitted["each"].get(name, guess) for name, (number, guess) in found.items()))
    outside = []
    low, high = fitted["range"]
    if not low <= value <= high:
        outside.append(f"{value:.0f} {what} lie outside the {low:.0f} to {high:.0f} of the runs")
    unseen = sorted(name for name, (number, _) in found.items() if number and name not in fitted["seen"])
    if unseen:
        outside.append(f"no run has any {', '.join(unseen)}")
    if known != family:
        outside.append(f"the runs are for {known}, and {family} takes its coefficients")
    return Prediction(value, fitted["within"], tuple(outside))
