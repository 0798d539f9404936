"""A recipe that exports what needs no compiler: ONNX and NIR, written, loaded and verified by the real stages."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sctorch.backends import registry
from sctorch.cli import main

RECIPE = """\
name: little
data: {class_path: sctorch.data.Digits}
network:
  num_steps: 8
  layers:
    - {class_path: sctorch.nn.DirectEncoder, init_args: {size: 64, bits: 4}}
    - {class_path: sctorch.nn.FixedLinear, init_args: {in_features: 64, out_features: 12, weight_bits: 4}}
    - {class_path: sctorch.nn.LIF, init_args: {size: 12, beta: 0.5, frac_bits: 15, reset_mechanism: zero}}
    - {class_path: sctorch.nn.FixedLinear, init_args: {in_features: 12, out_features: 10, weight_bits: 4}}
    - {class_path: sctorch.nn.SNNReadout, init_args: {n_classes: 10, output_mode: membrane}}
train: {epochs: 1}
exports: [{backend: onnx}, {backend: nir, options: {dt: 0.001}}]
"""


def test_a_recipe_exports_onnx_and_nir(tmp_path: Path) -> None:
    recipe, out = tmp_path / "little.yaml", tmp_path / "build"
    recipe.write_text(RECIPE)
    assert main(["run", str(recipe), "--out", str(out)]) == 0
    verified = json.loads((out / "verify" / "verify.json").read_text())
    assert [pair["name"] for pair in verified["pairs"]] == [
        "torch = ir",
        "ir = onnx window",
        "ir = onnx step",
        "ir = nir",
    ]
    assert sum(pair["mismatches"] for pair in verified["pairs"]) == 0
    assert min(pair["spikes"] for pair in verified["pairs"]) > 100


def test_an_option_that_a_backend_does_not_know_is_a_bad_recipe(tmp_path: Path, capsys: Any) -> None:
    recipe = tmp_path / "little.yaml"
    recipe.write_text(RECIPE.replace("dt: 0.001", "step: 0.001"))
    assert main(["run", str(recipe), "--out", str(tmp_path / "build")]) == 2
    assert "nir has no option 'step'; known: dt, attach" in capsys.readouterr().err


@pytest.mark.parametrize(("package", "extra"), [("onnxruntime", "onnx"), ("nir", "nir")])
def test_a_missing_package_is_reported_before_anything_runs(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, package: str, extra: str
) -> None:
    recipe, out = tmp_path / "little.yaml", tmp_path / "build"
    recipe.write_text(RECIPE)
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["run", str(recipe), "--out", str(out)]) == 1
    assert f"the package {package} was not found. Install it with: pip install 'sctorch[{extra}]'" in (
        "".join(capsys.readouterr())
    )
    assert not (out / "recipe.json").exists()


def test_a_backend_is_known_by_its_line_in_the_registry(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second name for a backend, which nothing else has heard of, is taken; a recipe may name it."""
    monkeypatch.setitem(registry._BACKENDS, "twin", "sctorch.backends.onnx")
    recipe = tmp_path / "little.yaml"
    for exports, message in (
        ("{backend: nobody}", "backend 'nobody' is unknown; known: verilog, hls, onnx, nir, twin"),
        ("{backend: twin, options: {speed: 1}}", "twin has no option 'speed'; it has none"),
    ):
        recipe.write_text(RECIPE.replace("{backend: onnx}", exports))
        assert main(["run", str(recipe), "--out", str(tmp_path / "build")]) == 2
        assert message in capsys.readouterr().err
