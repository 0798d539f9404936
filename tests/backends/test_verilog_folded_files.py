"""The files of a folded design: texts without a warning, what is beside them, registers unknown at first, netlists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import builders
import pytest
from folding import KINDS, Bench
from simulators import run_bench

from sctorch import ir
from sctorch.backends import load
from sctorch.backends.verilog import FoldedDesign
from sctorch.backends.verilog.folded.design import window_beats
from sctorch.backends.verilog.folded.emit import emit
from sctorch.backends.verilog.folded.plan import plan
from sctorch.backends.verilog.ports import answer_port
from sctorch.errors import UnsupportedError


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest, folded_benches: Callable[[str], Bench]) -> Bench:
    return folded_benches(request.param)


def test_a_design_says_what_it_is_and_is_found_again(bench: Bench) -> None:
    design = bench.design
    again = load(design.folder)
    assert isinstance(again, FoldedDesign)
    assert again.options == design.options
    assert {"architecture", "inputs_per_clock", "neurons_per_clock"} <= set(again.options)
    described = json.loads((design.folder / "design.json").read_text())
    assert described["cycles_per_inference"] == design.cycles_per_inference == again.cycles_per_inference
    assert described["memory_bits"] == design.plan.memory_bits
    builders.assert_traces_equal(bench.expected, again.trace(bench.x))


@pytest.mark.parametrize("seed", range(4))
def test_the_same_network_gives_the_same_text(seed: int) -> None:
    first, second = (plan(builders.random_network(Random(seed)), 2, 2) for _ in range(2))
    assert emit(first) == emit(second)


def random_plans() -> Iterator[str]:
    """The texts of designs of every encoder and source."""
    for seed, encoder in enumerate(builders.ENCODERS * 2):
        rnd = Random(seed)
        network = builders.random_network(rnd, encoder=encoder, lengths=(1, 2, 4), hidden=rnd.randint(0, 2))
        yield emit(plan(network, rnd.choice((1, 1, 2, 3, 8)), rnd.choice((1, 2, 3))))


def test_verilator_finds_nothing_to_warn_of(tmp_path: Path) -> None:
    builders.require_program("verilator")
    hdl = Path(__file__).parents[2] / "hdl"
    for number, text in enumerate(random_plans()):
        file = tmp_path / "net.v"
        file.write_text(text)
        for define in ([], ["-DSCTORCH_TRACE"]):
            command = ["verilator", "--lint-only", "-Wall", *define, "--top-module", "net", "-y", str(hdl), str(file)]
            done = subprocess.run(command, capture_output=True, text=True)
            assert (done.returncode, done.stderr) == (0, ""), f"design {number}: {done.stderr}"


@pytest.mark.parametrize("seed", range(6))
def test_registers_that_start_unknown_reach_no_decision(seed: int, tmp_path: Path) -> None:
    """Icarus knows x: after one clock of reset, every decision of two windows is a number, and the right one."""
    builders.require_program("iverilog")
    network, x, expected = builders.alive_network(30 + seed, 2, lengths=(1, 2), hidden=1)
    (tmp_path / "net.v").write_text(emit(plan(network, 1 + seed % 3, 1 + seed % 2)))
    beats = window_beats(network, ir.check_input(network, x))
    rows = zip(beats.steps.tolist(), beats.flags.tolist(), beats.data.tolist(), strict=True)
    (tmp_path / "beats.hex").write_text("".join(f"{s:08x}{f:08x}{d:08x}\n" for s, f, d in [*rows, (0, 0, 0)]))
    clocks = len(beats.data) + 4 * plan(network).most_cycles + 500
    port, _, signed = answer_port(network)
    steps = ".steps(row[64 +: 32])," if not isinstance(network.encoder, ir.EventEncoder) else ""
    (tmp_path / "bench.v").write_text(f"""\
