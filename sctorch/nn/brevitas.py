"""A Brevitas QuantLinear as a fixed-point synapse: Brevitas quantises, and its integers are what computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sctorch.checks import check_range
from sctorch.errors import UnsupportedError
from sctorch.nn.encoder import LARGEST
from sctorch.nn.importing.grids import exact_frac
from sctorch.nn.rounding import round_to_grid
from sctorch.nn.synapse import FixedLinear

if TYPE_CHECKING:
    from brevitas.nn import QuantLinear

__all__ = ["BrevitasLinear", "is_brevitas"]

MOST_FRAC, MOST_BITS = 24, 16  # of a FixedLinear
FIXED_POINT = (
    "Take a quantiser whose scales are powers of two, such as brevitas.quant.Int8WeightPerTensorFixedPoint with "
    "weight_bit_width=4."
)


def is_brevitas(module: torch.nn.Module) -> bool:
    """Whether a module is one of Brevitas' layers or derives from one; Brevitas is not imported for the answer."""
    return any(kind.__module__.split(".")[0] == "brevitas" for kind in type(module).__mro__)


class BrevitasLinear(FixedLinear):
    """Fixed-point synapse whose weights are the integers of a `brevitas.nn.QuantLinear`.

    A SpikingNetwork makes one of every QuantLinear that it is given. Where Brevitas gives the values
    n_ij * 2**-f_i (one f, or one per output row), the synapse holds n_ij * 2**(weight_frac - f_i): with one
    scale per tensor these are Brevitas' own integers. The gradient is the one that Brevitas gives.

    Parameters
    ----------
    linear : the layer; it stays the owner of its parameters and of the way in which it quantises.
    where : what errors call it.

    Attributes
    ----------
    linear : the QuantLinear. quantiser : what it does, as a text.
    weight_bits, weight_frac : follow its weights and scales, also while they are trained.

    Raises
    ------
    UnsupportedError
        For a quantiser that these integers cannot express, here or (where training leads there) when it is used.
    """

    def __init__(self, linear: QuantLinear, where: str = "QuantLinear") -> None:
        torch.nn.Module.__init__(self)  # not FixedLinear's: weight and bias are those of `linear`
        self._where = where
        _check(linear, where)
        self.in_features = check_range(linear.in_features, 1, LARGEST, f"{where}: in_features")
        self.out_features = check_range(linear.out_features, 1, LARGEST, f"{where}: out_features")
        self.linear = linear
        self.register_buffer("mask", torch.ones_like(linear.weight))
        with torch.no_grad():
            quantised, _ = self._quantised()
        # A plain text, so that it is part of what a checkpoint says of its network.
        self.quantiser = (
            f"{float(quantised.bit_width):g} bits {'signed' if quantised.signed else 'unsigned'}, "
            f"{'one scale' if quantised.scale.numel() == 1 else 'a scale per row'}, "
            f"{'no' if linear.bias is None else 'quantised' if linear.bias_quant.is_quant_enabled else 'float'} bias"
        )

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """Brevitas' float parameter [out_features, in_features]."""
        return self.linear.weight

    @property
    def bias(self) -> Tensor | None:  # type: ignore[override]
        return self.linear.bias

    @property
    def weight_frac(self) -> int:  # type: ignore[override]
        with torch.no_grad():
            return self._quantised()[1]

    @property
    def weight_bits(self) -> int:  # type: ignore[override]
        with torch.no_grad():
            return max(1, int(self.integer_weight().abs().max()).bit_length())

    @property
    def limit(self) -> float:
        return float("inf")  # Brevitas' scales follow the weights

    def reset_parameters(self) -> None:
        self.linear.reset_parameters()

    def integer_weight(self) -> Tensor:
        quantised, frac = self._quantised()
        return quantised.value * 2.0**frac * self.mask

    def integer_bias(self, input_bits: int = 0) -> Tensor | None:
        """The hardware's bias in units of 2**-(weight_frac + input_bits), or None.

        A bias that Brevitas quantises is taken as it is; a float one is rounded, halves to even.
        """
        if self.bias is None:
            return None
        quantised, frac = self._quantised()
        if not self.linear.bias_quant.is_quant_enabled:
            return round_to_grid(self.bias, frac + input_bits, -(2**23), 2**23)
        bias = self._quantised_bias(quantised, input_bits) * 2.0 ** (frac + input_bits)
        # Integers already, but for a row of zeros, whose scale Brevitas makes tiny and its bias' too.
        return bias + (bias.round() - bias).detach()

    def _quantised(self) -> tuple[Any, int]:
        """Brevitas' IntQuantTensor of the weights, and the fractional bits of the grid that holds all of them."""
        from brevitas.quant_tensor import IntQuantTensor

        tensor = self.linear.quant_weight()
        if not isinstance(tensor, IntQuantTensor):
            raise UnsupportedError(f"a weight of type {type(tensor).__name__}", self._where, FIXED_POINT)
        if bool((tensor.zero_point != 0).any()):
            raise UnsupportedError("a zero point of the weights", self._where, "Take a symmetric weight quantiser.")
        scale = tensor.scale.detach()
        if scale.numel() not in (1, self.out_features):
            raise UnsupportedError(
                f"a scale of shape {tuple(scale.shape)}", self._where, "Take one scale per tensor, or per channel."
            )
        mantissa, exponent = torch.frexp(scale.reshape(-1))
        if not bool((mantissa == 0.5).all()):
            worst = float(scale.reshape(-1)[mantissa != 0.5][0])
            raise UnsupportedError(f"the weight scale {worst:g}, no power of two,", self._where, FIXED_POINT)
        integers = tensor.value.detach() / scale
        if not torch.equal(integers, integers.round()):
            raise UnsupportedError(
                "weights that are not quantised yet", self._where, "Leave out weight_quant_delay_steps."
            )
        rows = (1 - exponent).expand(self.out_features)[integers.ne(0).any(dim=1)]  # a row of zeros asks for no bits
        frac = max([0, self._bias_frac(tensor), *rows.tolist()])
        if frac > MOST_FRAC:
            raise UnsupportedError(f"a grid of 2^-{frac}", self._where, f"At most {MOST_FRAC} fractional bits fit.")
        bits = int(tensor.value.detach().abs().max() * 2.0**frac).bit_length()
        if bits > MOST_BITS:
            raise UnsupportedError(
                f"a weight of {bits} bits on the common grid of 2^-{frac}", self._where,
                f"At most {MOST_BITS} fit: take one scale per tensor, a smaller weight_bit_width, or a bias "
                "on a coarser grid.",
            )  # fmt: skip
        return tensor, frac

    def _bias_frac(self, weight: Any) -> int:
        """Fractional bits that a bias with a scale of its own needs."""
        quantiser = self.linear.bias_quant
        if self.bias is None or not quantiser.is_quant_enabled or quantiser.requires_input_scale:
            return 0  # rounded to the weights' grid, or quantised on it
        values = self._quantised_bias(weight, 0).detach().cpu().double().numpy()
        frac = exact_frac(np.asarray(values), MOST_FRAC)
        if frac is None:
            raise UnsupportedError(
                f"a bias off the grid of 2^-{MOST_FRAC}", self._where,
                "Take a bias quantiser on the weights' grid (brevitas.quant.Int16Bias) or with power-of-two scales "
                "(Int8BiasPerTensorFixedPointInternalScaling).",
            )  # fmt: skip
        return frac

    def _quantised_bias(self, weight: Any, input_bits: int) -> Tensor:
        """Values of the bias as Brevitas quantises it for spikes, or for integers of `input_bits` bits."""
        from brevitas.quant_tensor import IntQuantTensor

        # A quantiser on the products' grid asks for the scale of the inputs: 1 of a spike.
        bits = max(1, input_bits)
        like = weight.value.new_zeros(1, self.in_features)
        inputs = IntQuantTensor(like, like.new_tensor(2.0**-input_bits), like.new_tensor(0.0),
                                like.new_tensor(float(bits)), False, self.training)  # fmt: skip
        result: Tensor = self.linear.bias_quant(self.bias, inputs, weight).value
        return result


