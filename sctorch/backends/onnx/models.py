"""The two models: one timestep with its states as inputs and outputs, and a whole window as a Scan over it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

import sctorch
from sctorch import ir
from sctorch.backends.onnx.graph import Graph, numpy_type, tensor
from sctorch.backends.onnx.layers import State, emit_step, input_type
from sctorch.errors import UnsupportedError
from sctorch.ir.ranges import signed_width

__all__ = ["signals", "step_model", "window_model", "with_signals", "word_type"]

OPSET, IR_VERSION = 17, 8
INT64 = TensorProto.INT64


def word_type(network: ir.Network) -> int:
    """INT32 where every integer of the network fits, a product with a leak included, else INT64."""
    widest = 0
    ranges = ir.analyse(network)
    for layer in network.layers:
        if isinstance(layer, ir.Neuron | ir.Readout):
            bounds = ranges[layer.name]
            shift = layer.leak.shift if layer.leak.scales else 0
            for interval in (bounds.charged, bounds.membrane):
                widest = max(widest, 0 if interval is None else interval.width + shift)
            if isinstance(layer, ir.Neuron):
                widest = max(widest, signed_width(0, int(layer.threshold.max())))
    for synapse in network.synapses:
        current = ranges[synapse.name].current
        assert current is not None
        widest = max(widest, current.width)
    return int(TensorProto.INT32 if widest <= 30 else INT64)  # what Where does not pick takes one bit more


def signals(network: ir.Network) -> list[str]:
    """The keys of `ir.simulate`, in its order; nodes of a timestep are called so."""
    keys = []
    for layer in network.layers:
        keys.append(layer.name)
        if isinstance(layer, ir.Neuron):
            keys.append(f"{layer.name}.mem")
    return [*keys, f"{network.readout.name}.decision"]


def step_model(network: ir.Network) -> ModelProto:
    """One timestep: (input, step, states) -> (scores, decision, states)."""
    graph = Graph(word_type(network))
    states = emit_step(graph, network)
    graph.node("Add", "step", graph.number(1, INT64), out="step.after")
    inputs = [_step_input(network), tensor("step", INT64, (), "the timestep's number, 0 at a window's start")]
    inputs += [tensor(s.before, s.kind, s.shape, "0 at a window's start") for s in states]
    decision = f"{network.readout.name}.decision"
    outputs = [tensor(decision, INT64, ("batch", 1), _decision_text(network))]
    outputs += [tensor(s.after, s.kind, s.shape) for s in states] + [tensor("step.after", INT64, ())]
    carried = {"step": "step.after"} | {s.before: s.after for s in states}
    return _model(
        network, "step", [*graph.prepared, *graph.nodes], graph, inputs, outputs, {"states": json.dumps(carried)}
    )


def window_model(network: ir.Network) -> ModelProto:
    """A whole window: features [batch, n] in [0, 1], or spikes [T L, batch, n] -> decisions, scores and the class."""
    graph = Graph(word_type(network))
    states = emit_step(graph, network)
    steps, readout, events = network.num_steps, network.readout, isinstance(network.encoder, ir.EventEncoder)
    graph.node("Identity", readout.name, out="scores.step")
    graph.node("Identity", f"{readout.name}.decision", out="decision.step")
    body = helper.make_graph(
        graph.nodes, f"{network.name}_step",
        [tensor(s.before, s.kind, s.shape) for s in states] + [tensor("step", INT64, ())]
        + ([_step_input(network)] if events else []),
        [tensor(s.after, s.kind, s.shape) for s in states]
        + [tensor("decision.step", INT64, ("batch", 1)), tensor("scores.step", graph.word, ("batch", readout.size))],
    )  # fmt: skip
    graph.nodes = []
    given = _given_spikes(graph, network) if events else _quantised(graph, network)
    batch = graph.node("Shape", given, start=1 if events else 0, end=2 if events else 1)
    starts = [_zeros(graph, state, batch) for state in states]
    scanned = [graph.constant("steps", np.arange(steps), INT64), *([given] if events else [])]
    results = [*(f"{s.after}.last" for s in states), "decisions", "scores"]
    count = len(scanned)
    scan = helper.make_node("Scan", [*starts, *scanned], results, name="window", body=body, num_scan_inputs=count)
    graph.nodes.append(scan)
    graph.node("Squeeze", "decisions", graph.numbers(2), out="decision")
    _class(graph, network)
    outputs = [
        tensor("class", INT64, ("batch",), "the answer: the class after the last timestep"),
        tensor("decision", INT64, (steps, "batch"), _decision_text(network)),
        tensor("scores", graph.word, (steps, "batch", readout.size), "the readout's scores after every timestep"),
    ]
    nodes = [*graph.prepared, *graph.nodes]
    return _model(network, "window", nodes, graph, [_window_input(network)], outputs, {})


def with_signals(model: ModelProto, keys: Sequence[str]) -> ModelProto:
    """A copy of a model that also gives these signals as `trace.<key>`: the same nodes, with more outputs."""
    traced = ModelProto()
    traced.CopyFrom(model)
    scans = [node for node in traced.graph.node if node.op_type == "Scan"]
    body = scans[0].attribute[[a.name for a in scans[0].attribute].index("body")].g if scans else traced.graph
    for key in keys:
        body.node.append(helper.make_node("Identity", [key], [f"shown.{key}" if scans else f"trace.{key}"]))
        if scans:
            body.output.append(ValueInfoProto(name=f"shown.{key}"))
            scans[0].output.append(f"trace.{key}")
        traced.graph.output.append(ValueInfoProto(name=f"trace.{key}"))
    return traced


def _step_input(network: ir.Network) -> ValueInfoProto:
    kind, encoder = input_type(network.encoder), network.encoder
    if isinstance(encoder, ir.EventEncoder):
        text = "the timestep's spikes, 0 or 1, tick by tick"
        return tensor("input", kind, ("batch", network.encoder_ticks, encoder.size), text)
    return tensor("input", kind, ("batch", encoder.n_features), f"integers v = {_integers(encoder)}")


def _window_input(network: ir.Network) -> ValueInfoProto:
    encoder = network.encoder
    if isinstance(encoder, ir.EventEncoder):
        shape = (network.num_steps * network.encoder_ticks, "batch", encoder.size)
        return tensor("spikes", TensorProto.UINT8, shape, "0 or 1, tick by tick")
    return tensor("features", TensorProto.FLOAT, ("batch", encoder.n_features), "in [0, 1]")


def _integers(encoder: ir.Encoder) -> str:
    """How a feature becomes the integer that a timestep takes."""
    if isinstance(encoder, ir.EventEncoder):
        return "spike"
    if isinstance(encoder, ir.LevelEncoder):
        return f"min(floor({encoder.levels + 1} u), {encoder.levels}) of a feature u in [0, 1], the product in float64"
    return f"min(floor({2**encoder.bits} u), {2**encoder.bits - 1}) of a feature u in [0, 1]"


def _decision_text(network: ir.Network) -> str:
    if network.readout.decision_rule == "binary_logit":
        return "score 1 - score 0: class 1 where it is above 0"
    return f"the class after the timestep, by {network.readout.decision_rule}"


def _quantised(graph: Graph, network: ir.Network) -> str:
    """Features as the integers `input`. A product with a power of two is exact in float32, any other is float64's."""
    encoder, value = network.encoder, "features"
    assert not isinstance(encoder, ir.EventEncoder)
    if isinstance(encoder, ir.LevelEncoder):
        kind, most = TensorProto.DOUBLE, encoder.levels
        value = graph.node("Cast", value, to=kind)
    else:
        kind, most = TensorProto.FLOAT, 2**encoder.bits - 1
    value = graph.node("Floor", graph.node("Mul", value, graph.number(most + 1, kind)))
    value = graph.node("Min", value, graph.number(most, kind))
    return graph.node("Cast", value, to=input_type(encoder), out="input")


