"""A network with Brevitas' QuantLinear through Verilog and HLS: the weights are Brevitas', the integers equal."""

from __future__ import annotations

from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.quant import Int8BiasPerTensorFixedPointInternalScaling, Int8WeightPerTensorFixedPoint
from brevitas.quant.fixed_point import Int8WeightPerChannelFixedPoint
from snntorch_nets import assert_alive

import sctorch
from sctorch import nn


def network() -> nn.SpikingNetwork:
    torch.manual_seed(4)
    first = qnn.QuantLinear(
        9, 12, bias=True, weight_quant=Int8WeightPerTensorFixedPoint, weight_bit_width=4,
        bias_quant=Int8BiasPerTensorFixedPointInternalScaling, bias_bit_width=3,
    )  # fmt: skip
    second = qnn.QuantLinear(12, 4, bias=False, weight_quant=Int8WeightPerChannelFixedPoint, weight_bit_width=5)
    with torch.no_grad():
        first.bias.mul_(3)
        second.weight[1:] *= 3  # a row on a grid of its own
    return nn.SpikingNetwork(
        nn.RateEncoder(9, bits=4), first, nn.LIF(12, beta=0.75, threshold=0.75), second, nn.LIF(4, beta=0.5),
        nn.SNNReadout(4, output_mode="spike"), num_steps=16,
    )  # fmt: skip


@pytest.mark.parametrize("backend", ["verilog", "hls"])
def test_the_export_computes_with_brevitas_integers(backend: str, tmp_path: Path) -> None:
    net = network()
    x = torch.rand(100, 9)
    design = sctorch.export(net, tmp_path / "x", backend=backend)
    report = sctorch.verify(net, design, x)
    report.raise_if_failed()
    assert [pair.name for pair in report.pairs][-1] == f"ir = {backend}"
    trace = design.trace(x.numpy())
    for name in ("neuron1", "neuron2"):
        assert_alive(trace[name])
    first, second = (net.get_submodule(name).linear.quant_weight() for name in ("synapse1", "synapse2"))
    assert np.array_equal(design.network.synapses[0].weight, first.int().numpy())
    shift = torch.log2(second.scale).long() + design.network.synapses[1].weight_frac
    assert sorted(shift.flatten().unique().tolist()) != [0]
    assert np.array_equal(design.network.synapses[1].weight, (second.int().long() << shift).numpy())
