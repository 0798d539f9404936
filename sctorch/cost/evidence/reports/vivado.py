"""Vivado: report_utilization, report_power, report_timing_summary and report_timing.

A report names its sections in a table of contents; a section that is named and does not follow means that the file was
cut off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sctorch.cost.evidence.reports.report import Origin, Power, Report, Timing, Utilisation
from sctorch.cost.evidence.reports.text import Table, count, digest, lines, number, refuse, tables, truncated
from sctorch.cost.evidence.reports.vivado_paths import Paths

__all__ = ["read_power", "read_timing", "read_utilisation"]

_HEAD = re.compile(r"\| (Tool Version|Design|Device|Design State)\s*: (.*)")
_VERSION = re.compile(r"\bv\.?(\d\S*)")
# The sections that hold what is looked for, as 7 series, UltraScale and their tools name them.
_LOGIC = ("Slice Logic", "CLB Logic")
_MEMORY = ("Memory", "BLOCKRAM")
_ARITHMETIC = ("DSP", "ARITHMETIC")
_CELLS = ("Primitives",)
_SUMMARY = ("Summary",)
_NUMBERED = re.compile(r"\d+(?:\.\d+)*\.? +(.+)")


class _Sections:
    """Head and contents of a report, as its lines go by."""

    def __init__(self, path: Path, wanted: Iterable[Sequence[str]]) -> None:
        self.path = path
        self.facts: dict[str, str] = {}
        self.contents: list[str] = []
        self.seen: set[str] = set()
        self.current = ""
        self.tables: dict[str, list[Table]] = {}
        self._wanted = {name for names in wanted for name in names}
        self._listing = False
        self._of_table = ""

    def read(self) -> None:
        for table in tables(self._watched(), "|", self._keep):
            if not table.closed:
                raise truncated(self.path, f"the end of the table in section {self._of_table!r}")
            self.tables.setdefault(self._of_table, []).append(table)
        missing = [name for name in self.contents if name not in self.seen]
        if missing:
            raise truncated(self.path, f"section {missing[0]!r}, which its table of contents names")
        if not self.contents:
            raise truncated(self.path, "'Table of Contents'")

    def _keep(self, heading: str, row: list[str]) -> bool:
        self._of_table = self.current
        return self.current in self._wanted

    def _watched(self) -> Iterator[str]:
        """The lines, with the section that each is in known before `tables` sees it."""
        for line in lines(self.path):
            first = line[:1]
            if first not in "+|" or line.startswith("| "):
                self._watch(line.strip())
            yield line

    def _watch(self, line: str) -> None:
        if line == "Table of Contents":
            self._listing = True
        elif self._listing:
            if not line:
                self._listing = False
            elif not set(line) <= {"-"}:
                self.contents.append(line)
        elif line and line[0].isdigit() and line in self.contents:
            self.seen.add(line)
            named = _NUMBERED.match(line)
            self.current = named[1] if named else line
        elif not self.contents:
            found = _HEAD.match(line)
            if found:
                self.facts.setdefault(found[1], found[2].strip())

    def origin(self) -> Origin:
        version = _VERSION.search(self.facts.get("Tool Version", ""))
        return Origin(
            file=self.path.name, sha256=digest(self.path), tool="Vivado", version=version[1] if version else None,
            design=self.facts.get("Design") or None, device=self.facts.get("Device") or None,
            stage=self.facts.get("Design State") or None, family="AMD",
        )  # fmt: skip


def read_utilisation(path: Path) -> Report:
    """LUTs, flip-flops, carry cells, block RAM, DSPs and ultra RAM of a report_utilization."""
    report = _Sections(path, (_LOGIC, _MEMORY, _ARITHMETIC, _CELLS))
    report.read()
    logic = _used(report, _LOGIC)
    memory = _used(report, _MEMORY)
    arithmetic = _used(report, _ARITHMETIC)
    cells = _used(report, _CELLS, needed=False)
    carries = [
        _count(report, {**cells, **logic}, (name,)) for name in ("CARRY4", "CARRY8") if name in cells or name in logic
    ]
    utilisation = Utilisation(
        luts=_count(report, logic, ("Slice LUTs", "CLB LUTs")),
        lut_kind="LUT6",
        ffs=_count(report, logic, ("Register as Flip Flop",)),
        carries=sum(carries) if carries or cells else None,
        brams=_halves(report, memory),
        dsps=_count(report, arithmetic, ("DSPs",)),
        urams=_count(report, memory, ("URAM",)) if "URAM" in memory else 0,
    )
    return Report(report.origin(), utilisation=utilisation)


def _used(report: _Sections, sections: Sequence[str], needed: bool = True) -> dict[str, str]:
    """The column Used of a section's tables by the name of the row; the first of a name counts."""
    found: dict[str, str] = {}
    for name in sections:
        for table in report.tables.get(name, []):
            header = table.groups[0][0]
            if "Used" not in header:
                continue
            at = header.index("Used")
            for row in (row for group in table.groups[1:] for row in group):
                if len(row) > at:
                    found.setdefault(row[0].rstrip("*"), row[at])
    if needed and not found:
        raise truncated(
            report.path,
            f"a table with the column 'Used' in section {' or '.join(map(repr, sections))} (report_utilization without "
            "-hierarchical writes it)",
        )
    return found


