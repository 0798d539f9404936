"""What the schedule of a folded design promises: clocks, counted in the simulated files."""

from __future__ import annotations

from pathlib import Path

import builders
import numpy as np
import pytest
from folding import folded

from sctorch import ir
from sctorch.backends.verilog.folded.plan import plan


@pytest.mark.parametrize(("lanes", "neurons"), [(1, 1), (5, 2)])
def test_the_clocks_of_a_window_are_those_computed(lanes: int, neurons: int, tmp_path: Path) -> None:
    network, x, _ = builders.alive_network(
        90,
        5,
        encoder=("counter", "shared"),
        source=("lfsr", "shift"),
        fixed=False,
        hidden=1,
        max_inputs=24,
        max_steps=9,
    )
    design = folded(network, tmp_path / "net", inputs_per_clock=lanes, neurons_per_clock=neurons)
    assert design.measure_cycles(x)[1:].tolist() == [design.cycles_per_inference] * 3


def test_silent_inputs_cost_a_clock_per_word(tmp_path: Path) -> None:
    """70 inputs are three words of 32; after the last one comes a rest."""
    weight = np.ones((2, 70), dtype=np.int64)
    synapse = ir.FixedSynapse("synapse", weight, np.zeros(2), 2, 2)
    readout = ir.Readout("readout", 2, "membrane", "argmax_membrane", 2)
    network = ir.Network("net", 6, (ir.EventEncoder("spikes_in", 70), synapse, readout))
    design = folded(network, tmp_path / "net")
    x = np.zeros((6, 4, 70), dtype=np.int64)
    builders.assert_traces_equal(ir.simulate(network, x), design.trace(x))
    silent = design.measure_cycles(x)[-1]
    x[:, :, ::7] = 1  # five spikes in each of the first two words, none in the third
    builders.assert_traces_equal(ir.simulate(network, x), design.trace(x))
    sparse = design.measure_cycles(x)[-1]
    x[:] = 1
    builders.assert_traces_equal(ir.simulate(network, x), design.trace(x))
    full = design.measure_cycles(x)[-1]
    readout_clocks = 2 + 9  # the classes, one after another, are slower than so few clocks
    assert (silent, sparse, full) == (6 * readout_clocks, 6 * (5 + 5 + 1 + 1), 6 * (70 + 1))
    assert full == design.cycles_per_inference


def test_layers_that_wait_take_fewer_inputs_per_clock() -> None:
    source = ir.StreamSource("lfsr", 3, (5, 3), 1, "shift")
    first = ir.StochasticSynapse("synapse1", np.ones((10, 64)), np.zeros(10), 1, source)
    neuron = ir.Neuron("neuron1", 10, 0, np.full(10, 2), ir.Leak())
    second = ir.StochasticSynapse("synapse2", np.ones((2, 10)), np.zeros(2), 1, source)
    readout = ir.Readout("readout", 2, "membrane", "argmax_membrane", 0)
    encoder = ir.RateEncoder("encoder", 64, ir.StreamSource("counter", 4))
    network = ir.Network("net", 4, (encoder, first, neuron, second, readout))
    assert [s.lanes for s in plan(network, 4).synapses] == [4, 1]
    assert [s.lanes for s in plan(network, 32).synapses] == [32, 5]
    assert [s.lanes for s in plan(network, 64).synapses] == [64, 10]


def test_mnist(mnist_folder: str, tmp_path: Path) -> None:
    """A dense 784-32-10 network whose hidden weights are the images' own: all layers, four images."""
    from sctorch.data import MNIST

    x, _ = MNIST(mnist_folder).test_arrays()
    templates = x[100:132] - x[228:260]
    first = np.round(15 * templates / np.abs(templates).max()).astype(np.int64)
    second = np.random.default_rng(0).integers(-15, 16, (10, 32))
    source = ir.StreamSource("lfsr", 4, (5, 3), 1, "shift")
    network = ir.Network("mnist", 8, (
        ir.RateEncoder("encoder", 784, ir.StreamSource("counter", 8)),
        ir.StochasticSynapse("synapse1", first, np.zeros(32), 1, source),
        ir.Neuron("neuron1", 32, 2, np.full(32, 20), ir.Leak("shift", 2)),
        ir.StochasticSynapse("synapse2", second, np.zeros(10), 1, ir.StreamSource("lfsr", 4, (5, 3), 7, "shift")),
        ir.Readout("readout", 10, "membrane", "argmax_membrane", 0),
    ))  # fmt: skip
    expected = ir.simulate(network, x[:4])
    assert builders.is_alive(network, expected)
    design = folded(network, tmp_path / "mnist", inputs_per_clock=4)
    assert builders.assert_traces_equal(expected, design.trace(x[:4])) > 25_000
    assert design.measure_cycles(x[:4])[-1] == 8 * (784 // 4 + 1)
