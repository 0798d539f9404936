"""LIF is snntorch's Leaky, spike for spike and membrane for membrane, wherever no floor rounds."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import snntorch
import torch

from sctorch import nn

STEPS = 14


def currents(beta: float, size: int = 6) -> torch.Tensor:
    """Whole currents: with 16 fractional bits their decayed sums stay on the grid for a while."""
    torch.manual_seed(int(beta * 1000))
    return torch.randint(-3, 6, (STEPS, 4, size)).float()


@pytest.mark.parametrize(
    ("beta", "leak", "steps"),
    [(1.0, "none", STEPS), (0.5, "shift", STEPS), (0.5, "multiply", STEPS), (0.75, "shift", 8), (0.75, "multiply", 8),
     (0.0, "multiply", STEPS), (0.25, "multiply", 8)],
)  # fmt: skip
@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("theta", [1.0, 2.0, 3.5])
def test_leaky_with_its_default_delay(beta: float, leak: str, steps: int, reset: str, theta: float) -> None:
    """beta = b / 2^f on membranes of 16 fractional bits: t timesteps use f t of them, and nothing is rounded."""
    x = currents(beta)[:steps]
    leaky = snntorch.Leaky(beta=beta, threshold=theta, reset_mechanism=reset)
    mem, wanted_spikes, wanted_mem = leaky.init_leaky(), [], []
    for now in x.double():
        spike, mem = leaky(now, mem)
        wanted_spikes.append(spike)
        wanted_mem.append(mem)
    mine = nn.LIF(6, beta=beta, threshold=theta, leak=leak, reset_mechanism=reset, frac_bits=16)
    spikes, membranes = mine.run(x.double())
    assert torch.equal(spikes, torch.stack(wanted_spikes))
    assert torch.equal(membranes * 2.0**-16, torch.stack(wanted_mem))
    assert spikes.any()
    assert not spikes.all()


@pytest.mark.parametrize("theta", [1.0, 2.0])
def test_a_membrane_at_the_threshold_is_silent_in_both(theta: float) -> None:
    x = torch.tensor([theta, 0.0, theta, 1.0, -1.0, theta]).view(-1, 1, 1)
    leaky = snntorch.Leaky(beta=1.0, threshold=theta)
    mem, wanted = leaky.init_leaky(), []
    for now in x:
        spike, mem = leaky(now, mem)
        wanted.append(spike)
    assert torch.equal(nn.LIF(1, beta=1.0, threshold=theta)(x), torch.stack(wanted))
    assert wanted[0].item() == 0


def test_where_a_floor_rounds_the_difference_is_less_than_its_grid() -> None:
    """Off the exact grid the integer membrane lags by at most what the floors took: 1/2^f per timestep, decayed."""
    x = currents(0.9375)
    leaky = snntorch.Leaky(beta=0.9375, reset_mechanism="none")
    mem = leaky.init_leaky()
    mine = nn.LIF(6, beta=0.9375, reset_mechanism="none", frac_bits=8).run(x)[1] * 2.0**-8
    for t, now in enumerate(x):
        _, mem = leaky(now, mem)
        assert (mine[t] - mem).abs().max() < 16 * 2.0**-8


# ---------------------------------------------------------------- surrogates


SURROGATES = [
    snntorch.surrogate.atan(), snntorch.surrogate.fast_sigmoid(), snntorch.surrogate.sigmoid(slope=3),
]  # fmt: skip


@pytest.mark.parametrize("spike_grad", SURROGATES)
def test_surrogates_of_snntorch_give_its_gradients(spike_grad: Any) -> None:
    x = torch.randint(-3, 6, (9, 4, 5)).float().requires_grad_()
    y = x.detach().clone().requires_grad_()
    weight = torch.randn(9, 4, 5)
    leaky = snntorch.Leaky(beta=0.5, threshold=2.0, spike_grad=spike_grad)
    mem, spikes = leaky.init_leaky(), []
    for now in x:
        spike, mem = leaky(now, mem)
        spikes.append(spike)
    (torch.stack(spikes) * weight).sum().backward()
    mine = nn.LIF(5, beta=0.5, threshold=2.0, frac_bits=12, spike_grad=spike_grad)(y)
    (mine * weight).sum().backward()
    assert torch.equal(mine, torch.stack(spikes))
    torch.testing.assert_close(y.grad, x.grad)
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


def test_the_default_surrogate_is_the_arctangent_of_snntorch() -> None:
    x = torch.randint(-3, 6, (9, 4, 5)).float()
    grads = []
    for spike_grad in (None, snntorch.surrogate.atan(alpha=2.0)):
        y = x.clone().requires_grad_()
        nn.LIF(5, beta=0.75, spike_grad=spike_grad)(y).sum().backward()
        grads.append(y.grad)
    torch.testing.assert_close(grads[0], grads[1])


def _straight(x: torch.Tensor, grad: torch.Tensor) -> torch.Tensor:
    """x with the gradient of `grad`."""
    return x + grad - grad.detach()


@pytest.mark.parametrize(
    ("reset", "delay", "compare"), list(itertools.product(("subtract", "zero", "none"), (True, False), ("gt", "ge")))
)
def test_gradients_equal_autograd_through_a_plain_loop(reset: str, delay: bool, compare: str) -> None:
    """In value units, through the module: beta in place of the floored leak, the surrogate at every spike, the reset
    detached."""
    torch.manual_seed(3)
    beta, theta, frac = 0.75, 1.5, 3
    x = torch.randint(-2, 5, (8, 3, 4)).double().requires_grad_()
    y = x.detach().clone().requires_grad_()
    weight = torch.randn(8, 3, 4).double()
    mine = nn.LIF(4, beta, theta, "shift", compare, reset, delay, frac)(x)
    (mine * weight).sum().backward()
    mem, last, spikes = torch.zeros(3, 4).double(), torch.zeros(3, 4).double(), []
    for now in y:
        floored = mem.detach() - torch.floor(mem.detach() * 2**frac / 4) / 2**frac
        mem = _straight(floored, beta * mem)
        if delay:
            mem = mem - last * theta if reset == "subtract" else mem * (1 - last) if reset == "zero" else mem
        mem = mem + now
        u = mem - theta
        fired = (u > 0 if compare == "gt" else u >= 0).double()
        spikes.append(_straight(fired, torch.atan(torch.pi * u) / torch.pi))
        last = fired.detach()
        if not delay:
            mem = mem - last * theta if reset == "subtract" else mem * (1 - last) if reset == "zero" else mem
    (torch.stack(spikes) * weight).sum().backward()
    assert torch.equal(mine, torch.stack(spikes).round())
    torch.testing.assert_close(x.grad, y.grad)
