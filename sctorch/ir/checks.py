"""Checks that the fields of the integer network share; each message names the field."""

from __future__ import annotations

import numpy as np

from sctorch.checks import check_choice, check_range, is_integer
from sctorch.errors import ConfigError, ShapeError

__all__ = ["check_choice", "check_range", "integer_array", "is_integer"]


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
