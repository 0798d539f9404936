"""The layers of our own in hls4ml: their classes, and the templates that write them down.

Imports hls4ml, so it is itself imported only when a design is exported. Each layer holds the layer of
the integer network that it stands for (attribute `ir`) and explicit widths: nothing is inferred.
"""

from __future__ import annotations

from pathlib import Path

from hls4ml.backends import get_backend
from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.model.attributes import Attribute, TypeAttribute
from hls4ml.model.layers import Dense, Layer, register_layer
from hls4ml.model.optimizer.optimizer import get_backend_passes
from hls4ml.model.types import FixedPrecisionType, IntegerPrecisionType, NamedType

from sctorch.backends.hls.configs import KERNELS

__all__ = ["register"]

HEADERS = (
    "sctorch_window.h", "sctorch_source.h", "sctorch_encoder.h", "sctorch_synapse.h", "sctorch_neuron.h",
    "sctorch_readout.h",
)  # fmt: skip


class _Layer(Layer):  # type: ignore[misc]
    """Common part: a result of known shape and width, and types of known widths.

    Constants (weights, thresholds) are tables in the configuration and not hls4ml's weight arrays: an
    array of ap_int is initialised entry by entry, which takes the compiler minutes for a large layer.

    Attributes: n_data and n_result, entries of a timestep that come and go; has_last, whether a packet has a flag
    behind them; result_fixed, whether the result's type is to be ap_fixed without fractional bits; widths, bits by
    tensor; num_steps, and step_width of the timestep counter; looped, whether the kernel pipelines loops of its own.
    """

    _expected_attributes = [  # noqa: RUF012 (hls4ml reads a plain list)
        Attribute("n_data"), Attribute("n_result"), Attribute("num_steps"), Attribute("step_width"),
        Attribute("has_last", value_type=bool), Attribute("looped", value_type=bool),
        Attribute("result_width"), Attribute("result_signed", value_type=bool),
        Attribute("result_fixed", value_type=bool),
    ]  # fmt: skip

    def initialize(self) -> None:
        width, signed = self.get_attr("result_width"), self.get_attr("result_signed")
        if self.get_attr("result_fixed"):
            precision = FixedPrecisionType(width, width, signed)
        else:
            precision = IntegerPrecisionType(width, signed)
        self.add_output_variable([self.get_attr("n_result") + self.get_attr("has_last")], precision=precision)

    def add_type(self, name: str) -> None:
        precision = IntegerPrecisionType(self.get_attr("widths")[name], signed=True)
        self.set_attr(f"{name}_t", NamedType(f"{name}{self.index}_t", precision))


class SctorchRateEncoder(_Layer):
    _expected_attributes = [Attribute("n_ticks")]  # noqa: RUF012


class SctorchLevelEncoder(_Layer):
    _expected_attributes = [Attribute("n_ticks")]  # noqa: RUF012


class SctorchDirectEncoder(_Layer):
    _expected_attributes = [Attribute("n_ticks")]  # noqa: RUF012


class SctorchEventEncoder(_Layer):
    _expected_attributes = [Attribute("n_ticks")]  # noqa: RUF012


class SctorchStochasticSynapse(_Layer):
    _expected_attributes = [  # noqa: RUF012
        Attribute("data_ticks"), TypeAttribute("weight"), TypeAttribute("bias"), TypeAttribute("accum"),
    ]  # fmt: skip

    def initialize(self) -> None:
        super().initialize()
        for name in ("weight", "bias", "accum"):
            self.add_type(name)


class SctorchDense(_Layer, Dense):  # type: ignore[misc]
    """hls4ml's Dense, with its arrays of weights, its knobs and its passes; only our timestep is around it."""

    def initialize(self) -> None:
        _Layer.initialize(self)
        self.add_type("accum")
        widths = self.get_attr("widths")
        for name, variable in (("weight", "w"), ("bias", "b")):
            self.add_weights_variable(
                name, f"{variable}{{index}}", f"{name}{{index}}_t", IntegerPrecisionType(widths[name], signed=True)
            )


class SctorchNeuron(_Layer):
    _expected_attributes = [  # noqa: RUF012
        Attribute("current_shift"), Attribute("membrane_key", value_type=str),
        TypeAttribute("membrane"), TypeAttribute("threshold"),
    ]  # fmt: skip

    def initialize(self) -> None:
        super().initialize()
        self.add_type("membrane")
        self.add_type("threshold")


class SctorchDelay(_Layer):
    pass


class SctorchReadout(_Layer):
    _expected_attributes = [Attribute("current_shift")]  # noqa: RUF012


class SctorchDecision(_Layer):
    pass


LAYERS = (
    SctorchRateEncoder, SctorchLevelEncoder, SctorchDirectEncoder, SctorchEventEncoder,
    SctorchStochasticSynapse, SctorchDense, SctorchNeuron, SctorchDelay, SctorchReadout, SctorchDecision,
)  # fmt: skip


class _Config(LayerConfigTemplate):  # type: ignore[misc]
    """`struct configN` of each of our layers: the name is its own, and so is a kernel's static state."""

    def __init__(self) -> None:
        super().__init__(LAYERS)

    def format(self, node: Layer) -> str:
        return KERNELS[node.class_name][1](node, f"config{node.index}")


class _Call(FunctionCallTemplate):  # type: ignore[misc]
    def __init__(self) -> None:
        headers = [*HEADERS, "nnet_dense.h"]
        super().__init__(LAYERS, include_header=[f"nnet_utils/{header}" for header in headers])

    def format(self, node: Layer) -> str:
        timestep = "sctorch_looped_layer" if node.get_attr("looped") else "sctorch_layer"
        kernel = KERNELS[node.class_name][0]
        data, result = node.get_input_variable(), node.get_output_variable()
        types = f"nnet::{kernel}, {data.type.name}, {result.type.name}, config{node.index}"
        return f"nnet::{timestep}<{types}>({data.name}, {result.name});"


def register(sources: Path) -> None:
    """Tell hls4ml of our layers, templates and headers; a second time changes nothing, also after a reload."""
    for layer in LAYERS:
        register_layer(layer.__name__, layer)
    backend = get_backend("Vitis")
    known = get_backend_passes(backend.name)  # hls4ml refuses a name that it has
    for template in (_Config, _Call):
        if f"{backend.name.lower()}:{template().get_name()}" not in known:
            backend.register_template(template)
    for header in HEADERS:
        backend.register_source(sources / header)
