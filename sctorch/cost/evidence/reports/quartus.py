"""Quartus: reports (.fit.rpt, .sta.rpt, .pow.rpt) and summaries (.fit.summary, .pow.summary), II, Prime and Pro."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sctorch.cost.evidence.reports.report import Origin, Power, Report, Timing, Utilisation
from sctorch.cost.evidence.reports.text import (
    POWER_MW,
    Table,
    count,
    digest,
    lines,
    measure,
    number,
    refuse,
    tables,
    truncated,
)  # fmt: skip

__all__ = ["read_fitter", "read_power", "read_timing"]

_VERSION = re.compile(r"Quartus\b.*?\bVersion (\S+)")
_VERSION_KEY = re.compile(r"Quartus .*Version\Z")
_PAIR = re.compile(r"([^;+|]+?) : (.*)")
_FMAX = re.compile(r"(?:.* Model )?Fmax Summary\Z")
_SETUP = re.compile(r"(?:.* Model )?Setup Summary\Z")
_MEMORY_BLOCKS = re.compile(r"M\d+K(?:s| blocks)\Z")
_OF = re.compile(r"\s*/.*")  # "7,910 / 32,070 ( 25 % )"
# What is counted as a LUT, by the row that has it, best first.
_LOGIC = {
    "Logic utilization (in ALMs)": "ALM",
    "Combinational ALUTs": "ALUT",
    "Total logic elements": "logic element",
}


_ENTRY = re.compile(r"\s*\d+\. (.+)")
_HEADING = re.compile(r"; ([^;]+?) +;\Z")


@dataclass
class _Found:
    """The tables of a report that were asked for by title, and the facts of its head."""

    path: Path
    version: str | None = None
    titled: dict[str, list[Table]] = field(default_factory=dict)
    pairs: dict[str, str] = field(default_factory=dict)

    def rows(self, title: str) -> dict[str, str]:
        """A table of two columns."""
        for table in self.titled.get(title, []):
            return {row[0]: row[1] for group in table.groups[1:] for row in group if len(row) == 2}
        return {}

    def origin(self, rows: Mapping[str, str], stage: str) -> Origin:
        version = next((text for key, text in rows.items() if _VERSION_KEY.match(key)), self.version or "")
        return Origin(
            file=self.path.name, sha256=digest(self.path), tool="Quartus", version=version.split(" ")[0] or None,
            design=rows.get("Top-level Entity Name"), device=rows.get("Device"), stage=stage, family="Altera",
        )  # fmt: skip


def _read(path: Path, wanted: Callable[[str], bool]) -> _Found:
    found = _Found(path)

    contents: list[str] = []
    seen: set[str] = set()

    def keep(_: str, row: list[str]) -> bool:
        return len(row) == 1 and wanted(row[0])

    def listed(line: str) -> None:
        """Titles that the table of contents names, and titles of tables, empty ones too."""
        entry = _ENTRY.match(line)
        if entry and not seen - {"Table of Contents"}:
            contents.append(entry[1].strip())
        heading = _HEADING.match(line)
        if heading:
            seen.add(heading[1])

    def watched() -> Iterator[str]:
        # Summaries are lines "key : value"; they are short, and a report has none before its first table.
        tabled = False
        for at, line in enumerate(lines(path)):
            tabled = tabled or line.startswith("+-")
            if not tabled and at < 500 and line.endswith("\n"):  # or else it is cut off within this line
                pair = _PAIR.match(line.strip())
                if pair:
                    found.pairs.setdefault(pair[1].strip(), pair[2].strip())
            if line[:1] in "; 0123456789":
                listed(line.rstrip())
            if found.version is None and at < 500:
                version = _VERSION.match(line.strip())
                found.version = version[1] if version else None
            yield line

    for table in tables(watched(), ";", keep):
        title = table.groups[0][0][0]
        pairs = title.endswith(("Fitter Summary", "Analyzer Summary"))  # the others have a header
        if not table.closed or len(table.groups) < (2 if pairs else 3):
            raise truncated(path, f"the end of the table {title!r}")
        found.titled.setdefault(title, []).append(table)
    for title in contents:
        if wanted(title) and title not in seen:
            raise truncated(path, f"the table {title!r}, which the table of contents names")
    return found


def _successful(path: Path, rows: Mapping[str, str], key: str) -> None:
    status = next((text for name, text in rows.items() if name.endswith(key)), None)
    if status is None:
        raise truncated(path, f"the row {key!r}")
    if not status.startswith("Successful"):
        raise refuse(path, f"{key} is {status!r}; only what ended well counts")


def read_fitter(path: Path) -> Report:
    """Logic, registers, memory blocks and multipliers of the fitter."""
    found = _read(path, lambda title: title in ("Fitter Summary", "Fitter Resource Usage Summary"))
    rows = found.rows("Fitter Summary") or found.pairs
    _successful(path, rows, "Fitter Status")
    kind = next((name for name in _LOGIC if name in rows), None)
    if kind is None:
        raise truncated(path, f"one of the rows {', '.join(map(repr, _LOGIC))}")
    registers = next((n for n in ("Total registers", "Total dedicated logic registers") if n in rows), None)
    if registers is None:
        raise truncated(path, "the row 'Total registers' or 'Total dedicated logic registers'")
    utilisation = Utilisation(
        luts=_used(path, rows, kind),
        lut_kind=_LOGIC[kind],
        ffs=_used(path, rows, registers),
        brams=_blocks(path, rows, found.rows("Fitter Resource Usage Summary")),
        dsps=next(
            (_used(path, rows, n) for n in ("Total DSP Blocks", "Embedded Multiplier 9-bit elements") if n in rows),
            None,
        ),
    )
    return Report(found.origin(rows, "fitted"), utilisation=utilisation)


def _used(path: Path, rows: Mapping[str, str], name: str) -> int:
    return count(path, _OF.sub("", rows[name]), name)


def _blocks(path: Path, rows: Mapping[str, str], usage: Mapping[str, str]) -> float | None:
    """Memory blocks. Smaller families count only bits in the summary, and blocks in the usage table."""
    if "Total RAM Blocks" in rows:
        return float(_used(path, rows, "Total RAM Blocks"))
    blocks = [name for name in usage if _MEMORY_BLOCKS.match(name)]
    if blocks:
        return float(sum(_used(path, usage, name) for name in blocks))
    bits = next((n for n in ("Total memory bits", "Total block memory bits") if n in rows), None)
    return 0.0 if bits and _used(path, rows, bits) == 0 else None


def read_timing(path: Path) -> Report:
    """The lowest restricted fmax of each clock over all the timing analyser's models, and the worst setup slack."""
    heads = ("Timing Analyzer Summary", "TimeQuest Timing Analyzer Summary")
    asked = {"Clocks", *heads}
    found = _read(path, lambda title: title in asked or bool(_FMAX.match(title) or _SETUP.match(title)))
    clocks: dict[str, float] = {}
    slacks: dict[str, float] = {}
    for title, panels in found.titled.items():
        for header, row in _cells(panels):
            cells = dict(zip(header, row, strict=False))
            if _FMAX.match(title) and {"Restricted Fmax", "Clock Name"} <= cells.keys():
                mhz = measure(path, cells["Restricted Fmax"], {"MHz": 1.0}, "Restricted Fmax")
                clocks[cells["Clock Name"]] = min(mhz, clocks.get(cells["Clock Name"], mhz))
            elif _SETUP.match(title) and {"Clock", "Slack"} <= cells.keys():
                slack = number(path, cells["Slack"], "Slack", -1e300)
                slacks[cells["Clock"]] = min(slack, slacks.get(cells["Clock"], slack))
    if not clocks:
        raise truncated(path, "a table 'Fmax Summary' with a clock (.sta.rpt has it, .sta.summary has not)")
    if min(clocks.values()) <= 0:
        raise refuse(path, "Restricted Fmax must be above 0")
    worst = min(slacks, key=lambda name: slacks[name]) if slacks else None
    periods = {
        row[0]: row[2]
        for header, row in _cells(found.titled.get("Clocks", []))
        if header[:1] == ["Clock Name"] and header[2:3] == ["Period"] and len(row) > 2
    }
    required = number(path, periods[worst], "Period") if worst in periods else None
    rows = next((r for r in map(found.rows, heads) if r), {})
    device = {"Device": rows["Device Name"]} if "Device Name" in rows else {}
    timing = Timing(min(clocks.values()), clocks, None if worst is None else slacks[worst], required)
    return Report(found.origin(device, "timing analysis"), timing=timing)


