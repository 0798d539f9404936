import numpy as np
import pytest
import torch
from brevitas.nn import QuantLinear
from brevitas.quant import Int8WeightPerTensorFixedPoint

from sctorch import ir, nn
from sctorch.compress import prune, shrink
from sctorch.errors import ConfigError, UnsupportedError
from sctorch.lower import lower


def network(kind="fixed", encoder=None, bias=False, threshold=1.0):
    torch.manual_seed(1)
    encoder = nn.RateEncoder(12, bits=4) if encoder is None else encoder
    sizes = [(encoder.size, 10), (10, 8), (8, 3)]
    if kind == "fixed":
        first, second, third = (nn.FixedLinear(*size, weight_bits=3, bias=bias) for size in sizes)
    else:
        shared = {"decorrelator": "shared"} if kind == "shared" else {}
        first, second, third = (nn.SCLinear(*size, weight_bits=3, bias=bias, **shared) for size in sizes)
    return nn.SpikingNetwork(
        encoder, first, nn.LIF(10, beta=0.75, threshold=threshold), second, nn.LIF(8, beta=0.875, frac_bits=3),
        third, nn.SNNReadout(3, output_mode="membrane"), num_steps=16,
    )  # fmt: skip


def gone(net):
    return [int((m.mask == 0).sum()) for m in (net.synapse1, net.synapse2, net.synapse3)]


def test_whole_inputs_and_whole_neurons_go():
    net = network()
    prune(net, 0.5, unit="input")
    assert gone(net) == [60, 0, 0]
    assert int((net.synapse1.mask.amax(dim=0) == 0).sum()) == 6
    magnitude = net.synapse1.weight.detach().abs().mean(dim=0)
    left = net.synapse1.mask[0] > 0
    assert magnitude[~left].max() < magnitude[left].min()
    prune(net, 0.4, "layer", "neuron")
    for before, after, n in ((net.synapse1, net.synapse2, 4), (net.synapse2, net.synapse3, 3)):
        dead = before.mask.amax(dim=1) == 0
        assert int(dead.sum()) == n
        assert torch.equal(after.mask.amax(dim=0) == 0, dead)


def test_neurons_of_all_layers_rank_together_unless_told_otherwise():
    net = network()
    with torch.no_grad():
        net.synapse1.weight *= 0.01
        net.synapse2.weight[:, :] *= 0.1
    prune(net, 0.5, "global", "neuron")
    assert int((net.synapse1.mask.amax(dim=1) == 0).sum()) == 9, "one of a layer stays"
    assert int((net.synapse2.mask.amax(dim=1) == 0).sum()) == 0
    prune(net, 0.99, "global", "neuron")
    assert (net.synapse1.mask.amax(dim=1) > 0).sum() == (net.synapse2.mask.amax(dim=1) > 0).sum() == 1


def test_a_feature_of_a_thermometer_goes_whole():
    net = network(encoder=nn.LevelEncoder(4, 3))
    prune(net, 0.5, unit="input")
    kept = net.synapse1.mask.amax(dim=0).view(4, 3)
    assert sorted(kept.sum(dim=1).tolist()) == [0, 0, 3, 3]
    small = shrink(net)
    assert small.network.encoder.size == 6
    x = torch.rand(5, 4)
    assert torch.equal(small.network.trace(x[:, small.inputs])["readout"], net.trace(x)["readout"])


@pytest.mark.parametrize("kind", ["fixed", "shared"])
@pytest.mark.parametrize("bias", [False, True])
def test_a_shrunk_network_computes_what_it_computed(kind, bias):
    threshold = [0.5, 1.0, 0.25, 1.0, 0.75, 1.0, 1.0, 0.5, 0.5, 1.0]
    net = network(kind, bias=bias, threshold=threshold)
    prune(net, 0.4, "layer", "neuron")
    prune(net, 0.3, unit="input")
    with torch.no_grad():
        net.synapse2.mask[:, 4] = 0  # read by nobody, and so its inputs need not be there
        if bias:
            net.synapse1.bias.uniform_(-0.5, 0.5)
            net.synapse2.bias.uniform_(-0.5, 0.5)
    small = shrink(net)
    sizes = [m.weight.shape for m in (small.network.synapse1, small.network.synapse2, small.network.synapse3)]
    hidden = [len(small.neurons[name]) for name in ("neuron1", "neuron2")]
    assert sizes == [(hidden[0], len(small.inputs)), (hidden[1], hidden[0]), (3, hidden[1])]
    assert len(small.inputs) == 8
    assert 4 not in small.neurons["neuron1"]
    assert hidden[0] <= 6
    assert torch.equal(small.network.neuron1.threshold, torch.tensor(threshold)[small.neurons["neuron1"]])
    assert small.network.neuron1.size == hidden[0]
    x = torch.rand(50, 12)
    before, after = net.trace(x), small.network.trace(x[:, small.inputs])
    assert before["neuron2"].sum() > 0
    for key in ("readout", "readout.decision"):
        assert torch.equal(before[key], after[key]), key
    for name, kept in small.neurons.items():
        assert torch.equal(before[name][..., kept], after[name]), name
    assert net.synapse1.weight.shape == (10, 12), "the network itself is as it was"
    network_ir = lower(small.network)
    traced = ir.simulate(network_ir, x[:, small.inputs].numpy())
    assert (traced["readout"] == after["readout"].numpy()).all()


