"""Synapses: the weights between two layers of spikes."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from sctorch.checks import check_flag, check_range, is_integer
from sctorch.errors import ConfigError, ShapeError
from sctorch.nn.checks import check_tensor, shown_shape
from sctorch.nn.encoder import LARGEST, stream_source
from sctorch.nn.functional import exact_product, quantise_weight, stochastic_current
from sctorch.nn.rounding import round_to_grid

__all__ = ["FixedLinear", "SCLinear", "Synapse"]

LENGTHS = tuple(2**k for k in range(9))  # of a bit stream


class Synapse(torch.nn.Module):
    """What both kinds of synapse have: float weights that stand for integers, and a mask.

    Attributes
    ----------
    weight : float parameter [out_features, in_features]; useful values lie within (-limit, limit).
    bias : float parameter [out_features], or None.
    mask : buffer of weight's shape; a 0 removes the synapse for good.
    bitstream_length : ticks per timestep. frac : fractional bits of a current (of spikes).
    """

    mask: Tensor
    bitstream_length: int = 1

    def __init__(self, in_features: int, out_features: int, weight_bits: int, most_bits: int, bias: bool) -> None:
        super().__init__()
        where = type(self).__name__
        self.in_features = in_features = check_range(in_features, 1, LARGEST, f"{where}: in_features")
        self.out_features = out_features = check_range(out_features, 1, LARGEST, f"{where}: out_features")
        self.weight_bits = check_range(weight_bits, 1, most_bits, f"{where}: weight_bits")
        check_flag(bias, f"{where}: bias")
        self.weight = torch.nn.Parameter(torch.empty(out_features, in_features))
        self.bias = torch.nn.Parameter(torch.zeros(out_features)) if bias else None
        self.register_buffer("mask", torch.ones(out_features, in_features))

    @property
    def frac(self) -> int:
        raise NotImplementedError

    @property
    def limit(self) -> float:
        """Weights beyond this round to no integer of their own."""
        return 1.0

    def reset_parameters(self) -> None:
        """Uniform weights of a width that keeps currents near one threshold."""
        bound = min(0.9, 2.0 / math.sqrt(self.in_features)) * self.limit
        torch.nn.init.uniform_(self.weight, -bound, bound)

    def integer_weight(self) -> Tensor:
        """The hardware's weights, integers in floats, masked ones 0; gradients pass straight through."""
        raise NotImplementedError

    def _integer_bias(self, frac: int) -> Tensor | None:
        """The hardware's bias in units of 2**-frac, or None."""
        return None if self.bias is None else round_to_grid(self.bias, frac, -(2**23), 2**23)

    def check_input(self, x: Tensor) -> None:
        where = type(self).__name__
        check_tensor(x, where, "spikes", self.weight.device)
        if x.ndim != 3 or x.shape[2] != self.in_features or 0 in x.shape:
            raise ShapeError(f"{where}: expected spikes [T, B, {self.in_features}], got {shown_shape(x)}")


class FixedLinear(Synapse):
    """Fixed-point synapse: I_i[t] = b_i + sum over inputs of x_j w_ij, with integers w_ij.

    w_ij = round(weight_ij * 2**weight_frac), clamped to |w| < 2**weight_bits. Equals
    `sctorch.ir.FixedSynapse`.

    Parameters
    ----------
    in_features, out_features : sizes, at least 1.
    weight_bits : bits of the magnitude, 1 to 16; the sign is apart.
    weight_frac : fractional bits of a weight, 0 to 24; default weight_bits, for weights in (-1, 1).
    bias : learn an integer bias per neuron, added once per timestep.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        weight_bits: int = 4,
        weight_frac: int | None = None,
        bias: bool = False,
    ) -> None:
        super().__init__(in_features, out_features, weight_bits, 16, bias)
        weight_frac = self.weight_bits if weight_frac is None else weight_frac
        self.weight_frac = check_range(weight_frac, 0, 24, "FixedLinear: weight_frac")
        self.reset_parameters()

    @property
    def frac(self) -> int:
        return self.weight_frac

    @property
    def limit(self) -> float:
        return 2.0 ** (self.weight_bits - self.weight_frac)

    def integer_weight(self) -> Tensor:
        limit = 2**self.weight_bits - 1
        return round_to_grid(self.weight * self.mask, self.weight_frac, -limit, limit)

    def integer_bias(self, input_bits: int = 0) -> Tensor | None:
        """The hardware's bias in units of 2**-(weight_frac + input_bits), or None."""
        return self._integer_bias(self.weight_frac + input_bits)

    def forward(self, x: Tensor, input_bits: int = 0) -> Tensor:
        """Currents [T, B, out] (integers, units of 2**-(weight_frac + input_bits)) for inputs [T, B, in].

        input_bits : 0 for spikes; the bits of a direct encoder's integers.
        """
        self.check_input(x)
        weight = self.integer_weight()
        current = exact_product(x, weight)
        bias = self.integer_bias(input_bits)
        return current if bias is None else current + bias

    def extra_repr(self) -> str:
        return (
            f"{self.in_features}, {self.out_features}, weight_bits={self.weight_bits}, weight_frac={self.weight_frac}"
        )


