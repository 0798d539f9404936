"""A folded design on disk, and how to run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends.verilog.bench import Vectors
from sctorch.backends.verilog.cxxrtl import Stimulus, pack_rows, stream, unpack_rows
from sctorch.backends.verilog.design import VerilogDesign, write_design
from sctorch.backends.verilog.folded.emit import emit
from sctorch.backends.verilog.folded.inputs import input_bits, steps_bits
from sctorch.backends.verilog.folded.loading import weight_writes
from sctorch.backends.verilog.folded.plan import WORD, FoldedPlan, plan
from sctorch.backends.verilog.folded.traces import trace_signals
from sctorch.backends.verilog.interfaces.options import OPTIONS as INTERFACE_OPTIONS
from sctorch.backends.verilog.interfaces.options import choose
from sctorch.backends.verilog.interfaces.plan import Core
from sctorch.backends.verilog.unrolled.traces import trace_port
from sctorch.checks import check_flag, check_range
from sctorch.errors import ConfigError, ShapeError, UnsupportedError

__all__ = ["FoldedDesign", "check", "export", "window_beats"]

OPTIONS: dict[str, Any] = {
    "architecture": "folded",
    "inputs_per_clock": 1,
    "neurons_per_clock": 1,
    "load_weights": False,
    **INTERFACE_OPTIONS,
}
MOST_PER_CLOCK = 64


@dataclass(frozen=True, eq=False)
class Beats:
    """Rows of the input port, in order: data [R], flags [R] and the port `steps` [R]."""

    data: np.ndarray
    flags: np.ndarray
    steps: np.ndarray


class FoldedDesign(VerilogDesign):
    """Folded Verilog: weights in memory, a few inputs per clock. The files run compiled by CXXRTL."""

    driver = "stream.h"

    @cached_property
    def plan(self) -> FoldedPlan:
        """The parts that the design is made of."""
        return _plan(self.network, self.options)

    @property
    def core(self) -> Core:
        parts = self.plan
        latency = parts.beats + sum(parts.stages)  # every stage after the other
        return Core(latency, parts.most_cycles, input_bits(self.network), parts.beats, True, parts.store_bits)

    def trace(self, x: np.ndarray, gaps: np.ndarray | None = None) -> ir.Trace:
        """Run windows one after another through the compiled files.

        Parameters
        ----------
        x : as for `ir.simulate`.
        gaps : idle clocks before each beat, [B, beats of a window], with garbage on in_data; default none.
        """
        beats = window_beats(self.network, ir.check_input(self.network, x))
        rows, _ = self.stream(_with_gaps(beats, gaps))
        return self._by_window(rows, x.shape[1 if isinstance(self.network.encoder, ir.EventEncoder) else 0])

    def measure_cycles(self, x: np.ndarray) -> np.ndarray:
        """Clocks between the last decisions of windows that follow each other without a gap, measured by simulation.

        Parameters
        ----------
        x : at least 3 windows, as for `ir.simulate`.

        Returns
        -------
        integers [B - 1]; the first ones may hold the filling of the pipeline.
        """
        beats = window_beats(self.network, ir.check_input(self.network, x))
        _, clocks = self.stream(beats)
        last = clocks.reshape(-1, self.network.num_steps)[:, -1]
        return np.diff(last)

    def stream(self, beats: Beats) -> tuple[ir.Trace, np.ndarray]:
        """Any sequence of beats, idle clocks and resets; a beat waits for in_ready.

        Returns
        -------
        rows [timesteps, n] of every traced signal, and the clock of each decision.
        """
        parts = self.plan
        signals = trace_signals(parts)
        stimulus = Stimulus(pack_rows(beats.data[:, None].astype(np.int64), input_bits(self.network)), beats.flags)
        valid = int(((beats.flags & Stimulus.VALID) != 0).sum())
        frames = valid // parts.beats + 1
        events = isinstance(self.network.encoder, ir.EventEncoder)
        steps = frames if events else frames * self.network.num_steps
        rows = [steps * (1 if events else self.network.encoder_ticks)] + [steps] * (len(signals) - 1)
        patience = 4 * (self.core.latency + self.core.window_clocks) + 1000
        found, clocks = stream(self.library(), stimulus, beats.steps, self.traced_ports(), rows, patience)
        return {
            key: unpack_rows(words, n, width, signed)
            for (key, n, width, signed), words in zip(signals, found, strict=True)
        }, clocks

    def run(self, stimulus: Stimulus) -> ir.Trace:
        """Rows [timesteps, n] of every traced signal for any sequence of beats, windows of num_steps timesteps."""
        steps = np.full(len(stimulus.flags), self.network.num_steps, dtype=np.uint32)
        return self.stream(Beats(stimulus.data[:, 0], stimulus.flags, steps))[0]

    def weight_writes(self, network: ir.Network) -> list[tuple[int, int]]:
        """Writes (address, value) to the registers that load another network's weights and biases.

        The design must hold its input and have nothing under way: docs/folded.md.

        Parameters
        ----------
        network : the same layers with other weights and biases.

        Raises
        ------
        UnsupportedError
            For a design exported without `load_weights`.
        ConfigError
            For a network that differs in more, or whose signals need more bits than the design's.
        """
        return weight_writes(self.plan, network)

    def vectors(self, inputs: np.ndarray) -> Vectors:
        beats = window_beats(self.network, inputs)
        marks = [(beats.flags & flag).astype(bool).tolist() for flag in (Stimulus.FIRST, Stimulus.LAST)]
        return Vectors(beats.data.tolist(), *marks)

    def _defines(self) -> list[str]:
        return ["STEPS_PORT"] if steps_bits(self.network) else []

    def netlist(self, target: str = "ice40-hx8k", traced: bool = False) -> VerilogDesign:
        """As of every design, but with its trace ports alone: without them nothing tells when it is idle."""
        if not traced:
            raise UnsupportedError(
                "a netlist without trace ports", "verilog backend, architecture 'folded'", "Ask for traced=True."
            )
        return super().netlist(target, traced)

    def traced_ports(self) -> list[tuple[str, int, int]]:
        """(port, bits, bit of trace_valid) of what the compiled simulation shows."""
        signals = enumerate(trace_signals(self.plan))
        return [(trace_port(key), n * width, bit) for bit, (key, n, width, _) in signals]


def window_beats(network: ir.Network, inputs: np.ndarray, steps: np.ndarray | None = None) -> Beats:
    """Whole windows as beats without a gap.

    Parameters
    ----------
    inputs : what `ir.check_input` returns. steps : timesteps of each window [B]; default all.
    """
    if inputs.ndim == 2:
        windows, n = inputs.shape
        flags = np.full((windows, n), Stimulus.VALID, dtype=np.uint8)
        flags[:, 0] |= Stimulus.FIRST
        flags[:, -1] |= Stimulus.LAST
        each = np.full(windows, network.num_steps) if steps is None else np.asarray(steps)
        return Beats(inputs.reshape(-1), flags.reshape(-1), np.repeat(each, n).astype(np.uint32))
    ticks, windows, n = inputs.shape
    width = min(WORD, n)
    words = -(-n // width)
    padded = np.pad(inputs, ((0, 0), (0, 0), (0, words * width - n))).reshape(ticks, windows, words, width)
    data = (padded << np.arange(width)).sum(axis=3).transpose(1, 0, 2)  # [B, ticks, words]
    lengths = np.full(windows, ticks) if steps is None else np.asarray(steps) * network.encoder_ticks
    parts, marks = [], []
    for window, length in zip(data, lengths.tolist(), strict=True):
        flags = np.full((length, words), Stimulus.VALID, dtype=np.uint8)
        flags[0, 0] |= Stimulus.FIRST
        flags[length - network.encoder_ticks :] |= Stimulus.LAST
        parts.append(window[:length].reshape(-1))
        marks.append(flags.reshape(-1))
    joined = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
    return Beats(joined, np.concatenate([np.zeros(0, dtype=np.uint8), *marks]), np.zeros(len(joined), dtype=np.uint32))


def _with_gaps(beats: Beats, gaps: np.ndarray | None) -> Beats:
    if gaps is None:
        return beats
    before = np.asarray(gaps, dtype=np.int64)
    if before.size != len(beats.data):
        raise ShapeError(f"gaps must hold {len(beats.data)} numbers, one for each beat, not {before.size}")
    if before.min(initial=0) < 0:
        raise ConfigError("gaps must not be negative")
    place = np.cumsum(before.reshape(-1) + 1) - 1
    total = int(place[-1]) + 1 if len(place) else 0
    data = ~beats.data[np.minimum(np.searchsorted(place, np.arange(total)), len(beats.data) - 1)]
    flags = np.full(total, Stimulus.FIRST | Stimulus.LAST, dtype=np.uint8)  # without VALID they must not matter
    steps = np.ones(total, dtype=np.uint32)
    data[place], flags[place], steps[place] = beats.data, beats.flags, beats.steps
    return Beats(data, flags, steps)


def _unused(folder: str, names: list[str]) -> set[str]:
    """Files of the library that no folded design takes anything from."""
    shared = {"sct_counter.v", "sct_lfsr.v", "sct_popcount.v"}
    return {n for n in names if n.endswith(".v") and not n.startswith(("sct_fold_", "sct_io_")) and n not in shared}


def check(
    network: ir.Network, options: Mapping[str, Any], target: str | None = None
) -> tuple[FoldedPlan, dict[str, Any]]:
    """The design's parts and the full options, or the error that `export` would raise for them."""
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ConfigError(
            f"verilog backend: option {unknown[0]!r} is unknown to the folded architecture; known: {', '.join(OPTIONS)}"
        )
    chosen = {**OPTIONS, **options}
    choose(chosen, network, folded=True)
    for name in ("inputs_per_clock", "neurons_per_clock"):
        chosen[name] = check_range(chosen[name], 1, MOST_PER_CLOCK, f"verilog backend: {name}")
    if check_flag(chosen["load_weights"], "verilog backend: load_weights") and not chosen["axi_lite"]:
        raise ConfigError(
            "verilog backend: load_weights needs interface 'axi' and axi_lite, through whose registers weights come"
        )
    return _plan(network, chosen), chosen


def _plan(network: ir.Network, options: Mapping[str, Any]) -> FoldedPlan:
    lanes, neurons = options["inputs_per_clock"], options["neurons_per_clock"]
    return plan(network, lanes, neurons, options.get("load_weights", False))


def export(
    network: ir.Network,
    folder: Path,
    options: Mapping[str, Any],
    target: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> FoldedDesign:
    """Write the design, its library, test bench and description, and compile its simulation.

    Parameters
    ----------
    options : architecture ("folded"), inputs_per_clock and neurons_per_clock (1 to 64); load_weights, whether
        other weights and biases can be loaded through the registers of axi_lite; interface and what belongs to
        it, see docs/interfaces.md.
    facts : what design.json says besides.
    """
    parts, chosen = check(network, options, target)
    told: dict[str, Any] = {"memory_bits": parts.memory_bits, **(facts or {})}
    if parts.loadable:
        told["weights"] = [
            {"layer": s.layer.name, "words": s.groups, "inputs": s.lanes, "weight_bits": s.layer.weight_bits,
             "neurons": s.layer.size, "start_bits": s.width}
            for s in parts.synapses
        ]  # fmt: skip
    return write_design(FoldedDesign, network, folder, chosen, emit(parts), _unused, target, told)
