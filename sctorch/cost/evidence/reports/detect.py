"""Which tool wrote a file: found by what stands at its beginning, never by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path

from sctorch.checks import check_path
from sctorch.cost.evidence.reports import hls, nextpnr, quartus, vivado, yosys
from sctorch.cost.evidence.reports.report import Report
from sctorch.cost.evidence.reports.text import head, load_json, refuse

__all__ = ["read_report"]

_XML = re.compile(r"\s*<")
_JSON = re.compile(r"\s*[{\[]")
# What a text begins with, what that is called, and what reads it; the first that fits counts.
_TEXTS: Mapping[str, tuple[re.Pattern[str], Callable[[Path], Report]]] = {
    "Vivado report_utilization ('Utilization Design Information')": (
        re.compile(r"^Utilization Design Information", re.M), vivado.read_utilisation,
    ),
    "Vivado report_power ('Power Report')": (re.compile(r"^Power Report\s*$", re.M), vivado.read_power),
    "Vivado report_timing_summary ('Timing Summary Report')": (
        re.compile(r"^Timing (?:Summary )?Report\s*$|^\| Design Timing Summary", re.M), vivado.read_timing,
    ),
    "Vitis or Vivado HLS ('== ... Report for ...')": (
        re.compile(r"^\s*== (?:Vitis HLS|Vivado HLS|Synthesis Summary) Report (?:for|of) '", re.M), hls.read_rpt,
    ),
    "Quartus fitter ('Fitter report for', 'Fitter Status :')": (
        re.compile(r"^Fitter report for |^Fitter Status : |^; Fitter Summary ", re.M), quartus.read_fitter,
    ),
    "Quartus timing analyser ('Timing Analyzer report for')": (
        re.compile(r"^(?:TimeQuest )?Timing Analyzer (?:report for |Summary)|^; .*Fmax Summary ", re.M),
        quartus.read_timing,
    ),
    "Quartus power analyser ('Power Analyzer report for', 'Power Analyzer Status :')": (
        re.compile(r"^(?:; )?(?:PowerPlay )?Power Analyzer (?:report for |Status : |Summary )", re.M),
        quartus.read_power,
    ),
    "a nextpnr log ('Info: Packing')": (
        re.compile(r"^Info: (?:Packing|Logic utilisation|Device utilisation)|^.*nextpnr-\w+.*\(Version", re.M),
        nextpnr.read_log,
    ),
    "yosys stat ('Printing statistics', '=== MODULE ===')": (
        re.compile(r"Printing statistics\.|^=== .+ ===\s*$|Yosys Open SYnthesis Suite", re.M), yosys.read_text,
    ),
}  # fmt: skip


def read_report(path: str | PathLike[str]) -> Report:
    """Read the report of a synthesis tool, whichever of the known ones wrote it.

    Vivado (report_utilization, report_power, report_timing_summary, report_timing), Vitis and Vivado HLS (csynth, XML
    and rpt), Quartus (fitter, timing analyser and power analyser), yosys (`stat`, text and JSON) and nextpnr (log and
    JSON report). A file is read line by line, JSON alone as a whole; no tool is run.

    Raises
    ------
    ObservationLoadError
        If the file cannot be read, is of no known tool, or is cut off: with what was looked for.
    """
    check_path(path, "read_report: path")
    path = Path(path)
    begin = head(path)
    if not begin.strip():
        raise refuse(path, "empty")
    if _XML.match(begin):
        return hls.read_xml(path)
    if _JSON.match(begin):
        return _read_json(path)
    for pattern, read in _TEXTS.values():
        if pattern.search(begin):
            return read(path)
    raise refuse(
        path, f"no report that is known; looked for {'; '.join([*_TEXTS, *_JSONS, 'HLS csynth XML (<profile>)'])}"
    )


_JSONS = ("yosys stat -json ('modules')", "nextpnr --report ('fmax' and 'utilization')")


def _read_json(path: Path) -> Report:
    data = load_json(path, once=False)
    if isinstance(data, dict):
        if "fmax" in data or "utilization" in data or "critical_paths" in data:
            return nextpnr.read_json(path, data)
        modules = data.get("modules")
        if isinstance(modules, dict) and any(isinstance(m, dict) and "num_cells" in m for m in modules.values()):
            return yosys.read_json(path, data)
    raise refuse(path, f"JSON of no tool that is known; looked for {' and '.join(_JSONS)}")
