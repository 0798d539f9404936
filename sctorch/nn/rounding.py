"""Rounding real parameters to the hardware's integers, with a straight-through gradient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["round_to_grid"]


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, frac: int, low: int, high: int) -> Tensor:
        ctx.scale = 2.0**frac
        return (x * ctx.scale).round_().clamp_(low, high)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        return grad * ctx.scale, None, None, None


def round_to_grid(x: Tensor, frac: int, low: int, high: int) -> Tensor:
    """round(x * 2**frac) within low..high (halves to even); its gradient is that of x * 2**frac, everywhere."""
    result: Tensor = _Round.apply(x, frac, low, high)
    return result
