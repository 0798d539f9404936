"""Designs and netlists on Icarus and Verilator, driven clock for clock as CXXRTL's driver does it."""

from __future__ import annotations

import copy
import re
import subprocess
from pathlib import Path

import builders
import numpy as np

from sctorch import ir
from sctorch.backends.verilog import VerilogDesign
from sctorch.backends.verilog.cxxrtl import Stimulus, unpack_rows
from sctorch.hardware.tools import yosys_include

SIMULATORS = ("icarus", "verilator")
_COMMANDS = {
    "icarus": ["iverilog", "-g2005-sv", "-s", "drive", "-o", "simulation"],
    "verilator": ["verilator", "--binary", "--timing", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--top-module", "drive",
                  "--Mdir", "built", "-O0", "-CFLAGS", "-O0", "-o", "../simulation"],
}  # fmt: skip
_PROGRAMS = {"icarus": "iverilog", "verilator": "verilator"}
MODELS = {"ice40": "ice40/cells_sim.v", "xc7": "xilinx/cells_sim.v"}


def on(simulator: str, design: VerilogDesign, folder: Path) -> VerilogDesign:
    """The design with another simulator in CXXRTL's place; `folder` is to work in."""
    builders.require_program(_PROGRAMS[simulator])
    made = copy.copy(design)

    def run(stimulus: Stimulus) -> ir.Trace:
        return _run(simulator, design, stimulus, folder)

    made.run = run  # type: ignore[method-assign]
    return made


def _run(simulator: str, design: VerilogDesign, stimulus: Stimulus, folder: Path) -> ir.Trace:
    folder.mkdir(exist_ok=True)
    ports = design.traced_ports()
    sources = [str(design.folder / source) for source in design.sources]
    if design.gates:
        share = yosys_include().parents[3]
        (model,) = [file for file in MODELS.values() if design.gates.cells == f"+/{file}"]
        sources.append(str(share / model))
    words = [int.from_bytes(row.astype("<u4").tobytes(), "little") for row in stimulus.data]
    (folder / "data.hex").write_text("".join(f"{word:x}\n" for word in words))
    (folder / "flags.hex").write_text("".join(f"{flag:x}\n" for flag in stimulus.flags))
    text = (design.folder / design.sources[0]).read_text()
    width = int(re.findall(r"input\s+(?:wire\s+)?\[(\d+):0\] in_data", text)[-1]) + 1
    (folder / "drive.v").write_text(_driver(design.network.name, width, len(words), ports))
    built = subprocess.run(
        [*_COMMANDS[simulator], "-DSCTORCH_TRACE", "-DNO_ICE40_DEFAULT_ASSIGNMENTS", "drive.v", *sources],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, (built.stdout + built.stderr)[-3000:]
    command = ["vvp", "-n", "simulation"] if simulator == "icarus" else ["./simulation"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=600)
    rows: dict[int, list[int]] = {s: [] for s in range(len(ports))}
    for line in done.stdout.splitlines():
        if re.fullmatch(r"\d+ [0-9a-f]+", line):  # an x or z among the digits fails the shape
            signal, value = line.split()
            rows[int(signal)].append(int(value, 16))
    trace = {}
    for s, (key, n, bits, signed, _) in enumerate(design._signals()):
        size = -(-n * bits // 32) * 4
        packed = b"".join(value.to_bytes(size, "little") for value in rows[s])
        trace[key] = unpack_rows(np.frombuffer(packed, "<u4").reshape(len(rows[s]), -1), n, bits, signed)
    return trace


def _driver(top: str, width: int, rows: int, ports: list[tuple[str, int, int]]) -> str:
    stages = max(stage for _, _, stage in ports)
    wires = "\n".join(f"    wire [{bits - 1}:0] s{i};" for i, (_, bits, _) in enumerate(ports))
    joined = "".join(f", .{port}(s{i})" for i, (port, _, _) in enumerate(ports))
    shown = "\n".join(
        f'            if (row > 0 && valid[{stage}] === 1\'b1) $display("{i} %0h", s{i});'
        for i, (_, _, stage) in enumerate(ports)
    )
    return f"""\
module drive;
    reg [{width - 1}:0] data [0:{rows - 1}];
    reg [3:0] flags [0:{rows - 1}];
    reg clk = 0;
    reg [{width - 1}:0] in_data;
    reg [3:0] flag;
    wire [{stages}:0] valid;
{wires}
    {top} dut (.clk(clk), .rst(flag[3]), .in_valid(flag[0]), .in_first(flag[1]), .in_last(flag[2]),
        .in_data(in_data), .trace_valid(valid){joined});
    integer row;
    initial begin
        $readmemh("data.hex", data);
        $readmemh("flags.hex", flags);
        in_data = data[0];
        for (row = -1; row <= {rows}; row = row + 1) begin
            flag = row < 0 ? 4'd8 : row < {rows} ? flags[row] : 4'd0;
            if (row >= 0 && row < {rows}) in_data = data[row];
            #5;
{shown}
            clk = 1;
            #5 clk = 0;
        end
        $finish;
    end
endmodule
"""
