"""The digits recipe's design, trained for a short while: every part is PROVED, and none takes a minute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sctorch import ir
from sctorch.backends.verilog import VerilogDesign
from sctorch.cli import main
from sctorch.verification.proofs import ProofReport, ProofStatus, check_equivalence

RECIPE = Path(__file__).parents[2] / "recipes" / "digits.yaml"


@pytest.fixture(scope="module")
def digits(exported: Callable[..., VerilogDesign], tmp_path_factory: pytest.TempPathFactory) -> ProofReport:
    out = tmp_path_factory.mktemp("digits") / "out"
    short = ["--train.epochs", "4", "--reference", "null", "--synth.targets", "[]", "--exports", "[]"]
    assert main(["run", str(RECIPE), "--out", str(out), *short, "--verify.windows", "2"]) == 0
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
