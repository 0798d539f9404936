"""What Verilog designs of both architectures share: the folder, the interface around the core, the simulation."""

from __future__ import annotations

import shutil
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from sctorch import ir
from sctorch.backends.design import Design, write_description, writing_folder
from sctorch.backends.resources import resource_folder
from sctorch.backends.verilog.bench import Vectors, example_input, write_core_bench
from sctorch.backends.verilog.cxxrtl import LIBRARY, build
from sctorch.backends.verilog.interfaces.bench import windows_script, write_wrapper_bench
from sctorch.backends.verilog.interfaces.emit import emit_wrapper
from sctorch.backends.verilog.interfaces.folder import write_papers
from sctorch.backends.verilog.interfaces.options import choose
from sctorch.backends.verilog.interfaces.plan import Core, WrapperPlan, plan_wrapper
from sctorch.backends.verilog.netlist import Gates, make_netlist
from sctorch.errors import MismatchError
from sctorch.hardware.tools import find_tool

__all__ = ["VerilogDesign", "write_design"]


class VerilogDesign(Design):
    """Verilog of either architecture. The files run compiled by CXXRTL."""

    backend = "verilog"
    driver: ClassVar[str] = "driver.h"  # of the simulation
    gates: Gates | None = None  # of a design that `netlist` made

    @property
    def label(self) -> str:
        return f"{self.gates.target} gates" if self.gates else self.backend

    @property
    @abstractmethod
    def plan(self) -> Any:
        """The parts that the design is made of."""

    @property
    @abstractmethod
    def core(self) -> Core:
        """What stands within an interface."""

    @property
    def wrapper(self) -> WrapperPlan | None:
        """What stands around the core; None where it is bare."""
        interface = choose(self.options, self.network, self.core.folded)
        return None if interface is None else plan_wrapper(self.network, interface, self.core)

    @property
    def sources(self) -> list[str]:
        """Verilog files of the design, relative to its folder."""
        library = sorted(f"hdl/{p.name}" for p in (self.folder / "hdl").glob("*.v"))
        wrapper = [f"{self.top}.v"] if self.wrapper else []
        return [*wrapper, f"{self.network.name}.v", *library]

    @property
    def top(self) -> str:
        """The module that a user of the design instantiates."""
        return self.wrapper.top if self.wrapper else self.network.name

    @property
    def latency_cycles(self) -> int:
        """Clocks from a timestep's first one on the core's port to its decision; of a folded design at most."""
        return self.core.latency

    @property
    def cycles_per_inference(self) -> int:
        """Clocks from one window's start to the next one's, an interface's loading included; of a folded design at
        most, computed."""
        return self.wrapper.cycles_per_inference if self.wrapper else self.core.window_clocks

    @abstractmethod
    def vectors(self, inputs: np.ndarray) -> Vectors:
        """Whole windows as rows of the core's port. inputs : what `ir.check_input` returns."""

    def write_bench(self, x: np.ndarray) -> None:
        """Write the test bench anew, with these windows as its vectors (as for `ir.simulate`)."""
        if self.wrapper:
            write_wrapper_bench(self.folder, self.wrapper, windows_script(self.wrapper, x))
        else:
            vectors = self.vectors(ir.check_input(self.network, x))
            write_core_bench(self.folder, self.network, self.core, vectors, x)

    def build(self) -> None:
        """Compile the simulation of the exported files."""
        cells = self.gates.cells if self.gates else ""
        build(
            self.folder, self.network.name, self.sources, self.traced_ports(), self.driver, self._defines(), cells
        )  # fmt: skip

    def _defines(self) -> list[str]:
        """Of the simulation's driver."""
        return []

    def library(self) -> Path:
        """The compiled simulation."""
        if not (self.folder / LIBRARY).is_file():
            self.build()
        return self.folder / LIBRARY

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

    @abstractmethod
    def traced_ports(self) -> list[tuple[str, int, int]]:
        """(port, bits, when it is valid) of what the compiled simulation shows."""

    def _by_window(self, rows: ir.Trace, windows: int) -> ir.Trace:
        """Rows [timesteps, n] as [T, windows, n]; MismatchError if some are missing, or too many."""
        network = self.network
        for key, values in rows.items():
            expected = windows * network.num_steps * (network.encoder_ticks if key == network.encoder.name else 1)
            if len(values) != expected:
                raise MismatchError("verilog: timesteps out", key, 0, 0, 0, expected, len(values))
        return {
            key: v.reshape(windows, len(v) // windows, -1).transpose(1, 0, 2) if windows else v[:, None]
            for key, v in rows.items()
        }


D = TypeVar("D", bound=VerilogDesign)


def write_design(
    kind: type[D],
    network: ir.Network,
    folder: Path,
    options: Mapping[str, Any],
    text: str,
    unused: Callable[[str, list[str]], set[str]],
    target: str | None,
    facts: Mapping[str, Any],
) -> D:
    """Write a design with everything beside it, and compile its simulation.

    Parameters
    ----------
    options : checked. text : of the core. unused : names of the library's files that it takes nothing from.
    facts : what design.json says besides.
    """
    find_tool("yosys")  # before anything is written
    find_tool("g++")
    with writing_folder(folder) as part:
        design = kind(part, network, options)
        wrapper = design.wrapper

        def left_out(place: str, names: list[str]) -> set[str]:
            others = ("README.md", "*.so") if wrapper else ("README.md", "*.so", "sct_io_*")
            return unused(place, names) | shutil.ignore_patterns(*others)(place, names)

        shutil.copytree(resource_folder("hdl"), part / "hdl", ignore=left_out)
        (part / f"{network.name}.v").write_text(text)
        if wrapper:
            (part / f"{wrapper.top}.v").write_text(emit_wrapper(wrapper))
        design.write_bench(example_input(network))
        write_papers(part, network, wrapper, design.core, design.sources, target)
        write_description(
            part, "verilog", network, options, target=target, latency_cycles=design.latency_cycles,
            cycles_per_inference=design.cycles_per_inference, **facts,
        )  # fmt: skip
        design.build()
    return kind(Path(folder), network, options)
