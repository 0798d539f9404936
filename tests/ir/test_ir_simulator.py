"""The reference simulator against values worked out by hand, timestep by timestep."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import floor

import numpy as np
import pytest

from sctorch import ir
from sctorch.errors import ConfigError, ShapeError
from sctorch.ir.simulator import check_features, quantise_features

NONE, HALF = ir.Leak(), ir.Leak("shift", 1)
THREE_QUARTERS = ir.Leak("multiply", 2, np.array([3]))


def drive(
    currents: list[list[int]], theta: list[int], leak: ir.Leak, compare: str, reset: str, delay: bool
) -> tuple[list[list[int]], list[list[int]]]:
    """Membranes and spikes [neuron][t] of neurons that are given these currents [neuron][t]."""
    steps = len(currents[0])
    synapse = ir.FixedSynapse("synapse", np.array(currents), np.zeros(len(currents), np.int64), 16, 16)
    neuron = ir.Neuron("neuron", len(currents), 16, np.array(theta), leak, compare, reset, delay)
    readout = ir.Readout("readout", len(currents), "spike", "argmax_spike_count")
    network = ir.Network("net", steps, (ir.EventEncoder("spikes_in", steps), synapse, neuron, readout))
    trace = ir.simulate(network, np.eye(steps, dtype=np.int64)[:, None, :])  # input t spikes at timestep t
    assert trace["synapse"][:, 0].T.tolist() == currents
    return trace["neuron.mem"][:, 0].T.tolist(), trace["neuron"][:, 0].T.tolist()


def one(
    currents: list[int], theta: int, leak: ir.Leak, compare: str, reset: str, delay: bool
) -> tuple[list[int], list[int]]:
    mem, spikes = drive([currents], [theta], leak, compare, reset, delay)
    return mem[0], spikes[0]


# ---------------------------------------------------------------- one neuron by hand


def test_subtract_one_timestep_late() -> None:
    # m = m - 8 s[t-1] + I: 5 | 5+5 | 10-8+5 | 7-9 | -2+20 | 18-8+3 | 13-8+0 | 5+8 | 13-8-3 | 2+8
    mem, spikes = one([5, 5, 5, -9, 20, 3, 0, 8, -3, 8], 8, NONE, "gt", "subtract", True)
    assert mem == [5, 10, 7, -2, 18, 13, 5, 13, 2, 10]
    assert spikes == [0, 1, 0, 0, 1, 1, 0, 1, 0, 1]


def test_a_membrane_at_the_threshold_spikes_for_ge_alone() -> None:
    assert one([8, 0, 1, 8], 8, NONE, "gt", "subtract", True) == ([8, 8, 9, 9], [0, 0, 1, 1])
    assert one([8, 0, 1, 8], 8, NONE, "ge", "subtract", True) == ([8, 0, 1, 9], [1, 0, 0, 1])
    assert one([8, 0, 1, 8], 8, NONE, "ge", "subtract", False) == ([0, 0, 1, 1], [1, 0, 0, 1])
    assert one([8, 0, 1, 8], 8, NONE, "gt", "zero", True) == ([8, 8, 9, 8], [0, 0, 1, 0])
    assert one([8, 0, 1, 8], 8, NONE, "ge", "zero", False) == ([0, 0, 1, 0], [1, 0, 0, 1])


def test_the_shift_leak_floors_towards_minus_infinity() -> None:
    # m - floor(m / 2): -3 + 2 = -1, -1 + 1 = 0; 3 - 1 = 2, 2 - 1 = 1, 1 - 0 = 1 for good
    assert one([-3, 0, 0, 0], 4, HALF, "gt", "none", True)[0] == [-3, -1, 0, 0]
    assert one([3, 0, 0, 0], 4, HALF, "gt", "none", True)[0] == [3, 2, 1, 1]
    # k = 2: -5 - floor(-5/4) = -5 + 2 = -3, -3 + 1 = -2, -2 + 1 = -1, -1 + 1 = 0
    assert one([-5, 0, 0, 0, 0], 4, ir.Leak("shift", 2), "gt", "none", True)[0] == [-5, -3, -2, -1, 0]


def test_the_multiply_leak_floors_towards_minus_infinity() -> None:
    # floor(3 m / 4): floor(-9/4) = -3 for good; 15/4 = 3, 9/4 = 2, 6/4 = 1, 3/4 = 0
    assert one([-3, 0, 0], 4, THREE_QUARTERS, "gt", "none", True)[0] == [-3, -3, -3]
    assert one([5, 0, 0, 0, 0], 9, THREE_QUARTERS, "gt", "none", True)[0] == [5, 3, 2, 1, 0]
    # A factor of 4/4 keeps all, one of 0 forgets all.
    assert one([5, 1, 0], 9, ir.Leak("multiply", 2, np.array([4])), "gt", "none", True)[0] == [5, 6, 6]
    assert one([5, 1, 0], 9, ir.Leak("multiply", 2, np.array([0])), "gt", "none", True)[0] == [5, 1, 0]


def test_reset_to_zero_late_and_at_once() -> None:
    # late:    5 s | (leak 3, reset 0) + 1 | 1 + 3 = 4, not above 4 | 2 + 3 = 5 s | 0 + 9 s
    assert one([5, 1, 3, 3, 9], 4, HALF, "gt", "zero", True) == ([5, 1, 4, 5, 9], [1, 0, 0, 1, 1])
    assert one([5, 1, 3, 3, 9], 4, HALF, "gt", "zero", False) == ([0, 1, 4, 0, 0], [1, 0, 0, 1, 1])


def test_a_late_subtraction_comes_after_the_leak_and_one_at_once_before_it() -> None:
    # late:    7 s | leak 4 - 4 + 0 = 0 | 0 + 2 | leak 1 - 5 = -4
    assert one([7, 0, 2, -5], 4, HALF, "gt", "subtract", True) == ([7, 0, 2, -4], [1, 0, 0, 0])
    # at once: 7 s, 7 - 4 = 3 | leak 2 + 0 | leak 1 + 2 = 3 | leak 2 - 5 = -3
    assert one([7, 0, 2, -5], 4, HALF, "gt", "subtract", False) == ([3, 2, 3, -3], [1, 0, 0, 0])


def test_a_membrane_far_above_the_threshold_spikes_until_it_is_paid_off() -> None:
    assert one([20, 0, 0, 0], 8, NONE, "gt", "subtract", True) == ([20, 12, 4, 4], [1, 1, 0, 0])
    assert one([20, 0, 0, 0], 8, NONE, "gt", "subtract", False) == ([12, 4, 4, 4], [1, 1, 0, 0])


def test_without_a_reset_it_goes_on_spiking() -> None:
    for delay in (True, False):
        assert one([3, 3, -1, 0], 4, NONE, "gt", "none", delay) == ([3, 6, 5, 5], [0, 1, 1, 1])


def test_thresholds_and_factors_may_differ_from_neuron_to_neuron() -> None:
    leak = ir.Leak("multiply", 1, np.array([2, 1, 0]))
    mem, spikes = drive([[5, 5, 5]] * 3, [9, 7, 5], leak, "ge", "none", True)
    assert mem == [[5, 10, 15], [5, 7, 8], [5, 5, 5]]
    assert spikes == [[0, 1, 1], [0, 1, 1], [1, 1, 1]]


def test_the_stochastic_leak_rounds_by_its_numbers() -> None:
    # R = 0 2 1 3 0 2 of a 2-bit counter. floor((3 m + R) / 4) from m = 5: the first leak is of 0 with R = 0,
    # then (15 + 2)/4 = 4, (12 + 1)/4 = 3, (9 + 3)/4 = 3, (9 + 0)/4 = 2, (6 + 2)/4 = 2
    leak = ir.Leak("stochastic", 2, np.array([3]), ir.StreamSource("counter", 2))
    assert one([5, 0, 0, 0, 0, 0], 99, leak, "gt", "none", True)[0] == [5, 4, 3, 3, 2, 2]
    # negative ones: (-15 + 2)/4 = -4, (-12 + 1)/4 = -3, (-9 + 3)/4 = -2, -6/4 = -2, (-6 + 2)/4 = -1
    assert one([-5, 0, 0, 0, 0, 0], 99, leak, "gt", "none", True)[0] == [-5, -4, -3, -2, -2, -1]


def test_the_stochastic_leak_decays_by_beta_on_average() -> None:
    """Over all R of a counter's period the mean of floor((m f + R) / 2^k) is m f / 2^k exactly."""
    leak = ir.Leak("stochastic", 4, np.array([11]), ir.StreamSource("counter", 4))
    for m in (-37, -1, 0, 1, 5, 200):
        after = [int(ir.rules.leaked(leak, np.array([m]), random=int(r))[0]) for r in leak.source.values(1, 16)[:, 0]]
        assert Fraction(sum(after), 16) == Fraction(m * 11, 16)


