"""Which grid holds given numbers exactly, and how many fractional bits a layer's registers have room for."""

from __future__ import annotations

import numpy as np

from sctorch import ir
from sctorch.errors import ConfigError
from sctorch.ir.ranges import WIDEST

__all__ = ["MOST_FRAC_BITS", "exact_frac", "leak_bits", "room", "rounding_frac"]

MOST_FRAC_BITS = 20  # of a membrane, as LIF takes them
FLOAT_BITS = 24  # float32 holds every integer up to 2**24


def exact_frac(values: np.ndarray, most: int) -> int | None:
    """The smallest f, 0 to `most`, for which every value times 2**f is an integer; None if there is none."""
    return next((f for f in range(most + 1) if np.array_equal(values * 2.0**f, np.rint(values * 2.0**f))), None)


def rounding_frac(largest: float, bits: int, most: int) -> int | None:
    """The largest f, 0 to `most`, for which `largest` rounds to a magnitude of at most `bits` bits; None if none."""
    return next((f for f in range(most, -1, -1) if np.rint(largest * 2.0**f) < 2**bits), None)


def leak_bits(leak: ir.Leak) -> int:
    """Fractional bits that a membrane gains at most by one leak."""
    if leak.kind == "shift":
        return leak.shift
    if leak.kind == "multiply":
        return max(leak.shift - _trailing_zeros(int(f)) if f else 0 for f in leak.factor)
    return 0


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1


def room(synapse: ir.FixedSynapse, after: ir.Neuron | ir.Readout, num_steps: int) -> int:
    """Bits to spare before a signal of the two layers leaves the integers of float32; negative if one does.

    It is what `sctorch.lower` checks of the whole network.
    """
    n_inputs = synapse.n_inputs
    encoder = (
        ir.DirectEncoder("encoder", n_inputs, synapse.input_bits)
        if synapse.input_bits
        else ir.EventEncoder("encoder", n_inputs)
    )
    layers: tuple[ir.Layer, ...] = (encoder, synapse, after)
    if isinstance(after, ir.Neuron):
        layers = (*layers, ir.Readout("readout", after.size, "spike", "argmax_spike_count"))
    try:
        bounds = ir.analyse(ir.Network("probe", num_steps, layers))
    except ConfigError:  # even 64 bits may not hold it
        return FLOAT_BITS - WIDEST
    gain = after.leak.shift if after.leak.kind == "multiply" else 0
    widths = [x.width - 1 for x in (bounds[synapse.name].tick, bounds[synapse.name].current) if x is not None]
    widths += [x.width - 1 + gain for x in (bounds[after.name].charged, bounds[after.name].membrane) if x is not None]
    if isinstance(after, ir.Neuron):
        widths.append(int(after.threshold.max() - 1).bit_length() + 1)  # LIF takes up to 2**23
    return FLOAT_BITS - max(widths)
