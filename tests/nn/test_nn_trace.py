"""torch's forward and the reference simulator, written apart, compute the same integers for any network."""

from __future__ import annotations

from contextlib import nullcontext
from random import Random

import builders
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sctorch import ir, nn
from sctorch.lower import lower
from sctorch.nn import kernels


def assert_torch_equals_simulator(net: nn.SpikingNetwork, x: np.ndarray) -> ir.Trace:
    expected = ir.simulate(lower(net), x)
    got = {key: values.numpy() for key, values in net.trace(torch.from_numpy(x)).items()}
    assert set(got) == set(expected)
    builders.assert_traces_equal(expected, got, keys=tuple(expected))
    return expected


@pytest.mark.parametrize("compiled", [False, True], ids=["torch", "kernels"])
@settings(max_examples=150)
@given(rnd=st.randoms(use_true_random=False), seed=st.integers(0, 2**16))
def test_any_network(compiled: bool, rnd: Random, seed: int) -> None:
    net = builders.random_spiking_network(rnd, lengths=(1, 2, 4, 16), max_steps=12)
    network = lower(net)
    x = builders.random_input(network, 3, seed).astype(np.float32)
    with nullcontext() if compiled else kernels.disabled():
        expected = assert_torch_equals_simulator(net, x)
        scores = net(torch.from_numpy(x))
    # The scores are the last integers, in value units.
    frac = network.readout.frac
    assert (scores.detach().numpy() * 2.0**frac).astype(np.int64).tolist() == expected["readout"][-1].tolist()
    assert scores.shape == (3, network.readout.size)


def test_the_random_networks_are_alive_and_cover_the_fields() -> None:
    """The builder above would show little if its networks were mostly silent or all alike."""
    seen: set[object] = set()
    alive = 0
    for seed in range(150):
        net = builders.random_spiking_network(Random(seed), lengths=(1, 2, 4, 16), max_steps=12)
        network = lower(net)
        alive += builders.is_alive(network, ir.simulate(network, builders.random_input(network, 3, seed)))
        for layer in network.layers:
            seen.add(type(layer))
            if isinstance(layer, ir.Neuron):
                seen |= {layer.leak.kind, layer.compare, layer.reset, ("delay", layer.reset_delay)}
            if isinstance(layer, ir.StochasticSynapse):
                seen |= {(layer.source.kind, layer.source.decorrelator), layer.bitstream_length}
                seen |= {"bias"} if layer.bias.any() else set()
            if isinstance(layer, ir.Readout):
                seen |= {layer.output_mode, ("readout", layer.leak.kind), layer.decision_rule}
    assert alive >= 60
    wanted = {
        *builders.SOURCES, 1, 2, 4, 16, "bias", "none", "shift", "multiply", "gt", "ge", "subtract", "zero",
        ("delay", True), ("delay", False), "spike", "membrane", ("readout", "none"), ("readout", "shift"),
        ("readout", "multiply"), ir.RateEncoder, ir.EventEncoder, ir.LevelEncoder, ir.DirectEncoder, ir.Delay,
        ir.FixedSynapse, ir.StochasticSynapse, ir.Neuron, ir.Readout,
    }  # fmt: skip
    assert wanted <= seen, f"never drawn: {wanted - seen}"


def test_features_of_every_float_type_become_the_same_bits() -> None:
    net = nn.SpikingNetwork(
        nn.RateEncoder(4, bits=5), nn.FixedLinear(4, 2), nn.SNNReadout(2, output_mode="membrane"), num_steps=9
    )
    x = torch.tensor([[0.0, 1.0, 0.5 - 2.0**-40, 0.8125]], dtype=torch.float64)
    for values in (x, x.float(), x.bfloat16()):
        assert_torch_equals_simulator(net, values.double().numpy())
        wanted = ir.simulate(lower(net), values.double().numpy())["encoder"]
        assert torch.equal(net.trace(values)["encoder"], torch.from_numpy(wanted))


def test_the_window_ends_in_the_prediction() -> None:
    net = builders.random_spiking_network(Random(5), encoder=("counter", "shared"), readout="membrane")
    x = torch.from_numpy(builders.random_input(lower(net), 7, 0))
    decisions = net.predict(x)
    assert decisions.shape == (net.num_steps, 7)
    assert decisions[-1].tolist() == net(x).argmax(1).tolist()
    assert torch.equal(net.scores(x)[-1], net(x))


def test_a_window_is_the_same_alone_and_in_a_batch_and_every_time() -> None:
    net = builders.random_spiking_network(Random(11), encoder=("lfsr", "shift"), hidden=2, lengths=(1, 4))
    x = torch.from_numpy(builders.random_input(lower(net), 5, 0))
    together = net.trace(x)
    for b in range(5):
        for key, values in net.trace(x[b : b + 1]).items():
            assert torch.equal(values, together[key][:, b : b + 1])
    assert all(torch.equal(a, b) for a, b in zip(together.values(), net.trace(x).values(), strict=True))


def test_weights_that_changed_count_at_once() -> None:
    """Nothing of the weights is kept between calls; only the random numbers are."""
    net = builders.random_spiking_network(Random(8), encoder=("counter", "shared"), hidden=1)
    x = builders.random_input(lower(net), 4, 0)
    for _ in range(3):
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(0.21)
        assert_torch_equals_simulator(net, x)
    net.num_steps += 3
    assert_torch_equals_simulator(net, x)


def test_integers_beyond_float32_are_refused_and_not_rounded() -> None:
    from sctorch.errors import ConfigError

    net = nn.SpikingNetwork(
        nn.RateEncoder(2, bits=1), nn.SCLinear(2, 1, weight_bits=8),
        nn.SNNReadout(1, output_mode="membrane", frac_bits=16), num_steps=300,
    )  # fmt: skip
    with torch.no_grad():
        net.synapse1.weight.fill_(0.99)
    with pytest.raises(ConfigError, match=r"beyond the integers that float32 holds exactly"):
        net.trace(torch.ones(1, 2))
    with pytest.raises(ConfigError, match=r"readout can need .* bits, more than float32 holds exactly"):
        lower(net)
