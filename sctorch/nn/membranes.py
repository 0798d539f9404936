"""Membranes over a whole window: leak, fire, reset on integers, with surrogate gradients.

Every tensor here holds integers exactly (|n| < 2**24 in float32); shapes are [T, B, n], time
first. The gradients alone are approximate: they are those of the real-valued neuron
u = beta m + I, with the surrogate's slope at each spike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sctorch.nn.kernels import calls

__all__ = ["NeuronRule", "SpikeGrad", "atan_derivative", "integrate", "lif"]

SpikeGrad = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class NeuronRule:
    """The static fields of a neuron's arithmetic (see `sctorch.ir.Neuron`).

    Parameters
    ----------
    leak : "none", "shift" (by `shift` bits), "multiply" (by a factor over 2**shift, given apart) or
        "stochastic" (the same, rounded by random numbers that are given apart).
    frac : fractional bits of the membrane.
    compare, reset, reset_delay : as in `sctorch.ir.Neuron`.
    gain : membrane units of one unit of current, a power of two.
    """

    leak: str
    shift: int
    frac: int
    compare: str = "gt"
    reset: str = "subtract"
    reset_delay: bool = True
    gain: float = 1.0

    @property
    def resets_at_once(self) -> bool:
        return self.reset != "none" and not self.reset_delay

    @property
    def compares_twice(self) -> bool:
        """snntorch's at-once reset: a membrane still above the threshold is compared less the threshold."""
        return self.reset == "subtract_snntorch"

    @property
    def has_kernel(self) -> bool:
        """Whether the compiled kernels know this rule; the rare ones run in plain torch alone."""
        return self.leak != "stochastic" and not self.compares_twice

    def leaked(self, mem: Tensor, factor: Tensor | None = None, random: Tensor | None = None) -> Tensor:
        if self.leak == "shift":
            return mem - torch.floor(mem * 2.0**-self.shift)
        if factor is None:
            return mem
        product = mem * factor if random is None else mem * factor + random
        return torch.floor(product * 2.0**-self.shift)

    def beta(self, factor: Tensor | None = None) -> float | Tensor:
        """The leak's real factor, of which the gradient is taken."""
        if self.leak == "shift":
            return 1 - 2.0**-self.shift
        return 1.0 if factor is None else factor * 2.0**-self.shift

    def fires(self, mem: Tensor, threshold: Tensor) -> Tensor:
        return mem > threshold if self.compare == "gt" else mem >= threshold

    def reset_by(self, mem: Tensor, spikes: Tensor, threshold: Tensor) -> Tensor:
        if self.reset == "none":
            return mem
        return mem * (1 - spikes) if self.reset == "zero" else mem - spikes * threshold


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


def _add_decayed(grad: Tensor, later: Tensor, beta: float | Tensor) -> Tensor:
    """grad += beta * later, in place."""
    return grad.add_(later, alpha=beta) if isinstance(beta, float) else grad.addcmul_(later, beta)