def _check(linear: Any, where: str) -> None:
    """UnsupportedError for what a QuantLinear may do beside its weights."""
    from brevitas.nn import QuantLinear

    if type(linear) is not QuantLinear:
        raise UnsupportedError(
            f"{type(linear).__name__} of Brevitas", where,
            "Of Brevitas' layers brevitas.nn.QuantLinear itself is taken; neurons (nn.LIF) stand between them.",
        )  # fmt: skip
    if linear._forward_hooks or linear._forward_pre_hooks:
        raise UnsupportedError(
            "a forward hook, which may change what is computed,", where,
            "Remove it (that of torch.nn.utils.prune with prune.remove).",
        )  # fmt: skip
    for side in ("input", "output"):
        if getattr(linear, f"{side}_quant").is_quant_enabled:
            raise UnsupportedError(
                f"an {side} quantiser", where,
                f"Leave out {side}_quant: spikes are bits, and currents are summed exactly.",
            )  # fmt: skip
    for quantiser in (linear.weight_quant, linear.bias_quant):
        if any(type(module).__name__ == "StochasticRoundSte" for module in quantiser.modules()):
            raise UnsupportedError(
                "stochastic rounding", where,
                "Its integers are others at every call; leave out float_to_int_impl_type, or round in another way.",
            )  # fmt: skip
    if not linear.weight_quant.is_quant_enabled:
        raise UnsupportedError("a weight without a quantiser", where, FIXED_POINT)
    if linear.weight_quant.requires_quant_input:
        raise UnsupportedError("a weight quantiser that depends on the input's", where, FIXED_POINT)