def test_the_at_once_reset_of_snntorch() -> None:
    # theta 4. 13: u = 13 fires, m = 9, still above. t = 1: u = 9 - 4, fires (9 - 4 = 5 > 4), m = 9 - 4 = 5, above.
    # t = 2: u = 5, compared as 1: silent, and m stays 5. t = 3: +4 = 9, compared as 5: fires, m = 5.
    # t = 4: -3 = 2, compared as -2: silent, m = 2. t = 5: +3 = 5, m was not above: fires, m = 1.
    mem, spikes = one([13, 0, 0, 4, -3, 3], 4, NONE, "gt", "subtract_snntorch", False)
    assert spikes == [1, 1, 0, 1, 0, 1]
    assert mem == [9, 5, 5, 5, 2, 1]
    assert one([13, 0, 0, 4, -3, 3], 4, NONE, "gt", "subtract", False)[1] == [1, 1, 1, 1, 0, 0]


FIELDS = list(
    itertools.product(("none", "shift", "multiply"), ("gt", "ge"), ("subtract", "zero", "none"), (True, False))
)


@pytest.mark.parametrize(("leak", "compare", "reset", "delay"), FIELDS)
def test_every_combination_of_fields_against_fractions(leak: str, compare: str, reset: str, delay: bool) -> None:
    """The table of semantics.md, section 6, with exact fractions and floor, on random currents."""
    rng = np.random.default_rng(FIELDS.index((leak, compare, reset, delay)))
    currents, theta = rng.integers(-18, 19, 40).tolist(), 11
    which = {"none": NONE, "shift": ir.Leak("shift", 2), "multiply": ir.Leak("multiply", 4, np.array([11]))}[leak]
    leaky = {
        "none": lambda m: m,
        "shift": lambda m: m - floor(Fraction(m, 4)),
        "multiply": lambda m: floor(Fraction(11 * m, 16)),
    }[leak]
    after = {"subtract": lambda m: m - theta, "zero": lambda m: 0, "none": lambda m: m}[reset]
    expected_mem, expected_spikes = [], []
    mem = spike = 0
    for current in currents:
        charged = leaky(mem)
        if delay and spike:
            charged = after(charged)
        charged += current
        spike = int(charged > theta or (compare == "ge" and charged == theta))
        mem = after(charged) if spike and not delay else charged
        expected_mem.append(mem)
        expected_spikes.append(spike)
    assert 0 < sum(expected_spikes) < 40
    assert one(currents, theta, which, compare, reset, delay) == (expected_mem, expected_spikes)


