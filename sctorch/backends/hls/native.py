"""hls4ml's own spiking layers in place of ours, where they compute the same integers.

IFNeuron, LIFNeuron and SNNReadout are those of hls4ml's main branch of June 2026; version 1.3.0 has none. What they
compute is written down in docs/native.md.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.errors import ToolNotFoundError, UnsupportedError

__all__ = ["check_installed", "readme", "refusals", "replaced"]

Entry = dict[str, Any]
LAYERS = ("IFNeuron", "LIFNeuron", "SNNReadout")


def refusals(network: ir.Network, chosen: Mapping[str, Any], trained: bool = True) -> dict[str, str]:
    """Why a layer (or an option) keeps a network from hls4ml's own layers, by name; empty if nothing does.

    The values of thresholds count only once they are `trained`.
    """
    found: dict[str, str] = {}
    if chosen["io_type"] != "io_stream":
        found["io_type"] = "hls4ml's SNNReadout does not compile with io_parallel; take io_stream"
    if chosen["window"] != "fixed":
        found["window"] = "its layers know windows of a fixed length alone"
    frac = 0
    for layer in network.layers:
        reason = ""
        if isinstance(layer, ir.StochasticSynapse):
            reason = "it has no stochastic synapses"
        elif isinstance(layer, ir.Delay):
            reason = "it has no delays"
        elif isinstance(layer, ir.Neuron):
            reason = _of_neuron(layer, frac, network.num_steps, trained)
        elif isinstance(layer, ir.Readout):
            reason = _of_readout(layer, frac, network.num_steps)
        if isinstance(layer, ir.Synapse):
            frac = layer.frac
        if reason:
            found[layer.name] = reason
    return found


def _of_neuron(layer: ir.Neuron, current_frac: int, steps: int, trained: bool) -> str:
    if layer.compare != "ge":
        return "it spikes at u >= threshold, where this one is to spike above it; compare='ge' is that rule"
    if layer.reset not in ("subtract", "zero"):
        return f"it resets by 'subtract' or to 'zero', not {layer.reset!r}"
    if layer.reset_delay:
        return "it resets at once, before the next leak; reset_delay=False is that rule"
    zeros = layer.frac - current_frac
    if layer.reset == "subtract" and trained:
        zeros = min(zeros, *(_trailing_zeros(int(value)) for value in layer.threshold))
    return _of_leak(layer.leak, zeros, steps)


def _of_readout(layer: ir.Readout, current_frac: int, steps: int) -> str:
    if layer.decision_rule == "first_to_threshold":
        return "its first_to_threshold lets a lower class take over later; threshold_then_argmax is that rule"
    if layer.output_mode == "spike":
        return ""
    shift = layer.frac - current_frac
    if layer.decision_rule == "binary_logit" and shift:
        return "it would cut the fraction off the logit; take a readout without a leak"
    if layer.leak.scales and any((int(f) << shift) % (1 << layer.leak.shift) for f in layer.leak.factor):
        return "it rounds beta to the membrane's fractional bits, which do not hold this one"
    if layer.leak.kind == "shift" and shift < layer.leak.shift:
        return "it rounds beta to the membrane's fractional bits, which do not hold this one"
    return _of_leak(layer.leak, shift, steps)


def _of_leak(leak: ir.Leak, zeros: int, steps: int) -> str:
    """zeros : low bits that are 0 in whatever is added to a membrane or taken from it."""
    if leak.kind == "stochastic":
        return "it has no stochastic leak"
    # floor(m (1 - 2^-k)) is one less than m - floor(m / 2^k) where the division leaves a rest: it must never.
    if leak.kind == "shift" and zeros < leak.shift * (steps - 1):
        return "its leak is floor(m beta), where 'shift' is m - floor(m / 2^k); leak='multiply' is that rule"
    return ""


def _trailing_zeros(value: int) -> int:
    return (value & -value).bit_length() - 1


def replaced(
    layers: list[Entry], network: ir.Network, widths: Mapping[str, int], chosen: Mapping[str, Any], trained: bool
) -> tuple[list[Entry], dict[str, Any]]:
    """The plan's layers with hls4ml's own in the place of neurons and readout, and hls4ml's configuration of those.

    Raises
    ------
    UnsupportedError
        If one of them is not computed exactly; every such layer is named, with the reason.
    """
    found = refusals(network, chosen, trained)
    if found:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in found.items())
        raise UnsupportedError(
            f"native=True ({reasons})", "hls backend",
            "Leave native out: the kernels of sctorch compute all of it exactly.",
        )  # fmt: skip
    by_name = {layer.name: layer for layer in network.layers}
    shifts = {entry["name"]: entry["current_shift"] for entry in layers if "current_shift" in entry}
    made, types = [], {}
    for entry in layers:
        layer = by_name.get(entry["name"])
        if isinstance(layer, ir.Neuron):
            native, config = _neuron(layer, shifts[layer.name], widths, network.num_steps)
        elif isinstance(layer, ir.Readout):
            native, config = _readout(layer, shifts[layer.name], widths, network.num_steps)
        elif entry["class_name"] == "SctorchDecision":
            continue  # hls4ml's readout decides itself
        else:
            made.append(entry)
            continue
        made.append({"name": layer.name, "result_fixed": False, "looped": False, **native})
        types[layer.name] = config
    return made, types


def _fixed(width: int, frac: int) -> str:
    return f"fixed<{width},{width - frac}>"


def _beta(leak: ir.Leak) -> tuple[Entry, dict[str, str]]:
    """Attributes and type of a decay that is not 1."""
    values = leak.beta
    one = bool((values == values[0]).all())
    attributes: Entry = {"beta_mode": "scalar" if one else "vector", "beta": float(values[0]) if one else 0.0}
    if not one:
        attributes["beta_data"] = values.astype(np.float32)
    return attributes, {"beta_t": f"ufixed<{leak.shift + 1},1>"}


def _neuron(layer: ir.Neuron, shift: int, widths: Mapping[str, int], steps: int) -> tuple[Entry, dict[str, Any]]:
    """In units of the current's lowest bit, of which the membrane holds `shift` fractional ones."""
    theta = layer.threshold * 2.0**-shift
    one = bool((theta == theta[0]).all())
    attributes: Entry = {
        "class_name": "IFNeuron" if layer.leak.kind == "none" else "LIFNeuron",
        "n_in": layer.size, "n_out": layer.size, "n_result": layer.size, "result_width": 1,
        "window_size": steps, "reset_mechanism": layer.reset,
        "threshold_mode": "scalar" if one else "vector", "threshold": float(theta[0]) if one else 0.0,
    }  # fmt: skip
    if not one:
        attributes["threshold_data"] = theta.astype(np.float32)
    config: dict[str, Any] = {
        "membrane_t": _fixed(widths[f"{layer.name}.membrane"], shift),
        "threshold_t": _fixed(widths[f"{layer.name}.threshold"], shift),
        "Precision": {"result": "ufixed<1,1>"},
    }
    if attributes["class_name"] == "LIFNeuron":
        beta, of_beta = _beta(layer.leak)
        attributes, config = attributes | beta, config | of_beta
    return attributes, config


