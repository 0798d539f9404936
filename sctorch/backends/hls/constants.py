"""C++ text of the constants that the kernels' configurations hold: tables, stream sources, leaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sctorch.ir import Leak, StreamSource, signed_width
from sctorch.ir.streams import lfsr_bits

__all__ = ["SourceTables", "leak_cpp", "source_cpp", "source_tables", "table_cpp"]


def table_cpp(kind: str, name: str, values: np.ndarray) -> str:
    """A static member function that looks a constant up, one line per row of a matrix.

    A table inside a function is constant-initialised in C++11 and folds away when a loop is unrolled.
    """
    text = ",\n            ".join(", ".join(str(v) for v in row) for row in np.atleast_2d(values).tolist())
    return (
        f"    static {kind} {name}(unsigned i) {{\n"
        f"        static const {kind} table[] = {{{text}}};\n"
        "        return table[i];\n"
        "    }\n"
    )


@dataclass(frozen=True, eq=False)
class SourceTables:
    """A stream source as registers and wires (hls/sctorch_source.h).

    start : the registers' bits at the window's first tick, [lanes, length]; bit 0 is the newest of an
        LFSR and the lowest of a counter.
    wires : which register bit is bit i of R_j, [n, bits].
    """

    start: np.ndarray
    wires: np.ndarray


def source_tables(source: StreamSource, n: int) -> SourceTables:
    """The registers and wires that give R_j[k] = ``source.values(n, ticks)[k, j]``."""
    bits = np.arange(source.bits)
    if source.decorrelator == "permute":
        wires = np.array([source.permutation(j) for j in range(n)])
    elif source.decorrelator == "shift":
        wires = bits[None] + np.arange(n)[:, None]
    else:
        wires = np.repeat(bits[None], n, axis=0)
    if source.kind == "counter":
        return SourceTables(np.zeros((1, source.bits), dtype=np.int64), source.bits - 1 - wires)  # reversed
    seeds = [source.input_seed(j) for j in range(n)] if source.decorrelator == "independent" else [source.seed]
    length = max(source.width, int(wires.max()) + 1)
    start = np.stack([lfsr_bits(source.taps, seed, length - 1, 1)[::-1] for seed in seeds])
    return SourceTables(start, wires)


def source_cpp(name: str, source: StreamSource, n: int) -> str:
    """The struct of one stream source that serves n inputs."""
    tables = source_tables(source, n)
    lanes, length = tables.start.shape
    taps = sum(1 << (e - 1) for e in source.taps)
    return (
        f"struct {name} {{\n"
        f"    static const unsigned n = {n};\n"
        f"    static const unsigned bits = {source.bits};\n"
        f"    static const unsigned lanes = {lanes};\n"
        f"    static const unsigned length = {length};\n"
        f"    static const unsigned width = {source.width};\n"
        f"    static const unsigned taps = {taps}u;\n"
        f"    static const bool is_counter = {str(source.kind == 'counter').lower()};\n"
        + table_cpp("bool", "start", tables.start)
        + table_cpp("unsigned", "wire", tables.wires)
        + "};\n"
    )


def leak_cpp(name: str, leak: Leak, n: int) -> tuple[str, str]:
    """(declarations, type) of a leak of n membranes."""
    if leak.kind == "none":
        return "", "nnet::sctorch_no_leak"
    if leak.kind == "shift":
        return "", f"nnet::sctorch_shift_leak<{leak.shift}>"
    factor = np.broadcast_to(leak.factor, (n,))
    random = "" if leak.source is None else source_cpp(f"{name}_source", leak.source, n)
    text = random + (
        f"struct {name} {{\n"
        f"    typedef ap_int<{signed_width(0, int(factor.max()))}> type;\n" + table_cpp("int", "value", factor) + "};\n"
    )
    if leak.source is not None:
        return text, f"nnet::sctorch_stochastic_leak<{leak.shift}, {name}, {name}_source>"
    return text, f"nnet::sctorch_multiply_leak<{leak.shift}, {name}>"
