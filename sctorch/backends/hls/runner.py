"""Compiling an exported project and running it: one call for all timesteps of all windows."""

from __future__ import annotations

import ctypes
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sctorch.backends.hls.plan import Traced
from sctorch.backends.library import fresh_library
from sctorch.errors import ConfigError, ToolFailedError
from sctorch.hardware.tools import find_tool, run_tool

__all__ = ["LIBRARY", "build", "run"]

LIBRARY = "sim/simulation.so"
# Hidden symbols: g++ would otherwise share the kernels' static state between all loaded designs.
FLAGS = ("-std=c++11", "-O1", "-fPIC", "-shared", "-w", "-fvisibility=hidden", "-I.", "-Ifirmware/ap_types")


def build(folder: Path) -> Path:
    """Compile a project's C simulation into a shared library in its folder."""
    target = folder / LIBRARY
    try:
        target.parent.mkdir(exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".sim.", suffix=".part", dir=folder))
    except OSError as error:
        why = error.strerror or error
        raise ConfigError(f"cannot compile the simulation in {folder}: {why}; copy it elsewhere") from error
    try:
        output = work / "simulation.so"
        arguments = [*FLAGS, "sctorch_bridge.cpp", "-o", str(output.relative_to(folder))]
        try:
            run_tool(find_tool("g++"), arguments, cwd=folder)
        except ToolFailedError as error:
            layers = _layers(folder, error.log)
            if not layers:
                raise
            raise ToolFailedError(f"{error.command}, in the code of layer {layers[0]}", error.log) from error
        output.replace(target)
        return target
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _layers(folder: Path, log: str) -> list[str]:
    """The layers whose configurations the compiler speaks of, in its order."""
    calls = "".join(file.read_text() for file in sorted((folder / "firmware").glob("*.cpp")))
    names = dict(re.findall(r"\b(config\d+)>\(.*// (\S+)", calls))
    return [names[config] for config in re.findall(r"\bconfig\d+\b", log) if config in names]


def run(
    library: Path, inputs: np.ndarray, last: np.ndarray, signals: Sequence[Traced]
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Run timesteps from the start state, one window after the other.

    Parameters
    ----------
    inputs : integers [B, rows, n], one row for the whole window or one per timestep.
    last : the flags that go in with each timestep, [B, T]; a project without a flag takes no notice.

    Returns
    -------
    the answers [T, B, 1], the flags that came with them [B, T], and per signal its values [T, B, size].
    """
    windows, rows, _ = inputs.shape
    steps = last.shape[1]
    inputs = np.ascontiguousarray(inputs, dtype=np.int64)
    last = np.array(last, dtype=np.uint8)
    answers = np.zeros((steps, windows, 1), dtype=np.int64)
    traces = {s.key: np.zeros((steps, windows, s.size), dtype=np.int64) for s in signals}
    keys = (ctypes.c_char_p * len(signals))(*(s.key.encode() for s in signals))
    sizes = np.array([s.size for s in signals], dtype=np.int64)
    pointers = (ctypes.c_void_p * len(signals))(*(t.ctypes.data for t in traces.values()))
    with fresh_library(library) as handle:
        if not hasattr(handle, "sctorch_timesteps"):
            raise ConfigError(f"{library} was written by another version of sctorch; export the design again")
        handle.sctorch_timesteps.restype = None
        handle.sctorch_timesteps(
            ctypes.c_int64(windows), ctypes.c_int64(steps), ctypes.c_int64(rows), ctypes.c_void_p(inputs.ctypes.data),
            ctypes.c_void_p(last.ctypes.data), ctypes.c_void_p(answers.ctypes.data), ctypes.c_int64(len(signals)),
            keys, ctypes.c_void_p(sizes.ctypes.data), pointers,
        )  # fmt: skip
    return answers, last.astype(bool), traces
