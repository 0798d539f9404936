"""The random numbers of a group of inputs: R_j by decorrelator."""

from __future__ import annotations

from sctorch import ir
from sctorch.backends.verilog.folded.memories import grouped, packed
from sctorch.backends.verilog.folded.text import Text
from sctorch.backends.verilog.text import hexadecimal
from sctorch.ir.streams import lfsr_bits

__all__ = ["random_numbers"]


def random_numbers(text: Text, name: str, source: ir.StreamSource, n: int, lanes: int, tokens: dict[str, str]) -> str:
    """The wire that holds R_j of the group visited in the clock before; tokens: go, head, fresh and group."""
    bits, width, groups = source.bits, source.width, -(-n // lanes)
    random, group = f"{name}__random", tokens["group"]
    text.add(f"wire [{lanes * bits - 1}:0] {random};")
    taps = hexadecimal(sum(1 << (e - 1) for e in source.taps), width)
    if source.decorrelator == "shift":
        length, last = max(width, bits + lanes - 1), (groups - 1) * lanes
        stream = lfsr_bits(source.taps, source.seed, last + length - 1, 1)
        seed = packed([int(b) for b in stream[:length][::-1]], 1)  # b[-last] lowest
        text.add(
            f"sct_fold_stream #(.P({lanes}), .B({bits}), .W({width}), .N({length}), .TAPS({taps}), "
            f".SEED({hexadecimal(seed, length)})) {name}__stream (",
            f"    .clk(clk), .go({tokens['go']}), .head({tokens['head']}), .fresh({tokens['fresh']}), "
            f".random({random}));",
        )
        return random
    if source.decorrelator == "independent":
        seeds = [source.input_seed(j) for j in range(n)]
        table = text.table(f"{name}__seeds", group, grouped(seeds, lanes, width, 1), lanes * width)
        text.add(
            f"sct_fold_independent #(.G({groups}), .P({lanes}), .B({bits}), .W({width}), .TAPS({taps})) "
            f"{name}__streams (",
            f"    .clk(clk), .go({tokens['go']}), .fresh({tokens['fresh']}), .group({group}), .seeds({table}), "
            f".random({random}));",
        )
        return random
    text.add(f"wire [{bits - 1}:0] {name}__shared;")
    pins = f".clk(clk), .en({tokens['go']} & {tokens['head']}), .first({tokens['fresh']})"
    if source.kind == "counter":
        text.add(f"sct_counter #(.B({bits}), .REGISTERED(1)) {name}__counter ({pins}, .random({name}__shared));")
    else:
        text.add(
            f"wire [{width - 1}:0] {name}__state;",
            f"sct_lfsr #(.N({width}), .W({width}), .TAPS({taps}), .SEED({hexadecimal(source.seed, width)}), "
            f".REGISTERED(1)) {name}__lfsr ({pins}, .state({name}__state));",
            f"assign {name}__shared = {name}__state[{bits - 1}:0];",
        )
    if source.decorrelator == "shared":
        text.add(f"assign {random} = {{{lanes}{{{name}__shared}}}};")
        return random
    place = max(1, (bits - 1).bit_length())
    orders = [packed(source.permutation(j), place) for j in range(n)]
    table = text.table(
        f"{name}__orders", group, grouped(orders, lanes, bits * place), lanes * bits * place
    )  # fmt: skip
    text.add(
        f"sct_fold_permute #(.P({lanes}), .B({bits})) {name}__permute (.shared({name}__shared), .order({table}), "
        f".random({random}));"
    )
    return random