def _given_spikes(graph: Graph, network: ir.Network) -> str:
    """Spikes [T L, batch, n] as [T, batch, L, n]."""
    rest = graph.node("Shape", "spikes", start=1)
    shape = graph.node("Concat", graph.numbers(network.num_steps, network.encoder_ticks), rest, axis=0)
    return graph.node("Transpose", graph.node("Reshape", "spikes", shape, allowzero=1), perm=[0, 2, 1, 3])


def _zeros(graph: Graph, state: State, batch: str) -> str:
    """A state at a window's start, for as many windows as the input holds."""
    sizes = [batch if size == "batch" else graph.numbers(int(size)) for size in state.shape]
    zero = numpy_helper.from_array(np.zeros(1, numpy_type(state.kind)))
    return graph.node("ConstantOfShape", graph.node("Concat", *sizes, axis=0), value=zero, out=f"{state.after}.first")


def _class(graph: Graph, network: ir.Network) -> None:
    last = graph.number(network.num_steps - 1, INT64)
    if network.readout.decision_rule == "binary_logit":
        logit = graph.node("Gather", "decision", last, axis=0)
        graph.node("Cast", graph.node("Greater", logit, graph.number(0, INT64)), to=INT64, out="class")
    else:
        graph.node("Gather", "decision", last, axis=0, out="class")


def _model(
    network: ir.Network, form: str, nodes: Sequence[NodeProto], graph: Graph, inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto], facts: dict[str, str],
) -> ModelProto:  # fmt: skip
    made = helper.make_graph(
        nodes, f"{network.name}_{form}", inputs, outputs, list(graph.constants.values()),
        doc_string=f"{network.name}: {'one timestep' if form == 'step' else f'{network.num_steps} timesteps'}",
    )  # fmt: skip
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
        producer_name="sctorch", producer_version=sctorch.__version__,
    )  # fmt: skip
    helper.set_model_props(model, _metadata(network, form, facts))
    if model.ByteSize() >= 2**31 - 1:
        raise UnsupportedError(
            f"a graph of {model.ByteSize() / 2**30:.1f} GiB", network.name, "A file of ONNX ends at 2 GiB."
        )
    onnx.checker.check_model(model, full_check=True)
    return model


def _metadata(network: ir.Network, form: str, facts: dict[str, str]) -> dict[str, str]:
    """What a user of the file must know; texts. The network's own (class names, scaling) keep their names."""
    own = {
        "form": form, "network": network.name, "network_sha256": ir.digest(network),
        "num_steps": str(network.num_steps), "ticks_per_step": str(network.encoder_ticks),
        "encoder": network.encoder.KIND,
        "input": _integers(network.encoder), "decision_rule": network.readout.decision_rule,
        "onnx": onnx.__version__,
    }  # fmt: skip
    return dict(network.meta) | {f"sctorch.{key}": text for key, text in (own | facts).items()}