def test_a_neuron_that_its_bias_drives_stays_and_a_silent_one_goes():
    net = network(bias=True)
    with torch.no_grad():
        net.synapse1.mask[2:4] = 0
        net.synapse1.bias.zero_()
        net.synapse1.bias[2] = 0.5
        net.synapse1.bias[3] = -0.5
    small = shrink(net)
    assert 2 in small.neurons["neuron1"]
    assert 3 not in small.neurons["neuron1"]
    x = torch.rand(20, 12)
    assert torch.equal(net.trace(x)["readout"], small.network.trace(x[:, small.inputs])["readout"])


def test_what_goes_takes_along_what_only_it_reads_and_what_reads_only_it():
    net = network()
    with torch.no_grad():
        for synapse, inputs in ((net.synapse1, 12), (net.synapse2, 10), (net.synapse3, 8)):
            synapse.weight.fill_(0.5)
            # 0 is read by 0 alone, 1 reads 1 alone.
            synapse.mask[1:, 0] = 0
            synapse.mask[1, [j for j in range(inputs) if j != 1]] = 0
        net.synapse3.mask[:, 0] = 0  # nobody reads the last 0
        net.synapse1.mask[1, 1] = 0  # the first 1 reads nothing
    small = shrink(net)
    assert small.inputs.tolist() == [1, *range(2, 12)]
    assert small.neurons["neuron1"].tolist() == list(range(2, 10))
    assert small.neurons["neuron2"].tolist() == list(range(2, 8))


def test_neurons_that_are_cut_off_already_count_as_gone():
    net = network()
    with torch.no_grad():
        net.synapse1.mask[[2, 5]] = 0  # they read nothing, though they are read strongly
        net.synapse2.weight[:, [2, 5]] = 0.9
    prune(net, 0.2, "layer", "neuron")
    assert (net.synapse2.mask.amax(dim=0) == 0).nonzero().flatten().tolist() == [2, 5]


def test_weights_that_round_to_zero_read_nothing():
    net = network()
    with torch.no_grad():
        net.synapse1.weight[:, 5] = 0.01
    assert 5 not in shrink(net).inputs


def test_streams_of_their_own_are_renumbered_and_the_network_trains_on():
    net = network("stochastic")
    prune(net, 0.5, "layer", "neuron")
    x = torch.rand(20, 12)
    unused = shrink(net).network
    before = net.trace(x)["readout"]  # computes the random numbers of the larger network
    small = shrink(net).network
    assert torch.equal(small.trace(x)["readout"], unused.trace(x)["readout"])
    assert not torch.equal(before, small.trace(x)["readout"])
    small(x).sum().backward()
    assert float(small.synapse1.weight.grad.abs().sum()) > 0
    assert {id(p) for p in small.parameters()}.isdisjoint({id(p) for p in net.parameters()})


def test_a_network_of_nothing_keeps_one_of_each():
    net = network()
    with torch.no_grad():
        for synapse in (net.synapse1, net.synapse2, net.synapse3):
            synapse.mask.zero_()
    small = shrink(net)
    assert [len(small.inputs), *map(len, small.neurons.values())] == [1, 1, 1]
    assert small.network.predict(torch.rand(2, 1)).shape == (16, 2)


def test_wrong_things_are_refused():
    with pytest.raises(ConfigError, match="unit = 'layer'"):
        prune(network(), 0.5, unit="layer")
    with pytest.raises(ConfigError, match="no hidden neuron"):
        prune(nn.FixedLinear(4, 4), 0.5, unit="neuron")
    with pytest.raises(ConfigError, match="SpikingNetwork"):
        shrink(np.zeros(3))


def test_a_quant_linear_is_pruned_and_not_shrunk():
    quant = QuantLinear(12, 6, bias=False, weight_quant=Int8WeightPerTensorFixedPoint, weight_bit_width=4)
    net = nn.SpikingNetwork(
        nn.EventEncoder(12), quant, nn.LIF(6), nn.FixedLinear(6, 3), nn.SNNReadout(3, output_mode="membrane"),
        num_steps=4,
    )  # fmt: skip
    prune(net, 0.5, unit="neuron")
    assert int((net.synapse1.mask.amax(dim=1) == 0).sum()) == 3
    assert int((net.synapse1.integer_weight().abs().amax(dim=1) == 0).sum()) == 3
    with pytest.raises(UnsupportedError, match="shrinking a QuantLinear"):
        shrink(net)
