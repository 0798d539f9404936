"""The summary's numbers, counted by hand."""

from __future__ import annotations

import torch

from sctorch import nn

TABLE = """\
layer     kind         in -> out  synapses  nonzero  bits  ticks  fields
encoder   RateEncoder  3 -> 3                                     bits=4, source=counter/shared
synapse1  SCLinear     3 -> 2     6         4        3     4      source=lfsr/shift, bias=0 (learnt)
neuron1   LIF          2 -> 2                                     """


def network() -> nn.SpikingNetwork:
    net = nn.SpikingNetwork(
        nn.RateEncoder(3, bits=4),
        nn.SCLinear(3, 2, weight_bits=3, bias=True, bitstream_length=4),
        nn.LIF(2, beta=0.75, threshold=[1.0, 1.5], delay=3),
        nn.FixedLinear(2, 2, weight_bits=4),
        nn.SNNReadout(2, output_mode="membrane"),
        num_steps=8,
    )
    with torch.no_grad():
        net.synapse1.weight.copy_(torch.tensor([[0.5, -0.5, 0.01], [1.0, 0.25, 0.25]]))  # 0.01 rounds to 0
        net.synapse1.mask[1, 2] = 0
        net.synapse2.weight.fill_(0.5)
    return net


def test_rows_and_totals() -> None:
    summary = network().summary()
    assert [(row.name, row.kind, row.n_in, row.n_out) for row in summary.layers] == [
        ("encoder", "RateEncoder", 3, 3), ("synapse1", "SCLinear", 3, 2), ("neuron1", "LIF", 2, 2),
        ("synapse2", "FixedLinear", 2, 2), ("readout", "SNNReadout", 2, 2),
    ]  # fmt: skip
    first, neuron, second = summary.layers[1], summary.layers[2], summary.layers[3]
    assert (first.synapses, first.nonzero, first.weight_bits, first.ticks, first.parameters) == (6, 4, 3, 4, 8)
    assert (second.synapses, second.nonzero, second.weight_bits, second.ticks, second.parameters) == (4, 4, 4, 1, 4)
    assert neuron.fields["threshold"] == "1 to 1.5"
    assert neuron.fields["beta"] == "0.75"
    assert neuron.fields["delay"] == "3"
    assert neuron.fields["reset_mechanism"] == "subtract"
    totals = summary.synapses, summary.nonzero, summary.neurons, summary.parameters, summary.ticks, summary.num_steps
    assert totals == (10, 8, 2, 12, 4, 8)


def test_the_text_is_a_table() -> None:
    text = str(network().summary())
    assert text.startswith(TABLE)
    assert text.splitlines()[-1] == (
        "10 synapses, 8 of them not 0 (80.0 %); 2 neurons; 12 parameters; 8 timesteps of 4 ticks"
    )


def test_what_is_learnt_says_so() -> None:
    net = nn.SpikingNetwork(
        nn.LevelEncoder(3, levels=2), nn.FixedLinear(6, 2), nn.LIF(2, beta=0.5, learn_beta=True, learn_threshold=True),
        nn.SNNReadout(2), num_steps=8,
    )  # fmt: skip
    encoder, synapse, neuron, _ = net.summary().layers
    assert (encoder.n_in, encoder.n_out, encoder.fields["levels"]) == (3, 6, "2")
    assert neuron.fields["beta"] == "0.5 (learnt)"
    assert neuron.fields["threshold"] == "1 (learnt)"
    assert (synapse.parameters, neuron.parameters) == (12, 2)
    assert str(net.summary()).endswith("8 timesteps of 1 tick")
