"""Counts of parts by name, and what both architectures count alike."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

__all__ = ["Tally", "adder", "carry_save", "counter_parts", "counter_path", "dsps_of", "product", "summed"]

# Operands that a DSP takes: the widest of either side, and the narrowest product that goes there (yosys 0.70, mul2dsp).
_DSPS = {"ecp5": (18, 18, 6), "xc7": (25, 18, 9), "xcup": (27, 18, 9)}


class Tally(Counter[str]):
    """Counts of parts by name."""

    def put(self, **parts: int) -> None:
        for name, number in parts.items():
            self[name] += int(number)

    def path(self, tenths: int) -> None:
        """A path from register to register, in tenths of a LUT's delay; the longest one is kept."""
        self["path"] = max(self["path"], tenths)

    def rates(self, bits: int, number: int) -> None:
        """Comparisons of a feature with R, by its bits."""
        self[f"rates{bits}"] += number


@lru_cache(maxsize=4096)
def counter_parts(bits: int) -> tuple[tuple[str, int], ...]:
    """The tree of sct_popcount over so many bits: leaves of 1, 2 and 3 bits, joining adders and their places."""
    if bits <= 3:
        return ((f"leaves{bits}", 1),) if bits else ()
    full = (1 << ((bits + 2) // 2 - 1).bit_length()) - 1
    left = full >> 1 if full > bits - 2 else full
    right = bits - 1 - left
    width = bits.bit_length()
    found = Counter(dict(counter_parts(left))) + Counter(dict(counter_parts(right)))
    narrow = min(left.bit_length(), right.bit_length())
    found.update({"joins": 1, "join_bits": width, "join_pairs": narrow, "join_singles": width - narrow})
    return tuple(sorted(found.items()))


COMPARE = 25  # tenths of a LUT's delay, of a comparison with a constant


def adder(width: int) -> int:
    """Tenths of a LUT's delay through an adder: in, along its carries, and out."""
    return 10 + width


def carry_save(operands: int) -> int:
    """The same of what makes two numbers of several."""
    levels = 0
    while operands > 2:
        operands, levels = operands - operands // 3, levels + 1
    return 7 * levels


@lru_cache(maxsize=4096)
def counter_path(bits: int) -> int:
    """The same through sct_popcount."""
    if bits <= 3:
        return 10
    full = (1 << ((bits + 2) // 2 - 1).bit_length()) - 1
    left = full >> 1 if full > bits - 2 else full
    return adder(bits.bit_length()) + max(counter_path(left), counter_path(bits - 1 - left))


@lru_cache(maxsize=16384)
def summed(sizes: tuple[int, ...], added: int, width: int) -> tuple[int, int]:
    """(full adders, places of the last adder) that add counts of so many bits, worth 1, 2, 4 ..., and a constant.

    Three bits of a place become two until no place has more, as yosys adds more than two numbers (maccmap).
    """
    heights = [added >> place & 1 for place in range(width)]
    for exponent, size in enumerate(sizes):
        for place in range(exponent, min(width, exponent + size.bit_length())):
            heights[place] += 1
    return _reduced(heights)


@lru_cache(maxsize=16384)
def product(width: int, signed: bool, factor: int, noise: int) -> tuple[int, int]:
    """The same of a membrane of so many bits times a constant, with a random number of `noise` bits added."""
    if width <= 4:
        return 0, width  # a few tables
    places = width + max(noise, factor.bit_length())
    heights = [int(place < noise) for place in range(places)]
    for exponent in range(factor.bit_length()):
        if factor >> exponent & 1:
            for place in range(exponent, places if signed else min(places, exponent + width)):
                heights[place] += 1
    return _reduced(heights)


def _reduced(heights: list[int]) -> tuple[int, int]:
    adders = carried = places = 0
    for height in heights:
        height += carried
        carried = max(0, (height - 1) // 2)
        adders += carried
        places += bool(places) or height - 2 * carried > 1
    return adders, places


def dsps_of(a: int, b: int, family: str, wide: int | None = None) -> int:
    """DSP blocks of a product of two signed numbers of so many bits, `wide` in all; 0 where it goes to logic."""
    if family not in _DSPS:
        return 0
    first, second, least = _DSPS[family]
    if (a + b if wide is None else wide) < least:
        return 0
    return -(-max(a, b) // first) * -(-min(a, b) // second)
