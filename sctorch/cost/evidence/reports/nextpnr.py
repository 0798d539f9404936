"""nextpnr: its log, and its JSON report (--report)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sctorch.checks import is_integer
from sctorch.cost.evidence.reports.report import Origin, Report, Timing, Utilisation
from sctorch.cost.evidence.reports.text import digest, lines, number, refuse, truncated

__all__ = ["read_json", "read_log"]

_USED = re.compile(r"Info:\s+(\w+):\s+(\d{1,15})/\s*(\d+)\s+\d+%")
_FMAX = re.compile(r"(?:Info|Warning|ERROR): Max frequency for clock\s+'(.+)':\s+([\d.]+) (\S+) \(")
_LAST = re.compile(r"\d+ warnings?, \d+ errors?\s*\n")
_VERSION = re.compile(r"nextpnr-\w+.*\(Version (?:nextpnr-)?([^)]+)\)")
_ICE40_LCS = re.compile(r"Info:\s+(\d{1,15}) LCs used as (LUT4 only|LUT4 and DFF|DFF only|CARRY only)")
_ECP5_TOTAL = re.compile(r"Info:\s+Total (LUT4s|DFFs):\s+(\d{1,15})/")


def read_json(path: Path, data: Mapping[str, Any]) -> Report:
    """What was placed, and the clock that was reached, of nextpnr's JSON report."""
    fmax, taken = data.get("fmax"), data.get("utilization")
    if not isinstance(fmax, dict) or not isinstance(taken, dict):
        raise truncated(path, "'fmax' and 'utilization' of nextpnr's report")
    used = {kind: _field(path, of, "used", f"utilization of {kind!r}") for kind, of in taken.items()}
    clocks = {}
    for net, of in fmax.items():
        clocks[net] = _mhz(path, _field(path, of, "achieved", f"fmax of clock {net!r}"), net)
    for kind, n in used.items():
        if not is_integer(n) or n < 0:
            raise refuse(path, f"utilization of {kind!r}: used = {n!r} must be a whole number")
    return _report(path, used, {}, clocks, None)


def _field(path: Path, of: Any, key: str, what: str) -> Any:
    if not isinstance(of, dict) or key not in of:
        raise truncated(path, f"{key!r} in the {what}")
    return of[key]


def _mhz(path: Path, value: Any, net: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refuse(path, f"fmax of clock {net!r} = {value!r} is no number")
    return number(path, repr(value), f"fmax of clock {net!r}")


def read_log(path: Path) -> Report:
    """The same from the log. It tells of the clock twice: what counts is the second time, after routing."""
    used: dict[str, int] = {}
    logic: dict[str, int] = {}
    clocks: dict[str, float] = {}
    version: str | None = None
    routed = failed = ended = False
    for line in lines(path):
        if "Max frequency" in line:
            found = _FMAX.match(line)
            if found:
                if found[3] != "MHz":
                    raise refuse(path, f"the clock {found[1]!r} has an unknown unit {found[3]!r}; known: MHz")
                clocks[found[1]] = number(path, found[2], "Max frequency")
                failed = failed or line.startswith("ERROR")  # what was asked for was a must; it ends soon
        elif line.startswith("Info: Routing"):
            routed, clocks = True, {}
        elif line.startswith("Info: Program finished normally") or (failed and _LAST.match(line)):
            ended = True
        elif not routed and line.startswith("Info:"):
            found = _USED.match(line)
            cells, totals = _ICE40_LCS.match(line), _ECP5_TOTAL.match(line)
            if found:
                used[found[1]] = int(found[2])
            elif cells:
                logic[cells[2]] = int(cells[1])
            elif totals:
                logic[totals[1]] = int(totals[2])
        elif version is None and "(Version" in line:
            found = _VERSION.search(line)
            version = found[1] if found else None
    if not used:
        raise truncated(path, "'Info: Device utilisation:'")
    if not routed or not ended:
        raise truncated(path, "'Info: Routing' and 'Info: Program finished normally.'")
    return _report(path, used, logic, clocks, version)


def _report(
    path: Path, used: Mapping[str, int], logic: Mapping[str, int], clocks: Mapping[str, float],
    version: str | None,
) -> Report:  # fmt: skip
    if not clocks:
        raise truncated(path, "the frequency of a clock; a design without one has none")
    if min(clocks.values()) <= 0:
        raise refuse(path, "the frequency of a clock must be above 0")
    clocks = {net: round(mhz, 3) for net, mhz in clocks.items()}
    family = "ice40" if "ICESTORM_LC" in used else "ecp5"
    origin = Origin(path.name, digest(path), "nextpnr", version, stage="routed", family=family)
    timing = Timing(min(clocks.values()), clocks)
    return Report(origin, utilisation=_utilisation(path, used, logic), timing=timing)


def _utilisation(path: Path, used: Mapping[str, int], logic: Mapping[str, int]) -> Utilisation:
    """Of the cells placed. A logic cell of iCE40 is a LUT with a flip-flop, and may use only one of them."""
    if "ICESTORM_LC" in used:
        with_ff = [logic[kind] for kind in ("LUT4 and DFF", "DFF only") if kind in logic]
        return Utilisation(
            luts=used["ICESTORM_LC"], lut_kind="logic cell", ffs=sum(with_ff) if len(with_ff) == 2 else None,
            brams=float(used.get("ICESTORM_RAM", 0)), dsps=used.get("ICESTORM_DSP", 0), urams=0,
        )  # fmt: skip
    if "TRELLIS_COMB" in used or "TRELLIS_SLICE" in used:
        luts = used.get("TRELLIS_COMB", logic.get("LUT4s"))
        if luts is None:
            raise refuse(path, "it counts slices (TRELLIS_SLICE) and no LUTs; give the log, which counts both")
        return Utilisation(
            luts=luts, lut_kind="LUT4", ffs=used.get("TRELLIS_FF", logic.get("DFFs")),
            brams=float(used.get("DP16KD", 0)), dsps=used.get("MULT18X18D", 0), urams=0,
        )  # fmt: skip
    raise refuse(path, "the cells are of no known part; looked for ICESTORM_LC, TRELLIS_COMB and TRELLIS_SLICE")
