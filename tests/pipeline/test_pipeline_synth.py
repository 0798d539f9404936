"""`sctorch synth`: a table and a JSON file with the tools' own figures, and refusals before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import builders
import numpy as np
import pytest

import sctorch
from sctorch import ir
from sctorch.backends import Design
from sctorch.cli import main
from sctorch.cost import nonzero_synapses

WEIGHT = np.array([[7, -3, 0, 2], [0, 6, -5, 4], [3, 0, 7, 0]])


def network() -> ir.Network:
    return ir.Network("net", 8, (
        ir.RateEncoder("encoder", 4, ir.StreamSource("counter", 3)),
        ir.StochasticSynapse("synapse1", WEIGHT, np.array([1, 0, 0]), 1, ir.StreamSource("lfsr", 3, (5, 3), 1)),
        ir.Neuron("neuron1", 3, 1, np.array([3, 3, 2]), ir.Leak("shift", 2)),
        ir.FixedSynapse("synapse2", np.array([[1, 0, 2], [0, 3, -1]]), np.zeros(2), 2, 2),
        ir.Readout("readout", 2, "membrane", "argmax_membrane", 2),
    ))  # fmt: skip


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Design:
    builders.require_tool("yosys")
    builders.require_tool("g++")
    return sctorch.export(network(), tmp_path_factory.mktemp("synth") / "run" / "verilog", target="ice40-up5k")


def test_synapses_are_the_weights_that_are_not_zero() -> None:
    assert nonzero_synapses(network()) == 8 + 4


def test_synth_routes_for_the_target_that_the_design_was_made_for(
    design: Design, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builders.require_tool("nextpnr-ice40")
    file = tmp_path / "deep" / "cost.json"
    assert main(["synth", str(design.folder), "--route", "--freq", "20", "--seed", "5", "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    assert (found["name"], found["synapses"], found["nonzero_synapses"]) == ("net", 12 + 6, 8 + 4)
    assert found["network_sha256"] == ir.digest(design.network)
    (values,) = found["targets"].values()
    assert values["target"] == "ice40-up5k"
    assert values["luts_per_synapse"] == round(values["luts"] / 12, 3)
    assert values["luts_pct"] == round(100 * values["luts"] / 5280, 2)
    assert values["us_per_inference"] == pytest.approx(8 / values["fmax_mhz"], abs=1e-4)
    assert (values["routing"]["freq_mhz"], values["routing"]["seed"]) == (20, 5)
    assert "Yosys" in values["tool_version"]
    assert "nextpnr-ice40" in values["routing"]["tool_version"]
    shown = capsys.readouterr().out
    for text in (f"{values['luts']:,}", f"{values['ffs']:,}", f"{values['fmax_mhz']:.1f}", "nextpnr-ice40", "seed 5"):
        assert text in shown


def test_synth_of_two_targets_says_that_no_clock_was_measured(
    design: Design, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cost.json"
    targets = ["--target", "ecp5", "--target", "artix7-35t", "--target", "ecp5-85k"]
    assert main(["synth", str(design.folder), *targets, "--json", str(file)]) == 0
    found = json.loads(file.read_text())["targets"]
    assert list(found) == ["ecp5-85k", "artix7-35t"], "an alias is the part that it stands for"
    assert all(values["fmax_mhz"] is None and values["us_per_inference"] is None for values in found.values())
    shown = capsys.readouterr().out
    assert "clock: not measured" in shown
    assert "fmax" not in shown


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--target", "virtex2"], "target 'virtex2' is unknown; known: ice40-hx8k"),
        (["--target", "ice40", "--target", "artix7", "--route"], "artix7-100t: place and route is not supported"),
        (["--freq", "-3"], "--freq = -3.0 is outside 0 to 10000"),
        (["--freq", "nan"], "--freq = nan is outside"),
        (["--seed", "-1"], "--seed = -1 is outside"),
        (["--seed", "one"], "invalid int value"),
        (["--json", "."], "--json . is a folder; name a file"),
        (["--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_runs(
    options: list[str], says: str, design: Design, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sctorch.pipeline.synthesising.synthesize", lambda *a, **k: pytest.fail("it was run"))
    assert main(["synth", str(design.folder), *options]) == 2
    assert says in capsys.readouterr().err


def test_a_folder_without_a_design_is_refused(
    design: Design, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, says in (
        (tmp_path, "holds no design of sctorch"),
        (tmp_path / "nowhere", "holds no design of sctorch"),
        (design.folder.parent, "holds a whole run; its design is"),
    ):
        assert main(["synth", str(folder)]) == 2
        assert says in capsys.readouterr().err
    assert main(["synth"]) == 2


def test_a_design_of_another_backend_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = sctorch.export(network(), tmp_path / "onnx", backend="onnx")
    assert main(["synth", str(other.folder)]) == 2
    assert "synthesis of what the onnx backend makes is not supported" in capsys.readouterr().err


def test_a_tool_that_is_missing_or_fails_ends_with_status_1(
    design: Design, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "yosys"
    broken.write_text("#!/bin/sh\necho the tool gives up\nexit 3\n")
    broken.chmod(0o755)
    for path, says in ((broken, "the tool gives up"), (tmp_path / "no-yosys", "SCTORCH_YOSYS")):
        monkeypatch.setenv("SCTORCH_YOSYS", str(path))
        assert main(["synth", str(design.folder), "--json", str(tmp_path / "cost.json")]) == 1
        assert says in capsys.readouterr().err
        assert not (tmp_path / "cost.json").exists()