# ---------------------------------------------------------------- ticks

COUNTER = ir.StreamSource("counter", 2)  # R = 0 2 1 3, again and again
LFSR = ir.StreamSource("lfsr", 2, (3, 2), 1, "shift")  # R = 1 2 1 3 3 2 0, see test_ir_streams


def test_the_encoder_gives_one_bit_for_each_tick_of_the_layer_it_feeds() -> None:
    synapse = ir.StochasticSynapse("synapse", np.array([[2], [3], [-3]]), np.array([0, 1, 0]), 2, COUNTER)
    readout = ir.Readout("readout", 3, "membrane", "argmax_membrane", 1)
    network = ir.Network("net", 3, (ir.EventEncoder("spikes_in", 1), synapse, readout))
    spikes = np.array([1, 1, 0, 1, 1, 1]).reshape(6, 1, 1)
    # t = 0 is ticks 0, 1 with R = 0, 2; t = 1 is ticks 2, 3 with R = 1, 3 (and no spike at tick 2); then R = 0, 2.
    #   w = 2: (2>0) + (2>2) = 1 | (2>3) = 0 | 1      w = 3: 1 + 1 | (3>3) = 0 | 2, and the bias of 1 per timestep
    trace = ir.simulate(network, spikes)
    assert trace["spikes_in"].tolist() == spikes.tolist()
    assert trace["synapse"][:, 0].tolist() == [[1, 3, -2], [0, 1, 0], [1, 3, -2]]
    assert trace["readout"][:, 0].tolist() == [[1, 3, -2], [1, 4, -2], [2, 7, -4]]


