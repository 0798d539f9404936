"""A design after synthesis, as files that run: the target's cells, and yosys' models of what each computes."""

from __future__ import annotations

import copy
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sctorch.backends.verilog.interfaces.options import OPTIONS as INTERFACE_OPTIONS
from sctorch.backends.verilog.ports import answer_port
from sctorch.errors import ConfigError
from sctorch.hardware.targets import get_target
from sctorch.hardware.yosys import CELL_MODELS, write_gates

if TYPE_CHECKING:
    from sctorch.backends.verilog.design import VerilogDesign

__all__ = ["Gates", "make_netlist"]


@dataclass(frozen=True)
class Gates:
    """What a netlist was made for. cells : models of the target's cells. traced : whether it has the trace ports."""

    target: str
    cells: str
    traced: bool


def make_netlist(design: VerilogDesign, target: str, traced: bool) -> VerilogDesign:
    """See `VerilogDesign.netlist`: the design with another folder, which holds the netlist and its simulation."""
    part = get_target(target)
    if design.gates is not None:
        raise ConfigError(f"{design!r} is a netlist already; take the design that it was made from")
    name, made = design.network.name, copy.copy(design)
    made.gates = Gates(part.name, CELL_MODELS[part.family], traced)
    made.options = {**design.options, **INTERFACE_OPTIONS}  # the core alone
    folder = design.folder / "netlist" / (f"{part.name}-traced" if traced else part.name)
    try:
        folder.parent.mkdir(exist_ok=True)
        made.folder = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}; copy the design to where one can write") from error
    try:
        file = made.folder / f"{name}.v"
        if traced:
            write_gates(design.folder, name, design.sources, part, file, name, ["SCTORCH_TRACE"])
        else:
            ports = write_gates(design.folder, name, design.sources, part, file, f"{name}__gates")
            file.write_text(file.read_text() + _shell(made, ports))
        shutil.copytree(design.folder / "hdl" / "sim", made.folder / "hdl" / "sim")  # the simulation's driver
        made.build()
        shutil.rmtree(folder, ignore_errors=True)
        made.folder.rename(folder)
    finally:
        shutil.rmtree(made.folder, ignore_errors=True)
    made.folder = folder
    return made


def _shell(design: VerilogDesign, ports: dict[str, dict[str, int]]) -> str:
    """A module around a netlist without trace ports that shows its answer, at the port, as the trace would."""
    ((port, bits, stage),) = design.traced_ports()
    declared = [f"{kind} [{n - 1}:0] {name}" for kind, found in ports.items() for name, n in found.items()]
    declared += [f"output [{stage}:0] trace_valid", f"output [{bits - 1}:0] {port}"]
    joined = ", ".join(f".{name}({name})" for found in ports.values() for name in found)
    name = design.network.name
    return (
        f"\n// What is simulated: the netlist, and its answer under the name of the trace's.\nmodule {name} (\n    "
        + ",\n    ".join(declared)
        + f"\n);\n    {name}__gates gates ({joined});\n    assign trace_valid = {{out_valid, {stage}'d0}};\n"
        f"    assign {port} = {answer_port(design.network)[0]};\nendmodule\n"
    )
