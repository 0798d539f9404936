"""An unrolled design on disk, and how to run it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends.verilog.bench import Vectors
from sctorch.backends.verilog.cxxrtl import Stimulus, pack_rows, run, unpack_rows
from sctorch.backends.verilog.design import VerilogDesign, write_design
from sctorch.backends.verilog.interfaces.options import OPTIONS as INTERFACE_OPTIONS
from sctorch.backends.verilog.interfaces.options import choose
from sctorch.backends.verilog.interfaces.plan import Core
from sctorch.backends.verilog.ports import input_width
from sctorch.backends.verilog.unrolled.emit import emit
from sctorch.backends.verilog.unrolled.plan import LOGIC_DEPTH, DesignPlan, plan
from sctorch.backends.verilog.unrolled.traces import trace_port, trace_signals
from sctorch.errors import ConfigError

__all__ = ["UnrolledDesign", "check", "export"]

OPTIONS: dict[str, Any] = {
    "architecture": "unrolled",
    "logic_depth": LOGIC_DEPTH,
    "input_register": True,
    **INTERFACE_OPTIONS,
}
ARCHITECTURES = ("unrolled",)


class UnrolledDesign(VerilogDesign):
    """Unrolled Verilog: one timestep per clock. The files run compiled by CXXRTL."""

    @cached_property
    def plan(self) -> DesignPlan:
        """The parts that the design is made of."""
        return plan(self.network, self.options["logic_depth"], self.options["input_register"])

    @property
    def core(self) -> Core:
        bits = self.network.encoder.n_features * input_width(self.network)
        return Core(self.plan.latency_cycles, self.plan.cycles_per_inference, bits)

    def trace(self, x: np.ndarray, gaps: np.ndarray | None = None) -> ir.Trace:
        """Run windows one after another through the compiled files.

        Parameters
        ----------
        x : as for `ir.simulate`.
        gaps : idle clocks before each timestep, [B, T], with garbage on in_data; default none.
        """
        network = self.network
        beats, flags = window_beats(network, ir.check_input(network, x))
        windows = len(beats) // self.plan.cycles_per_inference
        data = pack_rows(beats, input_width(network))
        stimulus = _stimulus(data, flags, gaps, network.ticks_per_step, self.latency_cycles)
        return self._by_window(self.run(stimulus), windows)

    def run(self, stimulus: Stimulus) -> ir.Trace:
        """Rows [timesteps, n] of every traced signal for any sequence of clocks."""
        signals = self._signals()
        rows = run(self.library(), stimulus, self.traced_ports())
        return {
            key: unpack_rows(words, n, width, signed)
            for (key, n, width, signed, _), words in zip(signals, rows, strict=True)
        }

    def vectors(self, inputs: np.ndarray) -> Vectors:
        network = self.network
        per_beat = np.repeat(inputs[None], network.num_steps, axis=0) if inputs.ndim == 2 else inputs
        width, (beats, windows, _) = input_width(network), per_beat.shape
        rows = per_beat.transpose(1, 0, 2).reshape(windows * beats, -1)
        return Vectors(
            [sum(int(v) << (width * j) for j, v in enumerate(row)) for row in rows],
            [step == 0 for _ in range(windows) for step in range(beats)],
            [step == beats - 1 for _ in range(windows) for step in range(beats)],
        )

    def _signals(self) -> list[tuple[str, int, int, bool, int]]:
        """(key, entries, bits, signed, stage) of what the compiled simulation shows."""
        signals = trace_signals(self.plan)
        if self.gates is None or self.gates.traced:
            return signals
        return [s for s in signals if s[0].endswith(".decision")]

    def traced_ports(self) -> list[tuple[str, int, int]]:
        """(port, bits, stage) of what the compiled simulation shows."""
        return [(trace_port(key), n * width, stage) for key, n, width, _, stage in self._signals()]


def window_beats(network: ir.Network, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole windows as rows of the input port, one for each clock, and their flags.

    inputs : what `ir.check_input` returns. With ticks_per_step > 1 a beat of features stays for the whole timestep,
    and a beat of spikes is one tick; in the clocks that rest the port shows garbage without VALID.
    """
    steps, length = network.num_steps, network.ticks_per_step
    if inputs.ndim == 2:
        rows = np.repeat(inputs[:, None], steps * length, axis=1).reshape(len(inputs), steps, length, -1)
        active = length
    else:
        active = network.encoder_ticks
        taken = inputs.transpose(1, 0, 2).reshape(inputs.shape[1], steps, active, -1)
        rows = np.pad(taken, ((0, 0), (0, 0), (0, length - active), (0, 0)), constant_values=1)
    flags = np.zeros(rows.shape[:3], dtype=np.uint8)
    flags[:, :, :active] |= Stimulus.VALID
    flags[:, 0, : active if inputs.ndim == 2 else 1] |= Stimulus.FIRST
    flags[:, -1, 0 if inputs.ndim == 2 else active - 1 : active] |= Stimulus.LAST
    return rows.reshape(-1, rows.shape[-1]), flags.reshape(-1)