def _count(report: _Sections, rows: Mapping[str, str], names: Sequence[str]) -> int:
    return count(report.path, _row(report, rows, names), names[0])


def _halves(report: _Sections, memory: Mapping[str, str]) -> float:
    blocks = number(report.path, _row(report, memory, ("Block RAM Tile",)), "Block RAM Tile")
    if blocks * 2 != int(blocks * 2):
        raise refuse(report.path, f"Block RAM Tile = {blocks} must be a whole number of halves")
    return blocks


def _row(report: _Sections, rows: Mapping[str, str], names: Sequence[str]) -> str:
    for name in names:
        if name in rows:
            return rows[name]
    raise truncated(report.path, f"the row {' or '.join(map(repr, names))}")


def read_power(path: Path) -> Report:
    """Total, dynamic and static power of a report_power."""
    report = _Sections(path, (_SUMMARY,))
    report.read()
    rows = {
        row[0]: row[1]
        for table in report.tables.get("Summary", [])
        for group in table.groups
        for row in group
        if len(row) == 2
    }
    watts = {
        name: number(path, _row(report, rows, (name,)).split(" ")[0], name)  # "2.345 (Junction temp exceeded!)"
        for name in ("Total On-Chip Power (W)", "Dynamic (W)", "Device Static (W)")
    }
    total, dynamic, static = watts.values()
    if abs(total - dynamic - static) > 0.005 + 0.01 * total:
        raise refuse(path, f"Total On-Chip Power {total} W is not Dynamic {dynamic} W + Device Static {static} W")
    power = Power(
        total_mw=round(total * 1e3, 6), static_mw=round(static * 1e3, 6), dynamic_mw=round(dynamic * 1e3, 6),
        confidence=rows.get("Confidence Level"),
    )  # fmt: skip
    return Report(report.origin(), power=power)


def read_timing(path: Path) -> Report:
    """WNS, the requirement of its path, and the highest clock, of a report_timing_summary or report_timing.

    The shortest period of a clock is its own times (requirement - slack) / requirement of its worst setup path, so that
    a path from one edge to the next, which has half a period, counts as it should.
    """
    facts: dict[str, str] = {}
    paths = Paths(path)
    for line in lines(path):
        if len(facts) < 4 and line.startswith("| "):
            found = _HEAD.match(line.strip())
            if found:
                facts.setdefault(found[1], found[2].strip())
        paths.line(line)
    timing = paths.timing()
    report = _Sections(path, ())
    report.facts = facts
    # A timing report names no state; its delays are final when it was routed, which is not said.
    return Report(replace(report.origin(), stage=None), timing=_rounded(timing))


def _rounded(timing: Timing) -> Timing:
    clocks = {name: round(mhz, 3) for name, mhz in timing.clocks_mhz.items()}
    return replace(timing, fmax_mhz=min(clocks.values()), clocks_mhz=clocks)
