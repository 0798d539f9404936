"""The proofs are themselves tested: every small fault that the comparison's tests plant must make one FAIL."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from planted import MUTANTS, NETWORKS, TOP

from sctorch import ir
from sctorch.backends.verilog import UnrolledDesign, VerilogDesign
from sctorch.verification.proofs import ProofStatus, check_equivalence

# The parts that are to see a fault in a file of the library; one in the top may show in any.
SEEN_BY = {
    "sct_rate_encoder.v": ["encoder"], "sct_above.v": ["neuron"], "sct_lif.v": ["neuron"], "sct_term.v": ["synapse"],
    "sct_popcount.v": ["synapse"], "sct_charge.v": ["neuron"], "sct_lfsr.v": ["source"], "sct_counter.v": ["source"],
    "sct_readout.v": ["readout"], "sct_argmax.v": ["decision"], "sct_decision.v": ["decision"], "sct_flag.v": ["flags"],
    "sct_ticks.v": ["ticks"], "sct_repeat.v": ["ticks"],
}  # fmt: skip


@pytest.fixture(scope="module")
def designs(exported: Callable[[ir.Network], VerilogDesign]) -> Callable[[str], VerilogDesign]:
    return cache(lambda name: exported(NETWORKS[name]()))


def test_there_are_enough_faults() -> None:
    assert len(MUTANTS) >= 20


@pytest.mark.parametrize("name", NETWORKS)
def test_without_a_fault_it_is_proved(name: str, designs: Callable[[str], VerilogDesign]) -> None:
    report = check_equivalence(designs(name), depth=0)
    assert report.status is ProofStatus.PROVED, report.summary()


@pytest.mark.planted
@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_is_caught(name: str, designs: Callable[[str], VerilogDesign], tmp_path: Path) -> None:
    fault = MUTANTS[name]
    sound = designs(fault.network)
    folder = tmp_path / "mutant"
    shutil.copytree(sound.folder, folder)
    file = folder / fault.file if fault.file == TOP else folder / "hdl" / fault.file
    text = file.read_text()
    assert fault.old in text, f"{fault.file} no longer holds {fault.old!r}; plant this fault anew"
    file.write_text(text.replace(fault.old, fault.new))
    mutant = UnrolledDesign(folder, sound.network, sound.options)
    report = check_equivalence(mutant, depth=0, parts=SEEN_BY.get(fault.file))
    assert report.status is ProofStatus.FAILED, report.summary()
    assert any(part.counterexample is not None for part in report.parts)
