"""yosys: what `stat` printed, alone or at the end of a whole log, and `stat -json`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sctorch.checks import is_integer
from sctorch.cost.evidence.reports.report import Origin, Report, Utilisation
from sctorch.cost.evidence.reports.text import digest, lines, refuse, truncated
from sctorch.hardware.yosys import count_cells

__all__ = ["family_of", "read_json", "read_text"]

_VERSION = re.compile(r"Yosys (\d\S*)")
_MODULE = re.compile(r"=== (.+) ===\s*\Z")
_TOTAL_OLD = re.compile(r"\s*Number of cells:\s+(\d{1,15})\s*\Z")
_TOTAL_NEW = re.compile(r"\s*(\d{1,15})(?:\s+[\d.Ee+-]+)?\s+cells\s*\Z")
_CELL_OLD = re.compile(r"\s+(\S+)\s+(\d{1,15})\s*\Z")
_CELL_NEW = re.compile(r"\s+(\d{1,15})(?:\s+[\d.Ee+-]+)?\s+(\S+)\s*\Z")
_HIERARCHY = "design hierarchy"
_NO_LOGIC = ("$scopeinfo", "$print", "$check")
# A cell that only one family has.
_SIGNS = {
    "ice40": ("SB_",),
    "ecp5": ("TRELLIS_", "CCU2C", "PFUMX", "L6MUX21", "DP16KD", "PDPW16KD", "MULT18X18D", "ALU54B"),
    "xcup": ("URAM288", "RAMB36E2", "RAMB18E2", "DSP48E2", "CARRY8", "MUXF9", "RAM64M8", "RAM32M16"),
    "xc7": (
        "FD", "LUT1", "LUT2", "LUT3", "LUT5", "LUT6", "CARRY4", "MUXF7", "MUXF8", "DSP48E1", "SRL", "INV", "RAM",
    ),
}  # fmt: skip
_KINDS = {"ice40": "LUT4", "ecp5": "LUT4", "xc7": "LUT6", "xcup": "LUT6"}


def family_of(path: Path, cells: Mapping[str, int]) -> str:
    """The family whose cells these are; refuses cells of none, such as those of a netlist that is not mapped yet."""
    unmapped = sorted(name for name in cells if name.startswith("$"))
    if unmapped:
        names = ", ".join(unmapped[:4])
        raise refuse(
            path, f"the cells {names} are mapped to no part; looked for those of synth_ice40, _ecp5 or _xilinx"
        )
    for family, signs in _SIGNS.items():
        if any(name.startswith(signs) for name in cells):
            return family
    if set(cells) == {"LUT4"}:
        return "ecp5"  # Xilinx has it too, and counts it the same
    names = ", ".join(sorted(cells)[:4]) or "none at all"
    raise refuse(path, f"the cells {names} are of no known part; looked for those of ice40, ecp5 and Xilinx")


def _report(
    path: Path, counted: Mapping[str, int], modules: set[str], design: str | None, version: str | None
) -> Report:
    cells = {name: n for name, n in counted.items() if name not in modules and name not in _NO_LOGIC}
    family = family_of(path, cells)
    counts = count_cells(family, cells)
    utilisation = Utilisation(
        luts=counts["luts"], lut_kind=_KINDS[family], ffs=counts["ffs"], carries=counts["carries"],
        brams=float(counts["brams"]), dsps=counts["dsps"], urams=counts["urams"],
    )  # fmt: skip
    # LUT4 alone may be of two families.
    of = None if set(cells) == {"LUT4"} else "AMD" if family.startswith("xc") else family
    origin = Origin(path.name, digest(path), "yosys", version, design, None, "synthesised", of)
    return Report(origin, utilisation=utilisation)


def read_json(path: Path, data: Mapping[str, Any]) -> Report:
    """The totals of `stat -json`, of the hierarchy where there is one."""
    modules = data.get("modules")
    if not isinstance(modules, dict) or not modules:
        raise truncated(path, "'modules' with at least one module")
    names = {name.removeprefix("\\") for name in modules}
    whole = data.get("design")
    if whole is None:
        if len(modules) > 1:
            raise refuse(path, f"{len(modules)} modules and no total of the design; run `stat -json -top NAME`")
        (whole,) = modules.values()
    cells = whole.get("num_cells_by_type") if isinstance(whole, dict) else None
    if not isinstance(cells, dict):
        raise truncated(path, "'num_cells_by_type'")
    for name, n in cells.items():
        if not is_integer(n) or n < 0:
            raise refuse(path, f"num_cells_by_type: {name!r} = {n!r} must be a whole number")
    found = _VERSION.search(str(data.get("creator", "")))
    only = next(iter(names)) if len(names) == 1 else None
    return _report(path, cells, names, only, found[1] if found else None)


def read_text(path: Path) -> Report:
    """The last `stat` of a text. Its cells must add up to the total that it gives."""
    modules: dict[str, dict[str, int]] = {}
    totals: dict[str, int] = {}
    version: str | None = None
    name: str | None = None
    old: bool | None = None  # the form of the rows; None while no rows are being read
    log = ended = False  # a whole log, and not what stat printed alone
    again = False  # another stat is announced; it may write its figures elsewhere (tee -q)
    for line in lines(path):
        if not line.endswith("\n"):
            break  # cut off within this line
        if "Yosys Open SYnthesis Suite" in line:
            log, ended = True, False
        elif line.startswith("End of script"):
            ended = True
        if version is None and "Yosys" in line:
            found = _VERSION.search(line)
            version = found[1] if found else None
        if line.startswith("==="):
            title = _MODULE.match(line)
            if title:
                if again or title[1] in modules:
                    modules, totals, again = {}, {}, False
                name, old = title[1], None
                modules[name] = {}
            continue
        if "Printing statistics" in line:
            again, name, old = True, None, None
            continue
        if name is None:
            continue
        if old is None:
            first, second = _TOTAL_OLD.match(line), _TOTAL_NEW.match(line)
            total = first or second
            if total:
                totals[name], old = int(total[1]), first is not None
            continue
        row = (_CELL_OLD if old else _CELL_NEW).match(line)
        if row is None or row[2] == "submodules":
            name, old = None, None
            continue
        cell, n = (row[1], row[2]) if old else (row[2], row[1])
        modules[name][cell] = int(n)
    if log and not ended:
        raise truncated(path, "'End of script' at the end of the log")
    if not modules:
        raise truncated(path, "a section '=== MODULE ===' of yosys' stat")
    top = _HIERARCHY if _HIERARCHY in modules else next(iter(modules))
    if top != _HIERARCHY and len(modules) > 1:
        raise refuse(path, f"{len(modules)} modules and no total of the design; run `stat -top NAME`")
    if top not in totals:
        raise truncated(path, f"the number of cells of {top!r}")
    if sum(modules[top].values()) != totals[top]:
        raise truncated(path, f"{totals[top]} cells of {top!r}, and found {sum(modules[top].values())}")
    named = [module for module in modules if module != _HIERARCHY]
    return _report(path, modules[top], set(named), named[0] if len(named) == 1 else None, version)
