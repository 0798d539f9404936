"""The generated test bench: it passes on a sound design, fails on a wrong one, and any simulator takes it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import builders
import numpy as np
import pytest

import sctorch
from sctorch import ir
from sctorch.backends.verilog import VerilogDesign
from sctorch.backends.verilog.bench import WINDOWS, example_input
from sctorch.hardware.tools import find_tool, run_tool, yosys_include

KINDS = {
    "rate": {"encoder": ("lfsr", "shift"), "hidden": 1, "fields": ("shift", "gt", "subtract", True)},
    "events": {"encoder": "events", "hidden": 1, "fields": ("multiply", "ge", "zero", False), "readout": "spike"},
    "stochastic": {"encoder": "levels", "hidden": 1, "fields": ("stochastic", "gt", "subtract_snntorch", False),
                   "readout": "spike", "rule": "first_to_threshold"},
    "logit": {"encoder": "direct", "hidden": 1, "fields": ("none", "ge", "zero", True), "readout": "membrane",
              "rule": "binary_logit"},
    "then": {"encoder": ("counter", "permute"), "hidden": 0, "readout": "spike", "rule": "threshold_then_argmax"},
}  # fmt: skip

HARNESS = """\
#include "bench.cc"
#include <cstdio>
template <size_t Bits> unsigned read(const cxxrtl::value<Bits> &port) { return port.data[0]; }
template <size_t Bits> unsigned read(const cxxrtl::wire<Bits> &port) { return port.curr.data[0]; }
int main() {
    cxxrtl_design::p_net__bench bench;
    for (int clock = 0; clock < 20000; clock++) {
        bench.p_clk.data[0] = 0;
        bench.step();
        if (read(bench.p_done)) {
            std::printf("%u", read(bench.p_errors));
            return 0;
        }
        bench.p_clk.data[0] = 1;
        bench.step();
    }
    std::puts("no end");
    return 1;
}
"""


@pytest.fixture(scope="module", params=KINDS)
def design(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> VerilogDesign:
    builders.require_tool("yosys")
    builders.require_tool("g++")
    seed = 70
    while True:  # a bench whose answers differ among themselves shows more
        network, _, _ = builders.alive_network(seed, 4, **KINDS[request.param])
        if len(np.unique(ir.simulate(network, example_input(network))["readout.decision"])) > 1:
            break
        seed += 1
    made = sctorch.export(network, tmp_path_factory.mktemp("bench") / "design")
    assert isinstance(made, VerilogDesign)
    return made


@pytest.fixture
def folder(design: VerilogDesign, tmp_path: Path) -> Path:
    """A copy of the design, to be changed."""
    shutil.copytree(design.folder, tmp_path / "copy")
    return tmp_path / "copy"


def _spoil_one_answer(folder: Path) -> None:
    file = folder / "net_tb_expect.hex"
    lines = file.read_text().split()
    lines[-1] = "0" if lines[-1] != "0" else "1"
    file.write_text("\n".join(lines) + "\n")


def _run_in_cxxrtl(folder: Path, sources: list[str]) -> int:
    """Differences that the bench counts."""
    script = (
        f"read_verilog -DSCTORCH_NO_CLOCK net_tb.v {' '.join(sources)}; hierarchy -check -top net_bench; proc; "
        "flatten; opt_clean; write_cxxrtl -g0 bench.cc"
    )
    run_tool(find_tool("yosys"), ["-q", "-p", script], cwd=folder)
    (folder / "harness.cc").write_text(HARNESS)
    flags = ["-std=c++14", "-w", f"-I{yosys_include()}"]
    run_tool(find_tool("g++"), [*flags, "harness.cc", "-o", "bench"], cwd=folder)
    return int(subprocess.run([folder / "bench"], cwd=folder, capture_output=True, text=True, check=True).stdout)


def test_the_bench_passes_in_cxxrtl(design: VerilogDesign, folder: Path) -> None:
    assert _run_in_cxxrtl(folder, design.sources) == 0


def test_the_bench_counts_a_wrong_answer(design: VerilogDesign, folder: Path) -> None:
    _spoil_one_answer(folder)
    assert _run_in_cxxrtl(folder, design.sources) == 1


def test_the_bench_notices_a_faulty_design(design: VerilogDesign, folder: Path) -> None:
    name, sound, faulty = "sct_argmax.v", "later = b > a;", "later = b < a;"
    if design.network.readout.decision_rule == "binary_logit":
        name, sound, faulty = "sct_decision.v", "decision <= difference", "decision <= ~difference"
    file = folder / "hdl" / name
    text = file.read_text()
    assert sound in text
    file.write_text(text.replace(sound, faulty))
    assert _run_in_cxxrtl(folder, design.sources) > 0


def test_the_vectors_are_as_long_as_the_bench_says(design: VerilogDesign) -> None:
    rows = WINDOWS * design.network.num_steps
    assert len((design.folder / "net_tb_input.hex").read_text().split()) == rows
    answers = [int(v, 16) for v in (design.folder / "net_tb_expect.hex").read_text().split()]
    assert len(answers) == rows
    assert len(set(answers)) > 1, "one class throughout proves little"


def _icarus(folder: Path, sources: list[str]) -> str:
    builders.require_program("iverilog")
    command = ["iverilog", "-g2005", "-Wall", "-o", "tb", "net_tb.v", *sources]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    done = subprocess.run(["vvp", "-n", "tb"], cwd=folder, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def test_the_bench_passes_on_icarus(design: VerilogDesign, folder: Path) -> None:
    assert f"PASS: {WINDOWS * design.network.num_steps} decisions" in _icarus(folder, design.sources)


def test_the_bench_fails_on_icarus_when_it_should(design: VerilogDesign, folder: Path) -> None:
    _spoil_one_answer(folder)
    assert f"FAIL: 1 of {WINDOWS * design.network.num_steps} decisions differ" in _icarus(folder, design.sources)


def test_verilator_has_nothing_to_say(design: VerilogDesign) -> None:
    builders.require_program("verilator")
    waive = ["-Wno-DECLFILENAME"]
    for extra in ([], ["-DSCTORCH_TRACE"]):
        command = ["verilator", "--lint-only", "-Wall", *waive, *extra, "--top-module", "net", *design.sources]
        done = subprocess.run(command, cwd=design.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]


def test_the_run_line_in_the_bench_names_the_files_there_are(design: VerilogDesign) -> None:
    assert "iverilog -g2005 -o tb net_tb.v net.v hdl/*.v" in (design.folder / "net_tb.v").read_text()
    assert (design.folder / "net.v").is_file()
