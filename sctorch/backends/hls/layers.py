"""The layers of our own in hls4ml: their classes, their C++ configurations and calls.

Imports hls4ml, so it is itself imported only when a design is exported. Each layer holds the layer of
the integer network that it stands for (attribute `ir`) and explicit widths: nothing is inferred.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from hls4ml.backends import get_backend
from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.model.attributes import Attribute, TypeAttribute
from hls4ml.model.layers import Layer, register_layer
from hls4ml.model.types import IntegerPrecisionType, NamedType

from sctorch import ir
from sctorch.backends.hls.constants import leak_cpp, source_cpp, table_cpp

__all__ = ["register"]

HEADERS = ("sctorch_source.h", "sctorch_encoder.h", "sctorch_synapse.h", "sctorch_neuron.h", "sctorch_readout.h")


class _Layer(Layer):  # type: ignore[misc]
    """Common part: a result of known shape and width, and types of known widths.

    Constants (weights, thresholds) are tables in the configuration and not hls4ml's weight arrays: an
    array of ap_int is initialised entry by entry, which takes the compiler minutes for a large layer.

    Attributes: n_result, result_width, result_signed; num_steps, and step_width of the timestep counter.
    """

    _expected_attributes = [  # noqa: RUF012 (hls4ml reads a plain list)
        Attribute("n_result"), Attribute("result_width"), Attribute("result_signed", value_type=bool),
        Attribute("num_steps"), Attribute("step_width"),
    ]  # fmt: skip

    def initialize(self) -> None:
        precision = IntegerPrecisionType(self.get_attr("result_width"), self.get_attr("result_signed"))
        self.add_output_variable([self.get_attr("n_result")], precision=precision)

    def add_type(self, name: str, width: int) -> None:
        precision = IntegerPrecisionType(width, signed=True)
        self.set_attr(f"{name}_t", NamedType(f"{name}{self.index}_t", precision))


class SctorchRateEncoder(_Layer):
    _expected_attributes = [Attribute("n_ticks")]  # noqa: RUF012


class SctorchLevelEncoder(_Layer):
    _expected_attributes = [Attribute("n_ticks")]  # noqa: RUF012


class SctorchDirectEncoder(_Layer):
    _expected_attributes = [Attribute("n_ticks")]  # noqa: RUF012


class SctorchEventEncoder(_Layer):
    _expected_attributes = [Attribute("n_ticks")]  # noqa: RUF012


class _Synapse(_Layer):
    _expected_attributes = [TypeAttribute("weight"), TypeAttribute("bias")]  # noqa: RUF012

    def initialize(self) -> None:
        super().initialize()
        synapse = self.get_attr("ir")
        self.add_type("weight", synapse.weight_bits + 1)
        self.add_type("bias", ir.signed_width(int(synapse.bias.min()), int(synapse.bias.max())))


class SctorchStochasticSynapse(_Synapse):
    _expected_attributes = [Attribute("data_ticks")]  # noqa: RUF012


class SctorchFixedSynapse(_Synapse):
    pass


class SctorchNeuron(_Layer):
    _expected_attributes = [  # noqa: RUF012
        Attribute("current_shift"), Attribute("membrane_width"), Attribute("membrane_key", value_type=str),
        TypeAttribute("membrane"), TypeAttribute("threshold"),
    ]  # fmt: skip

    def initialize(self) -> None:
        super().initialize()
        self.add_type("membrane", self.get_attr("membrane_width"))
        self.add_type("threshold", ir.signed_width(0, int(self.get_attr("ir").threshold.max())))


class SctorchDelay(_Layer):
    pass


class SctorchReadout(_Layer):
    _expected_attributes = [Attribute("current_shift")]  # noqa: RUF012


class SctorchDecision(_Layer):
    pass


LAYERS = (
    SctorchRateEncoder, SctorchLevelEncoder, SctorchDirectEncoder, SctorchEventEncoder,
    SctorchStochasticSynapse, SctorchFixedSynapse, SctorchNeuron, SctorchDelay, SctorchReadout, SctorchDecision,
)  # fmt: skip


def _struct(name: str, lines: list[str], tables: str = "") -> str:
    return f"struct {name} {{\n" + "".join(f"    {line};\n" for line in lines) + tables + "};\n"


def _unsigned(**values: int) -> list[str]:
    return [f"static const unsigned {key} = {value}" for key, value in values.items()]


def _clock(node: Layer) -> list[str]:
    return [*_unsigned(num_steps=node.get_attr("num_steps")), f"typedef ap_uint<{node.get_attr('step_width')}> step_t"]


def _rate_encoder(node: Layer, name: str) -> str:
    layer = node.get_attr("ir")
    lines = [*_unsigned(n=layer.size, n_ticks=node.get_attr("n_ticks")), *_clock(node)]
    return source_cpp(f"{name}_source", layer.source, layer.size) + _struct(
        name, [*lines, f"typedef {name}_source source"]
    )


def _level_encoder(node: Layer, name: str) -> str:
    layer = node.get_attr("ir")
    return _struct(name, _unsigned(n=layer.n_features, levels=layer.levels, n_ticks=node.get_attr("n_ticks")))


def _delay(node: Layer, name: str) -> str:
    layer = node.get_attr("ir")
    return _struct(name, [*_unsigned(n=layer.size, delay=layer.steps), *_clock(node)])


def _event_encoder(node: Layer, name: str) -> str:
    return _struct(name, _unsigned(n=node.get_attr("ir").size, n_ticks=node.get_attr("n_ticks")))


def _stochastic_synapse(node: Layer, name: str) -> str:
    layer = node.get_attr("ir")
    sizes = _unsigned(
        n_in=layer.n_inputs, n_out=layer.size, n_ticks=layer.bitstream_length, data_ticks=node.get_attr("data_ticks")
    )
    source = f"typedef {name}_source source"
    return source_cpp(f"{name}_source", layer.source, layer.n_inputs) + _struct(
        name, [*sizes, *_clock(node), source, *_types(node, "weight", "bias")], _synapse_tables(layer)
    )


def _fixed_synapse(node: Layer, name: str) -> str:
    layer = node.get_attr("ir")
    sizes = _unsigned(n_in=layer.n_inputs, n_out=layer.size)
    return _struct(name, [*sizes, *_types(node, "weight", "bias")], _synapse_tables(layer))


def _types(node: Layer, *names: str) -> list[str]:
    return [f"typedef {node.get_attr(f'{name}_t').name} {name}_t" for name in names]


def _synapse_tables(layer: ir.Synapse) -> str:
    return table_cpp("int", "weight", layer.weight) + table_cpp("long long", "bias", layer.bias)


def _neuron(node: Layer, name: str) -> str:
    layer = node.get_attr("ir")
    leak, leak_type = leak_cpp(f"{name}_factor", layer.leak, layer.size)
    return leak + _struct(name, [
        *_unsigned(n=layer.size, current_shift=node.get_attr("current_shift")), *_clock(node),
        f"typedef {leak_type} leak", *_types(node, "membrane", "threshold"),
        f"static const bool fires_at_threshold = {str(layer.compare == 'ge').lower()}",
        f"static const bool reset_delay = {str(layer.reset_delay).lower()}",
        f"static const nnet::sctorch_reset reset = nnet::sctorch_reset_{layer.reset}",
        f'static const char *membrane_key() {{ return "{node.get_attr("membrane_key")}"; }}',
    ], table_cpp("long long", "threshold", layer.threshold))  # fmt: skip


def _readout(node: Layer, name: str) -> str:
    layer = node.get_attr("ir")
    leak, leak_type = leak_cpp(f"{name}_factor", layer.leak, layer.size)
    sizes = _unsigned(n=layer.size, current_shift=node.get_attr("current_shift"))
    return leak + _struct(name, [*sizes, *_clock(node), f"typedef {leak_type} leak"])


def _decision(node: Layer, name: str) -> str:
    layer = node.get_attr("ir")
    rule = _RULES.get(layer.decision_rule, "argmax")
    sizes = _unsigned(n=layer.size, threshold=layer.class_threshold)
    return _struct(name, [*sizes, *_clock(node), f"static const nnet::sctorch_rule rule = nnet::sctorch_{rule}"])


_RULES = {rule: rule for rule in ("first_to_threshold", "threshold_then_argmax", "binary_logit")}


# class -> (kernel, configuration)
_KERNELS: dict[str, tuple[str, Callable[[Layer, str], str]]] = {
    "SctorchRateEncoder": ("sctorch_rate_encoder", _rate_encoder),
    "SctorchLevelEncoder": ("sctorch_level_encoder", _level_encoder),
    # A direct encoder's integers pass through as events do.
    "SctorchDirectEncoder": ("sctorch_event_encoder", _event_encoder),
    "SctorchEventEncoder": ("sctorch_event_encoder", _event_encoder),
    "SctorchStochasticSynapse": ("sctorch_stochastic_synapse", _stochastic_synapse),
    "SctorchFixedSynapse": ("sctorch_fixed_synapse", _fixed_synapse),
    "SctorchNeuron": ("sctorch_neuron", _neuron),
    "SctorchDelay": ("sctorch_delay", _delay),
    "SctorchReadout": ("sctorch_readout", _readout),
    "SctorchDecision": ("sctorch_decision", _decision),
}


class _Config(LayerConfigTemplate):  # type: ignore[misc]
    """`struct configN` of each of our layers: the name is its own, and so is a kernel's static state."""

    def __init__(self) -> None:
        super().__init__(LAYERS)

    def format(self, node: Layer) -> str:
        return _KERNELS[node.class_name][1](node, f"config{node.index}")


class _Call(FunctionCallTemplate):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(LAYERS, include_header=[f"nnet_utils/{header}" for header in HEADERS])

    def format(self, node: Layer) -> str:
        kernel = _KERNELS[node.class_name][0]
        data, result = node.get_input_variable(), node.get_output_variable()
        return f"nnet::{kernel}<{data.type.name}, {result.type.name}, config{node.index}>({data.name}, {result.name});"


@cache
def register(sources: Path) -> None:
    """Tell hls4ml of our layers, templates and headers; once per process, since twice is an error there."""
    for layer in LAYERS:
        register_layer(layer.__name__, layer)
    backend = get_backend("Vitis")
    backend.register_template(_Config)
    backend.register_template(_Call)
    for header in HEADERS:
        backend.register_source(sources / header)
