"""One small recipe with real tools: trained, exported to Verilog, compared, synthesised, reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import builders
import pytest

from sctorch import backends, ir
from sctorch.cli import main


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, small_recipe: str) -> Path:
    for tool in ("yosys", "g++"):
        builders.require_tool(tool)
    folder = tmp_path_factory.mktemp("real")
    (folder / "small.yaml").write_text(small_recipe)
    assert main(["run", str(folder / "small.yaml"), "--out", str(folder / "out"), "--train.epochs", "8"]) == 0
    return folder


def test_the_hardware_equals_the_network(real: Path) -> None:
    results: dict[str, Any] = json.loads((real / "out" / "results.json").read_text())
    assert [p["name"] for p in results["pairs"]] == ["torch = ir", "ir = verilog"]
    assert results["mismatches"] == 0
    assert results["windows_compared"] == 4
    assert all(p["values"] > 0 and p["spikes"] > 0 for p in results["pairs"])
    assert results["accuracies"]["torch"] == results["accuracies"]["verilog"] == results["accuracy"] > 0.3
    assert 0 < results["luts"] < 7680
    assert results["fmax_mhz"] is None
    assert results["latency_cycles"] >= 1
    assert results["network_sha256"] == ir.digest(backends.load(real / "out" / "verilog").network)


def test_the_same_command_again_does_nothing(real: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (real / "out" / "results.json").read_bytes()
    assert main(["run", str(real / "small.yaml"), "--out", str(real / "out"), "--train.epochs", "8"]) == 0
    assert capsys.readouterr().out.count("unchanged, kept") == 6
    assert (real / "out" / "results.json").read_bytes() == before
