"""Brevitas' QuantLinear in a SpikingNetwork: its integers, currents and gradients; what does not fit is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import brevitas.nn as qnn
import brevitas.quant as bq
import numpy as np
import pytest
import torch
from brevitas.inject.enum import FloatToIntImplType
from brevitas.quant.fixed_point import Int8WeightPerChannelFixedPoint

from sctorch import compress, ir, nn, train
from sctorch.errors import ConfigError, UnsupportedError
from sctorch.lower import lower

SIZES, STEPS = (12, 10, 3), 16
TENSOR, CHANNEL = bq.Int8WeightPerTensorFixedPoint, Int8WeightPerChannelFixedPoint
INTERNAL = bq.Int8BiasPerTensorFixedPointInternalScaling


def linear(n_in: int, n_out: int, quantiser: Any = TENSOR, bias: bool = False, **fields: Any) -> qnn.QuantLinear:
    layer = qnn.QuantLinear(n_in, n_out, bias=bias, weight_quant=quantiser, **{"weight_bit_width": 4, **fields})
    with torch.no_grad():  # rows of different sizes, so that scales per row differ
        layer.weight *= torch.linspace(0.3, 2.0, n_out)[:, None]
    return layer


def network(first: torch.nn.Module, encoder: nn.Encoder | None = None) -> nn.SpikingNetwork:
    return nn.SpikingNetwork(
        encoder or nn.RateEncoder(SIZES[0], bits=4), first, nn.LIF(SIZES[1], beta=0.5, threshold=0.5),
        linear(SIZES[1], SIZES[2]), nn.SNNReadout(SIZES[2], output_mode="membrane"), num_steps=STEPS,
    )  # fmt: skip


def made(seed: int = 0, **fields: Any) -> nn.SpikingNetwork:
    torch.manual_seed(seed)
    return network(linear(SIZES[0], SIZES[1], **fields))


@pytest.mark.parametrize("encoder", [nn.RateEncoder(SIZES[0], bits=4), nn.DirectEncoder(SIZES[0], bits=3)])
@pytest.mark.parametrize("bias_quant", [None, bq.Int8Bias, INTERNAL])
@pytest.mark.parametrize("quantiser", [TENSOR, CHANNEL, bq.Int8WeightPerTensorFixedPointMSE])
def test_the_integers_are_brevitas_own(quantiser: Any, bias_quant: Any, encoder: nn.Encoder) -> None:
    torch.manual_seed(1)
    first = linear(SIZES[0], SIZES[1], quantiser, bias=True, bias_quant=bias_quant, weight_narrow_range=False)
    net = network(first, encoder)
    if bias_quant is None:  # a float bias that lies on the grid is taken as it is
        with torch.no_grad():
            first.bias.copy_((first.bias * 8).round() / 8)
            assert net.synapse1.frac >= 3
    x = torch.rand(50, SIZES[0])
    lowered, trace = lower(net), net.trace(x)
    for key, values in ir.simulate(lowered, x.numpy()).items():
        assert np.array_equal(trace[key].numpy(), values), key
    assert 0 < int(trace["neuron1"].sum()) < trace["neuron1"].numel()

    synapse, quantised = lowered.synapses[0], first.quant_weight()
    assert isinstance(synapse, ir.FixedSynapse)
    shift = synapse.weight_frac + torch.log2(quantised.scale).long()  # of a row against the common grid
    assert np.array_equal(synapse.weight, (quantised.int().long() << shift).numpy())
    if bias_quant is not INTERNAL:
        assert int(shift.min()) == 0
    if quantiser is CHANNEL:
        assert int(shift.max()) > int(shift.min())
    elif bias_quant is not INTERNAL:
        assert np.array_equal(synapse.weight, quantised.int().numpy())
    # Brevitas' own layer, given the encoder's values with the scale that Brevitas wants to know.
    values = encoder(x, STEPS).float() * 2.0**-encoder.value_bits
    width = torch.tensor(float(max(1, encoder.value_bits)))
    scaled = bq_tensor(values, 2.0**-encoder.value_bits, width)
    own = first(scaled)
    own = own.value if hasattr(own, "value") else own
    assert torch.equal((own * 2.0**synapse.frac).long(), trace["synapse1"])


def bq_tensor(values: torch.Tensor, scale: float, width: torch.Tensor) -> Any:
    from brevitas.quant_tensor import IntQuantTensor

    return IntQuantTensor(values, torch.tensor(scale), torch.tensor(0.0), width, False, False)


def test_the_gradient_is_brevitas_own() -> None:
    net = made(bias=True)
    layer = net.synapse1
    spikes = (torch.rand(STEPS, 5, SIZES[0]) < 0.5).float()
    wanted = torch.rand(STEPS, 5, SIZES[1])
    (layer(spikes) * wanted).sum().backward()
    ours = layer.weight.grad.clone(), layer.bias.grad.clone()
    layer.linear.zero_grad()
    (layer.linear(spikes) * wanted * 2.0**layer.frac).sum().backward()
    for a, b in zip(ours, (layer.weight.grad, layer.bias.grad), strict=True):
        assert float(a.abs().sum()) > 0
        assert torch.allclose(a, b, rtol=1e-5)


def test_scales_that_move_in_training_move_the_grid() -> None:
    net = made(bias=True)
    layer = net.synapse1
    frac = layer.frac
    torch.manual_seed(3)
    data = torch.rand(64, SIZES[0])
    labels = (data[:, :3].argmax(dim=1)).long()
    optimizer = torch.optim.Adam(net.parameters(), 0.2)
    for _ in range(15):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(data), labels).backward()
        optimizer.step()
    assert layer.frac < frac, "weights grew and the scale with them, or this test shows nothing"
    lowered = lower(net)
    assert np.array_equal(lowered.synapses[0].weight, layer.linear.quant_weight().int().numpy())
    assert lowered.synapses[0].weight_bits == layer.weight_bits == 3
    trace = net.trace(data)
    for key, values in ir.simulate(lowered, data.numpy()).items():
        assert np.array_equal(trace[key].numpy(), values), key


def test_pruned_weights_are_zero_and_the_others_brevitas() -> None:
    net = made()
    compress.prune(net, 0.5)
    mask = net.synapse1.mask.bool()
    assert 0 < int(mask.sum()) < mask.numel()
    weight = torch.tensor(lower(net).synapses[0].weight)
    own = net.synapse1.linear.quant_weight().int().long()
    assert torch.equal(weight[mask], own[mask])
    assert not weight[~mask].any()


def test_a_row_of_zeros_asks_for_no_fractional_bits() -> None:
    net = made(quantiser=CHANNEL)
    frac = net.synapse1.frac
    with torch.no_grad():
        net.synapse1.weight[-1] = 0.0  # its scale is now 2^-20 or less
    assert net.synapse1.frac == frac
    assert not lower(net).synapses[0].weight[-1].any()


def test_the_bias_of_a_row_of_zeros_is_an_integer_too() -> None:
    """Brevitas gives such a row a tiny scale, and its bias that scale too."""
    net = made(quantiser=CHANNEL, bias=True, bias_quant=bq.Int32Bias)
    with torch.no_grad():
        net.synapse1.weight[-1] = 0.0
        net.synapse1.bias[-1] = 0.02
    x = torch.rand(50, SIZES[0])
    lowered, trace = lower(net), net.trace(x)
    bias = net.synapse1.integer_bias()
    assert bias is not None
    assert torch.equal(bias, bias.round())
    for key, values in ir.simulate(lowered, x.numpy()).items():
        assert np.array_equal(trace[key].numpy(), values), key


def test_summary_and_checkpoints_know_the_quantiser(tmp_path: Path) -> None:
    net = made(bias=True)
    row = net.summary().layers[1]
    assert (row.kind, row.synapses, row.weight_bits) == ("BrevitasLinear", 120, 3)
    assert row.fields["quantiser"] == "4 bits signed, one scale, float bias"
    file = train.save_weights(net, tmp_path / "w.ckpt")
    other = made(7, bias=True)
    x = torch.rand(5, SIZES[0])
    assert not torch.equal(other(x), net(x))
    train.load_weights(other, file)
    assert torch.equal(other(x), net(x))
    with pytest.raises(ConfigError, match="quantiser"):
        train.load_weights(made(7, bias=True, weight_bit_width=5), file)


def test_training_leaves_the_weights_unclamped() -> None:
    net = made()
    with torch.no_grad():
        net.synapse1.weight[0, 0] = 3.0
    train.clamp_weights(net)
    assert net.synapse1.weight[0, 0].item() == 3.0


def test_neurons_are_pruned_by_what_their_weights_are_worth() -> None:
    """The weakest neuron goes; no rank is by chance."""
    net = made()
    with torch.no_grad():
        net.synapse1.weight[4] /= 64
        net.synapse2.weight[:, 4] /= 64
    compress.prune(net, 0.1, unit="neuron")
    assert not net.synapse1.mask[4].any()
    assert int(net.synapse1.mask.sum()) == 9 * SIZES[0]


def _hooked(**fields: Any) -> qnn.QuantLinear:
    layer = linear(12, 10)
    layer.register_forward_hook(lambda *a: None)
    return layer


class _Sub(qnn.QuantLinear):  # type: ignore[misc]
    pass


@pytest.mark.parametrize(
    ("first", "says"),
    [
        (lambda: linear(12, 10, bq.Int8WeightPerTensorFloat), r"synapse1: the weight scale 0\.\d+, no power of two, .*"
         "Int8WeightPerTensorFixedPoint"),
        (lambda: linear(12, 10, bq.ShiftedUint8WeightPerTensorFloat), "synapse1: a zero point of the weights"),
        (lambda: linear(12, 10, None), "synapse1: a weight without a quantiser"),
        (lambda: linear(12, 10, bq.Int8AccumulatorAwareWeightQuant), "quantiser that depends on the input's"),
        (lambda: linear(12, 10, input_quant=bq.Int8ActPerTensorFixedPoint), "an input quantiser .*Leave out in"),
        (lambda: linear(12, 10, output_quant=bq.Int8ActPerTensorFloat), "an output quantiser .*Leave out output_quant"),
        (lambda: linear(12, 10, bias=True, bias_quant=bq.Int8BiasPerTensorFloatInternalScaling), "a bias off the"),
        (lambda: linear(12, 10, weight_quant_delay_steps=5), "weights that are not quantised yet"),
        (lambda: linear(12, 10, weight_bit_width=20), r"a weight of 19 bits .*At most 16"),
        (lambda: linear(12, 10, weight_float_to_int_impl_type=FloatToIntImplType.STOCHASTIC_ROUND),
         "synapse1: stochastic rounding is not supported. Its integers are others at every call"),
        (_hooked, "a forward hook"),
        (lambda: _Sub(12, 10, bias=False, weight_quant=TENSOR), "_Sub of Brevitas"),
        (lambda: qnn.QuantReLU(), "QuantReLU of Brevitas .*QuantLinear itself is taken"),
    ],
)  # fmt: skip
def test_what_cannot_be_expressed_is_refused(first: Any, says: str) -> None:
    torch.manual_seed(0)
    with pytest.raises(UnsupportedError, match=says):
        network(first())


def test_a_scale_that_training_took_off_the_grid_is_refused_when_used() -> None:
    net = made()
    net.synapse1.linear.weight_quant.disable_quant = True
    with pytest.raises(UnsupportedError, match=r"synapse1: a weight of type (Tensor|Parameter)"):
        lower(net)


def test_rows_too_far_apart_for_one_grid_are_refused() -> None:
    net = made(quantiser=CHANNEL)
    with torch.no_grad():
        net.synapse1.weight[0] *= 2.0**-14
    with pytest.raises(UnsupportedError, match=r"synapse1: a weight of \d+ bits on the common grid of 2\^-\d+"):
        lower(net)
