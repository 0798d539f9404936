"""The comparison is itself tested: small faults put into the exported Verilog must be caught."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import builders
import numpy as np
import pytest
from planted import MUTANTS, NETWORKS, TOP

import sctorch
from sctorch import ir
from sctorch.backends.verilog import UnrolledDesign, VerilogDesign
from sctorch.errors import MismatchError

WINDOWS = 8


@pytest.fixture(scope="module")
def designs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], VerilogDesign]:
    """The design of a network, exported when first asked for."""
    builders.require_tool("yosys")
    builders.require_tool("g++")
    made: dict[str, VerilogDesign] = {}

    def design(name: str) -> VerilogDesign:
        if name not in made:
            exported = sctorch.export(NETWORKS[name](), tmp_path_factory.mktemp("mutants") / "design")
            assert isinstance(exported, VerilogDesign)
            made[name] = exported
        return made[name]

    return design


def differences(design: VerilogDesign) -> int:
    """How many integers differ from the simulator's, over windows without and with gaps."""
    network = design.network
    x = builders.random_input(network, WINDOWS, 4)
    gaps = np.random.default_rng(4).integers(0, 3, (WINDOWS, network.num_steps))
    expected = ir.simulate(network, x)
    assert builders.is_alive(network, expected)
    count = 0
    for got in (design.trace(x), design.trace(x, gaps=gaps)):
        assert list(got) == list(expected)
        count += sum(int((got[key] != expected[key]).sum()) for key in expected)
    return count


@pytest.mark.parametrize("name", NETWORKS)
def test_without_a_fault_there_is_no_difference(name: str, designs: Callable[[str], VerilogDesign]) -> None:
    assert differences(designs(name)) == 0


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_is_caught(name: str, designs: Callable[[str], VerilogDesign], tmp_path: Path) -> None:
    mutant = MUTANTS[name]
    sound = designs(mutant.network)
    folder = tmp_path / "mutant"
    shutil.copytree(sound.folder, folder)
    (folder / "sim" / "simulation.so").unlink()
    file = folder / mutant.file if mutant.file == TOP else folder / "hdl" / mutant.file
    text = file.read_text()
    assert mutant.old in text, f"{mutant.file} no longer holds {mutant.old!r}; plant this fault anew"
    file.write_text(text.replace(mutant.old, mutant.new))
    design = UnrolledDesign(folder, sound.network, sound.options)
    design.build()
    try:
        caught = differences(design) > 0
    except MismatchError as error:  # timesteps went missing or were added
        caught = "timesteps out" in str(error)
    assert caught
