"""The clocks and paths of a Vivado timing report, as its lines go by.

A path's group is the clock that it ends at, wherever it starts: one between two clocks is allowed less than a period of
either, and says nothing of how fast they may run. It counts for the worst slack alone.
"""

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
_CLOCKED = re.compile(r"clocked by (\S+)\s+\{.*period=([\d.]+)ns")
_ANY = -math.inf  # a slack may be anything


class Paths:
    """Fed with every line of a report; `timing` then says what was found."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.section = ""
        self.sections: set[str] = set()
        self.wns: float | None = None
        self.periods: dict[str, float] = {}
        # By the clocks that a path starts and ends at, twice the same for a clock's own paths:
        self.slacks: dict[tuple[str, str], float] = {}  # the worst, of the tables
        self.worst: dict[tuple[str, str], tuple[float, float]] = {}  # slack and requirement of the worst path
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
        elif self.section in ("Design Timing Summary", "Intra Clock Table", "Inter Clock Table"):
            self._row(line)

    def _detail(self, line: str) -> None:
        if line.startswith("  Source:"):
            self._path["side"] = "source"
        elif line.startswith("  Destination:"):
            self._path["side"] = "destination"
        elif line.startswith("  Path Group:"):
            self._path["group"] = line.partition(":")[2].strip()
        elif line.startswith("  Path Type:"):
            self._path["type"] = line.partition(":")[2].strip()
        elif line.startswith("  Requirement:"):
            found = _REQUIREMENT.match(line)
            if found:
                self._path["requirement"] = found[1]
        elif "clocked by" in line and self._path.get("side", "") not in ("", *self._path):
            found = _CLOCKED.search(line)
            if found:
                self._path[self._path["side"]] = found[1]
                self._path["period"] = found[2]

    def _close(self) -> None:
        """Keep the path if it is the worst setup path between its clocks so far."""
        path, self._path = self._path, {}
        if not path.get("type", "").startswith("Setup") or path["slack"] == "inf":
            return
        slack = number(self.path, path["slack"], "slack", _ANY)
        if "requirement" not in path:
            return
        source, destination, group = (path.get(name, "") for name in ("source", "destination", "group"))
        pair = (source, destination) if destination == group else ("", group)  # a group that somebody made
        if slack < self.worst.get(pair, (math.inf, 0.0))[0]:
            self.worst[pair] = slack, number(self.path, path["requirement"], "Requirement", _ANY)
        if not self.sections and source and source == destination == group:  # report_timing has no tables of clocks
            self.periods.setdefault(group, number(self.path, path["period"], f"period of clock {group!r}"))

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
        names = fields[: 1 if self.section == "Intra Clock Table" else 2]
        cells = line[: self._end].split()[len(names) :]
        if cells:
            said = f"WNS of clock {' to '.join(map(repr, names))}"
            self.slacks[names[0], names[-1]] = number(self.path, " ".join(cells), said, _ANY)

    def timing(self) -> Timing:
        """The result; refuses a report that ended before it."""
        self._close()
        if self.sections:
            for name in _SECTIONS:
                if name not in self.sections:
                    raise truncated(self.path, f"the table {name!r}")
            if self.wns is None:
                raise truncated(self.path, "the values of 'Design Timing Summary'")
            for pair, slack in self.slacks.items():
                if not abs(self.worst.get(pair, (math.inf, 0.0))[0] - slack) < 5e-4:
                    said = " to ".join(map(repr, dict.fromkeys(pair)))
                    raise truncated(self.path, f"the path of clock {said} with slack {slack:g} ns in 'Timing Details'")
        else:
            self.slacks = {pair: slack for pair, (slack, _) in self.worst.items()}
        own = {start: slack for (start, end), slack in self.slacks.items() if start and start == end}
        if not own:
            raise truncated(
                self.path, "a clock with setup paths of its own ('Intra Clock Table', or 'Slack', 'Path Type: Setup' "
                "and one clock at both ends)"
            )  # fmt: skip
        clocks = {}
        for name, slack in own.items():
            if name not in self.periods:
                raise truncated(self.path, f"the period of clock {name!r} in 'Clock Summary'")
            required = self.worst[name, name][1]
            if not required > max(slack, 0):
                raise refuse(self.path, f"clock {name!r}: slack {slack} ns is not below the requirement {required} ns")
            period = self.periods[name] * (required - slack) / required
            clocks[name] = 1e3 / period
        wns = min(self.slacks.values()) if self.wns is None else self.wns
        return Timing(min(clocks.values()), clocks, wns, self._required(wns))

    def _required(self, wns: float) -> float | None:
        """What the worst path was allowed."""
        return next((required for slack, required in self.worst.values() if abs(slack - wns) < 5e-4), None)
