"""Running a design's own test bench on each simulator that there is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import builders

from sctorch.hardware.tools import find_tool, run_tool, yosys_include

SIMULATORS = ("cxxrtl", "icarus", "verilator")

HARNESS = """\
#include "bench.cc"
#include <cstdio>
template <size_t Bits> unsigned read(const cxxrtl::value<Bits> &port) { return port.data[0]; }
template <size_t Bits> unsigned read(const cxxrtl::wire<Bits> &port) { return port.curr.data[0]; }
int main() {
    cxxrtl_design::p_net__bench bench;
    for (int clock = 0; clock < 400000; clock++) {
        bench.p_clk.data[0] = 0;
        bench.step();
        if (read(bench.p_done)) {
            if (read(bench.p_errors)) std::printf("FAIL: %u", read(bench.p_errors));
            else std::printf("PASS");
            return 0;
        }
        bench.p_clk.data[0] = 1;
        bench.step();
    }
    std::puts("FAIL: no end");
}
"""


def run_bench(simulator: str, folder: Path, sources: Sequence[str]) -> str:
    """What the bench net_tb.v of a design called `net` says: PASS or FAIL, and more."""
    for tool in {"cxxrtl": ("yosys", "g++"), "icarus": ("iverilog",), "verilator": ("verilator", "g++")}[simulator]:
        builders.require_tool(tool)
    return {"cxxrtl": _cxxrtl, "icarus": _icarus, "verilator": _verilator}[simulator](folder, sources)


def _cxxrtl(folder: Path, sources: Sequence[str]) -> str:
    script = (
        f"read_verilog -DSCTORCH_NO_CLOCK net_tb.v {' '.join(sources)}; hierarchy -check -top net_bench; proc; "
        "flatten; opt_clean; write_cxxrtl -g0 bench.cc"
    )
    run_tool(find_tool("yosys"), ["-q", "-p", script], cwd=folder)
    (folder / "harness.cc").write_text(HARNESS)
    run_tool(find_tool("g++"), ["-std=c++14", "-w", f"-I{yosys_include()}", "harness.cc", "-o", "bench"], cwd=folder)
    return subprocess.run([folder / "bench"], capture_output=True, text=True, check=True, timeout=300).stdout


def _icarus(folder: Path, sources: Sequence[str]) -> str:
    built = run_tool(find_tool("iverilog"), ["-g2005", "-Wall", "-o", "tb", "net_tb.v", *sources], cwd=folder)
    warnings = [line for line in built.splitlines() if "timescale" not in line]  # ours has one, the library none
    assert not warnings, warnings
    return subprocess.run(
        ["vvp", "-n", "tb"], cwd=folder, capture_output=True, text=True, check=True, timeout=300
    ).stdout


def _verilator(folder: Path, sources: Sequence[str]) -> str:
    shutil.rmtree(folder / "obj_dir", ignore_errors=True)
    flags = ["--binary", "-O1", "-Wno-fatal", "--top-module", "net_tb", "-CFLAGS", "-O0"]
    run_tool(find_tool("verilator"), [*flags, "net_tb.v", *sources], cwd=folder)
    return subprocess.run(
        [folder / "obj_dir" / "Vnet_tb"], cwd=folder, capture_output=True, text=True, check=True, timeout=300
    ).stdout
