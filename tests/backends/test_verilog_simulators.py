"""Icarus and Verilator agree with CXXRTL and the reference simulator: every layer, every timestep, RTL and netlists."""

from __future__ import annotations

from pathlib import Path

import builders
import numpy as np
import pytest
import second_opinions

import sctorch
from sctorch import ir
from sctorch.backends.verilog import VerilogDesign
from sctorch.backends.verilog.cxxrtl import Stimulus

WINDOWS = 4
CASES = {
    "rate": {"encoder": ("counter", "shared"), "source": ("lfsr", "shift"),
             "fields": ("shift", "gt", "subtract", True)},
    "events": {"encoder": "events", "source": ("lfsr", "independent"), "readout": "spike",
               "fields": ("stochastic", "ge", "subtract_snntorch", False), "rule": "first_to_threshold"},
    "direct": {"encoder": "direct", "fields": ("multiply", "ge", "zero", False), "readout": "membrane"},
    "levels": {"encoder": "levels", "source": ("counter", "permute"), "fields": ("none", "gt", "none", False),
               "lengths": (1, 4), "readout": "spike", "rule": "threshold_then_argmax"},
}  # fmt: skip


def exported(name: str, folder: Path) -> tuple[VerilogDesign, np.ndarray, ir.Trace]:
    builders.require_tool("yosys")
    builders.require_tool("g++")
    fields = {"hidden": 1, "max_inputs": 8, "max_hidden": 5, "max_steps": 12} | CASES[name]
    network, x, expected = builders.alive_network(40, WINDOWS, **fields)
    design = sctorch.export(network, folder / "design")
    assert isinstance(design, VerilogDesign)
    return design, x, expected


@pytest.mark.parametrize("simulator", second_opinions.SIMULATORS)
@pytest.mark.parametrize("name", CASES)
def test_a_second_simulator_gives_every_layer(name: str, simulator: str, tmp_path: Path) -> None:
    design, x, expected = exported(name, tmp_path)
    second = second_opinions.on(simulator, design, tmp_path / simulator)
    gaps = np.random.default_rng(1).integers(0, 3, (WINDOWS, design.network.num_steps))
    for between in (None, gaps):
        got = second.trace(x, gaps=between)
        builders.assert_traces_equal(expected, got)
        builders.assert_traces_equal(design.trace(x, gaps=between), got)


@pytest.mark.parametrize("simulator", second_opinions.SIMULATORS)
def test_a_second_simulator_agrees_on_any_clocks(simulator: str, tmp_path: Path) -> None:
    """Windows that break off, resets in mid-window, stray flags: what CXXRTL shows, nothing assumed."""
    design, _, _ = exported("rate", tmp_path)
    numbers = np.random.default_rng(3)
    rows = 150
    flags = (numbers.random((rows, 4)) < (0.8, 0.15, 0.15, 0.05)) @ (1, 2, 4, 8)
    flags[0] = Stimulus.VALID | Stimulus.FIRST
    bits = design.network.encoder.size * 6
    stimulus = Stimulus(numbers.integers(0, 2**32, (rows, -(-bits // 32)), dtype=np.uint32), flags)
    expected = design.run(stimulus)
    assert len(expected["readout"]) > 50
    got = second_opinions.on(simulator, design, tmp_path / simulator).run(stimulus)
    builders.assert_traces_equal(expected, got)


@pytest.mark.parametrize("simulator", ["icarus"])  # Verilator takes many minutes to compile the models of the cells
@pytest.mark.parametrize("target", ["ice40-hx8k", "artix7-35t"])
def test_a_second_simulator_runs_a_netlist(target: str, simulator: str, tmp_path: Path) -> None:
    design, x, expected = exported("rate", tmp_path)
    gates = design.netlist(target, traced=True)
    builders.assert_traces_equal(expected, second_opinions.on(simulator, gates, tmp_path / simulator).trace(x))


def test_a_second_simulator_sees_a_fault(tmp_path: Path) -> None:
    design, x, expected = exported("rate", tmp_path)
    file = design.folder / "hdl" / "sct_lif.v"
    text = file.read_text()
    assert "fired <= fire;" in text
    file.write_text(text.replace("fired <= fire;", "fired <= 1'b0;"))
    got = second_opinions.on("icarus", design, tmp_path / "icarus").trace(x)
    assert (got["neuron1.mem"] != expected["neuron1.mem"]).any()
