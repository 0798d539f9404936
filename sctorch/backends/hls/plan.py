"""From the integer network to a list of hls4ml layers with every width and knob explicit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends.hls import native
from sctorch.backends.hls.options import Multiplier, check_precision, multipliers
from sctorch.backends.hls.widths import MAX_WIDTH, tensors
from sctorch.errors import UnsupportedError

__all__ = ["Plan", "Traced", "plan"]

# The top function holds all its layers' results of one timestep on the stack.
MAX_RESULTS = 1 << 18
# Bytes of products there: hls4ml's latency strategy keeps all of a timestep at once. Stacks are 8 MiB.
MAX_PRODUCTS = 5 << 20


@dataclass(frozen=True)
class Traced:
    """One traced signal: its key in a trace, entries per timestep, and the rows per timestep they make up."""

    key: str
    size: int
    rows: int = 1


@dataclass(frozen=True, eq=False)
class Plan:
    """What hls4ml is given.

    top : name of the project and its top function. The suffix keeps it off the words of C++.
    port : name and entries of the input, and bits of one entry.
    layers : our layers, as hls4ml's list of dicts. traces : signals to record, the decision excepted.
    knobs : of the fixed synapses. has_last : whether a packet has a flag behind its entries.
    types : hls4ml's configuration of its own spiking layers, by name.
    """

    top: str
    port: str
    n_inputs: int
    input_width: int
    layers: list[dict[str, Any]]
    traces: tuple[Traced, ...]
    knobs: Mapping[str, Multiplier]
    io_type: str
    has_last: bool
    types: Mapping[str, Any]

    @property
    def native(self) -> dict[str, str]:
        """hls4ml's own spiking layers in it: class by name."""
        return {entry["name"]: entry["class_name"] for entry in self.layers if entry["name"] in self.types}


def plan(network: ir.Network, chosen: Mapping[str, Any], trained: bool = True) -> Plan:
    """Lay the network out as hls4ml layers, for the options of `check_options`.

    trained : whether its weights are those that will be exported.

    Raises
    ------
    ConfigError, UnsupportedError
        If the options do not fit the layers, the network is too large, or a value too wide.
    """
    knobs = multipliers(network, chosen)
    known = tensors(network)
    widths = {name: tensor.width for name, tensor in known.items()} | check_precision(chosen, known, knobs, trained)
    ticks, encoder = network.encoder_ticks, network.encoder
    events = isinstance(encoder, ir.EventEncoder)
    layers = [_encoder(encoder, ticks)]
    traces = [Traced(encoder.name, ticks * encoder.size, ticks)]
    rows, frac = ticks, 0
    for layer in network.layers[1:]:
        own = {name.rpartition(".")[2]: w for name, w in widths.items() if name.rpartition(".")[0] == layer.name}
        if isinstance(layer, ir.Synapse):
            layers.append(_synapse(layer, own, rows, knobs))
            rows, frac = 1, layer.frac
        elif isinstance(layer, ir.Neuron):
            layers.append(_neuron(layer, own, layer.frac - frac))
            frac = 0
        elif isinstance(layer, ir.Delay):
            layers.append(_entry("Delay", layer.name, layer, layer.size, 1, False))
        elif isinstance(layer, ir.Readout):
            layers += _readout(layer, own, layer.frac - frac if layer.output_mode == "membrane" else 0)
        traces.append(Traced(layer.name, layer.size))
        if isinstance(layer, ir.Neuron):
            traces.append(Traced(f"{layer.name}.mem", layer.size))
    types: dict[str, Any] = {}
    if chosen["native"]:
        layers, types = native.replaced(layers, network, widths, chosen, trained)
        hidden = {network.readout.name, *(f"{name}.mem" for name in types)}  # what hls4ml's layers do not show
        traces = [signal for signal in traces if signal.key not in hidden]
    port = "in_data"
    while port in {layer.name for layer in network.layers}:
        port += "_"
    n_inputs = ticks * encoder.size if events else encoder.n_features
    has_last = chosen["window"] == "last"
    source, entries = port, n_inputs
    for entry in layers:
        # hls4ml keeps a layer's output among its attributes: no attribute has a dot in its name. Its passes for
        # distributed arithmetic look for the layer by what stands before "_cpy".
        entry |= {"inputs": [source], "outputs": [f"{entry['name']}_cpy.out"]}
        entry["trace"] = entry is not layers[-1]  # the answer comes out of the top function itself
        entry |= {"num_steps": network.num_steps, "step_width": ir.unsigned_width(network.num_steps - 1)}
        entry |= {"n_data": entries, "has_last": has_last}
        source, entries = entry["outputs"][0], entry["n_result"]
    for entry, after in pairwise(layers):
        if after["name"] in knobs and knobs[after["name"]].strategy == "distributed_arithmetic":
            entry["result_fixed"] = True  # da4ml reads the widths of its inputs from fixed-point types alone
            if has_last:  # and takes whole packets: the flag is one more input, with weights of 0
                after |= {"n_data": after["n_in"] + 1, "n_in": after["n_in"] + 1}
                after["weight_data"] = np.vstack([after["weight_data"], np.zeros((1, after["n_out"]), dtype=np.int64)])
    _check_sizes(layers)
    _check_products(layers, knobs)
    return Plan(
        top=f"{network.name}_hls",
        port=port,
        n_inputs=n_inputs,
        input_width=1 if isinstance(encoder, ir.EventEncoder) else encoder.bits,
        layers=layers,
        traces=tuple(traces),
        knobs=knobs,
        io_type=chosen["io_type"],
        has_last=has_last,
        types=types,
    )