def _cells(panels: list[Table]) -> Iterator[tuple[list[str], list[str]]]:
    """Header and row, for every row below a panel's title and header."""
    for table in panels:
        for group in table.groups[2:]:
            for row in group:
                yield table.groups[1][0], row


def read_power(path: Path) -> Report:
    """Total, core dynamic, core static and pin power of the power analyser."""
    titles = ("Power Analyzer Summary", "PowerPlay Power Analyzer Summary")
    found = _read(path, lambda title: title in titles)
    rows = next((r for r in map(found.rows, titles) if r), found.pairs)
    _successful(path, rows, "Power Analyzer Status")
    parts = {}
    for name in ("Total", "Core Dynamic", "Core Static", "I/O"):
        key = f"{name} Thermal Power Dissipation"
        if key not in rows:
            raise truncated(path, f"the row {key!r}")
        parts[name] = round(measure(path, rows[key], POWER_MW, key), 6)
    total = parts.pop("Total")
    if abs(total - sum(parts.values())) > 0.05 + 0.01 * total:
        raise refuse(path, f"Total Thermal Power Dissipation {total} mW is not the sum of its parts, {parts}")
    confidence = rows.get("Power Estimation Confidence")
    power = Power(total, parts["Core Static"], parts["Core Dynamic"], parts["I/O"], confidence)
    return Report(found.origin(rows, "power analysis"), power=power)
