"""Stream sources as instances of the library's modules."""

from __future__ import annotations

from sctorch import ir
from sctorch.backends.verilog.text import hexadecimal
from sctorch.ir.streams import lfsr_bits

__all__ = ["stream_source"]


def stream_source(name: str, source: ir.StreamSource, n: int, control: tuple[str, str], registered: int) -> list[str]:
    """Instances that make `<name>__random`, R_j of every input side by side, and the wires between.

    control : the signals that step the source and that restart it. registered : R comes one clock after them.
    """
    bits, random = source.bits, f"{name}__random"
    pins = f".clk(clk), .en({control[0]}), .first({control[1]})"
    lines = [f"    wire [{n * bits - 1}:0] {random};"]
    if source.kind == "counter":
        lines += [
            f"    wire [{bits - 1}:0] {name}__r;",
            f"    sct_counter #(.B({bits}), .REGISTERED({registered})) {name}__source ({pins}, .random({name}__r));",
        ]
    elif source.decorrelator == "independent":
        for j in range(n):
            lines += _lfsr(f"{name}__{j}", source, source.input_seed(j), source.width, pins, registered)
            lines.append(f"    assign {random}[{j * bits} +: {bits}] = {name}__{j}__state[{bits - 1}:0];")
        return lines
    else:
        length = max(source.width, bits + n - 1) if source.decorrelator == "shift" else source.width
        lines += _lfsr(name, source, source.seed, length, pins, registered)
        if source.decorrelator == "shift":
            for j in range(n):
                lines.append(f"    assign {random}[{j * bits} +: {bits}] = {name}__state[{j} +: {bits}];")
            return lines
        lines += [f"    wire [{bits - 1}:0] {name}__r = {name}__state[{bits - 1}:0];"]
    if source.decorrelator == "shared":
        lines.append(f"    assign {random} = {{{n}{{{name}__r}}}};")
    else:
        for j in range(n):
            for i, bit in enumerate(source.permutation(j)):
                lines.append(f"    assign {random}[{j * bits + i}] = {name}__r[{bit}];")
    return lines


def _lfsr(name: str, source: ir.StreamSource, seed: int, length: int, pins: str, registered: int) -> list[str]:
    stream = lfsr_bits(source.taps, seed, length - 1, 1)  # b[-(length-1)] .. b[0]
    start = sum(int(b) << i for i, b in enumerate(stream[::-1]))
    taps = sum(1 << (e - 1) for e in source.taps)
    return [
        f"    wire [{length - 1}:0] {name}__state;",
        f"    sct_lfsr #(.N({length}), .W({source.width}), .TAPS({hexadecimal(taps, source.width)}), "
        f".SEED({hexadecimal(start, length)}), "
        f".REGISTERED({registered})) {name}__lfsr ({pins}, .state({name}__state));",
    ]
