"""Lowering: the integers of a torch network, or an error that names what cannot be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from sctorch import nn
from sctorch.errors import ConfigError, UnsupportedError
from sctorch.lower import lower

NAN, INF = float("nan"), float("inf")


def membrane(n_classes: int, **fields: Any) -> nn.SNNReadout:
    return nn.SNNReadout(n_classes, output_mode="membrane", **fields)


def small(*layers: torch.nn.Module, num_steps: int = 4) -> nn.SpikingNetwork:
    return nn.SpikingNetwork(*layers, num_steps=num_steps)


def rate_net() -> nn.SpikingNetwork:
    return small(nn.RateEncoder(3), nn.SCLinear(3, 2), membrane(2))


@pytest.mark.parametrize("bad", [NAN, INF])
@pytest.mark.parametrize("parameter", ["weight", "bias"])
@pytest.mark.parametrize("kind", [nn.SCLinear, nn.FixedLinear])
def test_weights_that_are_no_numbers_are_refused(kind: Callable[..., nn.Synapse], parameter: str, bad: float) -> None:
    net = small(nn.RateEncoder(3), kind(3, 2, bias=True), membrane(2))
    with torch.no_grad():
        getattr(net.synapse1, parameter).view(-1)[1] = bad
    with pytest.raises(ConfigError, match=f"synapse1: {parameter} holds NaN or infinity"):
        lower(net)


def test_only_a_spiking_network_can_be_lowered() -> None:
    with pytest.raises(UnsupportedError, match=r"a model of type Linear .*SpikingNetwork"):
        lower(torch.nn.Linear(2, 2))  # type: ignore[arg-type]


def test_a_sum_that_only_its_bias_brings_back_is_refused() -> None:
    """65535 * 255 + 32767 * 254 is odd and beyond 2^24: torch would round it before it adds the bias of -2^23."""
    net = small(
        nn.DirectEncoder(2, bits=8), nn.FixedLinear(2, 1, weight_bits=16, weight_frac=0, bias=True), membrane(1),
        num_steps=1,
    )  # fmt: skip
    with torch.no_grad():
        net.synapse1.weight.copy_(torch.tensor([[65535.0, 32767.0]]))
        net.synapse1.bias.fill_(-(2.0**15))
    with pytest.raises(ConfigError, match="synapse1 can need 26 bits, more than float32 holds exactly"):
        lower(net)
    with torch.no_grad():
        net.synapse1.weight[0, 1] = 256.0
    lower(net)


def test_lowering_takes_names_integers_and_meta() -> None:
    net = rate_net()
    with torch.no_grad():
        net.synapse1.weight.copy_(torch.tensor([[0.5, -0.25, 0.0], [1.0, -1.0, 0.03125]]))
        net.synapse1.mask[0, 0] = 0
    network = lower(net, "digits", {"classes": "a, b"})
    assert [layer.name for layer in network.layers] == ["encoder", "synapse1", "readout"]
    assert (network.name, network.num_steps, dict(network.meta)) == ("digits", 4, {"classes": "a, b"})
    assert network.synapses[0].weight.tolist() == [[0, -4, 0], [15, -15, 0]]
    net.synapse1.weight.data.zero_()
    assert network.synapses[0].weight[1, 0] == 15, "the integer network follows the torch one"
