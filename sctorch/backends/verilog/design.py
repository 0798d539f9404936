"""The verilog backend: export, load, and running the exported files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends.design import Design, read_description, write_description, writing_folder
from sctorch.backends.resources import resource_folder
from sctorch.backends.verilog.bench import write_bench
from sctorch.backends.verilog.cxxrtl import LIBRARY, Stimulus, build, pack_rows, run, unpack_rows
from sctorch.backends.verilog.interfaces.emit import emit_wrapper
from sctorch.backends.verilog.interfaces.folder import write_papers
from sctorch.backends.verilog.interfaces.options import OPTIONS as INTERFACE_OPTIONS
from sctorch.backends.verilog.interfaces.options import choose
from sctorch.backends.verilog.interfaces.plan import WrapperPlan, plan_wrapper
from sctorch.backends.verilog.netlist import Gates, make_netlist
from sctorch.backends.verilog.ports import input_width
from sctorch.backends.verilog.unrolled.emit import emit
from sctorch.backends.verilog.unrolled.plan import LOGIC_DEPTH, DesignPlan, plan
from sctorch.backends.verilog.unrolled.traces import trace_port, trace_signals
from sctorch.errors import ConfigError, MismatchError
from sctorch.hardware.tools import find_tool

__all__ = ["VerilogDesign", "check", "export", "load"]

OPTIONS: dict[str, Any] = {
    "architecture": "unrolled",
    "logic_depth": LOGIC_DEPTH,
    "input_register": True,
    **INTERFACE_OPTIONS,
}
ARCHITECTURES = ("unrolled",)


class VerilogDesign(Design):
    """Unrolled Verilog: one timestep per clock. The files run compiled by CXXRTL."""

    backend = "verilog"
    gates: Gates | None = None  # of a design that `netlist` made

    @property
    def label(self) -> str:
        return f"{self.gates.target} gates" if self.gates else self.backend

    @cached_property
    def plan(self) -> DesignPlan:
        """The parts that the design is made of."""
        return plan(self.network, self.options["logic_depth"], self.options["input_register"])

    @property
    def sources(self) -> list[str]:
        """Verilog files of the design, relative to its folder."""
        library = sorted(f"hdl/{p.name}" for p in (self.folder / "hdl").glob("*.v"))
        wrapper = [f"{self.top}.v"] if self.wrapper else []
        return [*wrapper, f"{self.network.name}.v", *library]

    @property
    def wrapper(self) -> WrapperPlan | None:
        """What stands around the core; None where it is bare."""
        return _wrapper(self.network, self.options, self.latency_cycles)

    @property
    def top(self) -> str:
        """The module that a user of the design instantiates."""
        return self.wrapper.top if self.wrapper else self.network.name

    @property
    def latency_cycles(self) -> int:
        """Clocks from a timestep's first one on the port to its decision."""
        return self.plan.latency_cycles

    @property
    def cycles_per_inference(self) -> int:
        """Clocks from one window's start to the next one's, an interface's loading included."""
        core = self.plan.cycles_per_inference
        return self.wrapper.cycles_per_inference(core) if self.wrapper else core

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
        return self._unpack(self.run(stimulus), windows)

    def run(self, stimulus: Stimulus) -> ir.Trace:
        """Rows [timesteps, n] of every traced signal for any sequence of clocks."""
        if not (self.folder / LIBRARY).is_file():
            self.build()
        signals = self._signals()
        rows = run(self.folder / LIBRARY, stimulus, self.traced_ports())
        return {
            key: unpack_rows(words, n, width, signed)
            for (key, n, width, signed, _), words in zip(signals, rows, strict=True)
        }

    def write_bench(self, x: np.ndarray) -> None:
        """Write the test bench anew, with these windows as its vectors (as for `ir.simulate`)."""
        write_bench(self.folder, self.network, self.wrapper, x)

    def build(self) -> None:
        """Compile the simulation of the exported files."""
        cells = self.gates.cells if self.gates else ""
        build(self.folder, self.network.name, self.sources, self.traced_ports(), cells=cells)

    def netlist(self, target: str = "ice40-hx8k", traced: bool = False) -> VerilogDesign:
        """The design after synthesis: the target's cells, in a folder of its own within this one, run by CXXRTL.

        Parameters
        ----------
        target : a name or alias of `sctorch.hardware.targets`.
        traced : synthesise with the trace ports, so that `trace` gives every layer at every timestep. Without them
            the netlist is what is shipped, and `trace` gives the decision after every timestep alone.

        Raises
        ------
        UnsupportedError
            For a folded design without `traced`; if it has cells of which yosys has no simulation model: block RAM of
            ecp5 and Xilinx, multipliers of ecp5.
        ConfigError, ToolNotFoundError, ToolFailedError
            For an unknown target; when a tool is missing or fails.
        """
        return make_netlist(self, target, traced)

    def _signals(self) -> list[tuple[str, int, int, bool, int]]:
        """(key, entries, bits, signed, stage) of what the compiled simulation shows."""
        signals = trace_signals(self.plan)
        if self.gates is None or self.gates.traced:
            return signals
        return [s for s in signals if s[0].endswith(".decision")]

    def traced_ports(self) -> list[tuple[str, int, int]]:
        """(port, bits, stage) of what the compiled simulation shows."""
        return [(trace_port(key), n * width, stage) for key, n, width, _, stage in self._signals()]

    def _unpack(self, rows: ir.Trace, windows: int) -> ir.Trace:
        network = self.network
        for key, values in rows.items():
            expected = windows * network.num_steps * (network.encoder_ticks if key == network.encoder.name else 1)
            if len(values) != expected:
                raise MismatchError("verilog: timesteps out", key, 0, 0, 0, expected, len(values))
        return {
            key: v.reshape(windows, len(v) // windows, -1).transpose(1, 0, 2) if windows else v[:, None]
            for key, v in rows.items()
        }


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


def _wrapper(network: ir.Network, options: Mapping[str, Any], latency: int) -> WrapperPlan | None:
    interface = choose(options, network)
    return None if interface is None else plan_wrapper(network, interface, latency)


def export(
    network: ir.Network,
    folder: Path,
    options: Mapping[str, Any],
    target: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> VerilogDesign:
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
    find_tool("yosys")  # before anything is written
    find_tool("g++")
    text, wrapper = emit(parts), _wrapper(network, chosen, parts.latency_cycles)
    with writing_folder(folder) as part:
        unused = ["README.md", "*.so", "sct_fold_*", *([] if wrapper else ["sct_io_*"])]
        shutil.copytree(resource_folder("hdl"), part / "hdl", ignore=shutil.ignore_patterns(*unused))
        (part / f"{network.name}.v").write_text(text)
        if wrapper:
            (part / f"{wrapper.top}.v").write_text(emit_wrapper(wrapper))
        write_bench(part, network, wrapper)
        sources = VerilogDesign(part, network, chosen).sources
        write_papers(part, network, wrapper, sources, parts.latency_cycles, parts.cycles_per_inference, target)
        write_description(
            part, "verilog", network, chosen, target=target,
            latency_cycles=parts.latency_cycles,
            cycles_per_inference=VerilogDesign(part, network, chosen).cycles_per_inference,
            **(facts or {}),
        )  # fmt: skip
        VerilogDesign(part, network, chosen).build()
    return VerilogDesign(Path(folder), network, chosen)


def load(folder: Path) -> VerilogDesign:
    """A design that `export` wrote."""
    network, description = read_description(Path(folder))
    return VerilogDesign(Path(folder), network, description["options"])
