"""The hls backend: export, load, and running the exported project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends.design import Design, read_description, write_description, writing_folder
from sctorch.backends.hls.options import check_options
from sctorch.backends.hls.plan import Plan, Traced, plan
from sctorch.backends.hls.project import write_project
from sctorch.backends.hls.runner import LIBRARY, build, run
from sctorch.hardware.tools import find_tool

__all__ = ["HlsDesign", "check", "export", "load"]


class HlsDesign(Design):
    """A Vitis project of hls4ml with our kernels: one call is one timestep. It runs as C simulation."""

    backend = "hls"

    def __init__(self, folder: Path, network: ir.Network, options: Mapping[str, Any]) -> None:
        super().__init__(folder, network, options)
        self._plan: Plan = plan(network, check_options(options))

    @property
    def top(self) -> str:
        """Name of the top function and of the hls4ml project."""
        return self._plan.top

    def trace(self, x: np.ndarray) -> ir.Trace:
        answers, _, rows = self._run(self._inputs(x), self._plan.traces)
        trace: ir.Trace = {}
        for signal in self._plan.traces:
            # A timestep's bits are laid out tick by tick: [T, B, L * n] -> [T * L, B, n].
            steps, windows, size = rows[signal.key].shape
            ticks = rows[signal.key].reshape(steps, windows, signal.rows, size // signal.rows).transpose(0, 2, 1, 3)
            trace[signal.key] = ticks.reshape(steps * signal.rows, windows, size // signal.rows)
        return trace | {f"{self.network.readout.name}.decision": answers}

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self._run(self._inputs(x), ())[0][..., 0]

    def _run(
        self, inputs: np.ndarray, signals: Sequence[Traced]
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        last = np.zeros((len(inputs), self.network.num_steps), dtype=bool)
        last[:, -1] = True
        return run(self._library(), inputs, last, signals)

    def _inputs(self, x: np.ndarray) -> np.ndarray:
        """What the port is given: [B, 1, n] numbers, the same at every timestep, or [B, T, L * n] bits."""
        values = ir.check_input(self.network, x)
        if values.ndim == 2:
            return values[:, None]
        windows = values.shape[1]
        return values.transpose(1, 0, 2).reshape(windows, self.network.num_steps, self._plan.n_inputs)

    def _library(self) -> Path:
        library = self.folder / LIBRARY
        return library if library.is_file() else build(self.folder)


def check(network: ir.Network, options: Mapping[str, Any], target: str | None = None) -> tuple[Plan, dict[str, Any]]:
    """The project's parts and the full options, or the error that `export` would raise for them."""
    chosen = check_options(options)
    return plan(network, chosen), chosen


def export(network: ir.Network, folder: Path, options: Mapping[str, Any], target: str | None = None) -> HlsDesign:
    """Write the project, its bridge, test-bench vectors and description, and compile its C simulation.

    Parameters
    ----------
    options : see docs/hls.md. part and clock_period_ns (for Vitis), io_type ("io_parallel", "io_stream"), window
        ("fixed", or "last" for packets with a flag), strategy and reuse_factor of the fixed synapses (one for all, or
        by layer), precision (bits by tensor).
    """
    folder = Path(folder)
    parts, chosen = check(network, options)
    find_tool("g++")  # before anything is written
    with writing_folder(folder) as written:
        version = write_project(parts, network, written, chosen)
        build(written)
        write_description(written, "hls", network, chosen, top=parts.top, hls4ml=version)
    return HlsDesign(folder, network, chosen)


def load(folder: Path) -> HlsDesign:
    """A design that `export` wrote; its library is built again if it is missing."""
    network, description = read_description(Path(folder))
    return HlsDesign(Path(folder), network, description["options"])
