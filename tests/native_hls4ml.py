"""Stands for an hls4ml that has spiking layers of its own: it registers layers of those names, attributes and rules.

Written after what hls4ml's main branch of June 2026 says of its layers; none of its code is here. Run in a process of
its own: what is registered with hls4ml stays there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hls4ml.backends import get_backend
from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.model.attributes import Attribute, TypeAttribute
from hls4ml.model.layers import Layer, register_layer
from hls4ml.model.types import FixedPrecisionType

__all__ = ["NAMES", "register"]

NAMES = ("Leaky", "IFNeuron", "LIFNeuron", "SNNReadout")
HEADERS = ("nnet_snn_common.h", "nnet_if_neuron.h", "nnet_lif_neuron.h", "nnet_snn_readout.h")

NEURON = """\
#ifndef NNET_{KIND}_NEURON_H_
#define NNET_{KIND}_NEURON_H_
#include "hls_stream.h"
namespace nnet {{
// Leak (all of it stays where LEAKS is false), charge, compare with >=, reset at once.
template <class data_T, class res_T, typename C>
void {kind}_neuron(hls::stream<data_T> &data, hls::stream<res_T> &result) {{
    static typename C::membrane_t mem[C::n_out];
    static unsigned step = 0;
    const data_T in = data.read();
    res_T out;
    for (unsigned i = 0; i < C::n_out; i++) {{
        const typename C::threshold_t theta = C::threshold(i);
        typename C::membrane_t kept = mem[i];
        if (C::leaks)
            kept = (typename C::membrane_t)(typename C::beta_t(C::beta(i)) * mem[i]);
        typename C::membrane_t u = kept + (typename C::membrane_t)in[i];
        const bool spike = u >= theta;
        out[i] = spike;
        mem[i] = !spike ? u : C::to_zero ? typename C::membrane_t(0) : typename C::membrane_t(u - theta);
    }}
    result.write(out);
    if (++step >= C::window_size) {{
        step = 0;
        for (unsigned i = 0; i < C::n_out; i++)
            mem[i] = 0;
    }}
}}
}} // namespace nnet
#endif
"""
READOUT = """\
#ifndef NNET_SNN_READOUT_H_
#define NNET_SNN_READOUT_H_
#include "hls_stream.h"
namespace nnet {
template <class data_T, class res_T, typename C>
void snn_readout(hls::stream<data_T> &data, hls::stream<res_T> &result) {
    typedef typename C::membrane_t score_t;
    static score_t score[C::n_classes]; // or the counts of spikes
    static unsigned step = 0;
    const data_T in = data.read();
    unsigned best = 0, reached = C::n_classes;
    for (unsigned i = 0; i < C::n_classes; i++) {
        if (C::membrane)
            score[i] = score_t(score_t(C::beta()) * score[i]) + score_t(in[i]);
        else
            score[i] += in[i] != 0 ? 1 : 0;
        if (score[i] > score[best])
            best = i;
        if (reached == C::n_classes && score[i] >= C::class_threshold)
            reached = i;
    }
    res_T out;
    if (C::logit)
        out[0] = (typename res_T::value_type)(score[1] - score[0]);
    else
        out[0] = C::thresholds && reached < C::n_classes ? reached : best;
    result.write(out);
    if (++step >= C::window_size) {
        step = 0;
        for (unsigned i = 0; i < C::n_classes; i++)
            score[i] = 0;
    }
}
} // namespace nnet
#endif
"""


class _Neuron(Layer):  # type: ignore[misc]
    _expected_attributes = [  # noqa: RUF012
        Attribute("n_in"), Attribute("n_out"), Attribute("window_size", default=0),
        Attribute("threshold", value_type=float), Attribute("threshold_mode", value_type=str, default="scalar"),
        Attribute("reset_mechanism", value_type=str, default="subtract"),
        TypeAttribute("membrane"), TypeAttribute("threshold"),
    ]  # fmt: skip

    def initialize(self) -> None:
        self.add_output_variable([self.get_attr("n_out")])


class IFNeuron(_Neuron):
    pass


class LIFNeuron(_Neuron):
    _expected_attributes = [  # noqa: RUF012
        Attribute("beta", value_type=float), Attribute("beta_mode", value_type=str, default="scalar"),
        TypeAttribute("beta"),
    ]  # fmt: skip


class Leaky(LIFNeuron):
    """hls4ml has a handler of this name only; here it is taken as a layer's too."""


