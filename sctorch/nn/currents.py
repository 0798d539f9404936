"""Weights, bits and the exact currents of synapses, with straight-through gradients.

Every tensor here holds integers exactly (|n| < 2**24 in float32); shapes are [T, B, n], time first.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from sctorch.nn.kernels import calls

__all__ = ["exact_product", "quantise_weight", "rate_bits", "stochastic_current"]


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, bits: int) -> Tensor:
        limit = 2**bits - 1
        return (weight * 2**bits).round_().clamp_(-limit, limit)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None


def quantise_weight(weight: Tensor, bits: int) -> Tensor:
    """Sign-magnitude integers round(w * 2**bits), clamped to |w| < 2**bits; straight-through.

    The gradient is handed on in units of the real weight, so that callers that give the
    gradient of w (and not of its integer) train at one scale for every bit width.
    """
    result: Tensor = _Round.apply(weight, bits)
    return result


def rate_bits(values: Tensor, random: Tensor) -> Tensor:
    """Bits [ticks, B, n] = (values [B, n] > random [ticks, n]), as uint8: they pass no gradient, and are many."""
    return (values.unsqueeze(0) > random.unsqueeze(1)).view(torch.uint8)


def _no_autocast(device: torch.device) -> AbstractContextManager[object]:
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)


def exact_product(x: Tensor, weight: Tensor) -> Tensor:
    """x [..., n_in] times weight [n_out, n_in], integers of up to 16 bits: exact, however few bits torch may use.

    Autocast and the lower float32 precisions (TF32, bfloat16) would round integers of more than 8 bits.
    """
    with _no_autocast(x.device):
        if torch.get_float32_matmul_precision() == "highest":
            return x.to(weight.dtype) @ weight.t()
        return (x.double() @ weight.double().t()).to(weight.dtype)


def _sampled_products(bits: Tensor, weight: Tensor, random: Tensor, length: int) -> Tensor:
    """The current in plain torch: the reference of the compiled kernel."""
    ticks, batch, n_in = bits.shape
    steps = ticks // length
    bits = bits.to(weight.dtype)
    sampled = torch.where(weight.abs().unsqueeze(0) > random.unsqueeze(1), weight.sign(), 0.0)  # [ticks, n_out, n_in]
    if length > 1:
        # The ticks of one timestep lie side by side, so that one product sums them.
        bits = bits.view(steps, length, batch, n_in).transpose(1, 2).reshape(steps, batch, length * n_in)
        sampled = sampled.view(steps, length, -1, n_in).transpose(1, 2).reshape(steps, -1, length * n_in)
    with _no_autocast(bits.device):  # its sums would be rounded; -1, 0 and 1 never are
        return torch.bmm(bits, sampled.transpose(1, 2))


class _StochasticCurrent(torch.autograd.Function):
    """I[t] = sum over ticks and inputs of s sign(w) (|w| > R); d/dw and d/ds as for I = s w / 2**bits."""

    @staticmethod
    def forward(ctx: Any, bits: Tensor, weight: Tensor, random: Tensor, length: int, mean_scale: float) -> Tensor:
        compiled = calls.fits(weight, random, bits=bits)
        ctx.grouped = compiled and length == 1 and ctx.needs_input_grad[1]
        ctx.save_for_backward(calls.group_bits(bits) if ctx.grouped else bits, weight)
        ctx.length, ctx.mean_scale = length, mean_scale
        return (calls.currents if compiled else _sampled_products)(bits, weight, random, length)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        bits, weight = ctx.saved_tensors
        steps, batch, n_out = grad.shape
        grad_bits = grad_weight = None
        if ctx.needs_input_grad[0]:
            per_step = grad @ (weight * ctx.mean_scale)
            grad_bits = per_step.repeat_interleave(ctx.length, dim=0) if ctx.length > 1 else per_step
        if ctx.grouped:
            grad_weight = calls.weight_gradient(grad, bits)
        elif ctx.needs_input_grad[1]:
            counts = bits.view(steps, ctx.length, batch, -1).sum(dim=1, dtype=grad.dtype)
            grad_weight = grad.reshape(-1, n_out).t() @ counts.reshape(steps * batch, -1)
        return grad_bits, grad_weight, None, None, None


def stochastic_current(bits: Tensor, weight: Tensor, random: Tensor, bitstream_length: int, weight_bits: int) -> Tensor:
    """Exact current of a stochastic synapse, [T, B, n_out], in units of 1 / bitstream_length.

    Parameters
    ----------
    bits : input bits [T * L, B, n_in], 0 or 1, floats or uint8 (then without a gradient).
    weight : integers [n_out, n_in] from `quantise_weight`, at most 8 bits of magnitude.
    random : R [T * L, n_in].
    """
    result: Tensor = _StochasticCurrent.apply(bits, weight, random, bitstream_length, 2.0**-weight_bits)
    return result
