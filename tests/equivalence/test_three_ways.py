"""Torch = reference simulator = exported Verilog, on random networks of every kind: equality of all integers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import builders
import numpy as np
import pytest
import torch

import sctorch
from sctorch import ir, nn
from sctorch.backends.verilog import VerilogDesign
from sctorch.errors import ConfigError

WINDOWS = 6
FIELDS = builders.FIELDS


def integer_case(index: int) -> dict[str, Any]:
    """Every combination of neuron fields once; encoders, synapses and readouts in turn."""
    fixed = index % 7 == 6
    membrane = index % 2 == 0
    return {
        "fields": FIELDS[index % len(FIELDS)],
        "encoder": builders.ENCODERS[index % len(builders.ENCODERS)],
        "fixed": fixed,
        "source": None if fixed else builders.SOURCES[(index // 2) % len(builders.SOURCES)],
        "readout": "membrane" if membrane else "spike",
        "hidden": 1 + index % 2 if membrane else index % 3,
        "lengths": (1, 2, 8) if index % 3 == 0 else (1,),
    }


def torch_case(index: int) -> dict[str, Any]:
    membrane = index % 2 == 0
    return {
        "fields": FIELDS[(5 * index + 2) % len(FIELDS)],
        "encoder": builders.ENCODERS[(2 * index + 1) % len(builders.ENCODERS)],
        "source": builders.SOURCES[(index // 3 + 2) % len(builders.SOURCES)],
        "readout": "membrane" if membrane else "spike",
        "hidden": index % 3,
        "lengths": (1, 2, 4) if index % 3 == 1 else (1,),
    }


INTEGER_CASES = [integer_case(i) for i in range(len(FIELDS))]
TORCH_CASES = [torch_case(i) for i in range(50)]


def test_the_cases_cover_every_field_and_are_enough() -> None:
    assert len(TORCH_CASES) >= 50
    assert {c["fields"] for c in INTEGER_CASES} == set(FIELDS)
    for cases in (INTEGER_CASES, TORCH_CASES):
        assert {c["encoder"] for c in cases} == set(builders.ENCODERS)
        assert {c["source"] for c in cases} >= set(builders.SOURCES)
        assert {c["readout"] for c in cases} == {"spike", "membrane"}
        assert {c["hidden"] for c in cases} == {0, 1, 2}
        assert sum(max(c["lengths"]) > 1 for c in cases) >= len(cases) // 4
    assert sum(c["fixed"] for c in INTEGER_CASES) >= 5


def _gaps(network: ir.Network, windows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 3, (windows, network.num_steps))


@pytest.mark.parametrize("index", range(len(INTEGER_CASES)))
def test_verilog_equals_the_simulator(index: int, tmp_path: Path, require_tool: Callable[[str], None]) -> None:
    require_tool("yosys")
    require_tool("g++")
    network, x, expected = builders.alive_network(index, WINDOWS, **INTEGER_CASES[index])
    design = sctorch.export(network, tmp_path / "design")
    assert isinstance(design, VerilogDesign)
    builders.assert_traces_equal(expected, design.trace(x))
    builders.assert_traces_equal(expected, design.trace(x, gaps=_gaps(network, WINDOWS, index)))
    report = sctorch.verify(network, design, x)
    assert report.ok
    assert report.spikes_compared > 0


def _alive_torch_network(index: int) -> tuple[nn.SpikingNetwork, np.ndarray]:
    for attempt in range(1000):
        net = builders.random_spiking_network(Random(1000 * index + attempt), **TORCH_CASES[index])
        network = sctorch.lower.lower(net)
        x = builders.random_input(network, WINDOWS, index)
        if builders.is_alive(network, ir.simulate(network, x)):
            return net, x
    raise AssertionError("no living network")


@pytest.mark.parametrize("index", range(len(TORCH_CASES)))
def test_torch_equals_the_simulator_equals_verilog(
    index: int, tmp_path: Path, require_tool: Callable[[str], None]
) -> None:
    require_tool("yosys")
    require_tool("g++")
    net, x = _alive_torch_network(index)
    design = sctorch.export(net, tmp_path / "design", meta={"made by": "a test"})
    report = sctorch.verify(net, design, torch.from_numpy(x))
    report.raise_if_failed()
    assert report.ok
    assert [pair.name for pair in report.pairs] == ["torch = ir", "ir = verilog"]
    signals = set(ir.simulate(design.network, x))
    assert all(set(pair.keys) == signals for pair in report.pairs), "a signal was left out of the comparison"
    assert report.windows == WINDOWS
    assert (design.predict(x) == net.predict(torch.from_numpy(x)).numpy()).all()
    assert isinstance(design, VerilogDesign)
    gaps = _gaps(design.network, WINDOWS, index)
    builders.assert_traces_equal(ir.simulate(design.network, x), design.trace(x, gaps=gaps))


# ---------------------------------------------------------------- cases that random networks rarely hit


def _network(layers: list[ir.Layer], num_steps: int) -> ir.Network:
    return ir.Network("net", num_steps, tuple(layers))


def _every_pattern(n: int) -> np.ndarray:
    """All 2^n spike patterns of n inputs, one window of one timestep for each."""
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1)[None]


LFSR = ir.StreamSource("lfsr", 4, (5, 3), seed=9, decorrelator="shift")


def _counters_of_every_size() -> tuple[ir.Network, np.ndarray]:
    size = 36
    weight = np.tril(np.ones((size, size), dtype=np.int64))  # neuron i counts i + 1 inputs
    weight[1::3] *= -1
    neurons = ir.Neuron("neuron", size, 0, np.maximum(1, np.arange(size) // 3), ir.Leak("shift", 2))
    last = ir.FixedSynapse("last", np.arange(3 * size).reshape(3, size) % 31 - 11, np.array([0, 1, -1]), 5, 5)
    x = (np.random.default_rng(1).random((12, 8, size)) < np.linspace(0.05, 1, 8)[None, :, None]).astype(np.int64)
    x[0, 0], x[0, 1] = 0, 1
    readout = ir.Readout("readout", 3, "membrane", "argmax_membrane", 5)
    source = ir.StreamSource("counter", 1)
    synapse = ir.StochasticSynapse("synapse", weight, np.zeros(size, np.int64), 1, source)
    return _network([ir.EventEncoder("spikes_in", size), synapse, neurons, last, readout], 12), x


def _ties(classes: int) -> tuple[ir.Network, np.ndarray]:
    synapse = ir.FixedSynapse("synapse", np.eye(classes, dtype=np.int64), -np.ones(classes, np.int64), 1, 1)
    readout = ir.Readout("readout", classes, "membrane", "argmax_membrane", 1)
    return _network([ir.EventEncoder("spikes_in", classes), synapse, readout], 1), _every_pattern(classes)


def _one_of_everything() -> tuple[ir.Network, np.ndarray]:
    synapse = ir.StochasticSynapse("synapse", np.array([[3]]), np.array([0]), 1, ir.StreamSource("counter", 2))
    neuron = ir.Neuron("neuron", 1, 0, np.array([1]), ir.Leak(), "ge")
    layers = [ir.EventEncoder("spikes_in", 1), synapse, neuron, ir.Readout("readout", 1, "spike", "argmax_spike_count")]
    return _network(layers, 1), _every_pattern(1)


def _only_biases() -> tuple[ir.Network, np.ndarray]:
    """A layer without a single synapse, driven by its biases; one neuron is always silent."""
    synapse = ir.StochasticSynapse("synapse", np.zeros((4, 3)), np.array([1, 2, 0, -1]), 1, LFSR)
    neuron = ir.Neuron("neuron", 4, 1, np.array([3, 3, 1, 1]), ir.Leak("shift", 3), "gt", "subtract", False)
    last = ir.StochasticSynapse("last", np.array([[9, 0, 4, 4], [0, 9, 4, 4]]), np.array([0, -1]), 1, LFSR)
    readout = ir.Readout("readout", 2, "membrane", "argmax_membrane", 0, ir.Leak("multiply", 3, np.array([5, 8])))
    x = np.random.default_rng(0).integers(0, 2, (16, 3, 3))
    return _network([ir.EventEncoder("spikes_in", 3), synapse, neuron, last, readout], 16), x


def _thresholds_out_of_reach_and_just_met() -> tuple[ir.Network, np.ndarray]:
    """Currents of 0, 1 and 2 per timestep against thresholds of just that, and one that no membrane reaches."""
    synapse = ir.FixedSynapse("synapse", np.ones((5, 2), np.int64), np.zeros(5, np.int64), 1, 1)
    neuron = ir.Neuron("neuron", 5, 1, np.array([1, 2, 3, 8, 4000]), ir.Leak(), "ge", "zero", True)
    readout = ir.Readout("readout", 5, "spike", "argmax_spike_count")
    x = np.random.default_rng(3).integers(0, 2, (9, 16, 2))
    return _network([ir.EventEncoder("spikes_in", 2), synapse, neuron, readout], 9), x


def _inhibition_folded_into_the_leak() -> tuple[ir.Network, np.ndarray]:
    """Mostly inhibition, biases of both signs and a shift leak: the constants that hide in the membrane's start."""
    weight = np.array([[-9, -4, -13, 15], [-1, -2, -15, 12], [7, -8, 15, -15], [-3, -3, -3, -3]])
    synapse = ir.StochasticSynapse("synapse", weight, np.array([2, -1, 0, 3]), 1, LFSR)
    neuron = ir.Neuron("neuron", 4, 3, np.array([5, 8, 3, 8]), ir.Leak("shift", 3), "gt", "zero", False)
    readout = ir.Readout("readout", 4, "spike", "argmax_spike_count")
    encoder = ir.RateEncoder("encoder", 4, ir.StreamSource("counter", 5, decorrelator="permute"))
    return _network([encoder, synapse, neuron, readout], 40), np.random.default_rng(5).random((9, 4))


