"""Stream sources in a graph: tables of R that the tick number looks up."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from onnx import TensorProto

from sctorch.backends.onnx.graph import Graph, integer_type, numpy_type
from sctorch.errors import UnsupportedError
from sctorch.ir import StreamSource
from sctorch.ir.streams import lfsr_bits

__all__ = ["StreamTable", "check_table", "random", "stream_table"]

MOST_TABLE = 1 << 28  # bytes of one table: a file of ONNX ends at 2 GiB


@dataclass(frozen=True, eq=False)
class StreamTable:
    """R_j[k] = values[(k + offset_j) mod length], or values[k mod length, j] where each input has a column.

    values : [length] or [length, n]. offset : [n] of a shifted source, else None. wraps : whether k leaves the table.
    """

    values: np.ndarray
    offset: np.ndarray | None
    wraps: bool


def _period(source: StreamSource) -> int:
    return int(2**source.bits if source.kind == "counter" else 2**source.width - 1)


def _shape(source: StreamSource, n: int, ticks: int) -> tuple[int, ...]:
    """No longer than the source's period or the window needs."""
    if source.decorrelator == "shared":
        return (min(_period(source), ticks),)
    if source.decorrelator == "shift":
        return (min(_period(source), ticks + n - 1),)
    return (min(_period(source), ticks), n)


def check_table(where: str, source: StreamSource, n: int, ticks: int) -> None:
    """UnsupportedError for a table that no file should hold, before it is made."""
    size = int(np.prod(_shape(source, n, ticks), dtype=object)) * numpy_type(integer_type(source.bits)).itemsize
    if size > MOST_TABLE:
        raise UnsupportedError(
            f"a table of {size / 2**20:,.0f} MiB for the decorrelator {source.decorrelator!r}", where,
            f"The onnx backend holds random numbers as tables of at most {MOST_TABLE / 2**20:,.0f} MiB: take the "
            "decorrelator 'shared' or 'shift', a shorter LFSR, or a shorter window.",
        )  # fmt: skip


def stream_table(source: StreamSource, n: int, ticks: int) -> StreamTable:
    """The table that gives ``source.values(n, ticks)``."""
    length = _shape(source, n, ticks)[0]
    if source.decorrelator in ("permute", "independent"):
        return StreamTable(source.values(n, length), None, length < ticks)
    shared = replace(source, decorrelator="shared")
    if source.decorrelator == "shared":
        return StreamTable(shared.values(1, length)[:, 0], None, length < ticks)
    if length == _period(source):
        return StreamTable(shared.values(1, length)[:, 0], -np.arange(n) % length, True)
    stream = lfsr_bits(source.taps, source.seed, source.bits - 1 + n - 1, ticks)  # from R[-(n - 1)] on
    windows = np.lib.stride_tricks.sliding_window_view(stream, source.bits)
    return StreamTable(windows @ (1 << np.arange(source.bits))[::-1], np.arange(n)[::-1], False)


def random(graph: Graph, name: str, source: StreamSource, n: int, length: int, num_steps: int) -> str:
    """R_j of the timestep's ticks, [length, n], or [length, 1] where all inputs share it; of `integer_type`."""
    table = stream_table(source, n, num_steps * length)
    values = graph.constant(f"{name}.random", table.values, integer_type(source.bits))
    tick = graph.node("Mul", "step", graph.numbers(length))
    tick = graph.node("Add", tick, graph.constant(f"ticks.{length}", np.arange(length), TensorProto.INT64))
    if table.offset is not None:
        tick = graph.node("Unsqueeze", tick, graph.numbers(1))
        tick = graph.node("Add", tick, graph.constant(f"{name}.offset", table.offset, TensorProto.INT64))
    if table.wraps:
        tick = graph.node("Mod", tick, graph.numbers(len(table.values)))
    found = graph.node("Gather", values, tick, axis=0)
    shared = table.offset is None and table.values.ndim == 1
    return graph.node("Unsqueeze", found, graph.numbers(1)) if shared else found
