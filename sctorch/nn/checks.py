"""Checks of the tensors that come into a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sctorch.errors import ConfigError

__all__ = ["as_tensor", "check_tensor", "shown_shape"]


def check_tensor(x: Any, where: str, what: str, device: torch.device | None = None) -> None:
    """ConfigError unless x is a dense tensor of real numbers, on the given device if there is one."""
    if not isinstance(x, Tensor):
        raise ConfigError(f"{where}: {what} must be a torch tensor, not {type(x).__name__}; use torch.as_tensor")
    if x.is_complex() or x.is_quantized or x.layout != torch.strided:
        raise ConfigError(f"{where}: {what} must be dense real numbers, got {x.dtype}, {x.layout}")
    if device is not None and x.device != device:
        raise ConfigError(f"{where}: {what} is on {x.device}, the weights on {device}; move one of them with .to()")


def shown_shape(x: Tensor) -> str:
    """The shape, and what is wrong with one without entries."""
    return f"{tuple(x.shape)}" + ("; an empty batch has no answer" if 0 in x.shape else "")


def as_tensor(x: Any, where: str) -> Tensor:
    """x as a tensor: arrays of numpy and nested lists are taken as well."""
    try:
        return x if isinstance(x, Tensor) else torch.as_tensor(np.asarray(x))
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ConfigError(f"{where}: x must be a tensor or an array of numbers, got {type(x).__name__}") from error
