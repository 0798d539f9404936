"""Checks that the fields of the integer network share; each message names the field."""

from __future__ import annotations

import numpy as np

from sctorch.errors import ConfigError, ShapeError

__all__ = ["check_choice", "check_range", "integer_array", "is_integer"]


def is_integer(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_range(value: int, low: int, high: int, what: str) -> None:
    """ConfigError unless the value is an integer from low to high."""
    if not is_integer(value):
        raise ConfigError(f"{what} = {value!r} must be an integer")
    if not low <= value <= high:
        raise ConfigError(f"{what} = {value} is outside {low} to {high}")


def check_choice(value: str, allowed: tuple[str, ...], what: str) -> None:
    if value not in allowed:
        raise ConfigError(f"{what} = {value!r} is unknown; allowed: {', '.join(allowed)}")


def integer_array(array: object, ndim: int, what: str) -> np.ndarray:
    """A read-only int64 copy; ConfigError for anything but integers, ShapeError for another ndim."""
    try:
        values = np.asarray(array)
    except ValueError as error:
        raise ShapeError(f"{what} must have {ndim} dimension(s), but its rows differ in length") from error
    # Beyond 2**53 a float is no longer sure to be the integer that was meant.
    if values.dtype.kind not in "iuf" or not np.all((values == np.floor(values)) & (np.abs(values) < 2.0**53)):
        raise ConfigError(f"{what} must hold integers, got {values.dtype}")
    if values.ndim != ndim:
        raise ShapeError(f"{what} must have {ndim} dimension(s), got shape {values.shape}")
    result = np.array(values, dtype=np.int64)
    result.setflags(write=False)
    return result
