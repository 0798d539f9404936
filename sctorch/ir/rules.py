"""The integer rules of one timestep, as plain expressions.

Every function works on anything that has +, -, *, >> (arithmetic) and comparisons: numpy
arrays in the simulator and symbolic integers in proofs. `where(c, a, b)` picks elementwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sctorch.ir.layers import Leak, Neuron

__all__ = ["fire", "leaked", "neuron_step"]


def leaked(leak: Leak, mem: Any, factor: Any = None, random: Any = 0) -> Any:
    """The membrane after its leak.

    `factor` replaces the array of a product (one neuron's own); `random` is R[t] of a stochastic leak.
    """
    if leak.kind == "shift":
        return mem - (mem >> leak.shift)
    if leak.scales:
        return (mem * (leak.factor if factor is None else factor) + random) >> leak.shift
    return mem


def fire(neuron: Neuron, mem: Any, threshold: Any = None) -> Any:
    """Whether a charged membrane spikes."""
    threshold = neuron.threshold if threshold is None else threshold
    return mem > threshold if neuron.compare == "gt" else mem >= threshold


def _reset(neuron: Neuron, mem: Any, spiked: Any, threshold: Any, where: Callable[..., Any]) -> Any:
    if neuron.reset in ("subtract", "subtract_snntorch"):
        return where(spiked, mem - threshold, mem)
    if neuron.reset == "zero":
        return where(spiked, mem * 0, mem)
    return mem


def neuron_step(
    neuron: Neuron,
    mem: Any,
    current: Any,
    where: Callable[..., Any] = np.where,
    threshold: Any = None,
    factor: Any = None,
    random: Any = 0,
) -> tuple[Any, Any]:
    """One timestep of a neuron: (membrane, current) -> (spike, membrane).

    With reset_delay the reset of the last spike acts here, on the leaked membrane; that spike
    needs no register of its own, since the membrane it came from is still there.
    `current` is already in membrane units. `threshold` and `factor` replace the layer's arrays;
    `random` is R[t] of a stochastic leak.
    """
    threshold = neuron.threshold if threshold is None else threshold
    charged = leaked(neuron.leak, mem, factor, random)
    if neuron.reset_delay:
        charged = _reset(neuron, charged, fire(neuron, mem, threshold), threshold, where) + current
        return fire(neuron, charged, threshold), charged
    charged = charged + current
    if neuron.reset == "subtract_snntorch":
        # A membrane that its reset left above the threshold is compared as if that reset came a second time.
        spike = fire(neuron, _reset(neuron, charged, fire(neuron, mem, threshold), threshold, where), threshold)
    else:
        spike = fire(neuron, charged, threshold)
    return spike, _reset(neuron, charged, spike, threshold, where)
