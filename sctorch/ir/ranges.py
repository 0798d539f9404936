"""Interval analysis: the smallest and largest integer that each signal can reach.

The bounds follow from the actual weights and the window's length, so that a register of the
resulting width cannot overflow: nothing wraps and nothing saturates (docs/semantics.md, section 2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from sctorch.errors import ConfigError
from sctorch.ir.layers import Delay, Leak, Network, Neuron, Readout, StochasticSynapse, Synapse
from sctorch.ir.rules import leaked

__all__ = ["Interval", "LayerRanges", "analyse", "growing", "growing_scores", "signed_width", "unsigned_width"]

WIDEST = 61  # bits: the simulator's 64 then hold sums of a few such numbers


@dataclass(frozen=True, eq=False)
class Interval:
    """Bounds [n], both inclusive."""

    low: np.ndarray
    high: np.ndarray

    def union(self, other: Interval) -> Interval:
        return Interval(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def shifted(self, bits: int) -> Interval:
        _check_width(self.width + bits)
        return Interval(self.low << bits, self.high << bits)

    @property
    def width(self) -> int:
        """Bits of the narrowest signed register that holds every entry."""
        return signed_width(int(self.low.min()), int(self.high.max()))


@dataclass(frozen=True, eq=False)
class LayerRanges:
    """Bounds of one layer's signals.

    tick : a synapse's sum in one tick, without its bias.
    current : a synapse's current per timestep, bias included.
    charged : a neuron's membrane before an at-once reset. It also covers the value after.
    membrane : what a neuron or readout keeps until the next timestep (a spike readout: counts).
    decision : a readout's answer, one entry.
    """

    tick: Interval | None = None
    current: Interval | None = None
    charged: Interval | None = None
    membrane: Interval | None = None
    decision: Interval | None = None


def _check_width(width: int) -> None:
    """ConfigError for a number, or a product on the way to one, that the simulator's 64 bits might not hold."""
    if width > WIDEST:
        raise ConfigError(
            f"a signal can need {width} bits, and {WIDEST} are the most; use smaller weights, biases or frac"
        )


def signed_width(low: int, high: int) -> int:
    """Bits of a two's complement number that holds low..high; at least 1."""
    return max((-low - 1).bit_length() if low < 0 else 0, high.bit_length() if high > 0 else 0) + 1


def unsigned_width(high: int) -> int:
    """Bits of an unsigned number that holds 0..high; at least 1."""
    return max(1, high.bit_length())


def _synapse(layer: Synapse) -> LayerRanges:
    if isinstance(layer, StochasticSynapse):
        unit = np.sign(layer.weight)
    else:
        unit = layer.weight * (2**layer.input_bits - 1 if layer.input_bits else 1)
    tick = Interval(np.minimum(unit, 0).sum(axis=1), np.maximum(unit, 0).sum(axis=1))
    length = layer.bitstream_length
    return LayerRanges(tick=tick, current=Interval(tick.low * length + layer.bias, tick.high * length + layer.bias))


def _leak(leak: Leak, m: Interval) -> Interval:
    _check_width(m.width + (leak.shift if leak.scales else 0))
    return Interval(leaked(leak, m.low), leaked(leak, m.high, random=_most(leak)))  # every leak is monotone


def _most(leak: Leak) -> int:
    """The largest R of a stochastic leak."""
    return 2**leak.shift - 1 if leak.kind == "stochastic" else 0


def _after_reset(neuron: Neuron, m: Interval, value: Interval) -> Interval:
    """Bounds of `value` (the membrane m itself, or m leaked) once spiking entries are reset.

    Both grow with m, so the silent part of m ends at `quiet` and the spiking part starts above it.
    """
    theta = neuron.threshold
    quiet = theta if neuron.compare == "gt" else theta - 1
    most = _most(neuron.leak)
    through = (lambda v, r: leaked(neuron.leak, v, random=r)) if neuron.reset_delay else (lambda v, r: v)
    spikes, silent = m.high > quiet, m.low <= quiet
    subtracts = neuron.reset != "zero"
    reset_low = through(np.maximum(m.low, quiet + 1), 0) - theta if subtracts else np.zeros_like(theta)
    reset_high = value.high - theta if subtracts else np.zeros_like(theta)
    kept_high = through(np.minimum(m.high, quiet), most)
    low = np.where(silent, value.low, reset_low)
    high = np.where(silent, kept_high, reset_high)
    return Interval(
        np.where(spikes, np.minimum(low, reset_low), low), np.where(spikes, np.maximum(high, reset_high), high)
    )


