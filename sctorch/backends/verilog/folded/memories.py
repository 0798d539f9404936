"""Memories as modules: their words as initial values, which every synthesis tool puts into block RAM."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sctorch import ir
from sctorch.backends.verilog.folded.plan import PART, SynapsePlan
from sctorch.backends.verilog.text import hexadecimal

__all__ = ["address_bits", "grouped", "loadable_memory", "memory", "packed", "weight_words"]


def address_bits(words: int) -> int:
    return max(1, (words - 1).bit_length())


def packed(values: Sequence[int], width: int) -> int:
    """Numbers of `width` bits side by side, the first lowest; negative ones in two's complement."""
    word = 0
    for value in reversed(values):
        word = word << width | value % (1 << width)
    return word


def grouped(values: Sequence[int], lanes: int, width: int, fill: int = 0) -> list[int]:
    """Words of `lanes` numbers each; what is missing in the last one is `fill`."""
    padded = [*values, *[fill] * (-len(values) % lanes)]
    return [packed(padded[i : i + lanes], width) for i in range(0, len(padded), lanes)]


def weight_words(synapse: SynapsePlan) -> list[int]:
    """Word g holds the weights of inputs g * lanes ... of all neurons: see sct_fold_sum and sct_fold_dot."""
    layer, lanes, bits = synapse.layer, synapse.lanes, synapse.layer.weight_bits + 1
    weight = np.pad(layer.weight, ((0, 0), (0, -layer.n_inputs % lanes)))
    if isinstance(layer, ir.StochasticSynapse):
        code = np.abs(weight) | (weight < 0).astype(np.int64) << layer.weight_bits
    else:
        code = weight
    rows = code.reshape(layer.size, synapse.groups, lanes).transpose(1, 0, 2).reshape(synapse.groups, -1)
    return [packed(row, bits) for row in rows.tolist()]


_LARGE = 1 << 16  # bits; yosys would put such a memory into LUTs where it is wide and not deep


def memory(name: str, words: Sequence[int], width: int) -> str:
    """The module `name`: `data` is the word of the address in the clock before."""
    bits = address_bits(len(words))
    style = '(* rom_style = "block" *) ' if len(words) * width >= _LARGE else ""
    return "\n".join(
        [
            f"// {len(words)} words of {width} bits.",
            f"module {name} (",
            "    input  wire clk,",
            f"    input  wire [{bits - 1}:0] address,",
            f"    output reg  [{width - 1}:0] data",
            ");",
            f"    {style}reg [{width - 1}:0] words [0:{(1 << bits) - 1}];",
            "    initial begin",
            *(f"        words[{i}] = {hexadecimal(word, width)};" for i, word in enumerate(words)),
            *(f"        words[{i}] = {hexadecimal(0, width)};" for i in range(len(words), 1 << bits)),
            "    end",
            "    always @(posedge clk) data <= words[address];",
            "endmodule",
            "",
        ]
    )


def loadable_memory(name: str, words: Sequence[int], width: int, part_bits: int) -> str:
    """A memory whose words are written in parts of 32 bits: each part is a memory of its own, with one enable."""
    bits, parts = address_bits(len(words)), -(-width // PART)
    lines = [
        f"// {len(words)} words of {width} bits, written in {parts} part(s).",
        f"module {name} (",
        "    input  wire clk,",
        f"    input  wire [{bits - 1}:0] address,",
        f"    output reg  [{width - 1}:0] data,",
        "    input  wire store,",
        f"    input  wire [{bits - 1}:0] place,",
        f"    input  wire [{part_bits - 1}:0] part,",
        f"    input  wire [{PART - 1}:0] value",
        ");",
    ]
    for k in range(parts):
        low, size = k * PART, min(PART, width - k * PART)
        cut = [word >> low & ((1 << size) - 1) for word in words]
        lines += [
            f"    (* no_rw_check *) reg [{size - 1}:0] words{k} [0:{(1 << bits) - 1}];",
            "    initial begin",
            *(f"        words{k}[{i}] = {hexadecimal(word, size)};" for i, word in enumerate(cut)),
            *(f"        words{k}[{i}] = {hexadecimal(0, size)};" for i in range(len(words), 1 << bits)),
            "    end",
            "    always @(posedge clk) begin",
            f"        if (store & (part == {part_bits}'d{k})) words{k}[place] <= value[{size - 1}:0];",
            f"        data[{low} +: {size}] <= words{k}[address];",
            "    end",
        ]
    return "\n".join([*lines, "endmodule", ""])