def test_hidden_spikes_hold_for_their_timestep_and_ticks_are_numbered_by_layer() -> None:
    copy = ir.Neuron("copy", 1, 1, np.array([1]), NONE, "ge", "zero", False)
    source = ir.StreamSource("lfsr", 2, (3, 2), 1)
    layers = (
        ir.EventEncoder("spikes_in", 1),
        ir.FixedSynapse("direct", np.array([[1]]), np.array([0]), 1, 1),
        copy,
        ir.StochasticSynapse("synapse", np.array([[2]]), np.array([0]), 4, source),
        ir.Readout("readout", 1, "membrane", "argmax_membrane", 2),
    )
    network = ir.Network("net", 3, layers)
    assert network.encoder_ticks == 1
    assert network.ticks_per_step == 4
    spikes = np.array([[1, 1, 1], [1, 0, 1]]).T[:, :, None]
    trace = ir.simulate(network, spikes)
    assert trace["copy"].tolist() == spikes.tolist()
    # k = 4 t + l, R = 1 2 1 3 | 3 2 0 1 | 2 1 3 3, and 2 > R: 2 | 2 | 1
    assert trace["synapse"][:, :, 0].T.tolist() == [[2, 2, 1], [2, 0, 1]]
    assert trace["readout"][:, :, 0].T.tolist() == [[2, 4, 5], [2, 2, 3]]


def test_two_lengths_in_one_network() -> None:
    """The first synapse runs 4 ticks a timestep and the second 2; each counts its own."""
    layers = (
        ir.RateEncoder("encoder", 1, COUNTER),
        ir.StochasticSynapse("first", np.array([[1]]), np.array([0]), 4, ir.StreamSource("lfsr", 2, (3, 2), 1)),
        ir.Neuron("copy", 1, 2, np.array([1]), NONE, "ge", "zero", False),
        ir.StochasticSynapse("second", np.array([[2]]), np.array([0]), 2, COUNTER),
        ir.Readout("readout", 1, "membrane", "argmax_membrane", 1),
    )
    trace = ir.simulate(ir.Network("net", 3, layers), np.array([[0.75]]))
    # bits 3 > R = 0 2 1 3: 1 1 1 0 in each timestep; 1 > R of the LFSR 1 2 1 3 | 3 2 0 1 | 2 1 3 3: only tick 6
    assert trace["encoder"][:, 0, 0].tolist() == [1, 1, 1, 0] * 3
    assert trace["first"][:, 0, 0].tolist() == [0, 1, 0]
    assert trace["copy"][:, 0, 0].tolist() == [0, 1, 0]
    # second, t = 1: ticks 2, 3 with R = 1, 3: (2>1) + (2>3) = 1
    assert trace["second"][:, 0, 0].tolist() == [0, 1, 0]


# ---------------------------------------------------------------- encoder and readout


def test_features_become_numbers_and_bits() -> None:
    features = np.array([[0.0, 0.2499, 0.25, 0.5, 0.9999, 1.0]])
    assert quantise_features(features, 2).tolist() == [[0, 0, 1, 2, 3, 3]]
    layers = (
        ir.RateEncoder("encoder", 6, COUNTER),
        ir.FixedSynapse("synapse", np.ones((1, 6)), np.array([0]), 1, 1),
        ir.Readout("readout", 1, "membrane", "argmax_membrane", 1),
    )
    trace = ir.simulate(ir.Network("net", 4, layers), features)
    # v > R with R = 0 2 1 3: v = 1 is 1000, v = 2 is 1010, v = 3 is 1110
    assert ["".join(map(str, bits)) for bits in trace["encoder"][:, 0].T.tolist()] == [
        "0000", "0000", "1000", "1010", "1110", "1110",
    ]  # fmt: skip


