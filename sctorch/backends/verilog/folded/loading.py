"""Other weights for a folded design that is there: which registers to write, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends.verilog.folded.memories import packed, weight_words
from sctorch.backends.verilog.folded.plan import PART, FoldedPlan, part_width, plan, start_values
from sctorch.backends.verilog.ports import answer_port
from sctorch.errors import ConfigError, UnsupportedError

__all__ = ["WEIGHT_DATA", "WEIGHT_WORD", "weight_writes"]

WEIGHT_WORD, WEIGHT_DATA = 0x40, 0x44


def weight_writes(design: FoldedPlan, network: ir.Network) -> list[tuple[int, int]]:
    """See `FoldedDesign.weight_writes`."""
    if not design.loadable:
        raise UnsupportedError(
            "loading weights", "a design exported without load_weights", "Export with load_weights=True."
        )
    _check_same(design.network, network)
    _check_widths(design, network)
    writes: list[tuple[int, int]] = []
    for number, (synapse, layer) in enumerate(zip(design.synapses, network.synapses, strict=True)):
        start = packed(start_values(layer), synapse.width)
        words = [(word, synapse.parts) for word in weight_words(replace(synapse, layer=layer))]
        words.append((start, synapse.start_parts))
        for place, (word, parts) in enumerate(words):
            writes.append((WEIGHT_WORD, number << 24 | place))
            writes += [(WEIGHT_DATA, word >> k * PART & (1 << PART) - 1) for k in range(parts)]
    return writes


def _check_same(built: ir.Network, given: ir.Network) -> None:
    """ConfigError where a network differs in more than weights, biases, its name and its meta."""
    if built.num_steps != given.num_steps:
        raise _other(f"num_steps = {given.num_steps} and {built.num_steps}")
    kinds = [[type(layer).__name__ for layer in network.layers] for network in (given, built)]
    if kinds[0] != kinds[1]:
        raise _other(f"its layers are {', '.join(kinds[0])} and not {', '.join(kinds[1])}")
    for a, b in zip(given.layers, built.layers, strict=True):
        for name, mine, its in _values(a, b):
            if isinstance(a, ir.Synapse) and name in ("weight", "bias"):
                if np.shape(mine) != np.shape(its):
                    raise _other(f"{a.name}: {name} has shape {np.shape(mine)} and not {np.shape(its)}")
            elif not np.array_equal(mine, its):
                raise _other(f"{a.name}: {name} = {mine!r} and not {its!r}")


def _values(a: Any, b: Any, within: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(name, value in a, value in b) of every field of two layers, and of the sources and leaks in them."""
    for field in fields(a):
        one, other, name = getattr(a, field.name), getattr(b, field.name), within + field.name
        if isinstance(one, ir.StreamSource | ir.Leak) and type(one) is type(other):
            yield from _values(one, other, f"{name}.")
        else:
            yield name, one, other


def _other(what: str) -> ConfigError:
    return ConfigError(f"weights to load: the network differs from the exported one in more: {what}; export it anew")


def _check_widths(design: FoldedPlan, network: ir.Network) -> None:
    """ConfigError where a signal needs more bits than the design has for it."""
    other = plan(network)
    pairs = [(s.layer.name, "the sum", s.width, o.width) for s, o in zip(design.synapses, other.synapses, strict=True)]
    pairs += [
        (s.layer.name, "a clock's part of the sum", s.part_width, part_width(o.layer, s.lanes))
        for s, o in zip(design.synapses, other.synapses, strict=True)
    ]
    pairs += [
        (n.layer.name, "the membrane", n.width, o.width) for n, o in zip(design.neurons, other.neurons, strict=True)
    ]
    pairs.append((design.readout.layer.name, "a score", design.readout.width, other.readout.width))
    widths = answer_port(design.network)[1], answer_port(network)[1]
    pairs.append((design.readout.layer.name, "the answer", *widths))
    for layer, what, has, needs in pairs:
        if needs > has:
            raise ConfigError(
                f"weights to load: {layer}: {what} can need {needs} bits, and the design has {has}; "
                "use smaller weights or biases, or export anew"
            )