def _run(
    current: Tensor, rule: NeuronRule, threshold: Tensor, factor: Tensor | None, random: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Charged membranes, spikes and membranes after each step in plain torch: the kernel's reference."""
    mem = torch.zeros_like(current[0])
    charged_all, spikes_all = torch.empty_like(current), torch.empty_like(current)
    # Without an at-once reset the membrane after the step is the charged one: one tensor serves as both.
    mem_all = torch.empty_like(current) if rule.resets_at_once else charged_all
    for t in range(current.shape[0]):
        again = rule.fires(mem, threshold).to(mem.dtype) if rule.compares_twice else None
        charged = rule.leaked(mem, factor, None if random is None else random[t])
        if rule.reset_delay and t > 0:
            charged = rule.reset_by(charged, spikes_all[t - 1], threshold)
        mem = torch.add(charged, current[t], alpha=rule.gain, out=charged_all[t])
        if again is not None:
            charged_all[t] -= again * threshold
        spikes_all[t] = rule.fires(charged_all[t], threshold)
        if rule.resets_at_once:
            if again is not None:
                mem = mem + again * threshold
            mem = mem_all[t] = rule.reset_by(mem, spikes_all[t], threshold)
    return charged_all, spikes_all, mem_all


def _run_back(
    grad_spikes: Tensor, rule: NeuronRule, charged: Tensor, threshold: Tensor, factor: Tensor | None, slope: Tensor
) -> Tensor:
    """The gradient of the current in plain torch."""
    grad = grad_spikes * slope * 2.0**-rule.frac
    carry = torch.zeros_like(grad[0])
    for t in range(grad.shape[0] - 1, -1, -1):
        if rule.reset == "zero":
            carry = carry * ~rule.fires(charged[t], threshold)
        carry = _add_decayed(grad[t], carry, rule.beta(factor))
    return grad.mul_(rule.gain) if rule.gain != 1 else grad


class _Lif(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        current: Tensor,
        threshold: Tensor,
        factor: Tensor | None,
        random: Tensor | None,
        rule: NeuronRule,
        spike_grad: SpikeGrad | None,
    ) -> tuple[Tensor, Tensor]:
        if rule.has_kernel and calls.fits(current, threshold, factor):
            charged, spikes, mem = calls.forward(current, rule, threshold, factor)
            assert spikes is not None
        else:
            charged, spikes, mem = _run(current, rule, threshold, factor, random)
        ctx.save_for_backward(charged, threshold, factor)  # spikes are charged compared again
        ctx.rule, ctx.spike_grad = rule, spike_grad
        ctx.mark_non_differentiable(mem)
        ctx.set_materialize_grads(False)  # else zeros for mem, at every step
        return spikes, mem

    @staticmethod
    def backward(
        ctx: Any, grad_spikes: Tensor, _grad_mem: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor | None, None, None, None]:
        charged, threshold, factor = ctx.saved_tensors
        rule: NeuronRule = ctx.rule
        compiled = rule.has_kernel and calls.fits(grad_spikes, charged, threshold, factor)
        slope = None
        if not compiled or ctx.spike_grad is not None:
            slope = _surrogate_derivative(ctx.spike_grad, (charged - threshold) * 2.0**-rule.frac)
        if compiled:
            grad = calls.backward(grad_spikes, rule, threshold, factor, charged, slope)
        else:
            assert slope is not None
            grad = _run_back(grad_spikes, rule, charged, threshold, factor, slope)
        grad_threshold = grad_factor = None
        if ctx.needs_input_grad[1]:
            grad_threshold = _threshold_gradient(rule, grad, charged, threshold, factor).sum_to_size(threshold.shape)
        if factor is not None and ctx.needs_input_grad[2]:
            mem = charged[:-1]
            if rule.compares_twice:
                mem = _kept(rule, charged, threshold)
            elif rule.reset == "zero" or not rule.reset_delay:  # a late subtraction comes after the leak
                mem = rule.reset_by(mem, rule.fires(mem, threshold).to(mem.dtype), threshold)
            grad_factor = _factor_gradient(rule, grad, mem, factor)
        return grad, grad_threshold, grad_factor, None, None, None


def _kept(rule: NeuronRule, charged: Tensor, threshold: Tensor) -> Tensor:
    """The membranes after each step but the last of a rule that compares twice."""
    kept, again = torch.empty_like(charged[:-1]), torch.zeros_like(charged[0])
    for t in range(len(kept)):
        spikes = rule.fires(charged[t], threshold).to(charged.dtype)
        kept[t] = charged[t] + (again - spikes) * threshold
        again = rule.fires(kept[t], threshold).to(charged.dtype)
    return kept


def _threshold_gradient(
    rule: NeuronRule, grad: Tensor, charged: Tensor, threshold: Tensor, factor: Tensor | None
) -> Tensor:
    """d/d threshold, [n]: through every spike, and through what a subtracting reset takes away.

    The spike that resets passes no gradient, as in snntorch. What reached a charged membrane
    through its own spike is its whole gradient less what came from the next timestep.
    """
    later, spikes = grad[1:], rule.fires(charged[:-1], threshold).to(grad.dtype)
    kept = later * rule.beta(factor)
    if rule.reset == "zero":
        kept = kept * (1 - spikes)
    result = kept.sum(dim=(0, 1)) - grad.sum(dim=(0, 1))
    if rule.reset.startswith("subtract"):
        result -= (later * spikes).sum(dim=(0, 1)) * (1.0 if rule.reset_delay else rule.beta(factor))
    if rule.compares_twice:  # through the threshold that is taken away for the comparison alone
        again = rule.fires(_kept(rule, charged, threshold), threshold).to(grad.dtype)
        own = grad[1:].clone()
        own[:-1] -= grad[2:] * rule.beta(factor)
        result -= (own * again).sum(dim=(0, 1))
    return result / rule.gain


def _factor_gradient(rule: NeuronRule, grad: Tensor, mem: Tensor, factor: Tensor) -> Tensor:
    """Sum of d u[t] / d factor = mem[t-1] / 2**shift over the window."""
    summed = (grad[1:] * mem).sum(dim=(0, 1)) * (2.0**-rule.shift / rule.gain)
    return summed.sum_to_size(factor.shape)


def lif(
    current: Tensor,
    rule: NeuronRule,
    threshold: Tensor,
    factor: Tensor | None = None,
    spike_grad: SpikeGrad | None = None,
    random: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Leaky integrate and fire over a whole window.

    Parameters
    ----------
    current : integers [T, B, n], in membrane units once multiplied by the rule's gain.
    threshold : integers in membrane units, shape [], [1] or [n]; its gradient flows through the
        spike and through what a subtracting reset takes away.
    factor : integers 0 to 2**shift of a multiply or stochastic leak, shape [], [1] or [n]; its
        gradient is that of the leak before rounding, m[t-1] / 2**shift.
    spike_grad : surrogate, a function of (u - threshold) in value units such as those of
        snntorch.surrogate; None is the arctangent.
    random : R [T, n] in [0, 2**shift) of a stochastic leak.

    Returns
    -------
    spikes [T, B, n] (0 or 1, differentiable) and membranes after each step [T, B, n] (not
    differentiable). The spike that resets passes no gradient, as in snntorch.
    """
    spikes, mem = _Lif.apply(current, threshold, factor, random, rule, spike_grad)
    return spikes, mem


class _Integrate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, current: Tensor, factor: Tensor | None, rule: NeuronRule) -> Tensor:
        if calls.fits(current, factor):
            result, _, _ = calls.forward(current, rule, None, factor)
        else:
            result, mem = torch.empty_like(current), torch.zeros_like(current[0])
            for t in range(current.shape[0]):
                mem = torch.add(rule.leaked(mem, factor), current[t], alpha=rule.gain, out=result[t])
        # The membranes are needed for the factor's gradient alone.
        ctx.save_for_backward(factor, result if ctx.needs_input_grad[1] else None)
        ctx.rule = rule
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None, None]:
        factor, mem = ctx.saved_tensors
        rule: NeuronRule = ctx.rule
        if calls.fits(grad, factor):
            grad = calls.backward(grad, rule, None, factor)
        else:
            grad = grad * rule.gain
            for t in range(grad.shape[0] - 2, -1, -1):
                _add_decayed(grad[t], grad[t + 1], rule.beta(factor))
        return grad, _factor_gradient(rule, grad, mem[:-1], factor) if ctx.needs_input_grad[1] else None, None


def integrate(current: Tensor, rule: NeuronRule, factor: Tensor | None = None) -> Tensor:
    """m = leak(m) + gain I over a whole window: membranes [T, B, n], differentiable; `factor` as in `lif`."""
    result: Tensor = _Integrate.apply(current, factor, rule)
    return result