def _entry(kind: str, name: str, layer: ir.Layer, size: int, width: int, signed: bool) -> dict[str, Any]:
    return {
        "class_name": f"Sctorch{kind}", "name": name, "ir": layer,
        "n_result": size, "result_width": width, "result_signed": signed, "result_fixed": False, "looped": False,
    }  # fmt: skip


_ENCODERS = {
    ir.RateEncoder: "RateEncoder", ir.LevelEncoder: "LevelEncoder",
    ir.DirectEncoder: "DirectEncoder", ir.EventEncoder: "EventEncoder",
}  # fmt: skip


def _encoder(layer: ir.Encoder, ticks: int) -> dict[str, Any]:
    width = layer.bits if isinstance(layer, ir.DirectEncoder) else 1
    entry = _entry(_ENCODERS[type(layer)], layer.name, layer, ticks * layer.size, width, False)
    return entry | {"n_ticks": ticks, "looped": ticks > 1 and isinstance(layer, ir.RateEncoder)}


def _synapse(
    layer: ir.Synapse, widths: Mapping[str, int], data_ticks: int, knobs: Mapping[str, Multiplier]
) -> dict[str, Any]:
    kind = "Dense" if isinstance(layer, ir.FixedSynapse) else "StochasticSynapse"
    entry = _entry(kind, layer.name, layer, layer.size, widths["result"], True) | {"widths": widths}
    if isinstance(layer, ir.StochasticSynapse):
        return entry | {"data_ticks": data_ticks, "looped": layer.bitstream_length > 1}
    knob = knobs[layer.name]
    return entry | {
        "n_in": layer.n_inputs, "n_out": layer.size, "weight_data": layer.weight.T, "bias_data": layer.bias,
        "looped": knob.strategy == "resource" or knob.reuse_factor > 1,
    }  # fmt: skip


def _neuron(layer: ir.Neuron, widths: Mapping[str, int], shift: int) -> dict[str, Any]:
    return _entry("Neuron", layer.name, layer, layer.size, 1, False) | {
        "current_shift": shift, "widths": widths, "membrane_key": f"{layer.name}.mem",
    }  # fmt: skip


def _readout(layer: ir.Readout, widths: Mapping[str, int], shift: int) -> list[dict[str, Any]]:
    scores = _entry("Readout", layer.name, layer, layer.size, widths["result"], True) | {"current_shift": shift}
    signed = layer.decision_rule == "binary_logit"
    decision = _entry("Decision", f"{layer.name}.decision", layer, 1, widths["decision"], signed)
    return [scores, decision]


def _check_sizes(layers: list[dict[str, Any]]) -> None:
    results = sum(entry["n_result"] for entry in layers)
    if results > MAX_RESULTS:
        raise UnsupportedError(
            f"a timestep of {results} signals", "hls backend",
            f"At most {MAX_RESULTS} fit; use fewer inputs or a shorter bitstream_length.",
        )  # fmt: skip
    for entry in layers:
        width = max(entry["result_width"], *entry.get("widths", {"none": 0}).values())
        if width > MAX_WIDTH:
            raise UnsupportedError(
                f"a value of {width} bits", f"hls backend, layer {entry['name']}",
                f"At most {MAX_WIDTH} bits go through the trace exactly; use fewer frac bits or smaller weights.",
            )  # fmt: skip


def _check_products(layers: list[dict[str, Any]], knobs: Mapping[str, Multiplier]) -> None:
    total = 0
    for entry in layers:
        if entry["name"] in knobs and knobs[entry["name"]].strategy == "latency":
            # An ap_int takes 1, 2, 4 or 8 bytes.
            total += entry["weight_data"].size << max(0, (entry["widths"]["accum"] - 1).bit_length() - 3)
            if total > MAX_PRODUCTS:
                raise UnsupportedError(
                    f"{total:,} bytes of products at once", f"hls backend, layer {entry['name']}",
                    f"At most {MAX_PRODUCTS:,} fit with strategy 'latency', that of any layer before it included; "
                    "choose strategy 'resource' for it.",
                )  # fmt: skip
