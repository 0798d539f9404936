"""Wrapped designs: every answer that comes out of their pins is the simulator's, on three simulators, whatever the
packets, gaps, back-pressure and resets."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import builders
import pytest
from simulators import SIMULATORS, run_bench
from wrapped import CASES, VERILATED, Bench, everything, make_bench

from sctorch.backends.verilog.interfaces.bench import write_wrapper_bench


@pytest.fixture(scope="module")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bench]:
    """The bench of a case, exported when first asked for."""
    builders.require_tool("yosys")
    builders.require_tool("g++")
    made: dict[str, Bench] = {}

    def bench(name: str) -> Bench:
        if name not in made:
            made[name] = make_bench(name, tmp_path_factory.mktemp("wrapped") / "design")
        return made[name]

    return bench


RUNS = [(s, name) for s in SIMULATORS for name in [*CASES, "sparse"] if s != "verilator" or name in VERILATED]


@pytest.mark.parametrize(("simulator", "name"), RUNS)
def test_every_answer_is_the_simulators(
    name: str, simulator: str, benches: Callable[[str], Bench], tmp_path: Path
) -> None:
    bench = benches(name)
    folder = tmp_path / "copy"
    shutil.copytree(bench.design.folder, folder)
    write_wrapper_bench(folder, bench.plan, everything(bench))
    assert run_bench(simulator, folder, bench.design.sources).startswith("PASS")
