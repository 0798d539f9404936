"""Vitis HLS and Vivado HLS: the XML of C synthesis, the report of a function, and the summary of a project.

All of it is the tool's estimate before logic synthesis; `stage` says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from sctorch.cost.evidence.reports.report import Origin, Report, Timing, Utilisation
from sctorch.cost.evidence.reports.text import (
    TIME_NS,
    Table,
    count,
    digest,
    lines,
    measure,
    number,
    refuse,
    tables,
    tail,
    truncated,
)  # fmt: skip
from sctorch.errors import ObservationLoadError

__all__ = ["STAGE", "read_rpt", "read_xml"]

STAGE = "HLS estimate"
_TITLE = re.compile(r"== (Vitis HLS|Vivado HLS|Synthesis Summary) Report (?:for|of) '(.*)'")
_FACT = re.compile(r"\* (Version|Target device):\s*(.*)")
_USED = re.compile(r"([\d,]+)(?:\s*\(.*\))?\Z")  # "139 (2%)"
_XML_TEXTS = {
    "UserAssignments/TopModelName": "TopModelName",
    "UserAssignments/Part": "Part",
    "UserAssignments/TargetClockPeriod": "TargetClockPeriod",
    "ReportVersion/Version": "Version",
    "PerformanceEstimates/SummaryOfTimingAnalysis/unit": "unit",
    "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod": "EstimatedClockPeriod",
    "PerformanceEstimates/SummaryOfOverallLatency/Worst-caseLatency": "Worst-caseLatency",
    "PerformanceEstimates/SummaryOfOverallLatency/Interval-max": "Interval-max",
}
_XML_PARTS = {"UserAssignments", "PerformanceEstimates", "AreaEstimates"}


def read_xml(path: Path) -> Report:
    """NAME_csynth.xml: resources, the estimated clock, and the worst latency in clocks."""
    texts: dict[str, str] = {}
    resources: dict[str, str] = {}
    place: list[str] = []
    parts: set[str] = set()
    try:
        for event, element in ElementTree.iterparse(path, ("start", "end")):
            if event == "start":
                place.append(element.tag)
                if len(place) == 1 and element.tag != "profile":
                    raise refuse(path, f"looked for the root <profile> of an HLS report, and found <{element.tag}>")
                continue
            key = "/".join(place[1:])
            text = (element.text or "").strip()
            if key in _XML_TEXTS:
                texts[_XML_TEXTS[key]] = text
            elif place[1:-1] == ["AreaEstimates", "Resources"]:
                resources[element.tag] = text
            place.pop()
            element.clear()
            if len(place) == 1:
                parts.add(element.tag)
                if parts >= _XML_PARTS:
                    break  # what follows, a part for each module, may be long
    except OSError as error:
        raise refuse(path, f"cannot be read: {error.strerror or error}") from error
    except ObservationLoadError:
        raise  # a ValueError too
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # the last two for an encoding it cannot read
        raise truncated(path, f"the end of <profile> ({error})") from error
    for part in sorted(_XML_PARTS - parts):
        raise truncated(path, f"<{part}>")
    if "</profile>" not in tail(path):
        raise truncated(path, "the end of <profile>")
    for name in ("TopModelName", "EstimatedClockPeriod"):
        if not texts.get(name):
            raise truncated(path, f"<{name}>")
    unit = texts.get("unit") or "ns"
    period = measure(path, f"{texts['EstimatedClockPeriod']} {unit}", TIME_NS, "EstimatedClockPeriod")
    target = texts.get("TargetClockPeriod")
    required = None if not target else measure(path, f"{target} {unit}", TIME_NS, "TargetClockPeriod")
    return Report(
        Origin(
            path.name, digest(path), "HLS", texts.get("Version"), texts["TopModelName"], texts.get("Part"), STAGE, "AMD"
        ),
        utilisation=_utilisation(path, resources),
        timing=_timing(path, period, required, "ap_clk"),
        latency_cycles=_cycles(path, texts.get("Worst-caseLatency", ""), "Worst-caseLatency"),
        interval_cycles=_cycles(path, texts.get("Interval-max", ""), "Interval-max"),
    )


def _timing(path: Path, period: float, required: float | None, clock: str) -> Timing:
    if not period > 0:
        raise refuse(path, f"the estimated clock period is {period} ns; it must be above 0")
    mhz = round(1e3 / period, 3)
    return Timing(mhz, {clock: mhz}, requirement_ns=required)


def _utilisation(path: Path, resources: Mapping[str, str]) -> Utilisation:
    """Of the resources by name; Vivado HLS calls the DSPs DSP48E. Two BRAM_18K are one block of 36 kbit."""
    for name in ("LUT", "FF", "BRAM_18K"):
        if name not in resources:
            raise truncated(path, f"the resource {name!r}")
    dsps = next((resources[name] for name in ("DSP", "DSP48E") if name in resources), None)
    if dsps is None:
        raise truncated(path, "the resource 'DSP' or 'DSP48E'")
    return Utilisation(
        luts=count(path, resources["LUT"], "LUT"),
        lut_kind="LUT6",
        ffs=count(path, resources["FF"], "FF"),
        brams=count(path, resources["BRAM_18K"], "BRAM_18K") / 2,
        dsps=count(path, dsps, "DSP"),
        urams=count(path, resources["URAM"], "URAM") if "URAM" in resources else 0,
    )


def _cycles(path: Path, text: str, what: str) -> int | None:
    """Clocks; None where the tool does not know them, since a loop's bound is open."""
    return None if text in ("", "-", "?", "undef", "N/A") else count(path, text, what)