class SCLinear(Synapse):
    """Stochastic synapse: weights are streams of bits, products are ANDs, sums are counted exactly.

    I_i[t] = b_i + sum over ticks and inputs of s_j sign(w_ij) (|w_ij| > R_j), with the integer
    weights w_ij = round(weight_ij * 2**weight_bits). Equals `sctorch.ir.StochasticSynapse`.

    Parameters
    ----------
    in_features, out_features : sizes, at least 1.
    weight_bits : bits of the magnitude, 1 to 8; the sign is apart, so |w| < 2**weight_bits.
    bias : learn an integer bias per neuron, added once per timestep.
    bitstream_length : ticks per timestep, a power of two from 1 to 256.
    source : "lfsr" or "counter".
    polynomial : exponents of the LFSR's polynomial; default a maximal one of
        max(weight_bits + 1, 5) bits.
    seed : the LFSR's register at the window's start.
    decorrelator : how input j gets its own R_j: "shift" (default for an LFSR), "shared",
        "permute" or "independent".

    Raises
    ------
    ConfigError
        For a field outside its range; the message names it.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        weight_bits: int = 4,
        bias: bool = False,
        bitstream_length: int = 1,
        source: str = "lfsr",
        polynomial: list[int] | None = None,
        seed: int = 1,
        decorrelator: str | None = None,
    ) -> None:
        super().__init__(in_features, out_features, weight_bits, 8, bias)
        if not is_integer(bitstream_length) or bitstream_length not in LENGTHS:
            raise ConfigError(f"SCLinear: bitstream_length = {bitstream_length!r} must be a power of two from 1 to 256")
        self.bitstream_length = int(bitstream_length)
        if decorrelator is None:
            decorrelator = "shared" if isinstance(source, str) and source == "counter" else "shift"
        bits = self.weight_bits
        self.source = stream_source("SCLinear", source, bits, max(bits + 1, 5), polynomial, seed, decorrelator)
        self._random: dict[tuple[int, torch.device, torch.dtype], Tensor] = {}
        self.reset_parameters()

    @property
    def frac(self) -> int:
        return self.bitstream_length.bit_length() - 1

    def integer_weight(self) -> Tensor:
        """The hardware's weights, integers in floats, masked ones 0; gradients pass straight through."""
        return quantise_weight(self.weight * self.mask, self.weight_bits)

    def integer_bias(self) -> Tensor | None:
        """The hardware's bias in units of 1 / bitstream_length, or None."""
        return self._integer_bias(self.frac)

    def random(self, ticks: int) -> Tensor:
        """R [ticks, in_features], computed once per window length."""
        key = (ticks, self.weight.device, self.weight.dtype)
        if key not in self._random:
            values = self.source.values(self.in_features, ticks).astype(np.float32)
            self._random[key] = torch.from_numpy(values).to(self.weight.device, self.weight.dtype)
        return self._random[key]

    def forward(self, spikes: Tensor) -> Tensor:
        """Currents [T, B, out] (integers, units of 1 / bitstream_length) for spikes [T * L, B, in]."""
        self.check_input(spikes)
        if spikes.shape[0] % self.bitstream_length:
            raise ShapeError(
                f"SCLinear: {spikes.shape[0]} ticks are no multiple of bitstream_length = {self.bitstream_length}"
            )
        current = stochastic_current(
            spikes, self.integer_weight(), self.random(spikes.shape[0]), self.bitstream_length, self.weight_bits
        )
        bias = self.integer_bias()
        return current if bias is None else current + bias

    def extra_repr(self) -> str:
        return (
            f"{self.in_features}, {self.out_features}, weight_bits={self.weight_bits}, "
            f"bitstream_length={self.bitstream_length}, source={self.source.kind}, "
            f"decorrelator={self.source.decorrelator}"
        )
