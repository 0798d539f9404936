"""The hls backend: export, load, and running the exported project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends.design import Design, read_description, write_description, writing_folder
from sctorch.backends.hls import native
from sctorch.backends.hls.options import check_installed, check_options
from sctorch.backends.hls.plan import Plan, plan
from sctorch.backends.hls.project import model_graph, quiet, write_project
from sctorch.backends.hls.runner import LIBRARY, build, run
from sctorch.errors import ConfigError, ShapeError
from sctorch.hardware.tools import find_tool

__all__ = ["HlsDesign", "check", "export", "load"]


class HlsDesign(Design):
    """A Vitis project of hls4ml with our kernels: one call is one timestep. It runs as C simulation."""

    backend = "hls"

    def __init__(self, folder: Path, network: ir.Network, options: Mapping[str, Any]) -> None:
        super().__init__(folder, network, options)
        self._plan: Plan = plan(network, check_options(options))
        self._written = self._description()

    @property
    def top(self) -> str:
        """Name of the top function and of the hls4ml project."""
        return self._plan.top

    @property
    def native(self) -> dict[str, str]:
        """Layers that are hls4ml's own (option `native`): the class by the layer's name."""
        return self._plan.native

    def trace(self, x: np.ndarray) -> ir.Trace:
        inputs = self._inputs(x)
        answers, _, rows = run(self._library(), inputs, self._whole(len(inputs)), self._plan.traces)
        return self._trace(answers, rows)

    def predict(self, x: np.ndarray) -> np.ndarray:
        inputs = self._inputs(x)
        return run(self._library(), inputs, self._whole(len(inputs)), ())[0][..., 0]

    def answers(self, x: np.ndarray, lengths: Sequence[int] | np.ndarray) -> np.ndarray:
        """The answers [B] of windows that end early, one after the other without a pause.

        Parameters
        ----------
        x : as for `trace`. lengths : timesteps of each window, 1 to num_steps; needs option window "last".
        """
        inputs, steps = self._inputs(x), self.network.num_steps
        lengths = _array(lengths)
        if not self._plan.has_last:
            raise ConfigError(f"{self!r} has windows of {steps} timesteps alone; export it with window='last'")
        if lengths.shape != (len(inputs),) or lengths.dtype.kind not in "iu":
            raise ShapeError(f"{self!r}: lengths must be {len(inputs)} integers, one for each window")
        if len(lengths) and not (lengths.min() >= 1 and lengths.max() <= steps):
            raise ConfigError(f"{self!r}: lengths run from {lengths.min()} to {lengths.max()}, outside 1 to {steps}")
        inputs = np.broadcast_to(inputs, (len(inputs), steps, inputs.shape[2]))
        packets = np.concatenate([inputs[:0, 0], *(rows[:n] for rows, n in zip(inputs, lengths, strict=True))])
        ends = np.cumsum(lengths) - 1
        flags = np.isin(np.arange(len(packets)), ends)
        return run(self._library(), packets[None], flags[None], ())[0][ends, 0, 0]

    def feed(self, packets: np.ndarray, last: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, ir.Trace]:
        """Single timesteps in a row from the start state, whatever windows they make.

        Parameters
        ----------
        packets : integers [N, n] as the top function is given them. last : their flags [N]; none is set by default.

        Returns
        -------
        the answers [N], the flags that came with them [N] (with window "fixed" none is set), and the signals of `trace`
        for one window of N timesteps.
        """
        packets, limit = np.asarray(packets), 2**self._plan.input_width
        if packets.ndim != 2 or packets.shape[1] != self._plan.n_inputs:
            raise ShapeError(f"{self!r}: expected packets [N, {self._plan.n_inputs}], got shape {packets.shape}")
        if packets.dtype.kind not in "iub" or ((packets < 0) | (packets >= limit)).any():
            raise ConfigError(f"{self!r}: packets must hold integers from 0 to {limit - 1}")
        flags = np.zeros(len(packets), dtype=bool) if last is None else _array(last)
        if flags.shape != (len(packets),) or flags.dtype.kind not in "biu":
            raise ShapeError(f"{self!r}: last must be {len(packets)} flags, True or False, one for each packet")
        answers, ends, rows = run(self._library(), packets[None], flags[None].astype(bool), self._plan.traces)
        return answers[:, 0, 0], ends[0], self._trace(answers, rows)

    def hls4ml_model(self, folder: str | Path) -> Any:
        """hls4ml's own ModelGraph of this design, for its compile, predict, trace and build; it writes into `folder`.

        One row of its inputs is one packet, and its state lives in the compiled library: give it whole windows.
        """
        chosen = check_options(self.options)
        check_installed(self._plan.knobs)
        with quiet():
            return model_graph(plan(self.network, chosen), Path(folder), chosen)

    def _whole(self, windows: int) -> np.ndarray:
        """The flags of whole windows, [B, T]."""
        last = np.zeros((windows, self.network.num_steps), dtype=bool)
        last[:, -1] = True
        return last

    def _trace(self, answers: np.ndarray, rows: dict[str, np.ndarray]) -> ir.Trace:
        trace: ir.Trace = {}
        for signal in self._plan.traces:
            # A timestep's bits are laid out tick by tick: [T, B, L * n] -> [T * L, B, n].
            steps, windows, size = rows[signal.key].shape
            ticks = rows[signal.key].reshape(steps, windows, signal.rows, size // signal.rows).transpose(0, 2, 1, 3)
            trace[signal.key] = ticks.reshape(steps * signal.rows, windows, size // signal.rows)
        return trace | {f"{self.network.readout.name}.decision": answers}

    def _inputs(self, x: np.ndarray) -> np.ndarray:
        """What the port is given: [B, 1, n] numbers, the same at every timestep, or [B, T, L * n] bits."""
        values = ir.check_input(self.network, x)
        if values.ndim == 2:
            return values[:, None]
        windows = values.shape[1]
        return values.transpose(1, 0, 2).reshape(windows, self.network.num_steps, self._plan.n_inputs)

    def _description(self) -> bytes:
        file = self.folder / "design.json"
        return file.read_bytes() if file.is_file() else b""

    def _library(self) -> Path:
        if self._description() != self._written:  # its library would be given another network's inputs
            raise ConfigError(f"{self!r}: another design is there by now, or none; load it, or export this one again")
        library = self.folder / LIBRARY
        return library if library.is_file() else build(self.folder)


def _array(values: Any) -> np.ndarray:
    """Numbers as an array; one of texts where they are no rectangle, which no check takes."""
    try:
        array = np.asarray(values)
    except ValueError:
        return np.array("ragged")
    return array if array.size else array.astype(np.int64)


def check(network: ir.Network, options: Mapping[str, Any], target: str | None = None) -> None:
    """Raise what `export` would raise for these options and a network of this shape, whatever its weights."""
    parts = plan(network, check_options(options), trained=False)
    check_installed(parts.knobs)
    native.check_installed(parts.layers)


def export(network: ir.Network, folder: Path, options: Mapping[str, Any], target: str | None = None) -> HlsDesign:
    """Write the project, its bridge, test-bench vectors and description, and compile its C simulation.

    Parameters
    ----------
    options : see docs/hls.md. part and clock_period_ns (for Vitis), io_type ("io_parallel", "io_stream"), window
        ("fixed", or "last" for packets with a flag), strategy and reuse_factor of the fixed synapses (one for all, or
        by layer), precision (bits by tensor), native (hls4ml's own spiking layers; docs/native.md).
    """
    folder = Path(folder)
    chosen = check_options(options)
    parts = plan(network, chosen)
    check_installed(parts.knobs)
    find_tool("g++")  # before anything is written
    with writing_folder(folder) as written:
        version = write_project(parts, network, written, chosen)
        build(written)
        write_description(written, "hls", network, chosen, top=parts.top, hls4ml=version, native=parts.native)
    return HlsDesign(folder, network, chosen)


def load(folder: Path) -> HlsDesign:
    """A design that `export` wrote; its library is built again if it is missing."""
    network, description = read_description(Path(folder))
    return HlsDesign(Path(folder), network, description["options"])
