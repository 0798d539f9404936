"""Windows as beats of a bus: what a host sends, and what the test bench plays."""

from __future__ import annotations

import numpy as np

from sctorch import ir
from sctorch.backends.verilog.ports import input_width

__all__ = ["window_packets"]


def window_packets(network: ir.Network, x: np.ndarray, bus_bits: int) -> list[list[int]]:
    """The beats of every window's packet, TLAST with the last of each.

    Parameters
    ----------
    x : as for `ir.simulate`: features [B, n], whose packet is ceil(n bits / bus_bits) beats; or spikes [T L, B, n],
        ceil(n / bus_bits) beats per tick. Input 0 is in the lowest bits of the first beat.
    """
    inputs = ir.check_input(network, x)
    words = inputs[:, None] if inputs.ndim == 2 else inputs.transpose(1, 0, 2)  # [B, words of a window, n]
    width = input_width(network)
    bits = (words[..., None] >> np.arange(width) & 1).astype(np.uint8).reshape(*words.shape[:2], -1)
    beats = -(-bits.shape[2] // bus_bits)
    bits = np.pad(bits, ((0, 0), (0, 0), (0, beats * bus_bits - bits.shape[2])))
    packed = np.packbits(bits.reshape(len(words), -1, bus_bits), axis=2, bitorder="little")
    return [[int.from_bytes(beat.tobytes(), "little") for beat in window] for window in packed]
