"""Compiling an exported design with CXXRTL and running it: Verilog from Python with yosys and a C++ compiler."""

from __future__ import annotations

import ctypes
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sctorch.backends.library import fresh_library
from sctorch.errors import ToolFailedError
from sctorch.hardware.tools import find_tool, run_tool, yosys_include

__all__ = ["Stimulus", "build", "pack_rows", "run", "stream", "unpack_rows"]

LIBRARY = "sim/simulation.so"
SMALL = 1_500_000  # bytes of C++


def pack_rows(values: np.ndarray, width: int) -> np.ndarray:
    """Rows [R, n] of unsigned `width`-bit numbers, entry 0 lowest, as uint32 words [R, words]."""
    bits = (values[:, :, None] >> np.arange(width) & 1).astype(np.uint8).reshape(len(values), -1)
    words = -(-bits.shape[1] // 32)
    bits = np.pad(bits, ((0, 0), (0, 32 * words - bits.shape[1])))
    return np.ascontiguousarray(np.packbits(bits, axis=1, bitorder="little").view("<u4"))


def unpack_rows(words: np.ndarray, count: int, width: int, signed: bool) -> np.ndarray:
    """The inverse of `pack_rows`: integers [R, count]."""
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little", count=count * width)
    weights = np.int64(1) << np.arange(width, dtype=np.int64)
    if signed:
        weights[-1] = -weights[-1]
    return bits.reshape(len(words), count, width).astype(np.int64) @ weights


def build(
    folder: Path,
    top: str,
    sources: Sequence[str],
    signals: Sequence[tuple[str, int, int]],
    driver: str = "driver.h",
    defines: Sequence[str] = (),
    cells: str = "",
) -> Path:
    """Compile the Verilog files of a design, with its trace ports, into a shared library beside them.

    Parameters
    ----------
    signals : (port, bits, stage) of every signal to record, in the order in which `run` gives them.
    driver : the file of hdl/sim that runs it; defines : macros that it asks for.
    cells : the models of a netlist's cells, as yosys names the file (`sctorch.hardware.yosys.CELL_MODELS`).
    """
    yosys, compiler = find_tool("yosys"), find_tool("g++")
    work = Path(tempfile.mkdtemp(prefix=".sim.", suffix=".part", dir=folder))
    try:
        files = " ".join(f"../{name}" for name in sources)
        # The files of models may define a cell twice. A netlist's names tell its logic; they would be most of the C++.
        models = f"read_verilog -defer -overwrite {cells}; " if cells else ""
        short = "rename -hide; rename -enumerate; " if cells else ""
        script = (
            f"read_verilog -defer -DSCTORCH_TRACE {files}; {models}hierarchy -check -top {top}; proc; flatten; {short}"
            "opt -full; splitnets -driver; opt_clean -purge; "
            "write_cxxrtl -g0 design.cc"
        )
        run_tool(yosys, ["-q", "-p", script], cwd=work)
        listed = " ".join(f"X({_member(port)}, {stage})" for port, _, stage in signals)
        (work / "simulation.cc").write_text(
            '#include "design.cc"\n'
            f"#define DESIGN cxxrtl_design::{_member(top)}\n"
            f"#define SIGNALS(X) {listed}\n"
            + "".join(f"#define {name}\n" for name in defines)
            + f'#include "../hdl/sim/{driver}"\n'
        )
        # Optimising pays (5 times the speed) while it takes seconds; the compiler's time grows faster than the file.
        level = "-O1" if (work / "design.cc").stat().st_size < SMALL else "-O0"
        flags = ["-std=c++14", level, "-shared", "-fPIC", "-w", "-DNDEBUG", f"-I{yosys_include()}"]
        run_tool(compiler, [*flags, "simulation.cc", "-o", "simulation.so"], cwd=work)
        target = folder / LIBRARY
        target.parent.mkdir(exist_ok=True)
        (work / "simulation.so").replace(target)
        return target
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _member(name: str) -> str:
    """The C++ name that CXXRTL gives to a public Verilog name."""
    return "p_" + name.replace("_", "__")


class Stimulus:
    """The clocks of one simulation: rows of in_data words and their flags."""

    VALID, FIRST, LAST, RST = 1, 2, 4, 8

    def __init__(self, data: np.ndarray, flags: np.ndarray) -> None:
        self.data = np.ascontiguousarray(data, dtype=np.uint32)
        self.flags = np.ascontiguousarray(flags, dtype=np.uint8)
        assert len(self.data) == len(self.flags)


def run(library: Path, stimulus: Stimulus, signals: Sequence[tuple[str, int, int]]) -> list[np.ndarray]:
    """Run a compiled design from reset.

    Returns
    -------
    per signal the rows recorded while its stage was valid, uint32 words [rows, words].
    """
    rows = len(stimulus.flags)
    buffers = [np.zeros((rows, -(-bits // 32)), dtype=np.uint32) for _, bits, _ in signals]
    counts = np.zeros(len(signals), dtype=np.int64)
    with fresh_library(library) as handle:
        status = handle.sctorch_run(
            ctypes.c_int64(rows),
            ctypes.c_void_p(stimulus.data.ctypes.data),
            ctypes.c_void_p(stimulus.flags.ctypes.data),
            (ctypes.c_void_p * len(signals))(*(b.ctypes.data for b in buffers)),
            ctypes.c_int64(rows),
            ctypes.c_void_p(counts.ctypes.data),
        )
    if status:
        raise ToolFailedError(str(library), "a signal gave more timesteps than went in")
    return [buffer[:count] for buffer, count in zip(buffers, counts, strict=True)]


def stream(
    library: Path,
    stimulus: Stimulus,
    steps: np.ndarray,
    signals: Sequence[tuple[str, int, int]],
    rows: Sequence[int],
    patience: int,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Run a design compiled with stream.h from reset: a beat stays on its port until in_ready.

    Parameters
    ----------
    steps : the port `steps` of every row, uint32. rows : the most rows that each signal can give.
    patience : clocks after which a design that takes and gives nothing is an error.

    Returns
    -------
    per signal its rows, uint32 words [rows, words]; and the clock of every row of the last signal.
    """
    buffers = [
        np.zeros((most, -(-bits // 32)), dtype=np.uint32) for (_, bits, _), most in zip(signals, rows, strict=True)
    ]
    capacities = np.array(rows, dtype=np.int64)
    counts, clocks = np.zeros(len(signals), dtype=np.int64), np.zeros(rows[-1], dtype=np.int64)
    per_row = np.ascontiguousarray(steps, dtype=np.uint32)
    assert len(per_row) == len(stimulus.flags)
    with fresh_library(library) as handle:
        status = handle.sctorch_stream(
            ctypes.c_int64(len(stimulus.flags)),
            ctypes.c_void_p(stimulus.data.ctypes.data),
            ctypes.c_void_p(stimulus.flags.ctypes.data),
            ctypes.c_void_p(per_row.ctypes.data),
            (ctypes.c_void_p * len(signals))(*(b.ctypes.data for b in buffers)),
            ctypes.c_void_p(capacities.ctypes.data),
            ctypes.c_void_p(counts.ctypes.data),
            ctypes.c_void_p(clocks.ctypes.data),
            ctypes.c_int64(patience),
        )
    if status:
        what = "a signal gave more timesteps than went in" if status == -1 else f"nothing moved for {patience} clocks"
        raise ToolFailedError(str(library), what)
    return [b[:count] for b, count in zip(buffers, counts, strict=True)], clocks[: counts[-1]]
