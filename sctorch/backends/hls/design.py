"""The hls backend: export, load, and running the exported project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends.design import Design, read_description, write_description, writing_folder
from sctorch.backends.hls.project import Plan, plan, write_project
from sctorch.backends.hls.runner import LIBRARY, build, run
from sctorch.errors import ConfigError
from sctorch.hardware.tools import find_tool

__all__ = ["HlsDesign", "check", "export", "load"]

OPTIONS: dict[str, Any] = {"part": "xc7a100tcsg324-1", "clock_period_ns": 5}


class HlsDesign(Design):
    """A Vitis project of hls4ml with our kernels: one call is one timestep. It runs as C simulation."""

    backend = "hls"

    def __init__(self, folder: Path, network: ir.Network, options: Mapping[str, Any]) -> None:
        super().__init__(folder, network, options)
        self._plan: Plan = plan(network)

    @property
    def top(self) -> str:
        """Name of the top function and of the hls4ml project."""
        return self._plan.top

    def trace(self, x: np.ndarray) -> ir.Trace:
        inputs = self._inputs(x)
        decisions, rows = run(self._library(), inputs, self.network.num_steps, self._plan.traces)
        trace: ir.Trace = {}
        for signal in self._plan.traces:
            # A timestep's bits are laid out tick by tick: [T, B, L * n] -> [T * L, B, n].
            steps, windows, size = rows[signal.key].shape
            ticks = rows[signal.key].reshape(steps, windows, signal.rows, size // signal.rows).transpose(0, 2, 1, 3)
            trace[signal.key] = ticks.reshape(steps * signal.rows, windows, size // signal.rows)
        return trace | {f"{self.network.readout.name}.decision": decisions}

    def predict(self, x: np.ndarray) -> np.ndarray:
        return run(self._library(), self._inputs(x), self.network.num_steps, ())[0][..., 0]

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


def _check_options(options: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ConfigError(f"hls backend: option {unknown[0]!r} is unknown; known: {', '.join(OPTIONS)}")
    chosen = {**OPTIONS, **options}
    if not isinstance(chosen["part"], str) or not re.fullmatch(r"[A-Za-z0-9_-]+", chosen["part"]):
        raise ConfigError(f"hls backend: part = {chosen['part']!r} is not a part name such as {OPTIONS['part']}")
    period = chosen["clock_period_ns"]
    if isinstance(period, bool) or not isinstance(period, int | float) or not 0 < period <= 1000:
        raise ConfigError(f"hls backend: clock_period_ns = {period!r} is outside 0 to 1000")
    return chosen


def check(network: ir.Network, options: Mapping[str, Any], target: str | None = None) -> tuple[Plan, dict[str, Any]]:
    """The project's parts and the full options, or the error that `export` would raise for them."""
    return plan(network), _check_options(options)


def export(network: ir.Network, folder: Path, options: Mapping[str, Any], target: str | None = None) -> HlsDesign:
    """Write the project, its bridge, test-bench vectors and description, and compile its C simulation.

    Parameters
    ----------
    options : part (for Vitis), clock_period_ns.
    """
    folder = Path(folder)
    parts, chosen = check(network, options)
    find_tool("g++")  # before anything is written
    with writing_folder(folder) as written:
        version = write_project(parts, network, written, chosen["part"], chosen["clock_period_ns"])
        build(written)
        write_description(written, "hls", network, chosen, top=parts.top, hls4ml=version)
    return HlsDesign(folder, network, chosen)


def load(folder: Path) -> HlsDesign:
    """A design that `export` wrote; its library is built again if it is missing."""
    network, description = read_description(Path(folder))
    return HlsDesign(Path(folder), network, description["options"])
