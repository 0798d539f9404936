"""Measured cost: real synthesis of small designs, the same every time, and smaller when there is less."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import builders
import numpy as np
import pytest

import sctorch
from sctorch import backends, ir
from sctorch.backends import Design
from sctorch.cost import synthesize
from sctorch.errors import ConfigError, ToolFailedError, UnsupportedError
from sctorch.hardware.yosys import Synthesis

SIZE = 8


def network(weight: np.ndarray) -> ir.Network:
    n_out, n_in = weight.shape
    source = ir.StreamSource("lfsr", 3, (5, 3), 1, "shift")
    return ir.Network("net", 16, (
        ir.RateEncoder("encoder", n_in, ir.StreamSource("counter", 4)),
        ir.StochasticSynapse("synapse1", weight, np.zeros(n_out), 1, source),
        ir.Neuron("neuron1", n_out, 2, np.full(n_out, 6), ir.Leak("shift", 3)),
        ir.Readout("readout", n_out, "spike", "argmax_spike_count"),
    ))  # fmt: skip


def weights() -> np.ndarray:
    weight = np.random.default_rng(2).integers(-7, 8, (4, SIZE))
    weight[weight == 0] = 5
    return weight


@pytest.fixture(scope="module")
def designs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Design]:
    """One design with all its synapses, one without half of them, and the first once more."""
    builders.require_tool("yosys")
    builders.require_tool("g++")
    pruned = weights()
    pruned[:, ::2] = 0
    folder = tmp_path_factory.mktemp("cost")
    made = {"full": weights(), "pruned": pruned, "again": weights()}
    return {name: sctorch.export(network(weight), folder / name) for name, weight in made.items()}


@pytest.fixture(scope="module")
def measured(designs: Mapping[str, Design]) -> Callable[[str, str], Synthesis]:
    """The synthesis of one of the designs for a target, run once."""
    return cache(lambda name, target: synthesize(designs[name], target))


@pytest.mark.parametrize("target", ["ice40", "artix7-35t"])
def test_counts_are_plausible_and_the_same_every_time(target: str, measured: Callable[[str, str], Synthesis]) -> None:
    first, second = measured("full", target), measured("again", target)
    assert (first.luts, first.ffs, first.carries, first.brams, first.dsps, first.cells) == (
        second.luts, second.ffs, second.carries, second.brams, second.dsps, second.cells,
    )  # fmt: skip
    assert first.target == {"ice40": "ice40-hx8k"}.get(target, target)
    assert first.tool == "yosys"
    assert "Yosys" in first.tool_version
    assert first.fmax_mhz is None, "nothing measured it"
    assert first.seconds > 0
    # State that cannot be optimised away: 8 encoder bits, a 4-bit counter, an LFSR of 3 + 7 bits, 4 membranes of at
    # least 4 bits, 4 counts of 5 bits (16 spikes), a class of 2 bits, valid of 5 stages.
    assert 8 + 4 + 10 + 16 + 20 + 2 + 5 <= first.ffs <= 220
    # 8 features of 4 bits are compared in at least 2 LUT6 (3 LUT4) each; 32 synapses are counted.
    assert 60 <= first.luts <= 500
    assert first.brams == 0
    assert first.dsps == 0
    assert sum(n for cell, n in first.cells.items() if cell.startswith(("SB_", "LUT", "FD", "CARRY"))) > first.ffs


@pytest.mark.parametrize("target", ["ice40", "artix7-35t"])
def test_fewer_synapses_take_fewer_luts(target: str, measured: Callable[[str, str], Synthesis]) -> None:
    full, pruned = measured("full", target), measured("pruned", target)
    assert pruned.luts < 0.85 * full.luts
    assert pruned.ffs < full.ffs


def test_a_report_can_be_written_down(measured: Callable[[str, str], Synthesis]) -> None:
    result = json.loads(json.dumps(measured("pruned", "ice40").to_dict()))
    assert result["target"] == "ice40-hx8k"
    assert result["luts"] == result["cells"]["SB_LUT4"]
    assert result["fmax_mhz"] is None


def test_routing_adds_the_clock_and_leaves_the_counts(
    designs: Mapping[str, Design], measured: Callable[[str, str], Synthesis]
) -> None:
    builders.require_tool("nextpnr-ice40")
    counted, found = measured("pruned", "ice40-up5k"), synthesize(designs["pruned"], "ice40-up5k", route=True, seed=3)
    assert found.cells == counted.cells
    result = json.loads(json.dumps(found.to_dict()))
    assert result["fmax_mhz"] == result["routing"]["clocks_mhz"]["clk"] > 5
    assert result["routing"]["seed"] == 3
    assert result["routing"]["used"]["ICESTORM_LC"] >= found.luts
    assert counted.to_dict()["routing"] is None


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"target": "artix7", "route": True}, UnsupportedError, "artix7-100t: place and route is not supported"),
        ({"route": "yes"}, ConfigError, "synthesize: route = 'yes' must be True or False"),
        ({"freq_mhz": 0}, ConfigError, "synthesize: freq_mhz = 0"),
        ({"seed": -1}, ConfigError, "synthesize: seed = -1"),
    ],
)
def test_what_cannot_be_routed_is_refused_before_anything_runs(
    options: dict[str, Any], error: type[Exception], says: str, designs: Mapping[str, Design],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("sctorch.cost.synthesis.run_yosys", lambda *a: pytest.fail("yosys was run"))
    with pytest.raises(error, match=says):
        synthesize(designs["pruned"], **options)


def test_an_unknown_target_is_refused_before_anything_runs(designs: Mapping[str, Design]) -> None:
    with pytest.raises(ConfigError, match="target 'spartan' is unknown; known: ice40-hx8k"):
        synthesize(designs["full"], "spartan")


def test_a_design_of_another_backend_is_refused(tmp_path: Path) -> None:
    class Other(Design):
        backend = "other"

        def trace(self, x: np.ndarray) -> ir.Trace:
            return ir.simulate(self.network, x)

    with pytest.raises(UnsupportedError, match="synthesis of what the other backend makes"):
        synthesize(Other(tmp_path, network(weights()), {}))


@pytest.mark.parametrize("gone", ["net.v", "hdl", "."])
def test_a_design_whose_files_are_gone_is_refused(designs: Mapping[str, Design], tmp_path: Path, gone: str) -> None:
    folder = tmp_path / "design"
    shutil.copytree(designs["pruned"].folder, folder)
    design = backends.load(folder)
    for path in [folder / gone] if gone != "hdl" else list((folder / "hdl").glob("*")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    # Without the library the top alone is there, and yosys says which module it misses.
    error, message = (
        (ToolFailedError, "yosys") if gone == "hdl" else (ConfigError, r"cannot read .*net\.v: No such file")
    )
    with pytest.raises(error, match=message):
        synthesize(design)


def test_only_designs_are_synthesised() -> None:
    with pytest.raises(ConfigError, match="synthesize: design must be an exported design, not str"):
        synthesize("build/net")  # type: ignore[arg-type]
