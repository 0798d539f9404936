"""A synapse layer and its neurons as one module."""

from __future__ import annotations

from typing import Any

import torch

from sctorch.nn.neuron import LIF
from sctorch.nn.synapse import FixedLinear, SCLinear

__all__ = ["Block", "FixedPointLIF", "StochasticLIF"]


class Block(torch.nn.Sequential):
    """Layers that a SpikingNetwork takes apart into its own."""


class StochasticLIF(Block):
    """`SCLinear` and `LIF`.

    Parameters
    ----------
    in_features, out_features, weight_bits, bias, bitstream_length : see `SCLinear`.
    neuron : every field of `LIF` but its size.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        weight_bits: int = 4,
        bias: bool = False,
        bitstream_length: int = 1,
        **neuron: Any,
    ) -> None:
        synapse = SCLinear(in_features, out_features, weight_bits, bias, bitstream_length)
        super().__init__(synapse, LIF(size=out_features, **neuron))


class FixedPointLIF(Block):
    """`FixedLinear` and `LIF`.

    Parameters
    ----------
    in_features, out_features, weight_bits, weight_frac, bias : see `FixedLinear`.
    neuron : every field of `LIF` but its size.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        weight_bits: int = 4,
        weight_frac: int | None = None,
        bias: bool = False,
        **neuron: Any,
    ) -> None:
        synapse = FixedLinear(in_features, out_features, weight_bits, weight_frac, bias)
        super().__init__(synapse, LIF(size=out_features, **neuron))
