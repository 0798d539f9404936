"""Modules: gradients of synapses, masks, and what every constructor and forward refuses, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from sctorch import nn
from sctorch.errors import ConfigError, ShapeError

# ---------------------------------------------------------------- synapses


@pytest.mark.parametrize("length", [1, 4])
@pytest.mark.parametrize("bias", [False, True])
def test_gradients_of_a_stochastic_synapse_are_those_of_its_mean(length: int, bias: bool) -> None:
    """I has the gradient of sum over ticks of s w + L b, with the weights as the hardware rounds them."""
    torch.manual_seed(0)
    layer = nn.SCLinear(5, 3, weight_bits=4, bias=bias, bitstream_length=length).double()
    with torch.no_grad():
        layer.mask[1, 2] = 0
        if layer.bias is not None:
            layer.bias.uniform_(-1, 1)
    spikes = (torch.rand(6 * length, 2, 5) < 0.5).double().requires_grad_()
    out = torch.randn(6, 2, 3).double()
    (layer(spikes) * out).sum().backward()

    weight = layer.weight.detach().clone().requires_grad_()
    rounded = torch.round(weight.detach() * 16) / 16
    plain = spikes.detach().clone().requires_grad_()
    used = (rounded + weight - weight.detach()) * layer.mask
    current = (plain @ used.t()).view(6, length, 2, 3).sum(1)
    (current * out).sum().backward()
    torch.testing.assert_close(layer.weight.grad, weight.grad)
    torch.testing.assert_close(spikes.grad, plain.grad)
    assert layer.weight.grad is not None
    assert layer.weight.grad[1, 2] == 0
    if layer.bias is not None:
        torch.testing.assert_close(layer.bias.grad, out.sum((0, 1)) * length)


def membrane(n_classes: int, **fields: Any) -> nn.SNNReadout:
    return nn.SNNReadout(n_classes, output_mode="membrane", **fields)


def test_weights_become_integers_by_rounding_and_clamping() -> None:
    layer = nn.SCLinear(6, 1, weight_bits=3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0, 0.06, 0.07, -0.49, 0.99, -3.0]]))
    # times 8: 0, 0.48, 0.56, -3.92, 7.92 and -24, whose magnitude must stay below 8
    assert layer.integer_weight().tolist() == [[0, 0, 1, -4, 7, -7]]


def test_a_bias_is_a_whole_number_of_ticks() -> None:
    layer = nn.SCLinear(1, 4, bias=True, bitstream_length=4)
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([0.0, 0.2, -0.4, 1.6]))  # type: ignore[union-attr]
    assert layer.integer_bias().tolist() == [0, 1, -2, 6]  # type: ignore[union-attr]
    assert nn.SCLinear(1, 4).integer_bias() is None


@pytest.mark.parametrize("kind", [nn.SCLinear, nn.FixedLinear])
def test_a_masked_synapse_stays_away(kind: Callable[..., nn.Synapse]) -> None:
    torch.manual_seed(1)
    layer = kind(6, 4, weight_bits=4)
    with torch.no_grad():
        layer.mask.copy_((torch.rand(4, 6) < 0.5).float())
    gone = layer.mask == 0
    assert gone.any()
    optimiser = torch.optim.AdamW(layer.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(5):
        optimiser.zero_grad()
        loss = layer((torch.rand(8, 3, 6) < 0.5).float()).square().mean()
        loss.backward()
        assert layer.weight.grad is not None
        assert not layer.weight.grad[gone].any()
        optimiser.step()
        assert not layer.integer_weight()[gone].any()
    saved = layer.state_dict()
    again = kind(6, 4, weight_bits=4)
    again.load_state_dict(saved)
    assert torch.equal(again.mask, layer.mask)


def test_everything_that_is_learnt_gets_a_gradient() -> None:
    torch.manual_seed(2)
    net = nn.SpikingNetwork(
        nn.RateEncoder(6), nn.SCLinear(6, 8, bias=True), nn.LIF(8), nn.FixedLinear(8, 6, bias=True), nn.LIF(6, delay=1),
        nn.SCLinear(6, 3, bias=True), membrane(3, beta=0.9375), num_steps=16,
    )  # fmt: skip
    torch.nn.functional.cross_entropy(net(torch.rand(32, 6)), torch.randint(0, 3, (32,))).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_no_gradient_leaves_the_features() -> None:
    net = nn.SpikingNetwork(nn.RateEncoder(2), nn.SCLinear(2, 2), membrane(2), num_steps=4)
    x = torch.rand(3, 2, requires_grad=True)
    net(x).sum().backward()
    assert x.grad is None or not x.grad.any()


# ---------------------------------------------------------------- what is refused

NAN, INF = float("nan"), float("inf")


def small(*layers: torch.nn.Module, num_steps: int = 4) -> nn.SpikingNetwork:
    return nn.SpikingNetwork(*layers, num_steps=num_steps)


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "encoder size": (lambda: nn.RateEncoder(0), ConfigError, "RateEncoder: size = 0"),
    "encoder bits": (lambda: nn.RateEncoder(2, bits=17), ConfigError, "RateEncoder: bits = 17 is outside 1 to 16"),
    "encoder source": (lambda: nn.RateEncoder(2, source="sobol"), ConfigError, "'sobol' is unknown; allowed: lfsr, co"),
    "encoder decorrelator": (lambda: nn.RateEncoder(2, decorrelator="shift"), ConfigError, "'shift' does not go with"),
    "encoder polynomial": (
        lambda: nn.RateEncoder(2, bits=4, source="lfsr", polynomial=[4, 2]), ConfigError, "is not maximal",
    ),
    "encoder narrow polynomial": (
        lambda: nn.RateEncoder(2, bits=5, source="lfsr", polynomial=[4, 3]), ConfigError, "LFSR of 4 bits cannot give",
    ),
    "encoder seed": (lambda: nn.RateEncoder(2, source="lfsr", seed=0), ConfigError, "seed = 0 is outside"),
    "polynomial of a counter": (lambda: nn.RateEncoder(2, polynomial=[4, 3]), ConfigError, "has no polynomial"),
    "seed of a counter": (lambda: nn.RateEncoder(2, seed=5), ConfigError, "counter source has no .* seed"),
    "levels": (lambda: nn.LevelEncoder(2, levels=0), ConfigError, "LevelEncoder: levels = 0 is outside 1 to 255"),
    "level features": (lambda: nn.LevelEncoder(0, levels=2), ConfigError, "LevelEncoder: n_features = 0"),
    "direct bits": (lambda: nn.DirectEncoder(2, bits=0), ConfigError, "DirectEncoder: bits = 0 is outside 1 to 16"),
    "events": (lambda: nn.EventEncoder(0), ConfigError, "EventEncoder: size = 0"),
    "in_features": (lambda: nn.SCLinear(0, 2), ConfigError, "SCLinear: in_features = 0 is outside 1 to"),
    "out_features": (lambda: nn.SCLinear(2, 0), ConfigError, "SCLinear: out_features = 0 is outside 1 to"),
    "weight_bits": (lambda: nn.SCLinear(2, 2, weight_bits=9), ConfigError, "SCLinear: weight_bits = 9 .* 1 to 8"),
    "weight_bits of zero": (lambda: nn.SCLinear(2, 2, weight_bits=0), ConfigError, "SCLinear: weight_bits = 0"),
    "length": (lambda: nn.SCLinear(2, 2, bitstream_length=3), ConfigError, "bitstream_length = 3 must be a power of"),
    "long length": (lambda: nn.SCLinear(2, 2, bitstream_length=512), ConfigError, "bitstream_length = 512"),
    "synapse decorrelator": (lambda: nn.SCLinear(2, 2, decorrelator="none"), ConfigError, "decorrelator 'none'"),
    "synapse source": (lambda: nn.SCLinear(2, 2, source="true"), ConfigError, "source kind = 'true' is unknown"),
    "synapse seed": (lambda: nn.SCLinear(2, 2, seed=64), ConfigError, "seed = 64 is outside 1 to 31"),
    "synapse polynomial of a counter": (
        lambda: nn.SCLinear(2, 2, source="counter", polynomial=[5, 3]), ConfigError, "has no polynomial",
    ),
    "fixed weight_bits": (lambda: nn.FixedLinear(2, 2, weight_bits=17), ConfigError, "weight_bits = 17 .* 1 to 16"),
    "fixed weight_frac": (lambda: nn.FixedLinear(2, 2, weight_frac=-1), ConfigError, "FixedLinear: weight_frac = -1"),
    "neuron size": (lambda: nn.LIF(0), ConfigError, "LIF: size = 0 is outside 1 to"),
    "compare": (lambda: nn.LIF(2, compare="="), ConfigError, "LIF: compare = '=' is unknown; allowed: gt, ge"),
    "reset": (lambda: nn.LIF(2, reset_mechanism="x"), ConfigError, "reset_mechanism = 'x'.*subtract, zero, none"),
    "frac_bits": (lambda: nn.LIF(2, frac_bits=21), ConfigError, "LIF: frac_bits = 21 is outside 0 to 20"),
    "delay": (lambda: nn.LIF(2, delay=1025), ConfigError, "LIF: delay = 1025 is outside 0 to 1024"),
    "threshold of zero": (lambda: nn.LIF(2, threshold=0.0), ConfigError, "LIF: threshold = 0.0 must be a positive"),
    "threshold off the grid": (lambda: nn.LIF(2, threshold=0.3), ConfigError, "multiple of 0.0625 .frac_bits = 4"),
    "threshold NaN": (lambda: nn.LIF(2, threshold=NAN), ConfigError, "LIF: threshold = nan must be a finite"),
    "threshold infinite": (lambda: nn.LIF(2, threshold=INF), ConfigError, "LIF: threshold = inf must be a finite"),
    "beta above one": (lambda: nn.LIF(2, beta=1.01), ConfigError, "LIF: beta = 1.01 is outside 0 to 1"),
    "beta below zero": (lambda: nn.LIF(2, beta=-0.5), ConfigError, "LIF: beta = -0.5 is outside 0 to 1"),
    "beta NaN": (lambda: nn.LIF(2, beta=NAN), ConfigError, "LIF: beta = nan must be a finite"),
    "beta off the grid": (lambda: nn.LIF(2, beta=0.9), ConfigError, "off the grid of 1/256; the nearest is 0.8984375"),
    "beta without a leak": (lambda: nn.LIF(2, leak="none"), ConfigError, "leak 'none' needs beta = 1, got 0.9375"),
    "beta of no shift": (lambda: nn.LIF(2, beta=0.625, leak="shift"), ConfigError, "leak 'shift' needs beta = 1 - 2"),
    "leak": (lambda: nn.LIF(2, leak="fast"), ConfigError, "leak = 'fast' is unknown; allowed: auto, shift, mult"),
    "classes": (lambda: nn.SNNReadout(0), ConfigError, "SNNReadout: n_classes = 0 is outside 1 to"),
    "mode": (lambda: nn.SNNReadout(2, output_mode="x"), ConfigError, "output_mode = 'x'.*allowed: spike, membrane"),
    "rule": (
        lambda: nn.SNNReadout(2, decision_rule="argmax_membrane"), ConfigError,
        "decision_rule = 'argmax_membrane' does not go with output_mode 'spike'; allowed: argmax_spike_count",
    ),
    "counting with a decay": (lambda: nn.SNNReadout(2, beta=0.5), ConfigError, "'spike' counts; beta must be 1"),
    "readout beta": (lambda: membrane(2, beta=2.0), ConfigError, "SNNReadout: beta = 2.0 is outside"),
    "readout frac_bits": (lambda: membrane(2, frac_bits=21), ConfigError, "frac_bits = 21 is out"),
    "steps": (
        lambda: small(nn.RateEncoder(2), nn.SCLinear(2, 2), membrane(2), num_steps=0), ConfigError,
        "num_steps = 0 is outside 1 to",
    ),
    "no layers": (lambda: small(), ConfigError, "must come first"),
    "no encoder": (lambda: small(nn.SCLinear(2, 2), nn.LIF(2), nn.SNNReadout(2)), ConfigError, "must come first"),
    "no readout": (lambda: small(nn.RateEncoder(2), nn.SCLinear(2, 2), nn.LIF(2)), ConfigError, "SNNReadout last"),
    "two encoders": (
        lambda: small(nn.RateEncoder(2), nn.RateEncoder(2), nn.SCLinear(2, 2), membrane(2)),
        ConfigError, "one encoder and one readout",
    ),
    "a stranger": (
        lambda: small(nn.RateEncoder(2), torch.nn.Linear(2, 2), nn.SNNReadout(2)), ConfigError,
        "Linear is no layer of a spiking network",
    ),
    "two synapses": (
        lambda: small(nn.RateEncoder(2), nn.SCLinear(2, 2), nn.SCLinear(2, 2), membrane(2)),
        ConfigError, "synapse2 must follow spikes, but follows synapse1",
    ),
    "counts of currents": (
        lambda: small(nn.RateEncoder(2), nn.SCLinear(2, 2), nn.SNNReadout(2)), ConfigError,
        "readout must follow an LIF, but follows synapse1",
    ),
    "membrane of spikes": (
        lambda: small(nn.RateEncoder(2), nn.SCLinear(2, 2), nn.LIF(2), membrane(2)), ConfigError,
        "readout must follow an SCLinear|readout must follow a synapse",
    ),
    "sizes": (
        lambda: small(nn.RateEncoder(2), nn.SCLinear(3, 2), membrane(2)), ShapeError,
        "synapse1 takes 3 inputs but encoder gives 2",
    ),
    "classes and neurons": (
        lambda: small(nn.RateEncoder(2), nn.SCLinear(2, 2), nn.LIF(2), nn.SNNReadout(3)), ShapeError,
        "readout takes 3 inputs but neuron1 gives 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_by_name(name: str) -> None:
    make, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        make()


def rate_net() -> nn.SpikingNetwork:
    return small(nn.RateEncoder(3), nn.SCLinear(3, 2), membrane(2))


@pytest.mark.parametrize("call", ["__call__", "trace", "predict", "scores"])
@pytest.mark.parametrize("bad", [NAN, INF, -INF, -0.001, 1.001])
def test_features_out_of_range_are_refused_with_their_place(bad: float, call: str) -> None:
    x = torch.full((2, 3), 0.5)
    x[1, 2] = bad
    with pytest.raises(ConfigError, match=r"RateEncoder: feature \[1, 2\] = .* is outside 0 to 1; scale"):
        getattr(rate_net(), call)(x)


@pytest.mark.parametrize("shape", [(3,), (2, 2), (2, 4), (4, 2, 3)])
def test_features_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"RateEncoder: expected features \[B, 3\], got"):
        rate_net()(torch.zeros(shape))


@pytest.mark.parametrize("bad", [0.5, 2.0, -1.0, NAN])
def test_spikes_other_than_0_and_1_are_refused(bad: float) -> None:
    net = small(nn.EventEncoder(3), nn.SCLinear(3, 2), membrane(2))
    x = torch.zeros(4, 2, 3)
    net(x)
    x[3, 1, 2] = bad
    with pytest.raises(ConfigError, match="EventEncoder: spikes must be 0 or 1"):
        net(x)
    with pytest.raises(ShapeError, match=r"EventEncoder: expected spikes \[4, B, 3\], got \(5, 2, 3\)"):
        net(torch.zeros(5, 2, 3))


def test_spikes_of_another_width_or_length_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"SCLinear: expected spikes \[T, B, 3\]"):
        nn.SCLinear(3, 2)(torch.zeros(4, 1, 2))
    with pytest.raises(ShapeError, match="5 ticks are no multiple of bitstream_length = 4"):
        nn.SCLinear(3, 2, bitstream_length=4)(torch.zeros(5, 1, 3))
