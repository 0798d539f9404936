"""The recipes' designs: the digits' whole, trained for a short while; of the larger ones the neurons and the streams.

What a neuron and a stream do hangs on no training, so the larger ones get weights by chance, as sparse as the recipe's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

import sctorch.nn
from sctorch import ir
from sctorch.backends.verilog import VerilogDesign
from sctorch.cli import main
from sctorch.lower import lower
from sctorch.verification.proofs import ProofReport, ProofStatus, check_equivalence

RECIPES = Path(__file__).parents[2] / "recipes"
KINDS = 4  # rows of weights that differ but for their order: neurons whose bounds are the same are proved once


@pytest.fixture(scope="module")
def digits(exported: Callable[..., VerilogDesign], tmp_path_factory: pytest.TempPathFactory) -> ProofReport:
    out = tmp_path_factory.mktemp("digits") / "out"
    short = ["--train.epochs", "4", "--reference", "null", "--synth.targets", "[]", "--exports", "[]"]
    assert main(["run", str(RECIPES / "digits.yaml"), "--out", str(out), *short, "--verify.windows", "2"]) == 0
    network = ir.load(next((out / "lower").glob("*.json")))
    return check_equivalence(exported(network))


def test_the_recipe_is_proved(digits: ProofReport, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{digits.summary()}")
    assert digits.status is ProofStatus.PROVED
    parts = {part.name: part for part in digits.parts}
    assert {"source encoder", "source synapse1", "source synapse2", "neuron1", "readout"} <= set(parts)
    assert parts["neuron1"].what.startswith("32 neurons (shift leak, ge, reset subtract)")
    assert "its whole period of 31 ticks" in parts["source synapse1"].what


def _network(recipe: str) -> ir.Network:
    """A recipe's network with weights by chance."""
    plain = yaml.safe_load((RECIPES / f"{recipe}.yaml").read_text())
    layers = [
        getattr(sctorch.nn, layer["class_path"].rpartition(".")[2])(**layer["init_args"])
        for layer in plain["network"]["layers"]
    ]
    network = lower(sctorch.nn.SpikingNetwork(*layers, num_steps=plain["network"]["num_steps"]), name=recipe)
    return replace(network, layers=tuple(_sparse(layer, plain["prune"]["sparsity"]) for layer in network.layers))


def _sparse(layer: ir.Layer, sparsity: float) -> ir.Layer:
    if not isinstance(layer, ir.Synapse):
        return layer
    numbers, most = np.random.default_rng(0), 2**layer.weight_bits
    rows = numbers.integers(1 - most, most, (KINDS, layer.n_inputs))
    rows[numbers.random(rows.shape) < sparsity] = 0
    return replace(layer, weight=np.stack([numbers.permutation(rows[i % KINDS]) for i in range(layer.size)]))


@pytest.mark.parametrize("recipe", ["jets", "mnist"])
def test_neurons_and_streams_are_proved(recipe: str, exported: Callable[..., VerilogDesign]) -> None:
    network = _network(recipe)
    report = check_equivalence(exported(network, architecture="unrolled"), parts=["flags", "source", "neuron"])
    assert report.status is ProofStatus.PARTS_ONLY, report.summary()
    neurons = [layer.name for layer in network.layers if isinstance(layer, ir.Neuron)]
    sources = [layer.name for layer in network.layers if getattr(layer, "source", None) is not None]
    assert [part.name for part in report.parts] == ["flags", *(f"source {name}" for name in sources), *neurons]
    assert all("its whole period" in part.what for part in report.parts[1 : 1 + len(sources)])
