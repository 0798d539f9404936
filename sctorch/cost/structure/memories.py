"""Where synthesis puts a memory: block RAM, LUT RAM or logic, by the costs that yosys weighs (memory_libmap)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Place", "place"]

# Yosys 0.70: what a bit costs in logic, and by family the block's (bits, words) at its widest and its cost, then the
# same of a LUT RAM that writes and reads at the same time. A depth may double as its width halves.
_ROM_BIT = {"ice40": 1 / 16, "ecp5": 1 / 16, "xc7": 1 / 64, "xcup": 1 / 64}
_BLOCK = {"ice40": (16, 256, 64.0), "ecp5": (36, 512, 128.0), "xc7": (36, 512, 129.0), "xcup": (36, 512, 129.0)}
_LUTRAM = {"ecp5": (4, 16, 4.0), "xc7": (6, 32, 8.0), "xcup": (6, 32, 8.0)}
_LUTRAM_WORDS = {"ecp5": 16, "xc7": 64, "xcup": 64}
_JOINED = 0.65  # of each of those bits: what tells all memories of the package's runs apart
_DEEPEST = {"ice40": 2048, "ecp5": 16384, "xc7": 16384, "xcup": 16384}


@dataclass(frozen=True)
class Place:
    """kind : "block", "lutram" or "logic". cells : blocks (of 18 kbit on Xilinx) or LUT RAM cells."""

    kind: str
    cells: int


def _cells(words: int, bits: int, width: int, depth: int, deepest: int) -> int:
    while depth < min(words, deepest) and width > 1:
        width, depth = width // 2, depth * 2
    return -(-bits // width) * -(-words // depth)


def place(words: int, bits: int, family: str, rom: bool, asynchronous: bool = False, block: bool = False) -> Place:
    """Where a memory of so many words goes.

    rom : it is never written. asynchronous : it is read without a clock, which no block can. block : it is asked for.
    """
    found = [(words * bits * (_ROM_BIT[family] if rom else 1.0), Place("logic", 0))]
    if not asynchronous:
        width, depth, cost = _BLOCK[family]
        cells = _cells(words, bits, width, depth, _DEEPEST[family])
        if block:
            return Place("block", cells)
        found.append((cost * cells, Place("block", cells)))
    if not rom and family in _LUTRAM:
        width, depth, cost = _LUTRAM[family]
        cells = _cells(words, bits, width, depth, _LUTRAM_WORDS[family])
        joined = (-(-words // _LUTRAM_WORDS[family]) - 1) * bits  # bits that choose between cells one above the other
        found.append((cost * cells + _JOINED * joined, Place("lutram", cells)))
    return min(found, key=lambda each: each[0])[1]
