"""The clocks and paths of a Vivado timing report, as its lines go by."""

from __future__ import annotations

import math
import re
from pathlib import Path

from sctorch.cost.evidence.reports.report import Timing
from sctorch.cost.evidence.reports.text import number, refuse, truncated

__all__ = ["Paths"]

_SECTIONS = ("Design Timing Summary", "Clock Summary", "Intra Clock Table", "Inter Clock Table", "Timing Details")
_CLOCK = re.compile(r"\s*(\S+)\s+\{[^}]*\}\s+([\d.]+)\s+[\d.]+\s*$")
_SLACK = re.compile(r"Slack(?: \(\w+\))?\s*:\s*(\S+?)(?:ns)?\s")
_REQUIREMENT = re.compile(r"  Requirement:\s+(\S+?)ns")
_PERIOD = re.compile(r"period=([\d.]+)ns")
_ANY = -math.inf  # a slack may be anything


class Paths:
    """Fed with every line of a report; `timing` then says what was found."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.section = ""
        self.sections: set[str] = set()
        self.wns: float | None = None
        self.periods: dict[str, float] = {}
        self.slacks: dict[str, float] = {}  # of each clock's own paths
        self.requirements: dict[str, tuple[float, float]] = {}  # clock -> slack and requirement of its worst path
        self._end: int | None = None  # the column that the WNS of a table ends at
        self._path: dict[str, str] = {}

    def line(self, line: str) -> None:
        first = line[:1]
        if first == "|":
            name = line[1:].strip()
            if name in _SECTIONS:
                self.section, self._end = name, None
                self.sections.add(name)
        elif first == "S" and line.startswith("Slack"):
            self._close()
            found = _SLACK.match(line)
            self._path = {"slack": found[1]} if found else {}
        elif self._path and first == " ":
            self._detail(line)
        elif self.section == "Clock Summary":
            found = _CLOCK.match(line)
            if found:
                self.periods[found[1]] = number(self.path, found[2], f"period of clock {found[1]!r}")
        elif self.section in ("Design Timing Summary", "Intra Clock Table"):
            self._row(line)

    def _detail(self, line: str) -> None:
        if line.startswith("  Path Group:"):
            self._path["group"] = line.partition(":")[2].strip()
        elif line.startswith("  Path Type:"):
            self._path["type"] = line.partition(":")[2].strip()
        elif line.startswith("  Requirement:"):
            found = _REQUIREMENT.match(line)
            if found:
                self._path["requirement"] = found[1]
        elif "period=" in line and "period" not in self._path:
            found = _PERIOD.search(line)
            if found:
                self._path["period"] = found[1]

    def _close(self) -> None:
        """Keep the path if it is the worst setup path of its group so far."""
        path, self._path = self._path, {}
        if not path.get("type", "").startswith("Setup") or path["slack"] == "inf":
            return
        group = path.get("group", "")
        slack = number(self.path, path["slack"], "slack", _ANY)
        if "requirement" not in path:
            return
        if slack < self.requirements.get(group, (math.inf, 0.0))[0]:
            self.requirements[group] = slack, number(self.path, path["requirement"], "Requirement", _ANY)
        if not self.sections and "period" in path:  # report_timing has no tables of clocks
            self.periods.setdefault(group, number(self.path, path["period"], f"period of clock {group!r}"))
            self.slacks[group] = min(slack, self.slacks.get(group, math.inf))

    def _row(self, line: str) -> None:
        """A row of a table whose numbers stand right under the end of their header; a cell may be empty."""
        if "WNS(ns)" in line:
            self._end = line.index("WNS(ns)") + len("WNS(ns)")
            return
        fields = line.split()
        if self._end is None or not fields or set(line.strip()) <= set("- "):
            return
        if self.section == "Design Timing Summary":
            if self.wns is None and "TNS" not in line:
                if fields[0] == "NA":
                    raise refuse(self.path, "WNS is NA: no path is timed; give the design a clock (create_clock)")
                self.wns = number(self.path, fields[0], "WNS", _ANY)
                self._end = None
            return
        name = fields[0]
        cell = line[line.index(name) + len(name) : self._end].strip()
        if cell:
            self.slacks[name] = number(self.path, cell, f"WNS of clock {name!r}", _ANY)

    def timing(self) -> Timing:
        """The result; refuses a report that ended before it."""
        self._close()
        if self.sections:
            for name in _SECTIONS:
                if name not in self.sections:
                    raise truncated(self.path, f"the table {name!r}")
            if self.wns is None:
                raise truncated(self.path, "the values of 'Design Timing Summary'")
            for name, slack in self.slacks.items():
                if not abs(self.requirements.get(name, (math.inf, 0.0))[0] - slack) < 5e-4:
                    raise truncated(
                        self.path, f"the path of clock {name!r} with slack {slack:g} ns in 'Timing Details'"
                    )
        if not self.slacks:
            raise truncated(
                self.path, "a clock with setup paths ('Intra Clock Table', or 'Slack' and 'Path Type: Setup')"
            )
        clocks = {}
        for name, slack in self.slacks.items():
            if name not in self.periods:
                raise truncated(self.path, f"the period of clock {name!r} in 'Clock Summary'")
            required = self.requirements[name][1]
            if not required > max(slack, 0):
                raise refuse(self.path, f"clock {name!r}: slack {slack} ns is not below the requirement {required} ns")
            period = self.periods[name] * (required - slack) / required
            clocks[name] = 1e3 / period
        wns = min(self.slacks.values()) if self.wns is None else self.wns
        return Timing(min(clocks.values()), clocks, wns, self._required(wns))

    def _required(self, wns: float) -> float | None:
        """What the worst path was allowed."""
        return next((required for slack, required in self.requirements.values() if abs(slack - wns) < 5e-4), None)
