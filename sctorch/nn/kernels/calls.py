"""The compiled kernels as functions of tensors. Callers ask `fits` first."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sctorch.nn.kernels.loader import available, library

if TYPE_CHECKING:
    from sctorch.nn.membranes import NeuronRule

__all__ = ["backward", "currents", "fits", "forward", "group_bits", "weight_gradient"]

_LEAKS = {"none": 0, "shift": 1, "multiply": 2}
_RESETS = {"none": 0, "subtract": 1, "zero": 2}
GROUP = 5  # ticks in one byte of group_bits


class _Rule(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in ("leak", "at_least", "reset", "delay")),
        *((name, ctypes.c_float) for name in ("leak_scale", "gain", "unit", "beta")),
    )


def fits(*floats: Tensor | None, bits: Tensor | None = None) -> bool:
    """Whether the kernels can take these: on the CPU, not empty, float32 (`bits` also uint8)."""
    tensors = [(x, (torch.float32,)) for x in floats] + [(bits, (torch.float32, torch.uint8))]
    return available() and all(
        x is None or (x.device.type == "cpu" and x.dtype in dtypes and x.numel() > 0) for x, dtypes in tensors
    )


def _call(name: str, *arguments: Tensor | int | ctypes.Structure | None) -> None:
    """Tensors become pointers and sizes 64-bit integers; the last argument is the number of threads."""
    kernels = library()
    assert kernels is not None
    plain: list[object] = []
    for value in arguments:
        if isinstance(value, Tensor):
            assert value.is_contiguous()
            plain.append(ctypes.c_void_p(value.data_ptr()))
        elif isinstance(value, ctypes.Structure):
            plain.append(ctypes.byref(value))
        else:
            plain.append(None if value is None else ctypes.c_int64(value))
    getattr(kernels, name)(*plain, ctypes.c_int32(torch.get_num_threads()))


def _is_bytes(bits: Tensor) -> int:
    return int(bits.dtype == torch.uint8)


def currents(bits: Tensor, weight: Tensor, random: Tensor, length: int) -> Tensor:
    """As the forward of `sctorch.nn.currents.stochastic_current`."""
    ticks, batch, n_in = bits.shape
    result = torch.empty(ticks // length, batch, weight.shape[0])
    bits = bits.contiguous()
    _call(
        "sct_currents", bits, _is_bytes(bits), weight.contiguous(), random.contiguous(), result,
        ticks // length, length, batch, n_in, weight.shape[0],
    )  # fmt: skip
    return result


def group_bits(bits: Tensor) -> Tensor:
    """Bits [T, B, n] with `GROUP` timesteps to a byte, [ceil(T / GROUP), B, n]."""
    steps, batch, n = bits.shape
    result = torch.empty((steps + GROUP - 1) // GROUP, batch, n, dtype=torch.uint8)
    bits = bits.contiguous()
    _call("sct_group_bits", bits, _is_bytes(bits), result, steps, batch * n)
    return result


def weight_gradient(grad: Tensor, grouped: Tensor) -> Tensor:
    """The sum over timesteps and rows of grad [T, B, n_out] times bits (see `group_bits`), [n_out, n_in]."""
    steps, batch, n_out = grad.shape
    result = torch.empty(n_out, grouped.shape[2])
    _call("sct_weight_gradient", grad.contiguous(), grouped, result, steps, batch, grouped.shape[2], n_out)
    return result


def _rule(rule: NeuronRule) -> _Rule:
    beta = 0.0 if rule.leak == "multiply" else rule.beta()
    return _Rule(
        _LEAKS[rule.leak], rule.compare == "ge", _RESETS[rule.reset], rule.reset_delay,
        2.0**-rule.shift, rule.gain, 2.0**-rule.frac, beta,
    )  # fmt: skip


def _values(values: Tensor | None) -> tuple[Tensor | None, int]:
    return (None, 0) if values is None else (values.contiguous(), values.numel())


def forward(
    current: Tensor, rule: NeuronRule, threshold: Tensor | None, factor: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Charged membranes, spikes (None without a threshold) and membranes after each step, all [T, B, n]."""
    current = current.contiguous()
    charged = torch.empty_like(current)
    spikes = None if threshold is None else torch.empty_like(current)
    at_once = threshold is not None and rule.resets_at_once
    after = torch.empty_like(current) if at_once else None
    _call(
        "sct_forward", _rule(rule), *_values(threshold), *_values(factor), current, charged, spikes, after,
        current.shape[0], current[0].numel(),
    )  # fmt: skip
    return charged, spikes, charged if after is None else after


def backward(
    grad: Tensor,
    rule: NeuronRule,
    threshold: Tensor | None,
    factor: Tensor | None,
    charged: Tensor | None = None,
    slope: Tensor | None = None,
) -> Tensor:
    """The gradient of the current; `slope` is the surrogate's at every charged membrane, None the arctangent's."""
    result = torch.empty_like(grad, memory_format=torch.contiguous_format)
    _call(
        "sct_backward", _rule(rule), *_values(threshold), *_values(factor), grad.contiguous(), charged,
        None if slope is None else slope.contiguous(), result, grad.shape[0], grad[0].numel(),
    )  # fmt: skip
    return result
