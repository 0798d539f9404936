"""Layers without what is pruned: a network that is really smaller."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from sctorch.checks import check_instance
from sctorch.errors import UnsupportedError
from sctorch.nn import LIF, SpikingNetwork, Synapse
from sctorch.nn.brevitas import BrevitasLinear
from sctorch.nn.encoder import Encoder

__all__ = ["Shrunk", "shrink"]


@dataclass(frozen=True, eq=False)
class Shrunk:
    """A network without its dead inputs and neurons.

    network : takes x[:, inputs] ([..., inputs] of spikes). inputs : the features that it still reads, int64 [n].
    neurons : the hidden neurons that are left, int64 [n] by the neuron layer's name.
    """

    network: SpikingNetwork
    inputs: Tensor
    neurons: dict[str, Tensor]


@torch.no_grad()
def shrink(net: SpikingNetwork) -> Shrunk:
    """Take out the inputs and hidden neurons that no synapse reads, and those neurons that read nothing.

    A synapse that is masked reads nothing, and so does one whose integer weight is 0. A neuron that nothing reaches is
    kept if its bias can make it spike. Of each layer at least one neuron, and of the inputs one, stay.

    The layers that are left number their inputs anew. Where input j has random numbers of its own (all decorrelators
    but "shared", and stochastic leaks of an LFSR) the streams of those behind a gap become other ones: such a network
    computes other integers than before, as with another seed. Shrink first, then fine-tune. Networks of FixedLinear
    and of shared streams compute what they computed.

    Raises
    ------
    ConfigError
        If net is no SpikingNetwork.
    UnsupportedError
        If one of its synapses is a Brevitas QuantLinear, whose scales follow the weights that are there.
    """
    check_instance(net, SpikingNetwork, "shrink: net", "a SpikingNetwork")
    for name, layer in net.named_layers():
        if isinstance(layer, BrevitasLinear):
            raise UnsupportedError(
                "shrinking a QuantLinear", name, "Shrink a network of FixedLinear, then quantise it."
            )
    small = copy.deepcopy(net)
    layers = [layer for _, layer in small.named_layers()]
    encoder, *rest = layers
    assert isinstance(encoder, Encoder)
    kept = _kept(encoder, [layer for layer in layers if isinstance(layer, Synapse)])
    _take_inputs(encoder, kept[0])
    bits = kept[0].repeat_interleave(encoder.size // encoder.n_features)
    reads = [bits, *kept[1:]]
    neurons, index = {}, 0
    for name, layer in zip(small.names[1:], rest, strict=True):
        if isinstance(layer, Synapse):
            _take_synapses(layer, reads[index], kept[index + 1])
            index += 1
        elif isinstance(layer, LIF):
            _take_neurons(layer, kept[index])
            if index < len(kept) - 1:
                neurons[name] = kept[index].nonzero().flatten()
    return Shrunk(small, kept[0].nonzero().flatten(), neurons)


def _kept(encoder: Encoder, synapses: list[Synapse]) -> list[Tensor]:
    """Which features, and which neurons behind each synapse, are left: bool [n] each."""
    weights = [synapse.integer_weight().cpu() != 0 for synapse in synapses]
    first = weights[0]
    weights[0] = first.view(len(first), encoder.n_features, -1).any(dim=2)
    # What a positive bias can make spike is alive without an input. The readout's neurons all stay.
    driven = [torch.zeros(s.out_features, dtype=torch.bool) if s.bias is None else s.bias.cpu() > 0 for s in synapses]
    kept = [torch.ones(n, dtype=torch.bool) for n in (encoder.n_features, *(s.out_features for s in synapses))]
    while True:  # a neuron that goes may leave others without a reader
        left = sum(int(k.sum()) for k in kept)
        for k, weight in enumerate(weights):
            kept[k] &= weight[kept[k + 1]].any(dim=0)
            if k + 1 < len(weights):
                kept[k + 1] &= weight[:, kept[k]].any(dim=1) | driven[k]
        if sum(int(k.sum()) for k in kept) == left:
            break
    for layer in kept:
        if not layer.any():
            layer[0] = True
    return kept


def _take_inputs(encoder: Encoder, kept: Tensor) -> None:
    per_feature = encoder.size // encoder.n_features
    encoder.n_features = int(kept.sum())
    encoder.size = encoder.n_features * per_feature
    _forget(encoder)


def _take_synapses(synapse: Synapse, inputs: Tensor, outputs: Tensor) -> None:
    synapse.weight = torch.nn.Parameter(synapse.weight[outputs][:, inputs])
    synapse.mask = synapse.mask[outputs][:, inputs]
    if synapse.bias is not None:
        synapse.bias = torch.nn.Parameter(synapse.bias[outputs])
    synapse.out_features, synapse.in_features = synapse.weight.shape
    _forget(synapse)


def _take_neurons(neuron: LIF, kept: Tensor) -> None:
    for name in ("threshold", "beta"):
        values = getattr(neuron, name)
        if values.ndim:
            taken = values[kept]
            setattr(neuron, name, torch.nn.Parameter(taken) if isinstance(values, torch.nn.Parameter) else taken)
    neuron.size = int(kept.sum())
    _forget(neuron)


def _forget(layer: torch.nn.Module) -> None:
    """Random numbers that were computed for the larger layer."""
    random = getattr(layer, "_random", None)
    if isinstance(random, dict):
        random.clear()
