"""One timestep of every layer as nodes: docs/semantics.md, sections 4 to 7, in operators of ONNX.

Spikes and bits are bytes, [batch, L n] with tick by tick in a row; currents, membranes and scores are of the graph's
`word`. A node that makes a signal of `ir.simulate` is called like it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from sctorch import ir
from sctorch.backends.onnx.graph import Graph, integer_type
from sctorch.backends.onnx.streams import random
from sctorch.errors import UnsupportedError
from sctorch.ir.layers import THRESHOLD_RULES

__all__ = ["State", "check_count", "emit_step", "input_type"]

UINT8, INT32, INT64 = TensorProto.UINT8, TensorProto.INT32, TensorProto.INT64


@dataclass(frozen=True)
class State:
    """What goes from one timestep to the next, all 0 at a window's start.

    before, after : its names as input and as output. kind : its type. shape : "batch" stands for the windows.
    """

    before: str
    after: str
    kind: int
    shape: tuple[int | str, ...]


def emit_step(graph: Graph, network: ir.Network) -> list[State]:
    """Write one timestep, from `input`, `step` and the states to every signal of the network; gives the states."""
    states: list[State] = []
    flow, frac = _encoder(graph, network), 0
    for layer in network.layers[1:]:
        if isinstance(layer, ir.StochasticSynapse):
            flow, frac = (
                _stochastic_synapse(graph, layer, flow, layer is network.layers[1], network.num_steps),
                layer.frac,
            )
        elif isinstance(layer, ir.FixedSynapse):
            flow, frac = _fixed_synapse(graph, layer, flow), layer.frac
        elif isinstance(layer, ir.Neuron):
            flow = _neuron(graph, layer, graph.shift_up(flow, layer.frac - frac), states, network.num_steps)
        elif isinstance(layer, ir.Delay):
            flow = _delay(graph, layer, flow, states)
        elif isinstance(layer, ir.Readout):
            _readout(graph, layer, flow, frac, states)
    return states


def input_type(encoder: ir.Encoder) -> int:
    """The type of the integers that `ir.check_input` gives, or of an event encoder's bits."""
    return int(UINT8) if isinstance(encoder, ir.EventEncoder) else integer_type(encoder.bits)


def _encoder(graph: Graph, network: ir.Network) -> str:
    """The encoder's bits [batch, L, n] under its name; gives them as [batch, L n], or a direct encoder's integers."""
    encoder, ticks = network.encoder, network.encoder_ticks
    if isinstance(encoder, ir.EventEncoder):
        bits = graph.node("Identity", "input", out=encoder.name)
    elif isinstance(encoder, ir.DirectEncoder):
        bits = graph.node("Unsqueeze", "input", graph.numbers(1), out=encoder.name)
    elif isinstance(encoder, ir.LevelEncoder):
        levels = graph.constant(f"{encoder.name}.levels", np.arange(encoder.levels), UINT8)
        values = graph.node("Unsqueeze", "input", graph.numbers(2))
        bits = graph.node("Cast", graph.node("Greater", values, levels), to=UINT8)
        bits = graph.node("Reshape", bits, graph.numbers(0, 1, encoder.size))  # 0: that dimension as it is
        bits = graph.node("Tile", bits, graph.numbers(1, ticks, 1), out=encoder.name)
    else:
        values = graph.node("Unsqueeze", "input", graph.numbers(1))
        r = random(graph, encoder.name, encoder.source, encoder.size, ticks, network.num_steps)
        bits = graph.node("Cast", graph.node("Greater", values, r), to=UINT8, out=encoder.name)
    return graph.node("Reshape", bits, graph.numbers(0, ticks * encoder.size))