`timescale 1ns / 1ps
module bench;
    reg clk = 0, rst = 1;
    reg [95:0] rows [0:{len(beats.data)}];
    integer sent = 0, clocks = 0;
    wire [95:0] row = rows[sent];
    wire ready, valid, first, last;
    wire valid_in = !rst && sent < {len(beats.data)};
    wire {"signed" if signed else ""} [31:0] answer;
    net dut (.clk(clk), .rst(rst), .in_valid(valid_in), .in_ready(ready), .in_first(row[33]), .in_last(row[34]),
        .in_data(row[31:0]), {steps} .out_valid(valid), .out_first(first), .out_last(last), .{port}(answer));
    initial $readmemh("beats.hex", rows);
    always #5 clk = ~clk;
    always @(posedge clk) begin
        rst <= 0;
        clocks <= clocks + 1;
        if (valid_in && ready) sent <= sent + 1;
        if (valid !== 0 && !rst) $display("%0d %b %b", answer, first, last);
        if (clocks > {clocks}) $finish;
    end
endmodule
""")
    hdl = Path(__file__).parents[2] / "hdl"
    build = ["iverilog", "-g2005", "-o", "bench", "-s", "bench", "-y", str(hdl), "bench.v", "net.v"]
    subprocess.run(build, cwd=tmp_path, check=True)
    lines = subprocess.run(["./bench"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    right = expected["readout.decision"][..., 0].T.reshape(-1).tolist()
    last = network.num_steps - 1
    ends = [f"{int(t == 0)} {int(t == last)}" for _ in range(2) for t in range(network.num_steps)]
    assert [line for line in lines if "finish" not in line] == [f"{a} {e}" for a, e in zip(right, ends, strict=True)]


BENCHES = [("direct", "icarus"), ("direct", "verilator"), ("scan", "icarus"), ("scan", "cxxrtl")]


@pytest.mark.parametrize(("bench", "simulator"), BENCHES, indirect=["bench"])
def test_the_test_bench_passes(bench: Bench, simulator: str, tmp_path: Path) -> None:
    shutil.copytree(bench.design.folder, tmp_path / "copy")
    assert run_bench(simulator, tmp_path / "copy", bench.design.sources).startswith("PASS")


@pytest.mark.parametrize("bench", ["ticks"], indirect=True)
def test_the_test_bench_sees_a_wrong_answer(bench: Bench, tmp_path: Path) -> None:
    shutil.copytree(bench.design.folder, tmp_path / "copy")
    design = FoldedDesign(tmp_path / "copy", bench.design.network, bench.design.options)
    design.write_bench(bench.x)  # windows of one's own
    answers = (tmp_path / "copy" / "net_tb_expect.hex").read_text().split()
    assert [int(a, 16) for a in answers] == bench.expected["readout.decision"][..., 0].T.reshape(-1).tolist()
    assert run_bench("icarus", design.folder, design.sources).startswith("PASS")
    answers[-1] = "0" if answers[-1] != "0" else "1"
    (tmp_path / "copy" / "net_tb_expect.hex").write_text("\n".join(answers))
    assert run_bench("icarus", design.folder, design.sources).startswith("FAIL: 1 of")


def test_what_lies_beside_says_what_the_ports_are(bench: Bench) -> None:
    folder = bench.design.folder
    header = re.search(r"module net \(.*?\);", (folder / "net.v").read_text(), re.DOTALL)
    assert header
    shipped = re.sub(r"`ifdef.*?`endif", "", header[0], flags=re.DOTALL)
    ports = set(re.findall(r"(?:input|output) +wire +(?:signed +)?(?:\[\d+:0\] )?(\w+)", shipped))
    told = set(re.findall(r"^\| `(\w+)`", (folder / "README.md").read_text(), re.MULTILINE))
    assert told == ports
    assert {"net.pcf", "net.lpf", "net.xdc", "build_ice40.sh", "build_xilinx.tcl"} <= {p.name for p in folder.iterdir()}


@pytest.mark.parametrize("bench", ["features", "scan"], indirect=True)  # synthesis is slow: a walk and a scan
def test_a_netlist_computes_the_same(bench: Bench) -> None:
    gates = bench.design.netlist("ice40-hx8k", traced=True)
    builders.assert_traces_equal(bench.expected, gates.trace(bench.x))
    with pytest.raises(UnsupportedError, match=r"netlist without trace ports.*traced=True"):
        bench.design.netlist("ice40-hx8k")
