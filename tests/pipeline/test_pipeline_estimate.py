"""`sctorch estimate`: a table of figures, and refusals."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from builders import random_network

from sctorch import ir
from sctorch.backends.design import write_description
from sctorch.cli import main


@pytest.fixture
def network(tmp_path: Path) -> Path:
    ir.save(random_network(Random(1)), tmp_path / "network.json")
    return tmp_path


def test_figures_of_several_targets(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(network), "--target", "ecp5", "--target", "artix7", "--architecture", "unrolled"]) == 0
    out = capsys.readouterr().out
    assert "ecp5-85k" in out
    assert "unrolled" in out
    (row,) = [line for line in out.splitlines() if line.strip().startswith("LUT")]
    assert row.count("+-") == 2
    assert "artix7-100t: fmax: no run for xc7 says so" in out
    assert "energy_nj: no source for" in out


def test_a_file_and_the_usual_target(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(network / "network.json")]) == 0
    assert "ice40-hx8k" in capsys.readouterr().out


def test_a_design_is_estimated_as_it_is(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_description(network, "verilog", ir.load(network / "network.json"), {"architecture": "folded"}, target=None)
    assert main(["estimate", str(network)]) == 0
    assert "folded" in capsys.readouterr().out
    assert main(["estimate", str(network), "--architecture", "unrolled"]) == 0
    assert "folded" not in capsys.readouterr().out


def test_what_is_wrong_is_told(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(network), "--target", "ice4k"]) == 2
    assert "is unknown" in capsys.readouterr().err
    assert main(["estimate", str(network / "nothing.json")]) == 2
    assert capsys.readouterr().err.startswith("sctorch: error:")
    assert main(["estimate", str(network), "--architecture", "rolled"]) == 2
