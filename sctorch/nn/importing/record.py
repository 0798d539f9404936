"""What a conversion from another library rounded, stated: per layer, as numbers and as text."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from sctorch.nn.network import SpikingNetwork

__all__ = ["Conversion", "ConvertedNetwork", "LayerConversion", "QuantisationWarning", "conversion_options"]

OPTIONS_KEY = "snntorch_options"


class QuantisationWarning(UserWarning):
    """Something was rounded to a grid of the hardware: what, and by how much at most."""


@dataclass(frozen=True)
class LayerConversion:
    """One nn.Linear and the Leaky behind it; every error is the largest |used - given| of the layer, in value units.

    Parameters
    ----------
    names : the two modules' names in the given network, "fc1 + lif1".
    weight_bits, weight_frac : magnitude bits and fractional bits of the integer weights.
    frac_bits : fractional bits of the membrane.
    cut : fractional bits that the weights lost because float32 has no room for the membranes they would need.
    weight_error, bias_error, beta_error, threshold_error : what rounding the parameters changed.
    membrane_error : bound of what rounding the leak takes from a membrane within one window, as long as the spikes
        stay the same. 0 where the bits hold every decayed sum.
    """

    names: str
    weight_bits: int
    weight_frac: int
    frac_bits: int
    weight_error: float = 0.0
    bias_error: float = 0.0
    beta_error: float = 0.0
    threshold_error: float = 0.0
    membrane_error: float = 0.0
    cut: int = 0

    @property
    def errors(self) -> dict[str, float]:
        return {
            "weight": self.weight_error, "bias": self.bias_error, "beta": self.beta_error,
            "threshold": self.threshold_error, "membrane": self.membrane_error,
        }  # fmt: skip

    @property
    def exact(self) -> bool:
        return not any(self.errors.values())

    def __str__(self) -> str:
        errors = ", ".join(f"{name} {value:.3g}" for name, value in self.errors.items() if value)
        cut = f" ({self.cut} fewer than wished: a beta of 1 - 2^-k leaves the most room)" if self.cut else ""
        return (
            f"{self.names}: {self.weight_bits}-bit weights with {self.weight_frac} fractional bits{cut}, membranes "
            f"with {self.frac_bits}; " + (f"largest errors: {errors}" if errors else "exact")
        )


@dataclass(frozen=True)
class Conversion:
    """How a network came out of `from_snntorch`.

    Parameters
    ----------
    layers : one entry per nn.Linear.
    options : the arguments of the conversion, so that it can be repeated.
    fingerprint : digest of the converted parameters; another one means that they were trained further.
    """

    layers: tuple[LayerConversion, ...]
    options: Mapping[str, str | int | None]
    fingerprint: str

    @property
    def exact(self) -> bool:
        """Whether the network computes snntorch's own numbers: nothing was rounded, nothing can be."""
        return all(layer.exact for layer in self.layers)

    @property
    def parameter_error(self) -> float:
        """The largest error of any weight, bias, beta or threshold, in value units."""
        return max(value for x in self.layers for name, value in x.errors.items() if name != "membrane")

    def summary(self) -> str:
        """One line per layer: bits, and the largest errors."""
        return "\n".join(str(layer) for layer in self.layers)


class ConvertedNetwork(SpikingNetwork):
    """A SpikingNetwork that was made from another library's, with the record of what that rounded.

    Attributes
    ----------
    conversion : the record. It speaks of the network as it was converted, before any further training.
    """

    conversion: Conversion

    def converted_meta(self) -> dict[str, str]:
        """Texts for an exported design: the record, or that it is no longer true."""
        if fingerprint(self) != self.conversion.fingerprint:
            return {"snntorch": "converted from a snntorch network, then changed (trained or pruned) further"}
        return {"snntorch": self.conversion.summary(), OPTIONS_KEY: json.dumps(dict(self.conversion.options))}


def conversion_options(meta: Mapping[str, str]) -> dict[str, str | int | None]:
    """The arguments of the conversion behind a design, from its meta; none for another design."""
    options: dict[str, str | int | None] = json.loads(meta.get(OPTIONS_KEY, "{}"))
    return options


def fingerprint(net: torch.nn.Module) -> str:
    """Digest of all parameters and buffers."""
    digest = hashlib.sha256()
    for tensor in itertools.chain(net.parameters(), net.buffers()):
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
