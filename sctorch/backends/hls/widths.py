"""The width of every tensor of a project, from the interval analysis: nothing is left to hls4ml to infer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sctorch import ir

__all__ = ["MAX_WIDTH", "Tensor", "tensors"]

# hls4ml hands every traced value over as a double.
MAX_WIDTH = 53


@dataclass(frozen=True)
class Tensor:
    """A tensor that has a type of its own.

    width : bits that hold every value it can take. least : the narrowest that a user may ask for.
    is_constant : known at the export, so that it may not be cut.
    """

    width: int
    least: int = 1
    is_constant: bool = False


def tensors(network: ir.Network) -> dict[str, Tensor]:
    """Every tensor whose width may be chosen, by "<layer>.<tensor>"; spikes are 1 bit, an input as wide as its encoder.

    Synapses have weight, bias, accum and result; neurons membrane and threshold; the readout result (its scores, which
    are its membranes too) and decision.
    """
    ranges = ir.analyse(network)
    found: dict[str, Tensor] = {}
    for layer in network.layers:
        if isinstance(layer, ir.Synapse):
            bounds = ranges[layer.name]
            assert bounds.current is not None
            assert bounds.tick is not None
            # hls4ml's kernels keep single products as wide as their sum, and those know nothing of the bias.
            accum = bounds.current if isinstance(layer, ir.StochasticSynapse) else bounds.current.union(bounds.tick)
            parts = {
                "weight": _constant(layer.weight, layer.weight_bits + 1),
                "bias": _constant(layer.bias),
                "accum": Tensor(accum.width),
                "result": Tensor(bounds.current.width),
            }
        elif isinstance(layer, ir.Neuron):
            bounds = ranges[layer.name]
            assert bounds.charged is not None
            assert bounds.membrane is not None
            # The charged membrane before its reset must fit too. What lies between (the leaked membrane less
            # a delayed reset) may leave these bounds for a moment: adding the current brings it back.
            parts = {
                "membrane": Tensor(bounds.charged.union(bounds.membrane).width),
                "threshold": _constant(layer.threshold),
            }
        elif isinstance(layer, ir.Readout):
            bounds = ranges[layer.name]
            assert bounds.membrane is not None
            assert bounds.decision is not None
            logit = layer.decision_rule == "binary_logit"
            classes = ir.unsigned_width(layer.size - 1)
            parts = {
                "result": Tensor(bounds.membrane.width),
                "decision": Tensor(bounds.decision.width) if logit else Tensor(classes, classes, True),
            }
        else:
            continue
        found |= {f"{layer.name}.{part}": tensor for part, tensor in parts.items()}
    return found


def _constant(values: np.ndarray, width: int | None = None) -> Tensor:
    least = ir.signed_width(int(values.min()), int(values.max()))
    return Tensor(width or least, least, True)
