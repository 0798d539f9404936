"""Wrapped designs: every answer that comes out of their pins is the simulator's, on three simulators, whatever the
packets, gaps, back-pressure and resets."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import builders
import pytest
from simulators import SIMULATORS, run_bench
from wrapped import CASES, VERILATED, Bench, everything, living

import sctorch
from sctorch.backends import registry
from sctorch.backends.verilog.interfaces.bench import write_wrapper_bench
from sctorch.errors import ConfigError, UnsupportedError
from sctorch.hardware.tools import Tool, find_tool, run_tool

ALL = [*(name for name in CASES if "slow" not in name and "a byte" not in name), "sparse", "folded, wide"]
SLOW = ("icarus", "sparse")  # much logic for an interpreter; CXXRTL runs it
RUNS = [(s, n) for s in SIMULATORS for n in ALL if (s != "verilator" or n in VERILATED) and (s, n) != SLOW]


@pytest.mark.parametrize(("simulator", "name"), RUNS)
def test_every_answer_is_the_simulators(
    name: str, simulator: str, benches: Callable[[str], Bench], tmp_path: Path
) -> None:
    bench = benches(name)
    folder = tmp_path / "copy"
    shutil.copytree(bench.design.folder, folder)
    write_wrapper_bench(folder, bench.plan, everything(bench))
    assert run_bench(simulator, folder, bench.design.sources).startswith("PASS")


def test_a_bench_notices_a_wrong_answer_and_a_missing_one(benches: Callable[[str], Bench], tmp_path: Path) -> None:
    bench = benches("stream, bytes")
    folder = tmp_path / "copy"
    shutil.copytree(bench.design.folder, folder)
    script = everything(bench)
    last, value = script.answers[-1]
    script.answers[-1] = (last, value ^ 1)
    write_wrapper_bench(folder, bench.plan, script)
    assert run_bench("icarus", folder, bench.design.sources).startswith("FAIL: 1 of")
    script.answers[-1] = (last, value)
    script.answers.append((1, 0))
    write_wrapper_bench(folder, bench.plan, script)
    assert run_bench("icarus", folder, bench.design.sources).startswith("FAIL: no end")


def test_unused_inputs_are_not_kept(benches: Callable[[str], Bench]) -> None:
    plan = benches("sparse").plan
    assert any(lane.mask is not None for lane in plan.lanes)
    assert sum(plan.used) < plan.kept_bits + 1 < 0.6 * plan.core.word_bits


REFUSED = {
    "interface = 'can' is unknown": {"interface": "can"},
    "a power of two": {"interface": "stream", "bus_bits": 24},
    "bus_bits = 4 is outside 8 to 1024": {"interface": "axi", "bus_bits": 4},
    "bus_bits = 32 has no use with interface 'uart'": {"interface": "uart", "bus_bits": 32},
    "axi_lite = True has no use": {"interface": "stream", "axi_lite": True},
    "every_timestep = 1 must be True or False": {"interface": "stream", "every_timestep": 1},
    "double_buffer = True has no use with interface 'core'": {"double_buffer": True},
    "clocks_per_bit = 3 is outside 4": {"interface": "uart", "clocks_per_bit": 3},
}


@pytest.mark.parametrize("message", REFUSED)
def test_options_are_refused(message: str) -> None:
    network, _ = living(CASES["stream, bytes"], 100)
    with pytest.raises(ConfigError, match=message):
        registry.check_network(network, "verilog", REFUSED[message])


def test_what_spikes_have_no_use_for_is_refused(tmp_path: Path) -> None:
    network, _ = living(CASES["stream, spikes"], 100)
    with pytest.raises(ConfigError, match="double_buffer keeps images"):
        sctorch.export(network, tmp_path / "x", interface="stream", double_buffer=True)
    with pytest.raises(UnsupportedError, match="answers are read in another"):
        sctorch.export(network, tmp_path / "x", interface="spi", every_timestep=True)
    assert list(tmp_path.iterdir()) == []


def test_windows_of_ones_own(benches: Callable[[str], Bench], tmp_path: Path) -> None:
    bench = benches("axi, logit")
    shutil.copytree(bench.design.folder, tmp_path / "copy")
    design = sctorch.backends.load(tmp_path / "copy")
    design.write_bench(builders.random_input(design.network, 3, 5))  # type: ignore[attr-defined]
    assert "PASS: 3 decisions" in run_bench("icarus", design.folder, bench.design.sources)


@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_the_build_scripts_run(family: str, benches: Callable[[str], Bench], tmp_path: Path) -> None:
    builders.require_tool(f"nextpnr-{family}")
    bench = benches("uart")
    folder = tmp_path / "copy"
    shutil.copytree(bench.design.folder, folder)
    boards = {"ice40": ["hx8k_breakout.pcf"], "ecp5": ["ulx3s.lpf"]}[family]
    places = os.pathsep.join([os.environ["PATH"], str(Path(sys.executable).parent)])  # the wheels' programs
    for board in boards:
        run_tool(Tool("sh", ("sh",)), [f"build_{family}.sh"], cwd=folder, env={"CONSTRAINTS": board, "PATH": places})
    suffix = {"ice40": "bin", "ecp5": "bit"}[family]
    assert (folder / "build" / f"net_uart.{suffix}").stat().st_size > 10_000


@pytest.mark.parametrize("name", ["axi lite", "spi, spikes"])
def test_verilator_has_nothing_to_say(name: str, benches: Callable[[str], Bench]) -> None:
    builders.require_tool("verilator")
    design = benches(name).design
    for top, files in ((design.top, design.sources), ("net_tb", ["net_tb.v", *design.sources])):
        command = ["--lint-only", "-Wall", "-Wno-DECLFILENAME", *(["--timing", "-Wno-fatal"] * (top != design.top))]
        run_tool(find_tool("verilator"), [*command, "--top-module", top, *files], cwd=design.folder)


def test_the_readme_says_what_the_ports_are(benches: Callable[[str], Bench]) -> None:
    for name in ("stream, spikes", "axi lite", "uart", "spi"):
        design = benches(name).design
        text, verilog = (design.folder / "README.md").read_text(), (design.folder / f"{design.top}.v").read_text()
        header = re.search(rf"module {design.top} .*?\);", verilog, re.DOTALL)
        assert header
        ports = set(re.findall(r"(?:wire|reg) +(?:\[\d+:0\] )?(\w+)", header[0]))
        told = set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE))
        assert told == {port for port in ports if not port.startswith("s_axi_")}
