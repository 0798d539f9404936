"""Scaling of raw features to [0, 1], the range that the encoders take: fitted once, then plain numbers.

A fitted scaling says with `to_dict` all that software beside the hardware needs in order to make
the same features; values outside what was seen while fitting are clipped to 0 or 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from sklearn.preprocessing import QuantileTransformer

from sctorch.checks import check_choice, check_number, check_range
from sctorch.errors import ConfigError, ShapeError

__all__ = [
    "SCALINGS", "LinearScaling", "NoScaling", "QuantileScaling", "Scaling", "fit_scaling", "from_dict", "to_dict",
]  # fmt: skip

SCALINGS = ("none", "linear", "quantile")


@dataclass(frozen=True)
class NoScaling:
    """Features are used as they are (and must lie in [0, 1])."""

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(1), np.ones(1)

    def transform(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x, np.float32)


@dataclass(frozen=True)
class LinearScaling:
    """(x - low) / (high - low) per feature, clipped to [0, 1]; a feature with low = high becomes 0.

    Parameters
    ----------
    low, high : one number per feature, low <= high.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_numbers(self.low, "LinearScaling: low")
        _check_numbers(self.high, "LinearScaling: high")
        if len(self.low) != len(self.high) or any(a > b for a, b in zip(self.low, self.high, strict=True)):
            raise ConfigError("LinearScaling: low and high must have one number per feature each, low <= high")

    @classmethod
    def fit(cls, x: np.ndarray, percentiles: tuple[float, float] = (0.0, 100.0)) -> LinearScaling:
        """From the given percentiles of each feature; (0, 100) are the minimum and the maximum."""
        _check_percentiles(percentiles)
        low, high = np.percentile(_finite(x), percentiles, axis=0)
        return cls(tuple(low.tolist()), tuple(high.tolist()))

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest value per feature that is not clipped."""
        return np.array(self.low), np.array(self.high)

    def transform(self, x: np.ndarray) -> np.ndarray:
        """float32 [N, n] in [0, 1]."""
        x = _sized(x, len(self.low))
        low, width = np.array(self.low), np.subtract(self.high, self.low)
        return np.divide(x - low, width, out=np.zeros_like(x), where=width > 0).clip(0, 1).astype(np.float32)


@dataclass(frozen=True)
class QuantileScaling:
    """The share of fitted values below x, per feature, by straight lines between quantiles.

    It spreads every feature evenly over [0, 1], so that an encoder of few bits loses little of a
    distribution with long tails. Equals scikit-learn's QuantileTransformer.

    Parameters
    ----------
    quantiles : per feature, its values at evenly spaced shares from 0 to 1, not falling.
    """

    quantiles: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        if not isinstance(self.quantiles, tuple | list):
            raise ConfigError(f"QuantileScaling: quantiles = {self.quantiles!r} must be a list of numbers per feature")
        for j, values in enumerate(self.quantiles):
            _check_numbers(values, f"QuantileScaling: quantiles[{j}]")
        if len({len(values) for values in self.quantiles}) != 1 or len(self.quantiles[0]) < 2:
            raise ConfigError("QuantileScaling: quantiles needs the same number of values, at least 2, per feature")
        if (np.diff(self.quantiles, axis=1) < 0).any():
            raise ConfigError("QuantileScaling: the quantiles of a feature must not fall")

    @classmethod
    def fit(cls, x: np.ndarray, n_quantiles: int = 129) -> QuantileScaling:
        x = _finite(x)
        check_range(n_quantiles, 2, None, "n_quantiles")
        fitted = QuantileTransformer(n_quantiles=min(n_quantiles, max(2, len(x))), subsample=max(2, len(x))).fit(x)
        return cls(tuple(tuple(column) for column in fitted.quantiles_.T.tolist()))

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest value per feature that is not clipped."""
        values = np.array(self.quantiles)
        return values[:, 0], values[:, -1]

    def transform(self, x: np.ndarray) -> np.ndarray:
        """float32 [N, n] in [0, 1]."""
        x = _sized(x, len(self.quantiles))
        shares = np.linspace(0, 1, len(self.quantiles[0]))
        result = np.empty(x.shape, np.float32)
        for j, values in enumerate(self.quantiles):
            # A value that many rows share spans several quantiles; from both sides, then the middle.
            up = np.interp(x[:, j], values, shares)
            down = np.interp(-x[:, j], -np.array(values)[::-1], -shares[::-1])
            result[:, j] = np.clip((up - down) / 2, 0, 1)
            # As scikit-learn: the ends of the range are 0 and 1 even when many rows share them.
            result[x[:, j] >= values[-1], j] = 1
            result[x[:, j] <= values[0], j] = 0
        return result


Scaling: TypeAlias = NoScaling | LinearScaling | QuantileScaling
_KINDS: dict[str, type[Any]] = {"none": NoScaling, "linear": LinearScaling, "quantile": QuantileScaling}


def fit_scaling(
    kind: str, x: np.ndarray, percentiles: tuple[float, float] = (0.0, 100.0), n_quantiles: int = 129
) -> Scaling:
    """Fit "none", "linear" or "quantile" to raw features [N, n], those of the training rows alone.

    Raises
    ------
    ConfigError
        For an unknown kind, or features that are not finite.
    """
    check_choice(kind, SCALINGS, "scaling")
    _check_percentiles(percentiles)
    check_range(n_quantiles, 2, None, "n_quantiles")
    if kind == "linear":
        return LinearScaling.fit(x, percentiles)
    if kind == "quantile":
        return QuantileScaling.fit(x, n_quantiles)
    return NoScaling()


def to_dict(scaling: Scaling) -> dict[str, Any]:
    """Plain lists and numbers, for JSON."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(scaling, cls))
    return {"kind": kind, **vars(scaling)}


def from_dict(data: Mapping[str, Any]) -> Scaling:
    """The scaling that `to_dict` described, also after a way through JSON."""
    try:
        fields = {name: _tuples(value) for name, value in data.items() if name != "kind"}
        return _KINDS[data["kind"]](**fields)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise ConfigError(f"not a scaling: {error}; expected kind ({', '.join(SCALINGS)}) and its fields") from error


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, (list, tuple)) else float(value)


def _check_numbers(values: object, what: str) -> None:
    if not isinstance(values, tuple | list):
        raise ConfigError(f"{what} = {values!r} must be a list of numbers")
    for value in values:
        check_number(value, -math.inf, math.inf, f"{what}: each")


def _check_percentiles(percentiles: object) -> None:
    _check_numbers(percentiles, "percentiles")
    assert isinstance(percentiles, tuple | list)
    if len(percentiles) != 2 or not 0 <= percentiles[0] < percentiles[1] <= 100:
        raise ConfigError(f"percentiles = {percentiles} must be two numbers that rise and lie in 0 to 100")


def _finite(x: np.ndarray) -> np.ndarray:
    try:
        x = np.asarray(x, np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"features must be an array of numbers [N, n]: {error}") from error
    if x.ndim != 2 or len(x) == 0:
        raise ShapeError(f"expected features [N, n] with at least one row, got {x.shape}")
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        row, column = (int(v) for v in bad[0])
        raise ConfigError(f"feature [{row}, {column}] = {x[row, column]}: features must be finite; leave such rows out")
    return x


def _sized(x: np.ndarray, features: int) -> np.ndarray:
    x = _finite(x)
    if x.shape[1] != features:
        raise ShapeError(f"the scaling was fitted to {features} features, got {x.shape[1]}")
    return x
