"""Gradients of the membranes against autograd through a plain unrolled loop of the same rules."""

from __future__ import annotations

from typing import Any

import builders
import pytest
import snntorch
import torch
from torch import Tensor

from sctorch import nn
from sctorch.nn.functional import NeuronRule, integrate, lif

RULES = [
    NeuronRule(leak, {"none": 0, "shift": 2}.get(leak, 8), 2, compare, reset, delay)
    for leak, compare, reset, delay in builders.FIELDS
]


class _Floor(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.floor(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad


class _Fire(torch.autograd.Function):
    """Compare; the slope of the arctangent surrogate at x, in value units of 2**-frac."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rule: NeuronRule) -> Tensor:
        ctx.save_for_backward(x)
        ctx.rule = rule
        return (x > 0 if rule.compare == "gt" else x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        unit = 2.0**-ctx.rule.frac
        return grad * unit / (1 + (torch.pi * x * unit) ** 2), None


def unrolled(
    current: Tensor, rule: NeuronRule, threshold: Tensor, factor: Tensor | None, random: Tensor | None = None
) -> tuple[list[Tensor], list[Tensor]]:
    """docs/semantics.md, section 6, as differentiable torch, one timestep after the other."""
    mem = torch.zeros_like(current[0])
    spike = torch.zeros_like(mem)
    spikes, mems = [], []

    def reset(mem: Tensor, spike: Tensor) -> Tensor:
        if rule.reset.startswith("subtract"):
            return mem - spike.detach() * threshold
        return mem * (1 - spike.detach()) if rule.reset == "zero" else mem

    for t, now in enumerate(current):
        again = _Fire.apply(mem - threshold, rule).detach() if rule.reset == "subtract_snntorch" else 0.0
        if rule.leak == "shift":  # the real factor 1 - 2**-shift, then the floor
            mem = mem - _Floor.apply(mem * 2.0**-rule.shift)
        elif rule.leak == "multiply":
            mem = _Floor.apply(mem * factor * 2.0**-rule.shift)
        elif rule.leak == "stochastic":
            assert random is not None
            mem = _Floor.apply((mem * factor + random[t]) * 2.0**-rule.shift)
        mem = (reset(mem, spike) if rule.reset_delay else mem) + now
        spike = _Fire.apply(mem - again * threshold - threshold, rule)
        if not rule.reset_delay:
            mem = reset(mem, spike)
        spikes.append(spike)
        mems.append(mem)
    return spikes, mems


def parameters(rule: NeuronRule, shape: tuple[int, ...], n: int) -> tuple[Tensor, Tensor | None]:
    threshold = torch.randint(2, 9, shape or ()).double().requires_grad_()
    if rule.leak not in ("multiply", "stochastic"):
        return threshold, None
    return threshold, torch.randint(100, 257, shape or ()).double().requires_grad_()


@pytest.mark.parametrize("rule", RULES, ids=lambda r: f"{r.leak}-{r.compare}-{r.reset}-{r.reset_delay}")
@pytest.mark.parametrize("shape", [(), (1,), (5,)], ids=str)
def test_lif_equals_autograd_through_the_unrolled_loop(rule: NeuronRule, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    threshold, factor = parameters(rule, shape, 5)
    current = torch.randint(-4, 9, (9, 3, 5)).double().requires_grad_()
    inputs = [x for x in (current, threshold, factor) if x is not None]
    random = torch.randint(0, 256, (9, 5)).double() if rule.leak == "stochastic" else None
    wished, mems = unrolled(current, rule, threshold, factor, random)
    spikes, mem = lif(current, rule, threshold, factor, None, random)
    assert torch.equal(spikes, torch.stack(wished))
    assert torch.equal(mem, torch.stack(mems))
    assert 0 < float(spikes.detach().mean()) < 1
    weight = torch.randn(9, 3, 5).double()
    for mine, theirs in zip(
        torch.autograd.grad((spikes * weight).sum(), inputs),
        torch.autograd.grad((torch.stack(wished) * weight).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)
        assert mine.abs().sum() > 0


@pytest.mark.parametrize("leak", ["none", "shift", "multiply"])
@pytest.mark.parametrize("shape", [(), (4,)], ids=str)
def test_integrate_equals_autograd_through_the_unrolled_loop(leak: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    rule = NeuronRule(leak, 8 if leak == "multiply" else 3, 0, reset="none")
    _, factor = parameters(rule, shape, 4)
    current = torch.randint(-9, 9, (7, 2, 4)).double().requires_grad_()
    inputs = [x for x in (current, factor) if x is not None]
    wished = torch.stack(unrolled(current, rule, torch.tensor(1.0), factor)[1])
    mems = integrate(current, rule, factor)
    assert torch.equal(mems, wished)
    weight = torch.randn(7, 2, 4).double()
    for mine, theirs in zip(
        torch.autograd.grad((mems * weight).sum(), inputs),
        torch.autograd.grad((wished * weight).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_gradients_are_those_of_snntorch() -> None:
    """Where no floor rounds (halving coarse integers), threshold and beta learn as in snntorch.Leaky."""
    torch.manual_seed(2)
    frac, shift = 10, 8
    theta, beta = torch.tensor([1.0, 1.5, 2.0]), torch.tensor([1.0, 0.5, 0.5])
    current = torch.randint(0, 24, (6, 2, 3)).float() * 2.0**-4
    leaky = snntorch.Leaky(beta=beta, threshold=theta, learn_beta=True, learn_threshold=True)
    mem, spikes = leaky.init_leaky(), []
    for now in current:
        spike, mem = leaky(now, mem)
        spikes.append(spike)
    weight = torch.randn(6, 2, 3)
    (torch.stack(spikes) * weight).sum().backward()

    threshold = (theta * 2**frac).requires_grad_()
    factor = (beta * 2**shift).requires_grad_()
    mine, _ = lif(current * 2**frac, NeuronRule("multiply", shift, frac), threshold, factor)
    (mine * weight).sum().backward()
    assert torch.equal(mine, torch.stack(spikes))
    assert mine.sum() > 5
    torch.testing.assert_close(threshold.grad * 2**frac, leaky.threshold.grad)
    torch.testing.assert_close(factor.grad * 2**shift, leaky.beta.grad)


def test_a_large_batch_goes_through_in_parts() -> None:
    """The same scores and gradients as of its parts, and rows in their order."""
    torch.manual_seed(0)
    net = nn.SpikingNetwork(
        nn.RateEncoder(3), nn.SCLinear(3, 300), nn.LIF(300, threshold=0.25),
        nn.SCLinear(300, 2), nn.SNNReadout(2, output_mode="membrane"), num_steps=16,
    )  # fmt: skip
    x = torch.rand(450, 3)
    assert 16 <= net._rows_at_once() < 225
    whole = net.scores(x)
    (by_whole,) = torch.autograd.grad(whole.square().mean(), net.synapse1.weight)
    parts = torch.cat([net.scores(row[None]) for row in x], dim=1)
    (by_parts,) = torch.autograd.grad(parts.square().mean(), net.synapse1.weight)
    assert torch.equal(whole, parts)
    assert whole.std() > 0
    torch.testing.assert_close(by_whole, by_parts)