def test_levels_by_hand() -> None:
    # v = min(floor(4 u), 3): 0, 0, 1, 2, 3; level l is v > l, the lowest level first
    layers = (
        ir.LevelEncoder("encoder", 5, 3),
        ir.FixedSynapse("synapse", np.ones((1, 15)), np.array([0]), 1, 1),
        ir.Readout("readout", 1, "membrane", "argmax_membrane", 1),
    )
    trace = ir.simulate(ir.Network("net", 2, layers), np.array([[0.0, 0.2499, 0.25, 0.5, 1.0]]))
    levels = [[0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert trace["encoder"][:, 0].tolist() == [np.concatenate(levels).tolist()] * 2
    assert trace["synapse"][:, 0].tolist() == [[6], [6]]


def test_direct_integers_by_hand() -> None:
    # v = 0, 5, 7; I = 2 * 5 - 7 + 4 = 7 in units of 2^-(1 + 3), at every timestep
    layers = (
        ir.DirectEncoder("encoder", 3, 3),
        ir.FixedSynapse("synapse", np.array([[3, 2, -1]]), np.array([4]), 2, 1, 3),
        ir.Readout("readout", 1, "membrane", "argmax_membrane", 4, THREE_QUARTERS),
    )
    trace = ir.simulate(ir.Network("net", 3, layers), np.array([[0.1, 0.7, 1.0]]))
    assert trace["encoder"][:, 0].tolist() == [[0, 5, 7]] * 3
    assert trace["synapse"][:, 0].tolist() == [[7]] * 3
    assert trace["readout"][:, 0].tolist() == [[7], [12], [16]]  # floor(21 / 4) + 7, floor(36 / 4) + 7


def test_a_delay_by_hand() -> None:
    copy = ir.Neuron("copy", 2, 1, np.array([1, 1]), NONE, "ge", "zero", False)
    layers = (
        ir.EventEncoder("spikes_in", 2),
        ir.FixedSynapse("direct", np.eye(2), np.zeros(2), 1, 1),
        copy,
        ir.Delay("delay", 2, 2),
        ir.Readout("readout", 2, "spike", "argmax_spike_count"),
    )
    spikes = np.array([[1, 0], [0, 1], [1, 1], [0, 1], [1, 0]])[:, None]
    trace = ir.simulate(ir.Network("net", 5, layers), spikes)
    assert trace["copy"].tolist() == spikes.tolist()
    assert trace["delay"][:, 0].tolist() == [[0, 0], [0, 0], [1, 0], [0, 1], [1, 1]]
    assert trace["readout"][:, 0].tolist() == [[0, 0], [0, 0], [1, 0], [1, 1], [2, 2]]


def test_a_spike_readout_counts_and_decides_after_every_timestep() -> None:
    synapse = ir.FixedSynapse("synapse", np.eye(3, dtype=np.int64), np.zeros(3, np.int64), 1, 1)
    copy = ir.Neuron("copy", 3, 1, np.ones(3), NONE, "ge", "zero", False)
    readout = ir.Readout("readout", 3, "spike", "argmax_spike_count")
    network = ir.Network("net", 4, (ir.EventEncoder("spikes_in", 3), synapse, copy, readout))
    spikes = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]])[:, None]
    trace = ir.simulate(network, spikes)
    assert trace["readout"][:, 0].tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 1], [0, 2, 2]]
    assert trace["readout.decision"][:, 0, 0].tolist() == [0, 2, 1, 1]  # ties go to the lowest index
    assert trace["readout.decision"].shape == (4, 1, 1)