class SNNReadout(Layer):  # type: ignore[misc]
    _expected_attributes = [  # noqa: RUF012
        Attribute("n_classes"), Attribute("window_size", default=1), Attribute("class_threshold", default=1),
        Attribute("output_mode", value_type=str, default="spike"), Attribute("beta", value_type=float, default=1.0),
        Attribute("decision_rule", value_type=str), Attribute("state_reset_policy", value_type=str),
        TypeAttribute("membrane", default=FixedPrecisionType(32, 16)),
    ]  # fmt: skip

    def initialize(self) -> None:
        self.add_output_variable([1])


def _looked_up(name: str, value: float, data: np.ndarray | None) -> str:
    if data is None:
        return f"    static double {name}(unsigned) {{ return {value!r}; }}\n"
    text = ", ".join(repr(float(v)) for v in data)
    return f"    static double {name}(unsigned i) {{ static const double all[] = {{{text}}}; return all[i]; }}\n"


class _Config(LayerConfigTemplate):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__([IFNeuron, LIFNeuron, SNNReadout])

    def format(self, node: Layer) -> str:
        a = node.get_attr
        body = f"    typedef {a('membrane_t').name} membrane_t;\n"
        numbers = {"window_size": a("window_size")}
        if node.class_name == "SNNReadout":
            rule = a("decision_rule")
            assert rule != "argmax_membrane" or a("output_mode") == "membrane"
            numbers |= {"n_classes": a("n_classes"), "class_threshold": a("class_threshold")}
            numbers |= {"membrane": int(a("output_mode") == "membrane"), "logit": int(rule == "binary_logit")}
            numbers |= {"thresholds": int("threshold" in rule)}
            body += f"    static double beta() {{ return {a('beta')!r}; }}\n"
        else:
            leaks = node.class_name == "LIFNeuron"
            assert a("reset_mechanism") in ("subtract", "zero")
            numbers |= {"n_out": a("n_out"), "leaks": int(leaks), "to_zero": int(a("reset_mechanism") == "zero")}
            body += f"    typedef {a('threshold_t').name} threshold_t;\n"
            body += f"    typedef {a('beta_t').name if leaks else 'membrane_t'} beta_t;\n"
            body += _looked_up("threshold", a("threshold"), a("threshold_data"))
            body += _looked_up("beta", a("beta") or 0.0, a("beta_data"))
        text = "".join(f"    static const unsigned {key} = {value};\n" for key, value in numbers.items())
        return f"struct config{node.index} {{\n{text}{body}}};\n"


class _Call(FunctionCallTemplate):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__([IFNeuron, LIFNeuron, SNNReadout], include_header=[f"nnet_utils/{h}" for h in HEADERS])

    def format(self, node: Layer) -> str:
        kernel = {"IFNeuron": "if_neuron", "LIFNeuron": "lif_neuron", "SNNReadout": "snn_readout"}[node.class_name]
        data, result = node.get_input_variable(), node.get_output_variable()
        return f"nnet::{kernel}<{data.type.name}, {result.type.name}, config{node.index}>({data.name}, {result.name});"


def register(folder: Path) -> None:
    """Take the names: layers, templates, and headers, which are written into a folder first."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = ["#ifndef NNET_SNN_COMMON_H_\n#define NNET_SNN_COMMON_H_\n#endif\n"]
    texts += [NEURON.format(kind=kind, KIND=kind.upper()) for kind in ("if", "lif")] + [READOUT]
    backend = get_backend("Vitis")
    for name, text in zip(HEADERS, texts, strict=True):
        (folder / name).write_text(text)
        backend.register_source(folder / name)
    for layer in (Leaky, IFNeuron, LIFNeuron, SNNReadout):
        register_layer(layer.__name__, layer)
    backend.register_template(_Config)
    backend.register_template(_Call)