def _second_reset(neuron: Neuron, before: Interval, u: Interval) -> tuple[Interval, Interval]:
    """(charged, kept) of "subtract_snntorch": u = leak(m) + I is compared less theta if m itself would fire."""
    theta = neuron.threshold
    quiet = theta if neuron.compare == "gt" else theta - 1
    again = before.high > quiet
    kept = _after_reset(neuron, u, u)
    charged = Interval(np.where(again, u.low - theta, u.low), u.high)
    # Compared less theta, u itself may stay silent up to quiet + theta.
    silent = np.where(again, np.minimum(u.high, quiet + theta), kept.high)
    return charged.union(u), kept.union(Interval(np.where(again, np.minimum(kept.low, u.low), kept.low), silent))


def growing(layer: Neuron, current: Interval) -> Iterator[tuple[Interval, Interval]]:
    """(charged, membrane) after 0, 1, 2 ... timesteps of a window: each holds all before it, since a window may end
    at any timestep and the next starts from 0. It ends when nothing grows any more."""
    zero = np.zeros(layer.size, dtype=np.int64)
    membrane = charged_all = Interval(zero, zero)
    while True:
        yield charged_all, membrane
        charged = _leak(layer.leak, membrane)
        if layer.reset != "none" and layer.reset_delay:
            charged = _after_reset(layer, membrane, charged)
        kept = charged = charged + current
        if layer.reset == "subtract_snntorch":
            charged, kept = _second_reset(layer, membrane, charged)
        elif layer.reset != "none" and not layer.reset_delay:
            kept = _after_reset(layer, charged, charged)
        grown, charged_grown = membrane.union(kept), charged_all.union(charged)
        if all(np.array_equal(a, b) for a, b in (
            (grown.low, membrane.low), (grown.high, membrane.high),
            (charged_grown.low, charged_all.low), (charged_grown.high, charged_all.high))):  # fmt: skip
            return
        membrane, charged_all = grown, charged_grown


def _neuron(layer: Neuron, current: Interval, steps: int) -> LayerRanges:
    charged = membrane = None
    for charged, membrane in islice(growing(layer, current), steps + 1):  # noqa: B007
        pass
    return LayerRanges(charged=charged, membrane=membrane)


def growing_scores(layer: Readout, current: Interval) -> Iterator[Interval]:
    """A readout's scores after 0, 1, 2 ... timesteps, as `growing`."""
    zero = np.zeros(layer.size, dtype=np.int64)
    membrane = Interval(zero, zero)
    while True:
        yield membrane
        membrane = membrane.union(_leak(layer.leak, membrane) + current)


def _readout(layer: Readout, current: Interval, steps: int) -> LayerRanges:
    membrane = next(islice(growing_scores(layer, current), steps, None))
    zero = np.zeros(1, dtype=np.int64)
    if layer.decision_rule == "binary_logit":
        (low, other_low), (high, other_high) = membrane.low, membrane.high
        decision = Interval(np.array([other_low - high]), np.array([other_high - low]))
    else:
        decision = Interval(zero, zero + layer.size - 1)
    return LayerRanges(membrane=membrane, decision=decision)


def analyse(network: Network) -> dict[str, LayerRanges]:
    """Bounds of every layer's signals but the encoder's, by layer name, for windows of 1 to num_steps timesteps."""
    ranges: dict[str, LayerRanges] = {}
    current, frac = Interval(np.zeros(1, np.int64), np.ones(1, np.int64)), 0
    for layer in network.layers:
        if isinstance(layer, Synapse):
            ranges[layer.name] = _synapse(layer)
            bounds = ranges[layer.name].current
            assert bounds is not None
            current, frac = bounds, layer.frac
        elif isinstance(layer, Neuron):
            ranges[layer.name] = _neuron(layer, current.shifted(layer.frac - frac), network.num_steps)
            current, frac = Interval(np.zeros(layer.size, np.int64), np.ones(layer.size, np.int64)), 0
        elif isinstance(layer, Delay):
            ranges[layer.name] = LayerRanges()
        elif isinstance(layer, Readout):
            ranges[layer.name] = _readout(layer, current.shifted(layer.frac - frac), network.num_steps)
    return ranges
