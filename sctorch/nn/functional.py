"""The integers of docs/semantics.md as torch operations, with surrogate gradients.

Every tensor here holds integers exactly in floating point (|n| < 2**24 in float32); shapes are
[T, B, n], time first. The gradients alone are approximate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["NeuronRule", "atan_derivative", "integrate", "lif", "quantise_weight", "rate_bits", "stochastic_current"]

SpikeGrad = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class NeuronRule:
    """The fields of a neuron's arithmetic, in membrane integers (see `sctorch.ir.Neuron`).

    beta is the leak's real factor, used by the gradient alone.
    """

    leak: str
    shift: int
    factor: float
    beta: float
    threshold: float
    frac: int
    compare: str = "gt"
    reset: str = "subtract"
    reset_delay: bool = True

    def leaked(self, mem: Tensor) -> Tensor:
        if self.leak == "shift":
            return mem - torch.floor(mem * 2.0**-self.shift)
        if self.leak == "multiply":
            return torch.floor(mem * self.factor * 2.0**-self.shift)
        return mem

    def fires(self, mem: Tensor) -> Tensor:
        return mem > self.threshold if self.compare == "gt" else mem >= self.threshold


def atan_derivative(x: Tensor, alpha: float = 2.0) -> Tensor:
    """Derivative of the arctangent surrogate (Fang et al., ICCV 2021, eq. 21)."""
    return alpha / 2 / (1 + (torch.pi / 2 * alpha * x) ** 2)


def _surrogate_derivative(spike_grad: SpikeGrad | None, x: Tensor) -> Tensor:
    if spike_grad is None:
        return atan_derivative(x)
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (grad,) = torch.autograd.grad(spike_grad(x).sum(), x)
    return grad


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, bits: int) -> Tensor:
        limit = 2**bits - 1
        return torch.round(weight * 2**bits).clamp(-limit, limit)

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
    """Bits [ticks, B, n] = (values [B, n] > random [ticks, n]), as floats 0 and 1."""
    return (values.unsqueeze(0) > random.unsqueeze(1)).to(values.dtype)


class _StochasticCurrent(torch.autograd.Function):
    """I[t] = sum over ticks and inputs of s sign(w) (|w| > R); d/dw and d/ds as for I = s w / 2**bits."""

    @staticmethod
    def forward(ctx: Any, bits: Tensor, weight: Tensor, random: Tensor, length: int, mean_scale: float) -> Tensor:
        ticks, batch, n_in = bits.shape
        steps = ticks // length
        magnitude, sign = weight.abs(), weight.sign()
        sampled = torch.where(magnitude.unsqueeze(0) > random.unsqueeze(1), sign, 0.0)  # [ticks, n_out, n_in]
        if length == 1:
            current = torch.bmm(bits, sampled.transpose(1, 2))
        else:  # the ticks of one timestep lie side by side, so that one product sums them
            side = bits.view(steps, length, batch, n_in).transpose(1, 2).reshape(steps, batch, length * n_in)
            wide = sampled.view(steps, length, -1, n_in).transpose(1, 2).reshape(steps, -1, length * n_in)
            current = torch.bmm(side, wide.transpose(1, 2))
        ctx.save_for_backward(bits, weight)
        ctx.length, ctx.mean_scale = length, mean_scale
        return current

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        bits, weight = ctx.saved_tensors
        steps, batch, n_out = grad.shape
        grad_bits = grad_weight = None
        if ctx.needs_input_grad[0]:
            per_step = grad @ (weight * ctx.mean_scale)
            grad_bits = per_step.repeat_interleave(ctx.length, dim=0) if ctx.length > 1 else per_step
        if ctx.needs_input_grad[1]:
            summed = bits.view(steps, ctx.length, batch, -1).sum(dim=1) if ctx.length > 1 else bits
            grad_weight = grad.reshape(-1, n_out).t() @ summed.reshape(steps * batch, -1)
        return grad_bits, grad_weight, None, None, None


def stochastic_current(bits: Tensor, weight: Tensor, random: Tensor, bitstream_length: int, weight_bits: int) -> Tensor:
    """Exact current of a stochastic synapse, [T, B, n_out], in units of 1 / bitstream_length.

    Parameters
    ----------
    bits : input bits [T * L, B, n_in]; weight : integers [n_out, n_in] from `quantise_weight`;
    random : R [T * L, n_in].
    """
    result: Tensor = _StochasticCurrent.apply(bits, weight, random, bitstream_length, 2.0**-weight_bits)
    return result


class _Lif(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, current: Tensor, rule: NeuronRule, spike_grad: SpikeGrad | None) -> tuple[Tensor, Tensor]:
        mem = torch.zeros_like(current[0])
        charged_all, spikes_all = torch.empty_like(current), torch.empty_like(current)
        mem_all = charged_all if rule.reset == "none" or rule.reset_delay else torch.empty_like(current)
        for t in range(current.shape[0]):
            charged = rule.leaked(mem)
            if rule.reset_delay and t > 0 and rule.reset != "none":
                charged = _reset(rule, charged, spikes_all[t - 1])
            charged = torch.add(charged, current[t], out=charged_all[t])
            spikes_all[t] = rule.fires(charged)
            mem = charged
            if not rule.reset_delay and rule.reset != "none":
                mem = _reset(rule, charged, spikes_all[t])
                mem_all[t] = mem
        ctx.save_for_backward(charged_all, spikes_all)
        ctx.rule, ctx.spike_grad = rule, spike_grad
        if mem_all is charged_all:
            mem_all = charged_all.clone()
        ctx.mark_non_differentiable(mem_all)
        return spikes_all, mem_all

    @staticmethod
    def backward(ctx: Any, grad_spikes: Tensor, _grad_mem: Tensor) -> tuple[Tensor, None, None]:
        charged, spikes = ctx.saved_tensors
        rule: NeuronRule = ctx.rule
        unit = 2.0**-rule.frac
        grad = grad_spikes * _surrogate_derivative(ctx.spike_grad, (charged - rule.threshold) * unit) * unit
        carry = torch.zeros_like(grad[0])
        for t in range(grad.shape[0] - 1, -1, -1):
            if rule.reset == "zero":
                carry = carry * (1 - spikes[t])
            carry = grad[t].add_(carry, alpha=rule.beta)
        return grad, None, None


def _reset(rule: NeuronRule, mem: Tensor, spikes: Tensor) -> Tensor:
    return mem - spikes * rule.threshold if rule.reset == "subtract" else mem * (1 - spikes)


def lif(current: Tensor, rule: NeuronRule, spike_grad: SpikeGrad | None = None) -> tuple[Tensor, Tensor]:
    """Leaky integrate and fire over a whole window.

    Parameters
    ----------
    current : integers [T, B, n] in membrane units; spike_grad : surrogate, a function of
    (u - threshold) in value units such as those of snntorch.surrogate; None is the arctangent.

    Returns
    -------
    spikes [T, B, n] (0 or 1, differentiable) and membranes after each step [T, B, n] (not
    differentiable). The reset passes no gradient, as in snntorch.
    """
    spikes, mem = _Lif.apply(current, rule, spike_grad)
    return spikes, mem


class _Integrate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, current: Tensor, rule: NeuronRule) -> Tensor:
        mem = torch.zeros_like(current[0])
        result = torch.empty_like(current)
        for t in range(current.shape[0]):
            mem = torch.add(rule.leaked(mem), current[t], out=result[t])
        ctx.beta = rule.beta
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        grad = grad.clone()
        for t in range(grad.shape[0] - 2, -1, -1):
            grad[t].add_(grad[t + 1], alpha=ctx.beta)
        return grad, None


def integrate(current: Tensor, rule: NeuronRule) -> Tensor:
    """m = leak(m) + I over a whole window: membranes [T, B, n], differentiable."""
    result: Tensor = _Integrate.apply(current, rule)
    return result