EDGES: dict[str, Callable[[], tuple[ir.Network, np.ndarray]]] = {
    "counters of every size": _counters_of_every_size,
    "ties of 2 classes": lambda: _ties(2),
    "ties of 3 classes": lambda: _ties(3),
    "ties of 7 classes": lambda: _ties(7),
    "one of everything": _one_of_everything,
    "only biases": _only_biases,
    "thresholds": _thresholds_out_of_reach_and_just_met,
    "inhibition": _inhibition_folded_into_the_leak,
}


@pytest.mark.parametrize("name", EDGES)
def test_boundary_cases_in_verilog(name: str, tmp_path: Path, require_tool: Callable[[str], None]) -> None:
    require_tool("yosys")
    require_tool("g++")
    network, x = EDGES[name]()
    expected = ir.simulate(network, x)
    assert builders.is_alive(network, expected)
    builders.assert_traces_equal(expected, sctorch.export(network, tmp_path / "design").trace(x))


def test_ties_go_to_the_lowest_class() -> None:
    network, x = _ties(3)
    decisions = ir.simulate(network, x)["readout.decision"][0, :, 0]
    # patterns 0 to 7, bit i is the score of class i
    assert decisions.tolist() == [0, 0, 1, 0, 2, 0, 1, 0]


def test_a_layer_may_be_called_as_it_likes(tmp_path: Path, require_tool: Callable[[str], None]) -> None:
    """Names that meet the top's own wires, a keyword, C++, or what another layer's name would become."""
    require_tool("yosys")
    require_tool("g++")
    names = ["first", "last", "begin", "last_0", "int", "valid", "last_0_mem"]
    random, shift = ir.StreamSource("counter", 3), ir.Leak("shift", 1)
    layers = [
        ir.RateEncoder(names[0], 2, LFSR),
        ir.StochasticSynapse(names[1], np.array([[7, -3], [5, 6]]), np.array([0, 1]), 1, random),
        ir.Neuron(names[2], 2, 1, np.array([2, 2]), shift),
        ir.FixedSynapse(names[3], np.array([[3, 1], [2, 3]]), np.array([0, 0]), 2, 2),
        ir.Neuron(names[4], 2, 2, np.array([4, 3]), shift, "ge", "subtract", False),
        ir.StochasticSynapse(names[5], np.array([[7, 2], [-4, 7]]), np.array([0, 0]), 1, LFSR),
        ir.Readout(names[6], 2, "membrane", "argmax_membrane"),
    ]
    network = ir.Network("stage", 12, tuple(layers))
    x = np.random.default_rng(0).random((5, 2))
    expected = ir.simulate(network, x)
    assert builders.is_alive(network, expected)
    builders.assert_traces_equal(expected, sctorch.export(network, tmp_path / "design").trace(x))


@pytest.mark.parametrize("name", ["begin", "table", "sct_lif"])
def test_a_design_may_not_be_called_like_a_word_of_verilog(name: str, tmp_path: Path) -> None:
    network = ir.Network(name, 2, _ties(2)[0].layers)
    with pytest.raises(ConfigError, match=f"'{name}' cannot name a design"):
        sctorch.export(network, tmp_path / "design")
    assert list(tmp_path.iterdir()) == []
