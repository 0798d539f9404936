"""The proofs are themselves tested: every small fault that the comparison's tests plant must make one FAIL."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from sctorch import ir
from sctorch.backends.verilog import UnrolledDesign, VerilogDesign
from sctorch.verification.proofs import ProofStatus, check_equivalence

FILE = Path(__file__).parents[1] / "backends" / "test_verilog_mutants.py"


def _faults() -> ModuleType:
    """The module that holds the faults: one list for both."""
    name = "faults_of_the_comparison"
    spec = importlib.util.spec_from_file_location(name, FILE)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FAULTS = _faults()
NETWORKS: dict[str, ir.Network] = {name: make() for name, make in FAULTS.NETWORKS.items()}
PLANTED = FAULTS.MUTANTS


@pytest.fixture(scope="module")
def designs(exported: Callable[[ir.Network], VerilogDesign]) -> Callable[[str], VerilogDesign]:
    return cache(lambda name: exported(NETWORKS[name]))


def test_there_are_enough_faults() -> None:
    assert len(PLANTED) >= 20


@pytest.mark.parametrize("name", NETWORKS)
def test_without_a_fault_it_is_proved(name: str, designs: Callable[[str], VerilogDesign]) -> None:
    report = check_equivalence(designs(name), depth=0)
    assert report.status is ProofStatus.PROVED, report.summary()


@pytest.mark.planted
@pytest.mark.parametrize("name", PLANTED)
def test_a_fault_is_caught(name: str, designs: Callable[[str], VerilogDesign], tmp_path: Path) -> None:
    fault = PLANTED[name]
    sound = designs(fault.network)
    folder = tmp_path / "mutant"
    shutil.copytree(sound.folder, folder)
    file = folder / fault.file if fault.file == FAULTS.TOP else folder / "hdl" / fault.file
    text = file.read_text()
    assert fault.old in text, f"{fault.file} no longer holds {fault.old!r}; plant this fault anew"
    file.write_text(text.replace(fault.old, fault.new))
    report = check_equivalence(UnrolledDesign(folder, sound.network, sound.options), depth=0)
    assert report.status is ProofStatus.FAILED, report.summary()
    assert any(part.counterexample is not None for part in report.parts)