def read_rpt(path: Path) -> Report:
    """NAME_csynth.rpt, or the summary of a project, csynth.rpt."""
    facts: dict[str, str] = {}
    kept: dict[str, Table] = {}
    state = {"section": "", "part": ""}

    def text(line: str) -> None:
        title, fact = _TITLE.match(line), _FACT.match(line)
        if title:
            facts.setdefault("kind", title[1])
            facts.setdefault("design", title[2])
        elif fact:
            facts.setdefault(fact[1], fact[2].strip())
        elif line.startswith("== "):
            state.update(section=line[3:], part="")
        elif line.startswith("+ "):
            state["part"] = line[2:].strip()

    def wanted(heading: str, row: list[str]) -> bool:
        if state["part"].startswith("Performance & Resource"):
            return "summary" not in kept
        if not heading.startswith("* Summary"):
            return False
        return state["section"] in ("Performance Estimates", "Utilization Estimates")

    for table in tables(lines(path), "|", wanted, text):
        if state["part"].startswith("Performance & Resource"):
            key = "summary"
        else:
            key = (state["part"] or state["section"]).split(" ")[0].rstrip(":")
        if key in kept:
            continue
        if not table.closed:
            raise truncated(path, f"the end of the table {key!r}")
        kept[key] = table
        if key == "Timing":
            facts["unit"] = "ns" if "(ns)" in state["part"] else ""
    origin = Origin(
        path.name, digest(path), "HLS", facts.get("Version", "").split(" ")[0] or None, facts.get("design"),
        facts.get("Target device"), STAGE, "AMD",
    )  # fmt: skip
    if facts.get("kind") == "Synthesis Summary":
        return _summary(path, origin, kept)
    for key in ("Timing", "Latency", "Utilization"):
        if key not in kept:
            raise truncated(path, f"the summary table of {key!r}")
    clock, target, estimated = _first(path, kept, "Timing", 4)[:3]
    period, required = (
        measure(path, f"{cell} {facts['unit']}", TIME_NS, "clock period") for cell in (estimated, target)
    )
    latency = _first(path, kept, "Latency", 5)
    header = kept["Utilization"].groups[0][0]
    total = next((row for row in _body(kept["Utilization"]) if row[0] == "Total"), None)
    if total is None or len(total) != len(header):
        raise truncated(path, "the row 'Total' of 'Utilization Estimates'")
    columns = len(latency)  # min and max of the latency, then (newer tools) both as times, then of the interval
    return Report(
        origin,
        utilisation=_utilisation(
            path, {name: "0" if cell == "-" else cell for name, cell in zip(header, total, strict=True)}
        ),
        timing=_timing(path, period, required, clock),
        latency_cycles=_cycles(path, latency[1], "latency"),
        interval_cycles=_cycles(path, latency[columns - 2], "interval"),
    )


def _body(table: Table) -> list[list[str]]:
    return [row for group in table.groups[1:] for row in group]


def _first(path: Path, kept: Mapping[str, Table], key: str, columns: int) -> list[str]:
    """The first row below the header, with at least so many cells."""
    rows = _body(kept[key])
    if not rows or len(rows[0]) < columns:
        raise truncated(path, f"a row of {columns} cells in the summary table of {key!r}")
    return rows[0]


def _summary(path: Path, origin: Origin, kept: Mapping[str, Table]) -> Report:
    """The first row of a project's summary is its top; it has no clock of its own."""
    table = kept.get("summary")
    if table is None or not table.closed or len(table.groups) < 2 or len(table.groups[0]) < 2:
        raise truncated(path, "the table of 'Performance & Resource Estimates'")
    upper, lower, top = *table.groups[0][:2], table.groups[1][0]
    if not len(upper) == len(lower) == len(top):
        raise truncated(path, "the header and first row of 'Performance & Resource Estimates' with as many cells")
    header = [f"{above} {below}".strip() for above, below in zip(upper, lower, strict=True)]
    cells = dict(zip(header, top, strict=True))
    resources = {name.replace("BRAM", "BRAM_18K"): _plain(path, cells[name], name) for name in
                 ("BRAM", "DSP", "FF", "LUT", "URAM") if name in cells}  # fmt: skip
    return Report(
        origin,
        utilisation=_utilisation(path, resources),
        latency_cycles=_cycles(path, cells.get("Latency (cycles)", ""), "Latency (cycles)"),
        interval_cycles=_cycles(path, cells.get("Interval", ""), "Interval"),
    )


def _plain(path: Path, text: str, what: str) -> str:
    if text == "-":
        return "0"
    found = _USED.match(text)
    if found is None:
        raise refuse(path, f"{what} = {text!r} must be a whole number")
    return str(number(path, found[1], what)).removesuffix(".0")
