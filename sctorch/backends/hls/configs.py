"""The C++ of each layer of ours: its kernel (hls/) and the configuration struct that the kernel reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sctorch import ir
from sctorch.backends.hls.constants import leak_cpp, source_cpp, table_cpp

__all__ = ["KERNELS"]

Node = Any  # a layer of hls4ml, which may not be imported here


def _struct(node: Node, name: str, lines: list[str], tables: str = "", base: str = "") -> str:
    lines = [
        *_unsigned(**{key: node.get_attr(key) for key in ("n_data", "n_result", "num_steps")}),
        f"static const bool has_last = {_bool(node.get_attr('has_last'))}",
        f"typedef ap_uint<{node.get_attr('step_width')}> step_t",
        *lines,
    ]
    return f"struct {name}{base} {{\n" + "".join(f"    {line};\n" for line in lines) + tables + "};\n"


def _unsigned(**values: int | str) -> list[str]:
    return [f"static const unsigned {key} = {value}" for key, value in values.items()]


def _bool(value: bool) -> str:
    return str(value).lower()


def _types(node: Node, *names: str) -> list[str]:
    return [f"typedef {node.get_attr(f'{name}_t').name} {name}_t" for name in names]


def _rate_encoder(node: Node, name: str) -> str:
    layer = node.get_attr("ir")
    lines = [*_unsigned(n=layer.size, n_ticks=node.get_attr("n_ticks")), f"typedef {name}_source source"]
    return source_cpp(f"{name}_source", layer.source, layer.size) + _struct(node, name, lines)


def _level_encoder(node: Node, name: str) -> str:
    layer = node.get_attr("ir")
    return _struct(node, name, _unsigned(n=layer.n_features, levels=layer.levels, n_ticks=node.get_attr("n_ticks")))


def _event_encoder(node: Node, name: str) -> str:
    return _struct(node, name, _unsigned(n=node.get_attr("ir").size, n_ticks=node.get_attr("n_ticks")))


def _delay(node: Node, name: str) -> str:
    layer = node.get_attr("ir")
    return _struct(node, name, _unsigned(n=layer.size, delay=layer.steps))


def _stochastic_synapse(node: Node, name: str) -> str:
    layer = node.get_attr("ir")
    lines = _unsigned(
        n_in=layer.n_inputs, n_out=layer.size, n_ticks=layer.bitstream_length, data_ticks=node.get_attr("data_ticks")
    )
    lines += [f"typedef {name}_source source", *_types(node, "weight", "bias", "accum")]
    tables = table_cpp("int", "weight", layer.weight) + table_cpp("long long", "bias", layer.bias)
    return source_cpp(f"{name}_source", layer.source, layer.n_inputs) + _struct(node, name, lines, tables)


def _fixed_synapse(node: Node, name: str) -> str:
    """What hls4ml's own configuration of a Dense holds, and how to call its kernel."""
    layer, strategy, reuse = node.get_attr("ir"), node.get_attr("strategy"), node.get_attr("reuse_factor")
    weight = node.get_weights("weight")
    arrays = f"{weight.name}, {node.get_weights('bias').name}"
    if strategy == "distributed_arithmetic":
        lines, call = (
            _unsigned(n_in=node.get_attr("n_in"), n_out=layer.size),
            f"dense_da_{node.index}<data_T, res_T>(data, result)",
        )
        base = kernel = ""
    else:
        base, call = " : nnet::dense_config", f"dense<data_T, res_T, {name}>(data, result, {arrays})"
        size = "leq_nin" if reuse <= layer.n_inputs else "gt_nin_rem0"
        dense = "DenseLatency" if strategy == "latency" else f"DenseResource_rf_{size}"
        # hls4ml would take its product of -1, 0 and 1 for any weights of 2 bits; it gives +1 for -2.
        product = "weight_ternary" if weight.type.precision.width == 2 and layer.weight.min() > -2 else "mult"
        zeros, entries = int((layer.weight == 0).sum()), layer.weight.size
        lines = [
            *_unsigned(n_in=layer.n_inputs, n_out=layer.size, strategy=f"nnet::{strategy}", reuse_factor=reuse),
            *_unsigned(n_zeros=zeros, n_nonzeros=entries - zeros, io_type="nnet::io_parallel"),
            *_unsigned(multiplier_limit=-(-entries // reuse) - zeros // reuse),
            *_types(node, "weight", "bias", "accum", "index"),
        ]
        kernel = (
            "    template <class data_T, class res_T, class CONFIG_T>\n"
            f"    using kernel = nnet::{dense}<data_T, res_T, CONFIG_T>;\n"
            f"    template <class x_T, class y_T> using product = nnet::product::{product}<x_T, y_T>;\n"
        )
    call = (
        "    template <class data_T, class res_T> static void dense(data_T data[n_in], res_T result[n_out]) {\n"
        f"        #pragma HLS INLINE\n        nnet::{call};\n    }}\n"
    )
    return _struct(node, name, lines, kernel + call, base)


def _neuron(node: Node, name: str) -> str:
    layer = node.get_attr("ir")
    leak, leak_type = leak_cpp(f"{name}_factor", layer.leak, layer.size)
    return leak + _struct(node, name, [
        *_unsigned(n=layer.size, current_shift=node.get_attr("current_shift")),
        f"typedef {leak_type} leak", *_types(node, "membrane", "threshold"),
        f"static const bool fires_at_threshold = {_bool(layer.compare == 'ge')}",
        f"static const bool reset_delay = {_bool(layer.reset_delay)}",
        f"static const nnet::sctorch_reset reset = nnet::sctorch_reset_{layer.reset}",
        f'static const char *membrane_key() {{ return "{node.get_attr("membrane_key")}"; }}',
    ], table_cpp("long long", "threshold", layer.threshold))  # fmt: skip


def _readout(node: Node, name: str) -> str:
    layer = node.get_attr("ir")
    leak, leak_type = leak_cpp(f"{name}_factor", layer.leak, layer.size)
    sizes = _unsigned(n=layer.size, current_shift=node.get_attr("current_shift"))
    return leak + _struct(node, name, [*sizes, f"typedef {leak_type} leak"])


def _decision(node: Node, name: str) -> str:
    layer = node.get_attr("ir")
    own = layer.decision_rule in (*ir.layers.THRESHOLD_RULES, "binary_logit")
    sizes = _unsigned(n=layer.size, threshold=layer.class_threshold)
    rule = f"sctorch_{layer.decision_rule if own else 'argmax'}"
    return _struct(node, name, [*sizes, f"static const nnet::sctorch_rule rule = nnet::{rule}"])


# class -> (kernel, configuration)
KERNELS: dict[str, tuple[str, Callable[[Node, str], str]]] = {
    "SctorchRateEncoder": ("sctorch_rate_encoder", _rate_encoder),
    "SctorchLevelEncoder": ("sctorch_level_encoder", _level_encoder),
    # A direct encoder's integers pass through as events do.
    "SctorchDirectEncoder": ("sctorch_event_encoder", _event_encoder),
    "SctorchEventEncoder": ("sctorch_event_encoder", _event_encoder),
    "SctorchStochasticSynapse": ("sctorch_stochastic_synapse", _stochastic_synapse),
    "SctorchDense": ("sctorch_fixed_synapse", _fixed_synapse),
    "SctorchNeuron": ("sctorch_neuron", _neuron),
    "SctorchDelay": ("sctorch_delay", _delay),
    "SctorchReadout": ("sctorch_readout", _readout),
    "SctorchDecision": ("sctorch_decision", _decision),
}