def _stochastic_synapse(graph: Graph, layer: ir.StochasticSynapse, bits: str, first: bool, num_steps: int) -> str:
    """The weights' bits of all ticks as one matrix [L n_in, n_out] of 0, 1, 2 for -1, 0, 1: MatMulInteger takes the
    zero point 1 off again, and one product counts over ticks and inputs."""
    length, kind = layer.bitstream_length, integer_type(layer.weight_bits)
    if length > 1 and not first:  # a spike holds for all ticks
        bits = graph.node("Tile", bits, graph.numbers(1, length))
    weight = graph.prepare("Cast", _weight(graph, layer), to=INT32)
    magnitude = graph.prepare("Cast", graph.prepare("Abs", weight), to=kind)
    sign = graph.prepare("Add", graph.prepare("Sign", weight), graph.number(1, INT32))
    sign = graph.prepare("Cast", sign, to=UINT8)
    r = random(graph, layer.name, layer.source, layer.n_inputs, length, num_steps)
    on = graph.node("Greater", magnitude, graph.node("Unsqueeze", r, graph.numbers(2)))
    matrix = graph.node("Where", on, sign, graph.number(1, UINT8))
    matrix = graph.node("Reshape", matrix, graph.numbers(length * layer.n_inputs, layer.size))
    count = graph.node("MatMulInteger", bits, matrix, graph.number(0, UINT8), graph.number(1, UINT8))
    return _with_bias(graph, layer, _as_word(graph, count))


def check_count(layer: ir.StochasticSynapse) -> None:
    """UnsupportedError for more rows than a product can count: it adds numbers up to 2 in 32 bits."""
    rows = layer.bitstream_length * layer.n_inputs
    if rows >= 2**30:
        raise UnsupportedError(
            f"a count over {rows:,} bits in a timestep", layer.name,
            "ONNX's product of bytes counts fewer than 2^30 exactly: take a shorter bitstream, or fewer inputs.",
        )  # fmt: skip


def _fixed_synapse(graph: Graph, layer: ir.FixedSynapse, x: str) -> str:
    """One product of bytes where the weights are bytes, two for up to 14 bits, else one of words: products of bytes
    are many times as fast."""
    weight = _weight(graph, layer)
    largest, most = int(np.abs(layer.weight).max()), max(1, 2**layer.input_bits - 1)
    # Some processors add two products of bytes in 16 bits, and that must not saturate. MatMulInteger adds all of
    # them in 32 bits, whatever the word: neither half of a weight may wrap there.
    byte = most * min(largest, 128)
    if most > 255 or 2 * byte >= 2**15 or layer.n_inputs * byte >= 2**31 or largest >= 2**14:
        wide = graph.prepare("Cast", weight, to=graph.word)
        current = graph.node("MatMul", graph.node("Cast", x, to=graph.word), wide)
    elif largest < 2**7:
        current = _as_word(graph, graph.node("MatMulInteger", x, weight))
    else:  # w = 128 high + low
        wide, step = graph.prepare("Cast", weight, to=INT32), graph.number(128, INT32)
        low = graph.prepare("Mod", wide, step)
        high = graph.prepare("Div", graph.prepare("Sub", wide, low), step)
        halves = [
            graph.node("MatMulInteger", x, graph.prepare("Cast", half, to=TensorProto.INT8)) for half in (high, low)
        ]
        upper, lower = (_as_word(graph, half) for half in halves)
        current = graph.node("Add", graph.shift_up(upper, 7), lower)
    return _with_bias(graph, layer, current)


def _weight(graph: Graph, layer: ir.Synapse) -> str:
    """The weights [n_in, n_out], in the narrowest type that holds them."""
    largest = int(np.abs(layer.weight).max())
    kind = TensorProto.INT8 if largest < 2**7 else TensorProto.INT16 if largest < 2**15 else INT32
    return graph.constant(f"{layer.name}.weight", layer.weight.T, kind)


def _as_word(graph: Graph, value: str) -> str:
    return value if graph.word == INT32 else graph.node("Cast", value, to=graph.word)


def _with_bias(graph: Graph, layer: ir.Synapse, current: str) -> str:
    bias = graph.constant(f"{layer.name}.bias", layer.bias, graph.word)
    return graph.node("Add", current, bias, out=layer.name)


def _leaked(graph: Graph, name: str, leak: ir.Leak, mem: str, size: int, num_steps: int) -> str:
    if leak.kind == "none":
        return mem
    if leak.kind == "shift":
        return graph.node("Sub", mem, graph.floor_shift(mem, leak.shift))
    product = graph.node("Mul", mem, graph.constant(f"{name}.factor", leak.factor, graph.word))
    if leak.source is not None:
        r = random(graph, f"{name}.leak", leak.source, size, 1, num_steps)
        product = graph.node("Add", product, graph.node("Cast", r, to=graph.word))
    return graph.floor_shift(product, leak.shift)


