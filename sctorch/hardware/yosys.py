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

from sctorch.errors import ConfigError, ToolFailedError, UnsupportedError
from sctorch.hardware.nextpnr import Routing
from sctorch.hardware.targets import Target
from sctorch.hardware.tools import find_tool, run_tool, tool_version

__all__ = ["CELL_MODELS", "COMMANDS", "DEFINES", "Synthesis", "count_cells", "run_yosys", "write_gates"]

# The defaults of yosys, so that figures compare with other people's; but without the wide multiplexers of ecp5, for
# which yosys spends four to eight LUTs on a function of many inputs where an adder of two would do.
COMMANDS: Mapping[str, str] = {
    "ice40": "synth_ice40 -top {top}",
    "ecp5": "synth_ecp5 -nowidelut -top {top}",
    "xc7": "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top}",
    "xcup": "synth_xilinx -family xcup -flatten -noiopad -noclkbuf -top {top}",
}
# Macros that sources are read with: the shape of the parallel counters that is smaller there (docs/hardware.md).
DEFINES: Mapping[str, tuple[str, ...]] = {
    "ice40": (),
    "ecp5": (),
    "xc7": ("SCTORCH_BIT_CARRY",),
    "xcup": ("SCTORCH_BIT_CARRY",),
}
# Yosys' own simulation models of each family's cells, as its scripts name them.
CELL_MODELS = {
    "ice40": "+/ice40/cells_sim.v",
    "ecp5": "+/ecp5/cells_sim.v",
    "xc7": "+/xilinx/cells_sim.v",
    "xcup": "+/xilinx/cells_sim.v",
}
# Cells that those files leave empty.
_WITHOUT_MODEL = ("DP16KD", "PDPW16KD", "MULT18X18D", "ALU54B", "RAMB", "URAM288", "DSP48E2", "SB_SPRAM")
# LUTs that one cell takes. Wide multiplexers (MUXF7, PFUMX, L6MUX21) join LUTs and are none themselves.
_XILINX_LUTS = {
    **dict.fromkeys(("INV", "LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "SRL16E", "SRLC16E", "SRLC32E"), 1),
    **dict.fromkeys(("RAM16X1S", "RAM32X1S", "RAM64X1S"), 1),
    **dict.fromkeys(("RAM16X1D", "RAM32X1D", "RAM64X1D", "RAM32X2S", "RAM128X1S"), 2),
    **dict.fromkeys(("RAM32M", "RAM64M", "RAM128X1D", "RAM256X1S"), 4),
    **dict.fromkeys(("RAM32M16", "RAM64M8", "RAM256X1D", "RAM512X1S"), 8),
}
_LUTS = {
    "ice40": {"SB_LUT4": 1},
    # The two LUTs of a CCU2C do its adding and cannot be used for anything else; a 16 x 4 memory takes three slices.
    "ecp5": {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
    "xc7": _XILINX_LUTS,
    "xcup": _XILINX_LUTS,
}
_CARRIES = {"ice40": ("SB_CARRY",), "ecp5": ("CCU2C",), "xc7": ("CARRY4",), "xcup": ("CARRY4", "CARRY8")}
_FFS = {"ice40": "SB_DFF", "ecp5": "TRELLIS_FF", "xc7": "FD", "xcup": "FD"}  # prefixes, as below
_DSPS = {"ice40": "SB_MAC16", "ecp5": "MULT18X18D", "xc7": "DSP48", "xcup": "DSP48"}
_BRAMS: dict[str, dict[str, float]] = {  # blocks that one cell takes
    "ice40": {"SB_RAM40": 1},
    "ecp5": {"DP16KD": 1, "PDPW16KD": 1},
    "xc7": {"RAMB36": 1, "RAMB18": 0.5},
    "xcup": {"RAMB36": 1, "RAMB18": 0.5},
}


@dataclass(frozen=True)
class Synthesis:
    """What a synthesis tool counted, and which tool it was.

    luts : look-up tables of the target's kind that the cells take: inverters, shift registers and memories in LUTs
        included; on ecp5 also the two LUTs of each carry cell. `cells` has the cells apart.
    carries : carry cells: one bit (SB_CARRY), two bits (CCU2C) or four (CARRY4, as yosys writes it for xcup too).
    brams : blocks of the target's size. urams : blocks of 288 kbit, of the parts that have them.
    cells : how many of each cell yosys made.
    fmax_mhz : of the slowest clock, placed and routed; None where that was not run.
    routing : how it was placed and routed, None likewise. The counts above are those of yosys and never of the router.
    """

    target: str
    luts: int
    ffs: int
    carries: int
    brams: float
    dsps: int
    urams: int
    cells: Mapping[str, int]
    fmax_mhz: float | None
    seconds: float
    tool: str
    tool_version: str
    routing: Routing | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def count_cells(family: str, cells: Mapping[str, int]) -> dict[str, Any]:
    """Resources by kind from yosys' counts by cell type."""

    def prefixed(prefix: str) -> int:
        return sum(n for cell, n in cells.items() if cell.startswith(prefix))

    return {
        "luts": sum(luts * cells.get(cell, 0) for cell, luts in _LUTS[family].items()),
        "ffs": prefixed(_FFS[family]),
        "carries": sum(cells.get(cell, 0) for cell in _CARRIES[family]),
        "brams": sum(blocks * prefixed(cell) for cell, blocks in _BRAMS[family].items()),
        "dsps": prefixed(_DSPS[family]),
        "urams": prefixed("URAM288"),
    }


def run_yosys(folder: Path, top: str, sources: Sequence[str], target: Target, netlist: Path | None = None) -> Synthesis:
    """Synthesise the sources (relative to `folder`) for a target, in a scratch folder.

    The netlist is kept where `netlist` says, as yosys' JSON.

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
        command = COMMANDS[target.family].format(top=top)
        outputs = "tee -q -o stat.json stat -json; write_json netlist.json"
        script = f"{_read(target.family, sources)}; {command}; check -assert; {outputs}"
        log = run_tool(tool, ["-p", script], cwd=work)
        try:
            cells = json.loads((work / "stat.json").read_text())["design"]["num_cells_by_type"]
        except (OSError, ValueError, KeyError) as error:
            raise ToolFailedError(f"yosys -p {script!r} (no cell counts in its report: {error})", log) from error
        if netlist is not None:
            try:
                shutil.copy(work / "netlist.json", netlist)
            except OSError as error:
                raise ToolFailedError(f"yosys -p {script!r} (no netlist: {error})", log) from error
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


def write_gates(
    folder: Path, top: str, sources: Sequence[str], target: Target, to: Path, name: str, defines: Sequence[str] = ()
) -> dict[str, dict[str, int]]:
    """Synthesise as `run_yosys` does, and write the netlist as Verilog: the target's cells and the wires between them.

    Parameters
    ----------
    to : the file to be written. name : of its one module. defines : macros that the sources are read with beside the
        family's own.

    Returns
    -------
    bits of every port of the module by direction: {"input": {port: bits}, "output": {...}}.

    Raises
    ------
    UnsupportedError
        If the netlist has cells of which yosys has no simulation model, since such a netlist cannot be run.
    ConfigError, ToolNotFoundError, ToolFailedError
        As for `run_yosys`.
    """
    tool = find_tool("yosys")
    with tempfile.TemporaryDirectory(prefix="sctorch-gates-") as scratch:
        work = Path(scratch)
        for source in sources:
            _fetch(folder / source, work / Path(source).name)
        command = COMMANDS[target.family].format(top=top)
        outputs = f"rename {top} {name}; write_verilog -noattr gates.v; write_json gates.json"
        script = f"{_read(target.family, sources, defines)}; {command}; check -assert; {outputs}"
        log = run_tool(tool, ["-p", script], cwd=work)
        try:
            module = json.loads((work / "gates.json").read_text())["modules"][name]
            text = (work / "gates.v").read_text()
        except (OSError, ValueError, KeyError) as error:
            raise ToolFailedError(f"yosys -p {script!r} (no netlist: {error})", log) from error
    kinds = sorted({cell["type"] for cell in module["cells"].values()})
    for kind in kinds:
        if kind.startswith(_WITHOUT_MODEL):
            raise UnsupportedError(
                f"simulating the cell {kind}", f"netlist for {target.name}", "Yosys has no model of it; take ice40."
            )
    to.write_text(text)
    ports: dict[str, dict[str, int]] = {"input": {}, "output": {}}
    for port, found in module["ports"].items():
        ports[found["direction"]][port] = len(found["bits"])
    return ports


def _read(family: str, sources: Sequence[str], defines: Sequence[str] = ()) -> str:
    macros = [f"-D{macro}" for macro in (*DEFINES[family], *defines)]
    return " ".join(["read_verilog -defer", *macros, *(Path(source).name for source in sources)])


def _fetch(source: Path, to: Path) -> None:
    try:
        shutil.copy(source, to)
    except OSError as error:
        raise ConfigError(f"cannot read {source}: {error.strerror}; export the design again") from error
