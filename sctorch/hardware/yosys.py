"""Synthesis with yosys: Verilog files in, counted cells out."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sctorch.errors import ConfigError, ToolFailedError
from sctorch.hardware.targets import Target
from sctorch.hardware.tools import find_tool, run_tool, tool_version

__all__ = ["Synthesis", "count_cells", "run_yosys"]

_COMMANDS = {
    # The defaults of yosys, so that figures compare with other people's.
    "ice40": "synth_ice40 -top {top}",
    "xc7": "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top}",
}
_LUTS = {"ice40": ("SB_LUT4",), "xc7": ("INV", "LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6")}
_FFS = {"ice40": ("SB_DFF",), "xc7": ("FD",)}  # prefixes
_CARRIES = {"ice40": ("SB_CARRY",), "xc7": ("CARRY4",)}
_BRAMS = {"ice40": ("SB_RAM40",), "xc7": ("RAMB36", "RAMB18")}  # prefixes
_DSPS = {"ice40": ("SB_MAC16",), "xc7": ("DSP48",)}  # prefixes


@dataclass(frozen=True)
class Synthesis:
    """What a synthesis tool counted, and which tool it was.

    luts : look-up tables of the target's kind (inverters included; a shift register in LUTs counts).
    fmax_mhz : None where no place-and-route has measured it.
    """

    target: str
    luts: int
    ffs: int
    carries: int
    brams: float
    dsps: int
    cells: Mapping[str, int]
    fmax_mhz: float | None
    seconds: float
    tool: str
    tool_version: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"cells": dict(self.cells)}


def count_cells(family: str, cells: Mapping[str, int]) -> dict[str, Any]:
    """Resources by kind from yosys' counts by cell type."""

    def prefixed(prefixes: tuple[str, ...]) -> int:
        return sum(n for cell, n in cells.items() if cell.startswith(prefixes))

    luts = sum(cells.get(cell, 0) for cell in _LUTS[family])
    if family == "xc7":
        luts += prefixed(("SRL", "RAM32", "RAM64"))
    brams: float = prefixed(_BRAMS[family])
    if family == "xc7":
        brams = prefixed(("RAMB36",)) + prefixed(("RAMB18",)) / 2
    return {
        "luts": luts,
        "ffs": prefixed(_FFS[family]),
        "carries": sum(cells.get(cell, 0) for cell in _CARRIES[family]),
        "brams": brams,
        "dsps": prefixed(_DSPS[family]),
    }


def run_yosys(folder: Path, top: str, sources: Sequence[str], target: Target) -> Synthesis:
    """Synthesise the sources (relative to `folder`) for a target, in a scratch folder.

    Raises
    ------
    ConfigError
        If a source is missing or cannot be read.
    ToolNotFoundError, ToolFailedError
        When yosys is missing or fails.
    """
    tool = find_tool("yosys")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sctorch-synth-") as scratch:
        work = Path(scratch)
        for source in sources:  # copied, so that a tool that sees only its own folder finds them
            _fetch(folder / source, work / Path(source).name)
        files = " ".join(Path(source).name for source in sources)
        command = _COMMANDS[target.family].format(top=top)
        script = f"read_verilog -defer {files}; {command}; check -assert; tee -q -o stat.json stat -json"
        log = run_tool(tool, ["-p", script], cwd=work)
        try:
            cells = json.loads((work / "stat.json").read_text())["design"]["num_cells_by_type"]
        except (OSError, ValueError, KeyError) as error:
            raise ToolFailedError(f"yosys -p {script!r} (no cell counts in its report: {error})", log) from error
    cells = {name: int(count) for name, count in cells.items() if not name.startswith("$")}
    return Synthesis(
        target=target.name,
        cells=cells,
        fmax_mhz=None,
        seconds=round(time.monotonic() - started, 2),
        tool="yosys",
        tool_version=tool_version(tool),
        **count_cells(target.family, cells),
    )


def _fetch(source: Path, to: Path) -> None:
    try:
        shutil.copy(source, to)
    except OSError as error:
        raise ConfigError(f"cannot read {source}: {error.strerror}; export the design again") from error
