"""How often neurons spike, and which of them tell nothing: those that never do, and those that always do."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

__all__ = ["ActivityWarning", "LayerActivity", "judge", "warn_of"]


class ActivityWarning(UserWarning):
    """A layer has neurons that carry no information: which, and what can be done."""


@dataclass(frozen=True)
class LayerActivity:
    """How a layer spiked over a batch.

    Attributes
    ----------
    name : of the layer. size : its outputs.
    mean, lowest, highest : spikes per timestep (of an encoder: per tick), over its outputs.
    dead, saturated : the outputs that never spiked, and those that spiked every time.
    """

    name: str
    size: int
    mean: float
    lowest: float
    highest: float
    dead: tuple[int, ...]
    saturated: tuple[int, ...]


def judge(rates: Mapping[str, Tensor]) -> tuple[LayerActivity, ...]:
    """A record for each layer of `SpikingNetwork.spike_rates`."""
    records = []
    for name, rate in rates.items():
        dead = tuple((rate == 0).nonzero().flatten().tolist())
        saturated = tuple((rate == 1).nonzero().flatten().tolist())
        ends = float(rate.min()), float(rate.max())
        records.append(LayerActivity(name, len(rate), float(rate.mean()), *ends, dead, saturated))
    return tuple(records)


def warn_of(layer: LayerActivity) -> None:
    """One ActivityWarning for each of the two faults that a layer has."""
    for found, fault, advice in (
        (
            layer.dead,
            "never spiked",
            "lower the layer's threshold, start with larger weights, or lower the learning rate if they died in "
            "training; in hardware such neurons only cost",
        ),
        (
            layer.saturated,
            "spiked at every timestep",
            "raise the layer's threshold, start with smaller weights or let it leak more (a lower beta), or lower the "
            "learning rate if they got so in training",
        ),
    ):
        if found:
            shown = ", ".join(map(str, found[:8])) + (", ..." if len(found) > 8 else "")
            warnings.warn(
                f"{layer.name}: {len(found)} of {layer.size} neurons {fault} ({shown}); {advice}",
                ActivityWarning,
                stacklevel=3,  # where check_activity was called
            )
