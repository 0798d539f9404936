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


def leaked(leak: Leak, mem: Any, factor: Any = None) -> Any:
    """The membrane after its leak; `factor` replaces the array of a multiply leak (one neuron's own)."""
    if leak.kind == "shift":
        return mem - (mem >> leak.shift)
    if leak.kind == "multiply":
        return (mem * (leak.factor if factor is None else factor)) >> leak.shift
    return mem


def fire(neuron: Neuron, mem: Any, threshold: Any = None) -> Any:
    """Whether a charged membrane spikes."""
    threshold = neuron.threshold if threshold is None else threshold
    return mem > threshold if neuron.compare == "gt" else mem >= threshold


def _reset(neuron: Neuron, mem: Any, spiked: Any, threshold: Any, where: Callable[..., Any]) -> Any:
    if neuron.reset == "subtract":
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
) -> tuple[Any, Any]:
    """One timestep of a neuron: (membrane, current) -> (spike, membrane).

    With reset_delay the reset of the last spike acts here, on the leaked membrane; that spike
    needs no register of its own, since the membrane it came from is still there.
    `current` is already in membrane units. `threshold` and `factor` replace the layer's arrays.
    """
    threshold = neuron.threshold if threshold is None else threshold
    charged = leaked(neuron.leak, mem, factor)
    if neuron.reset_delay:
        charged = _reset(neuron, charged, fire(neuron, mem, threshold), threshold, where) + current
        return fire(neuron, charged, threshold), charged
    charged = charged + current
    spike = fire(neuron, charged, threshold)
    return spike, _reset(neuron, charged, spike, threshold, where)