def _stimulus(data: np.ndarray, flags: np.ndarray, gaps: np.ndarray | None, length: int, latency: int) -> Stimulus:
    """The clocks of whole windows: idle ones between (garbage on the data), and enough after to empty the pipeline."""
    steps = len(flags) // length
    before = np.zeros(steps, dtype=np.int64) if gaps is None else np.asarray(gaps, dtype=np.int64).reshape(-1)
    if len(before) != steps or before.min(initial=0) < 0:
        raise ConfigError(f"gaps must hold {steps} numbers that are not negative")
    clocks = np.ones(len(flags), dtype=np.int64)
    clocks[::length] += before
    place = np.cumsum(clocks) - 1
    total = (int(place[-1]) + 1 if len(place) else 0) + latency + 1
    all_data = ~data[np.minimum(np.searchsorted(place, np.arange(total)), len(data) - 1)]
    all_flags = np.full(total, Stimulus.FIRST | Stimulus.LAST, dtype=np.uint8)  # without VALID they must not matter
    all_data[place], all_flags[place] = data, flags
    return Stimulus(all_data, all_flags)


def check(
    network: ir.Network, options: Mapping[str, Any], target: str | None = None
) -> tuple[DesignPlan, dict[str, Any]]:
    """The design's parts and the full options, or the error that `export` would raise for them."""
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ConfigError(f"verilog backend: option {unknown[0]!r} is unknown; known: {', '.join(OPTIONS)}")
    chosen = {**OPTIONS, **options}
    if chosen["architecture"] not in ARCHITECTURES:
        raise ConfigError(
            f"verilog backend: architecture {chosen['architecture']!r} is unknown; known: {', '.join(ARCHITECTURES)}"
        )
    depth = chosen["logic_depth"]
    if isinstance(depth, bool) or not isinstance(depth, int) or depth < 0:
        raise ConfigError(
            f"verilog backend: logic_depth = {depth!r} must be a whole number of levels between registers, "
            "or 0 for no registers within a layer"
        )
    if not isinstance(chosen["input_register"], bool):
        raise ConfigError(f"verilog backend: input_register = {chosen['input_register']!r} must be true or false")
    choose(chosen, network)
    return plan(network, depth, chosen["input_register"]), chosen


def export(
    network: ir.Network,
    folder: Path,
    options: Mapping[str, Any],
    target: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> UnrolledDesign:
    """Write the design, its library, test bench and description, and compile its simulation.

    Parameters
    ----------
    options : architecture ("unrolled"); logic_depth, the most comparisons of scores in a row between two registers
        (fewer: a faster clock, more latency; 0: no registers within the decision); input_register, whether the
        encoder's bits go through registers (without, in_data should come from registers itself); interface ("core",
        "stream", "axi", "uart", "spi") with bus_bits, axi_lite, every_timestep, double_buffer and clocks_per_bit, see
        docs/interfaces.md.
    facts : what design.json says besides.
    """
    parts, chosen = check(network, options, target)
    return write_design(UnrolledDesign, network, folder, chosen, emit(parts), _unused, target, facts or {})


def _unused(folder: str, names: list[str]) -> set[str]:
    """Files of the library that no unrolled design takes anything from."""
    return {name for name in names if name.startswith("sct_fold_")}
