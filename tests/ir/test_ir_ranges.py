"""Interval analysis: nothing ever leaves its interval, and the intervals are not wider than they must be."""

from __future__ import annotations

import itertools
from random import Random

import builders
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sctorch import ir
from sctorch.errors import ConfigError
from sctorch.ir.ranges import Interval


def extreme_inputs(network: ir.Network) -> list[np.ndarray]:
    """All ones, all zeros, one input alone, all but one, first ones and then zeros, and random ones."""
    n = network.encoder.n_features
    eye = np.eye(n)
    rows = np.concatenate([np.ones((1, n)), np.zeros((1, n)), eye, 1 - eye])
    if not isinstance(network.encoder, ir.EventEncoder):
        return [rows, *(builders.random_input(network, 6, seed) for seed in range(2))]
    ticks = network.num_steps * network.encoder_ticks
    late = (np.arange(ticks) >= ticks // 2)[:, None, None]
    held = np.repeat(rows[None], ticks, axis=0)
    flips = np.where(late, held, 1 - held)
    return [held, flips, builders.random_input(network, 6, 0)]


def assert_within(name: str, bounds: Interval, values: np.ndarray) -> None:
    assert (values >= bounds.low).all(), f"{name}: {values.min((0, 1))} below {bounds.low}"
    assert (values <= bounds.high).all(), f"{name}: {values.max((0, 1))} above {bounds.high}"


def assert_trace_within(network: ir.Network, trace: ir.Trace) -> None:
    for name, ranges in ir.analyse(network).items():
        layer = next(x for x in network.layers if x.name == name)
        if isinstance(layer, ir.Synapse):
            assert ranges.current is not None
            assert_within(name, ranges.current, trace[name])
        elif isinstance(layer, ir.Neuron):
            assert ranges.membrane is not None
            assert ranges.charged is not None
            assert_within(f"{name}.mem", ranges.membrane, trace[f"{name}.mem"])
            before = trace[f"{name}.mem"]
            if layer.reset.startswith("subtract") and not layer.reset_delay:  # what it was before the reset
                before = before + trace[name] * layer.threshold
            if layer.reset != "zero" or layer.reset_delay:
                assert_within(f"{name} charged", ranges.charged, before)
        elif isinstance(layer, ir.Readout):
            assert ranges.membrane is not None
            assert_within(name, ranges.membrane, trace[name])


@settings(max_examples=150)
@given(st.randoms(use_true_random=False))
def test_no_signal_leaves_its_interval(rnd: Random) -> None:
    network = builders.random_network(rnd, lengths=(1, 2, 8), max_steps=16)
    for x in extreme_inputs(network):
        assert_trace_within(network, ir.simulate(network, x))


def every_sequence(inputs: int, steps: int) -> np.ndarray:
    """All spike trains of `inputs` inputs over `steps` timesteps, a window each."""
    return (
        np.array(list(itertools.product((0, 1), repeat=inputs * steps))).reshape(-1, steps, inputs).transpose(1, 0, 2)
    )


def small(rnd: Random, fields: tuple[str, str, str, bool], inputs: int, steps: int) -> ir.Network:
    synapse = builders.random_synapse(rnd, "synapse", inputs, 3, fixed=True)
    neuron = builders.random_neuron(rnd, "neuron", synapse, fields)
    readout = ir.Readout("readout", 3, "spike", "argmax_spike_count")
    return ir.Network("net", steps, (ir.EventEncoder("spikes_in", inputs), synapse, neuron, readout))


FIELDS = builders.FIELDS


@pytest.mark.parametrize("fields", FIELDS, ids=lambda f: "-".join(map(str, f)))
def test_every_input_there_is_stays_inside_and_reaches_the_ends(fields: tuple[str, str, str, bool]) -> None:
    """Over all spike trains: nothing outside, and the ends are reached, exactly so where no reset intervenes."""
    x = every_sequence(2, 4)
    reached = whole = 0
    for seed in range(12):
        network = small(Random(seed), fields, 2, 4)
        trace = ir.simulate(network, x)
        assert_trace_within(network, trace)
        bounds = ir.analyse(network)
        current, membrane = bounds["synapse"].current, bounds["neuron"].membrane
        assert current is not None
        assert membrane is not None
        assert trace["synapse"].min((0, 1)).tolist() == current.low.tolist()
        assert trace["synapse"].max((0, 1)).tolist() == current.high.tolist()
        low, high = (np.minimum(0, trace["neuron.mem"].min((0, 1))), np.maximum(0, trace["neuron.mem"].max((0, 1))))
        if fields[2] == "none" and fields[0] != "stochastic":  # whose R of one window does not reach its ends
            assert low.tolist() == membrane.low.tolist()
            assert high.tolist() == membrane.high.tolist()
        reached += int((high - low).sum())
        whole += int((membrane.high - membrane.low).sum())
    assert reached >= 0.85 * whole, f"{reached} of {whole}: the intervals are too wide"


def test_by_hand() -> None:
    # Inhibition of 3 and excitation of 2 + 4 with a bias of 1: -2 to 7 per timestep; three timesteps without a leak.
    synapse = ir.FixedSynapse("synapse", np.array([[2, -3, 4]]), np.array([1]), 3, 3)
    readout = ir.Readout("readout", 1, "membrane", "argmax_membrane", 4)
    ranges = ir.analyse(ir.Network("net", 3, (ir.EventEncoder("spikes_in", 3), synapse, readout)))
    tick, current, membrane = ranges["synapse"].tick, ranges["synapse"].current, ranges["readout"].membrane
    assert tick is not None
    assert current is not None
    assert membrane is not None
    assert (tick.low.tolist(), tick.high.tolist()) == ([-3], [6])
    assert (current.low.tolist(), current.high.tolist()) == ([-2], [7])
    assert (membrane.low.tolist(), membrane.high.tolist()) == ([-12], [42])  # one more fractional bit: times 2
    assert membrane.width == 7


def test_a_stochastic_synapse_counts_ones_and_not_weights() -> None:
    source = ir.StreamSource("counter", 4)
    synapse = ir.StochasticSynapse("synapse", np.array([[15, -3, 9, 0]]), np.array([2]), 8, source)
    readout = ir.Readout("readout", 1, "membrane", "argmax_membrane", 3)
    current = ir.analyse(ir.Network("net", 1, (ir.EventEncoder("spikes_in", 4), synapse, readout)))["synapse"].current
    assert current is not None
    assert (current.low.tolist(), current.high.tolist()) == ([-8 + 2], [16 + 2])


@pytest.mark.parametrize(
    ("low", "high", "width"),
    [
        (0, 0, 1),
        (-1, 0, 1),
        (0, 1, 2),
        (-1, 1, 2),
        (-2, 1, 2),
        (-3, 1, 3),
        (-4, 3, 3),
        (-4, 4, 4),
        (0, 7, 4),
        (-128, 127, 8),
    ],
)
def test_signed_widths(low: int, high: int, width: int) -> None:
    assert ir.signed_width(low, high) == width


@pytest.mark.parametrize(("high", "width"), [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (255, 8), (256, 9)])
def test_unsigned_widths(high: int, width: int) -> None:
    assert ir.unsigned_width(high) == width


def test_what_might_not_fit_64_bits_is_refused() -> None:
    synapse = ir.FixedSynapse("synapse", np.array([[1]]), np.array([2**45]), 1, 0)
    neuron = ir.Neuron("neuron", 1, 24, np.array([1]), ir.Leak())
    readout = ir.Readout("readout", 1, "spike", "argmax_spike_count")
    network = ir.Network("net", 1, (ir.EventEncoder("spikes_in", 1), synapse, neuron, readout))
    with pytest.raises(ConfigError, match="a signal can need 71 bits, and 61 are the most"):
        ir.analyse(network)
    slow = ir.Neuron("neuron", 1, 0, np.array([1]), ir.Leak(), reset="none")
    layers = (
        ir.EventEncoder("spikes_in", 1),
        ir.FixedSynapse("synapse", np.array([[1]]), np.array([2**52]), 1, 0),
        slow,
    )
    with pytest.raises(ConfigError, match="61 are the most"):
        ir.analyse(ir.Network("net", 600, (*layers, readout)))
