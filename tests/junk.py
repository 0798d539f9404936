"""What people and programs put into fields by mistake, and the test that none of it comes through."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pytest

from sctorch.errors import SctorchError

NAN, INF = float("nan"), float("inf")
JUNK: dict[str, Any] = {
    "None": None, "true": True, "half": 2.5, "whole float": 3.0, "text": "3", "empty text": "", "nan": NAN, "inf": INF,
    "minus one": -1, "zero": 0, "huge": 10**30, "list": [1], "empty list": [], "list of text": ["1"],
    "list of None": [None], "list of nan": [NAN, NAN], "ragged": [[1], [1, 2]], "dict": {}, "object": object(),
    "bytes": b"3", "array": np.array([1, 2]), "complex": 1j,
}  # fmt: skip

# Constructor, good arguments, and by field which of JUNK are good there; all others must be refused.
Table = dict[str, tuple[Callable[..., Any], dict[str, Any], dict[str, Collection[str]]]]


def cases(table: Table) -> list[tuple[str, str, str]]:
    """(class, field, junk) for a parametrised test."""
    return [(name, field, junk) for name, (_, _, fields) in table.items() for field in fields for junk in JUNK]


def check(table: Table, name: str, field: str, junk: str) -> str:
    """An error of ours, whose message is returned, unless the table says that the value is good."""
    make, good, fields = table[name]
    arguments = {**good, field: JUNK[junk]}
    if junk in fields[field]:
        make(**arguments)
        return field
    with pytest.raises(SctorchError) as caught:
        make(**arguments)
    return str(caught.value)