def _neuron(graph: Graph, layer: ir.Neuron, current: str, states: list[State], num_steps: int) -> str:
    state = State(f"{layer.name}.mem.before", f"{layer.name}.mem", graph.word, ("batch", layer.size))
    states.append(state)
    threshold = graph.constant(f"{layer.name}.threshold", layer.threshold, graph.word)
    quiet = threshold
    if layer.compare == "ge":  # of integers, u >= threshold is u > threshold - 1
        quiet = graph.prepare("Sub", threshold, graph.number(1))

    def fire(mem: str) -> str:
        return graph.node("Greater", mem, quiet)

    def reset(mem: str, spiked: str, out: str = "") -> str:
        if layer.reset == "none":
            return graph.node("Identity", mem, out=out)
        after = graph.number(0) if layer.reset == "zero" else graph.node("Sub", mem, threshold)
        return graph.node("Where", spiked, after, mem, out=out)

    mem = state.before
    leaked = _leaked(graph, layer.name, layer.leak, mem, layer.size, num_steps)
    if layer.reset_delay:
        charged = graph.node("Add", reset(leaked, fire(mem)), current, out=state.after)
        spike = fire(charged)
    else:
        charged = graph.node("Add", leaked, current)
        compared = reset(charged, fire(mem)) if layer.reset == "subtract_snntorch" else charged
        spike = fire(compared)
        reset(charged, spike, out=state.after)
    return graph.node("Cast", spike, to=UINT8, out=layer.name)


def _delay(graph: Graph, layer: ir.Delay, spikes: str, states: list[State]) -> str:
    """A line [steps, batch, n], the oldest spikes first."""
    state = State(f"{layer.name}.line.before", f"{layer.name}.line", UINT8, (layer.steps, "batch", layer.size))
    states.append(state)
    newest = graph.node("Unsqueeze", spikes, graph.numbers(0))
    if layer.steps == 1:
        graph.node("Identity", newest, out=state.after)
    else:
        rest = graph.node("Slice", state.before, graph.numbers(1), graph.numbers(layer.steps), graph.numbers(0))
        graph.node("Concat", rest, newest, axis=0, out=state.after)
    return graph.node("Gather", state.before, graph.number(0, INT64), axis=0, out=layer.name)


def _readout(graph: Graph, layer: ir.Readout, flow: str, frac: int, states: list[State]) -> None:
    state = State(f"{layer.name}.before", layer.name, graph.word, ("batch", layer.size))
    states.append(state)
    if layer.output_mode == "spike":
        current = graph.node("Cast", flow, to=graph.word)
    else:
        current = graph.shift_up(flow, layer.frac - frac)
    leaked = _leaked(graph, layer.name, layer.leak, state.before, layer.size, 0)
    scores = graph.node("Add", leaked, current, out=layer.name)
    decision = f"{layer.name}.decision"
    if layer.decision_rule == "binary_logit":
        first, second = (graph.node("Gather", scores, graph.numbers(i), axis=1) for i in (0, 1))
        graph.node("Cast", graph.node("Sub", second, first), to=INT64, out=decision)
    elif layer.decision_rule in THRESHOLD_RULES:
        best = graph.node("ArgMax", scores, axis=1, keepdims=1)
        reached = graph.node("Greater", scores, graph.number(layer.class_threshold - 1))
        held = _lowest_reached(graph, graph.node("Cast", reached, to=INT32))
        if layer.decision_rule == "first_to_threshold":
            states.append(State(f"{layer.name}.held.before", f"{layer.name}.held", INT64, ("batch", 1)))
            before = f"{layer.name}.held.before"
            is_held = graph.node("Greater", before, graph.number(0, INT64))
            held = graph.node("Where", is_held, before, held, out=f"{layer.name}.held")
        some = graph.node("Greater", held, graph.number(0, INT64))
        graph.node("Where", some, graph.node("Sub", held, graph.number(1, INT64)), best, out=decision)
    else:
        graph.node("ArgMax", scores, axis=1, keepdims=1, out=decision)


def _lowest_reached(graph: Graph, reached: str) -> str:
    """1 + the lowest class that has reached its threshold, or 0: states start at 0, so 0 is nobody."""
    number = graph.node("Add", graph.node("ArgMax", reached, axis=1, keepdims=1), graph.number(1, INT64))
    some = graph.node("Cast", graph.node("ReduceMax", reached, axes=[1], keepdims=1), to=INT64)
    return graph.node("Mul", number, some)
