"""A synapse layer and its neurons as one module."""

from __future__ import annotations

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
    beta, threshold, compare, reset_mechanism, reset_delay, frac_bits, delay : see `LIF`.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        weight_bits: int = 4,
        bias: bool = False,
        bitstream_length: int = 1,
        beta: float = 0.9375,
        threshold: float = 1.0,
        compare: str = "gt",
        reset_mechanism: str = "subtract",
        reset_delay: bool = True,
        frac_bits: int = 4,
        delay: int = 0,
    ) -> None:
        super().__init__(
            SCLinear(in_features, out_features, weight_bits, bias, bitstream_length),
            LIF(out_features, beta, threshold, "auto", compare, reset_mechanism, reset_delay, frac_bits, None, delay),
        )


class FixedPointLIF(Block):
    """`FixedLinear` and `LIF`.

    Parameters
    ----------
    in_features, out_features, weight_bits, weight_frac, bias : see `FixedLinear`.
    beta, threshold, compare, reset_mechanism, reset_delay, frac_bits, delay : see `LIF`.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        weight_bits: int = 4,
        weight_frac: int | None = None,
        bias: bool = False,
        beta: float = 0.9375,
        threshold: float = 1.0,
        compare: str = "gt",
        reset_mechanism: str = "subtract",
        reset_delay: bool = True,
        frac_bits: int = 4,
        delay: int = 0,
    ) -> None:
        super().__init__(
            FixedLinear(in_features, out_features, weight_bits, weight_frac, bias),
            LIF(out_features, beta, threshold, "auto", compare, reset_mechanism, reset_delay, frac_bits, None, delay),
        )