def test_one_network_worked_out_from_end_to_end() -> None:
    """Two features, two neurons, two classes, four timesteps; all numbers by hand."""
    layers = (
        ir.RateEncoder("encoder", 2, COUNTER),
        ir.StochasticSynapse("synapse1", np.array([[2, -3], [3, 1]]), np.array([1, 0]), 1, LFSR),
        ir.Neuron("neuron1", 2, 1, np.array([2, 3]), HALF, "gt", "subtract", True),
        ir.FixedSynapse("synapse2", np.array([[3, 1], [2, 2]]), np.array([0, 0]), 2, 2),
        ir.Readout("readout", 2, "membrane", "argmax_membrane", 2, THREE_QUARTERS),
    )
    trace = {k: v[:, 0].tolist() for k, v in ir.simulate(ir.Network("net", 4, layers), np.array([[0.5, 0.8]])).items()}
    # v = 2, 3; v > R with R = 0 2 1 3
    assert trace["encoder"] == [[1, 1], [0, 1], [1, 1], [0, 0]]
    # R_0 = 1 2 1 3 and, one tick late, R_1 = 0 1 2 1.
    #   t = 0: (2>1) - (3>0) = 0         (3>1) + (1>0) = 2
    #   t = 1:       - (3>1) = -1                (1>1) = 0
    #   t = 2: (2>1) - (3>2) = 0         (3>1) + (1>2) = 1
    # and a bias of 1 for the first neuron
    assert trace["synapse1"] == [[1, 2], [0, 0], [1, 1], [1, 0]]
    # In halves: first  2 | leak 1 + 0 | leak 1 + 2 = 3, above 2 | leak 2 - 2 + 2
    #            second 4, above 3 | leak 2 - 3 = -1 | leak 0 + 2 | leak 1
    assert trace["neuron1.mem"] == [[2, 4], [1, -1], [3, 2], [2, 1]]
    assert trace["neuron1"] == [[0, 1], [0, 0], [1, 0], [0, 0]]
    assert trace["synapse2"] == [[1, 2], [0, 0], [3, 2], [0, 0]]
    # floor(3 m / 4) + I: 1, 2 | 0, 1 | 0 + 3, 0 + 2 | 2, 1
    assert trace["readout"] == [[1, 2], [0, 1], [3, 2], [2, 1]]
    assert trace["readout.decision"] == [[1], [1], [0], [0]]


def test_a_window_depends_on_its_own_input_alone() -> None:
    layers = (
        ir.RateEncoder("encoder", 2, COUNTER),
        ir.StochasticSynapse("synapse1", np.array([[2, -3], [3, 1]]), np.array([1, 0]), 1, LFSR),
        ir.Readout("readout", 2, "membrane", "argmax_membrane"),
    )
    network = ir.Network("net", 7, layers)
    x = np.random.default_rng(0).random((6, 2))
    together = ir.simulate(network, x)
    for b in range(6):
        for key, values in ir.simulate(network, x[b : b + 1]).items():
            assert values.tolist() == together[key][:, b : b + 1].tolist()


# ---------------------------------------------------------------- what is refused


def network_of(encoder: ir.Encoder) -> ir.Network:
    synapse = ir.FixedSynapse("synapse", np.ones((1, encoder.size)), np.array([0]), 1, 1)
    return ir.Network("net", 2, (encoder, synapse, ir.Readout("readout", 1, "membrane", "argmax_membrane", 1)))


@pytest.mark.parametrize("bad", [-0.01, 1.01, np.nan, np.inf, -np.inf, 1e300])
def test_features_out_of_range_are_refused_with_their_place(bad: float) -> None:
    x = np.array([[0.5, 0.5, 0.5], [0.5, bad, 0.5]])
    with pytest.raises(ConfigError, match=r"encoder: feature \[1, 1\] = .* is outside 0 to 1"):
        ir.simulate(network_of(ir.RateEncoder("encoder", 3, COUNTER)), x)


@pytest.mark.parametrize("shape", [(3,), (2, 2), (2, 4), (1, 2, 3), ()])
def test_features_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"expected features \[B, 3\], got shape"):
        ir.simulate(network_of(ir.RateEncoder("encoder", 3, COUNTER)), np.zeros(shape))


def test_a_feature_is_rounded_to_float32_by_everyone() -> None:
    # 0.5 - 2^-30 is 0.5 in float32, and so 2 of 4 and not 1.
    x = check_features(np.array([[0.5 - 2.0**-30]]), 1, "encoder")
    assert quantise_features(x, 2).tolist() == [[2]]


@pytest.mark.parametrize("shape", [(2, 1), (3, 1, 3), (2, 1, 2), (1, 1, 3)])
def test_spikes_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"spikes_in: expected spikes \[2, B, 3\], got"):
        ir.simulate(network_of(ir.EventEncoder("spikes_in", 3)), np.zeros(shape))


@pytest.mark.parametrize("bad", [2, -1, 0.5, np.nan])
def test_spikes_other_than_0_and_1_are_refused(bad: float) -> None:
    x = np.zeros((2, 1, 3))
    x[1, 0, 2] = bad
    with pytest.raises(ConfigError, match="spikes_in: spikes must be 0 or 1"):
        ir.simulate(network_of(ir.EventEncoder("spikes_in", 3)), x)
