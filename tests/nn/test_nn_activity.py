"""Spike rates, dead and saturated neurons, against counts made by hand and from the trace."""

from __future__ import annotations

import warnings

import pytest
import torch

from sctorch import nn
from sctorch.errors import ConfigError, ShapeError


def driven(delay: int = 0) -> nn.SpikingNetwork:
    """Three neurons: one never spikes, one at every second timestep, one at every timestep."""
    net = nn.SpikingNetwork(
        nn.EventEncoder(1),
        nn.FixedLinear(1, 3, weight_bits=2, weight_frac=1),
        nn.IF(3, threshold=1.0, compare="ge", reset_mechanism="subtract", reset_delay=False, delay=delay),
        nn.SNNReadout(3),
        num_steps=4,
    )
    with torch.no_grad():
        net.synapse1.weight.copy_(torch.tensor([[0.0], [0.5], [1.0]]))
    return net


def always(windows: int = 2) -> torch.Tensor:
    return torch.ones(4, windows, 1)


@pytest.mark.parametrize("delay", [0, 2])
def test_rates_counted_by_hand(delay: int) -> None:
    rates = driven(delay).spike_rates(always())
    assert list(rates) == ["encoder", "neuron1"]
    assert rates["encoder"].tolist() == [1.0]
    assert rates["neuron1"].tolist() == [0.0, 0.5, 1.0]


def test_rates_are_those_of_the_trace_for_a_batch_in_parts() -> None:
    torch.manual_seed(0)
    net = nn.SpikingNetwork(
        nn.RateEncoder(6), nn.SCLinear(6, 8, bitstream_length=4), nn.LIF(8, delay=1), nn.SCLinear(8, 5), nn.LIF(5),
        nn.SNNReadout(5), num_steps=9,
    )  # fmt: skip
    x = torch.rand(7, 6)
    trace = net.trace(x)
    net._rows_at_once = lambda: 3  # type: ignore[method-assign]
    rates = net.spike_rates(x)
    assert trace["encoder"].shape[0] == 36, "an encoder's rate is per tick"
    for name in ("encoder", "neuron1", "neuron2"):
        assert 0 < trace[name].sum() < trace[name].numel()
        torch.testing.assert_close(rates[name], trace[name].double().mean(dim=(0, 1)), rtol=0, atol=1e-15)


def test_integers_have_no_rate() -> None:
    net = nn.SpikingNetwork(nn.DirectEncoder(3), nn.FixedLinear(3, 2), nn.LIF(2), nn.SNNReadout(2), num_steps=4)
    assert list(net.spike_rates(torch.rand(2, 3))) == ["neuron1"]


def test_dead_and_saturated_neurons_are_named() -> None:
    net = driven()
    with pytest.warns(nn.ActivityWarning) as caught:
        encoder, neurons = net.check_activity(always())
    assert encoder == nn.LayerActivity("encoder", 1, 1.0, 1.0, 1.0, (), (0,))
    assert neurons == nn.LayerActivity("neuron1", 3, 0.5, 0.0, 1.0, (0,), (2,))
    texts = [str(w.message) for w in caught]
    assert len(texts) == 2, "an encoder's inputs are not warned of"
    assert texts[0].startswith("neuron1: 1 of 3 neurons never spiked (0); lower the layer's threshold")
    assert "learning rate" in texts[0]
    assert texts[1].startswith("neuron1: 1 of 3 neurons spiked at every timestep (2); raise the layer's threshold")
    assert {w.filename for w in caught} == {__file__}


def test_a_neuron_that_missed_one_spike_of_many_is_not_saturated() -> None:
    net = driven()
    with torch.no_grad():
        net.synapse1.weight[0] = 0.5
    x = always(3000)
    x[0, 1234] = 0  # one tick of 12,000
    record = net.check_activity(x)[1]
    assert record.saturated == ()
    assert record.highest == 11999 / 12000
    with pytest.warns(nn.ActivityWarning, match="every timestep"):
        assert net.check_activity(always(3000))[1].saturated == (2,)


def test_a_layer_that_is_well_is_silent() -> None:
    net = driven()
    with torch.no_grad():
        net.synapse1.weight.fill_(0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert net.check_activity(always())[1].mean == 0.5


def test_many_neurons_are_not_all_listed() -> None:
    net = nn.SpikingNetwork(nn.EventEncoder(1), nn.SCLinear(1, 20), nn.LIF(20), nn.SNNReadout(20), num_steps=4)
    with pytest.warns(nn.ActivityWarning, match=r"20 of 20 neurons never spiked \(0, 1, 2, 3, 4, 5, 6, 7, \.\.\.\)"):
        assert len(net.check_activity(torch.zeros(4, 1, 1))[1].dead) == 20


@pytest.mark.parametrize("call", ["spike_rates", "check_activity"])
def test_bad_batches(call: str) -> None:
    net = driven()
    with pytest.raises(ConfigError, match="x must be a torch tensor, not list"):
        getattr(net, call)([[0.5]])
    for shape in [(4, 0, 1), (4, 2), (3,), (), (0, 2, 1)]:
        with pytest.raises(ShapeError, match=r"EventEncoder: expected spikes \[4, B, 1\]"):
            getattr(net, call)(torch.zeros(shape))
