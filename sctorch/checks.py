"""Checks of single arguments, shared by every part; each message names the field, its value and what is allowed."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from numbers import Integral, Real
from os import PathLike
from typing import Any

from sctorch.errors import ConfigError

__all__ = [
    "check_choice", "check_flag", "check_instance", "check_number", "check_path", "check_range", "check_texts",
    "is_integer",
]  # fmt: skip


def is_integer(value: object) -> bool:
    """Whether the value is a whole number by type, numpy's included; booleans and 3.0 are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_range(value: object, low: int, high: int | None, what: str) -> int:
    """The value as an int; ConfigError unless it is an integer from low to high (None: as large as one likes)."""
    if not is_integer(value):
        raise ConfigError(f"{what} = {value!r} must be an integer")
    number = int(value)  # type: ignore[call-overload]
    if high is None:
        if number < low:
            raise ConfigError(f"{what} = {value} must be at least {low}")
    elif not low <= number <= high:
        raise ConfigError(f"{what} = {value} is outside {low} to {high}")
    return number


def check_number(
    value: object, low: float, high: float, what: str, low_out: bool = False, high_out: bool = False
) -> float:
    """The value as a float; ConfigError unless it is a finite number from low to high.

    high : may be infinite. low_out, high_out : whether that end itself is left out.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ConfigError(f"{what} = {value!r} must be a number")
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits, which no message should print
        value = number = math.inf
    good = math.isfinite(number) and low <= number <= high
    if good and not (low_out and number == low) and not (high_out and number == high):
        return number
    if high == math.inf:
        raise ConfigError(f"{what} = {value} must be {'above' if low_out else 'at least'} {low:g}, and finite")
    out = [f"{end:g}" for end, left_out in ((low, low_out), (high, high_out)) if left_out]
    but = f" ({' and '.join(out)} left out)" if out else ""
    raise ConfigError(f"{what} = {value} is outside {low:g} to {high:g}{but}")


def check_choice(value: object, allowed: Iterable[str], what: str) -> str:
    """The value; ConfigError unless it is one of the allowed texts."""
    allowed = tuple(allowed)
    if not isinstance(value, str) or value not in allowed:
        raise ConfigError(f"{what} = {value!r} is unknown; allowed: {', '.join(allowed)}")
    return value


def check_flag(value: object, what: str) -> bool:
    """The value; ConfigError unless it is True or False."""
    if not isinstance(value, bool):
        raise ConfigError(f"{what} = {value!r} must be True or False")
    return value


def check_instance(value: object, kind: Any, what: str, article: str) -> None:
    """ConfigError unless the value is of the kind; `article` says what that is."""
    if not isinstance(value, kind):
        raise ConfigError(f"{what} must be {article}, not {type(value).__name__}")


def check_texts(values: object, what: str) -> tuple[str, ...]:
    """The values as a tuple; ConfigError unless they are a list or tuple of texts."""
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise ConfigError(f"{what} = {values!r} must be a list of texts")
    return tuple(values)


def check_path(value: object, what: str) -> None:
    """ConfigError unless the value can name a file or folder."""
    if not isinstance(value, str | PathLike):
        raise ConfigError(f"{what} = {value!r} must be a path")
    if "\0" in os.fsdecode(value):
        raise ConfigError(f"{what} = {value!r} must be a path, and no path holds a NUL")
