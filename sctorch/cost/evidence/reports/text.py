"""Reading report files line by line: tables, numbers with units, and what is said of a file that does not fit."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sctorch.errors import ObservationLoadError

__all__ = [
    "POWER_MW", "TIME_NS", "Table", "count", "digest", "head", "lines", "load_json", "measure", "number", "refuse",
    "tables", "tail", "truncated",
]  # fmt: skip

HEAD_BYTES = 1 << 18  # what a file is known by stands in its first 256 KiB
POWER_MW = {"W": 1e3, "mW": 1.0, "uW": 1e-3}
TIME_NS = {"ps": 1e-3, "ns": 1.0, "us": 1e3, "ms": 1e6, "sec": 1e9, "s": 1e9}
_MEASURE = re.compile(r"([^\s]+?)\s*([A-Za-z]+)\Z")


def refuse(path: Path, what: str) -> ObservationLoadError:
    """The error to raise: which file, and what is wrong with it."""
    return ObservationLoadError(f"{path}: {what}")


def truncated(path: Path, looked_for: str) -> ObservationLoadError:
    """The error for a file that ends too early or lacks a part."""
    return refuse(path, f"truncated or incomplete: looked for {looked_for}; write the report again")


def lines(path: Path) -> Iterator[str]:
    """The lines of a text file, one at a time; bytes that are no UTF-8 become a sign that no figure contains."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            yield from file
    except OSError as error:
        raise _unreadable(path, error) from error


def head(path: Path) -> str:
    """The beginning of a file."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES).decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise _unreadable(path, error) from error


def tail(path: Path) -> str:
    """The last 4 KiB of a file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            return file.read().decode("utf-8", errors="replace")
    except OSError as error:
        raise _unreadable(path, error) from error


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 16):
                found.update(block)
    except OSError as error:
        raise _unreadable(path, error) from error
    return found.hexdigest()


def load_json(path: Path, once: bool = True) -> Any:
    """What a JSON file holds. NaN and Infinity are refused, and (`once`) a name that stands twice in one object.

    A tool does not write a name twice, and looking for it takes most of the time of a long report.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text, object_pairs_hook=_once if once else None, parse_constant=_no_constant)
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise refuse(path, f"not valid JSON, or cut off: {error or 'nested too deeply'}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number that can be measured")


def _unreadable(path: Path, error: OSError) -> ObservationLoadError:
    return refuse(path, f"cannot be read: {error.strerror or error}")


# ---------------------------------------------------------------- figures


def number(path: Path, text: str, what: str, low: float = 0.0) -> float:
    """A finite number of at least `low`. "<0.001", as Vivado rounds, counts as the bound."""
    try:
        found = float(text.strip().removeprefix("<").replace(",", ""))
    except ValueError:
        raise refuse(path, f"{what} = {text.strip()!r} is no number") from None
    if not math.isfinite(found) or found < low:
        raise refuse(
            path, f"{what} = {text.strip()!r} must be {f'at least {low:g}, and ' if low > -1e300 else ''}finite"
        )
    return found


def count(path: Path, text: str, what: str) -> int:
    """A whole number of 0 or more, thousands with or without commas."""
    digits = text.strip().replace(",", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
        raise refuse(path, f"{what} = {text.strip()!r} must be a whole number")
    return int(digits)


def measure(path: Path, text: str, units: Mapping[str, float], what: str, low: float = 0.0) -> float:
    """A number with its unit, in the unit that `units` gives as 1; other units are refused."""
    found = _MEASURE.match(text.strip())
    if found is None:
        raise refuse(path, f"{what} = {text.strip()!r} must be a number with a unit ({', '.join(units)})")
    if found[2] not in units:
        raise refuse(path, f"{what} = {text.strip()!r} has an unknown unit {found[2]!r}; known: {', '.join(units)}")
    return number(path, found[1], what, low) * units[found[2]]


# ---------------------------------------------------------------- tables


@dataclass
class Table:
    """A table drawn with +---+ borders.

    heading : the last line of text before it. groups : the rows between its borders, each a list of stripped cells.
    closed : whether its last border is there.
    """

    heading: str
    groups: list[list[list[str]]] = field(default_factory=list)
    closed: bool = False


def tables(
    found: Iterator[str],
    separator: str,
    wanted: Callable[[str, list[str]], bool],
    text: Callable[[str], None] | None = None,
) -> Iterator[Table]:
    """The tables of a report, in order, as soon as each has ended.

    Parameters
    ----------
    separator : the sign between cells. wanted : by the heading and the first row, whether the rows are to be kept.
    text : called with each line outside tables, stripped.
    """
    heading, table, keep = "", None, False
    for line in found:
        stripped = line.strip()
        sign = stripped[:1]
        if sign == "+" and stripped[1:2] in "-=":
            if table is None:
                table, keep = Table(heading), True
            elif table.groups:
                table.closed = True
            if keep:
                table.groups.append([])
            continue
        if sign == separator and table is not None:
            table.closed = False
            if keep:
                cells = [cell.strip() for cell in stripped.strip(separator).split(separator)]
                if len(table.groups) == 1 and not table.groups[0] and not wanted(heading, cells):
                    keep, table.groups = False, [[cells]]
                else:
                    table.groups[-1].append(cells)
            continue
        if table is not None:
            if keep and any(table.groups):
                yield _ended(table)
            table = None
        if stripped and not set(stripped) <= set("-="):
            heading = stripped
            if text is not None:
                text(stripped)
    if table is not None and keep and any(table.groups):
        yield _ended(table)


def _ended(table: Table) -> Table:
    table.groups = [group for group in table.groups if group]
    return table