def _readout(layer: ir.Readout, shift: int, widths: Mapping[str, int], steps: int) -> tuple[Entry, dict[str, Any]]:
    attributes = {
        "class_name": "SNNReadout", "n_classes": layer.size, "n_result": 1,
        "result_width": widths[f"{layer.name}.decision"],
        "window_size": steps, "class_threshold": layer.class_threshold, "output_mode": layer.output_mode,
        "decision_rule": layer.decision_rule, "beta": float(layer.leak.beta[0]), "state_reset_policy": "fixed_window",
    }  # fmt: skip
    kind = "int" if layer.decision_rule == "binary_logit" else "uint"
    # Beta goes through the membrane's type as well: 1 must fit beside the sign.
    membrane = max(widths[f"{layer.name}.result"], shift + 2)
    config = {
        "membrane_t": _fixed(membrane, shift),
        "Precision": {"result": f"{kind}<{widths[f'{layer.name}.decision']}>"},
    }
    return attributes, config


def check_installed(layers: list[Entry]) -> None:
    """ToolNotFoundError if the installed hls4ml lacks a layer that a plan asks of it."""
    if not any(entry["class_name"] in LAYERS for entry in layers):
        return
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of hls4ml's imports
        from hls4ml.model.layers import layer_map

    missing = sorted({entry["class_name"] for entry in layers} & set(LAYERS) - set(layer_map))
    if missing:
        raise ToolNotFoundError(
            f"{', '.join(missing)} of hls4ml, for native=True,",
            f"The installed hls4ml {version('hls4ml')} has no such layer. Install one that has (its main branch, from "
            "June 2026 on), or leave native out: the kernels of sctorch compute the same.",
        )


def readme(native: Mapping[str, str], network: ir.Network) -> str:
    """What stands in the project's README.md: which layers are whose."""
    lines = [f"- {name}: {kind} of hls4ml {version('hls4ml')}\n" for name, kind in native.items()]
    own = ", ".join(layer.name for layer in network.layers if layer.name not in native)
    return (
        f"# {network.name}\n\nExported with `native=True`. Spiking layers of hls4ml itself:\n\n{''.join(lines)}\n"
        f"The others ({own}) are kernels of sctorch, around hls4ml's dense kernel where they hold weights.\n"
        "hls4ml's layers show no membranes and no scores, so those are in no trace.\n"
    )
