"""What can be pruned of a network: single weights, whole inputs, whole neurons."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sctorch.checks import check_choice, check_instance
from sctorch.errors import ConfigError
from sctorch.nn import Synapse
from sctorch.nn.encoder import Encoder

__all__ = ["UNITS", "Units", "prunable", "synapses"]

UNITS = ("weight", "input", "neuron")
_GONE = -1.0  # ranks below every magnitude


@dataclass(frozen=True, eq=False)
class Units:
    """The units of one layer.

    rank : [n], how much each one matters; those that are gone rank below all others, one that must stay is infinite.
    remove : masks the units where a bool [n] is True.
    """

    rank: Tensor
    remove: Callable[[Tensor], None]


def synapses(net: torch.nn.Module) -> list[Synapse]:
    """The synapses in order; ConfigError if there are none."""
    check_instance(net, torch.nn.Module, "net", "a torch module")
    found = [m for m in net.modules() if isinstance(m, Synapse)]
    if not found:
        raise ConfigError(f"{type(net).__name__} has no synapse to prune")
    return found


def prunable(net: torch.nn.Module, unit: str) -> list[Units]:
    """The units of a network, layer by layer."""
    check_choice(unit, UNITS, "prune: unit")
    if unit == "weight":
        return [_weights(synapse) for synapse in synapses(net)]
    if unit == "input":
        return [_inputs(net, synapses(net)[0])]
    found = [_neurons(before, after) for before, after in itertools.pairwise(synapses(net))]
    if not found:
        raise ConfigError(f"{type(net).__name__} has no hidden neuron to prune; prune weights or inputs")
    return found


def _weights(synapse: Synapse) -> Units:
    def remove(gone: Tensor) -> None:
        synapse.mask[gone.view_as(synapse.mask)] = 0.0

    return Units(torch.where(synapse.mask > 0, synapse.weight.abs(), _GONE).flatten(), remove)


def _inputs(net: torch.nn.Module, synapse: Synapse) -> Units:
    # A feature may be several bits of the encoder's: those of a thermometer code stand side by side.
    encoders = [m for m in net.modules() if isinstance(m, Encoder)]
    features = encoders[0].n_features if encoders else synapse.in_features
    shape = (synapse.out_features, features, synapse.in_features // features)
    kept = synapse.mask.view(shape).amax(dim=(0, 2)) > 0
    magnitude = (synapse.weight * synapse.mask).abs().view(shape).mean(dim=(0, 2))

    def remove(gone: Tensor) -> None:
        synapse.mask.view(shape)[:, gone] = 0.0

    return Units(_keep_one(torch.where(kept, magnitude, _GONE)), remove)


def _neurons(before: Synapse, after: Synapse) -> Units:
    kept = (before.mask.amax(dim=1) > 0) & (after.mask.amax(dim=0) > 0)
    reads = (before.weight * before.mask).abs().mean(dim=1)
    is_read = (after.weight * after.mask).abs().mean(dim=0)

    def remove(gone: Tensor) -> None:
        before.mask[gone] = 0.0
        after.mask[:, gone] = 0.0

    return Units(_keep_one(torch.where(kept, reads + is_read, _GONE)), remove)


def _keep_one(rank: Tensor) -> Tensor:
    rank = rank.clone()
    rank[rank.argmax()] = math.inf
    return rank
