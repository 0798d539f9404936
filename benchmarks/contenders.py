"""One optimiser step (forward, cross-entropy, backward, Adam) of the same network in several libraries.

Each function takes the sizes and gives a step to be timed. The other libraries are given their
input as bits that are already drawn; ours draws its own from the features in each step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

__all__ = ["CONTENDERS", "Case"]

BETA = 0.9375
Step = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """Sizes of the layers, timesteps, rows of a batch."""

    sizes: tuple[int, ...]
    steps: int
    batch: int

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.sizes))}, T={self.steps}, B={self.batch}"

    def features(self) -> tuple[Tensor, Tensor]:
        """Features [B, n] and labels [B]."""
        torch.manual_seed(0)
        return torch.rand(self.batch, self.sizes[0]), torch.randint(self.sizes[-1], (self.batch,))

    def bits(self) -> tuple[Tensor, Tensor]:
        """Rate-coded bits [T, B, n] as floats, and labels."""
        x, y = self.features()
        return (x > torch.rand(self.steps, *x.shape)).float(), y


def _step(parameters: list[Tensor], counts: Callable[[], Tensor], y: Tensor) -> Step:
    optimizer = torch.optim.Adam(parameters, lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(counts() * 0.1, y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def sctorch(case: Case) -> Step:
    from sctorch import nn

    x, y = case.features()
    layers: list[torch.nn.Module] = [nn.RateEncoder(case.sizes[0])]
    for n_in, n_out in pairwise(case.sizes):
        layers += [nn.SCLinear(n_in, n_out), nn.LIF(n_out, beta=BETA)]
    net = nn.SpikingNetwork(*layers, nn.SNNReadout(case.sizes[-1]), num_steps=case.steps)
    return _step(list(net.parameters()), lambda: net(x), y)


def sctorch_without_kernels(case: Case) -> Step:
    from sctorch.nn import kernels

    step = sctorch(case)

    def plain() -> None:
        with kernels.disabled():
            step()

    return plain


def snntorch(case: Case) -> Step:
    """nn.Linear and Leaky in the loop of snntorch's tutorials."""
    import snntorch as snn

    bits, y = case.bits()
    linears = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in pairwise(case.sizes))
    leakies = [snn.Leaky(beta=BETA) for _ in linears]

    def counts() -> Tensor:
        membranes = [leaky.init_leaky() for leaky in leakies]
        record = []
        for t in range(case.steps):
            spikes = bits[t]
            for k, (linear, leaky) in enumerate(zip(linears, leakies, strict=True)):
                spikes, membranes[k] = leaky(linear(spikes), membranes[k])
            record.append(spikes)
        return torch.stack(record).sum(dim=0)

    return _step(list(linears.parameters()), counts, y)


def spikingjelly(case: Case) -> Step:
    """Its multi-step mode: layer by layer, as ours."""
    from spikingjelly.activation_based import functional, layer, neuron

    bits, y = case.bits()
    modules: list[torch.nn.Module] = []
    for n_in, n_out in pairwise(case.sizes):
        modules += [layer.Linear(n_in, n_out), neuron.LIFNode(tau=1 / (1 - BETA), v_reset=None, detach_reset=True)]
    net = torch.nn.Sequential(*modules)
    functional.set_step_mode(net, "m")

    def counts() -> Tensor:
        functional.reset_net(net)
        result: Tensor = net(bits).sum(dim=0)
        return result

    return _step(list(net.parameters()), counts, y)


def norse(case: Case) -> Step:
    """Its cells in a loop over time."""
    import norse.torch as snn

    bits, y = case.bits()
    linears = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in pairwise(case.sizes))
    neurons = [snn.LIFBoxCell() for _ in linears]

    def counts() -> Tensor:
        states = [None] * len(neurons)
        total = torch.zeros(case.batch, case.sizes[-1])
        for t in range(case.steps):
            spikes = bits[t]
            for k, (linear, leaky) in enumerate(zip(linears, neurons, strict=True)):
                spikes, states[k] = leaky(linear(spikes), states[k])
            total = total + spikes
        return total

    return _step(list(linears.parameters()), counts, y)


def matmuls(case: Case) -> Step:
    """The bare float32 products of a step, forward and backward, layer by layer: what no float library can beat."""
    bits, _ = case.bits()
    products = []
    for k, (n_in, n_out) in enumerate(pairwise(case.sizes)):
        x = bits.flatten(0, 1) if k == 0 else torch.rand(case.steps * case.batch, n_in)
        products.append((x, torch.rand(n_out, n_in), torch.rand(len(x), n_out), k > 0))

    def step() -> None:
        for x, weight, grad, hidden in products:
            torch.mm(x, weight.t())
            torch.mm(grad.t(), x)
            if hidden:
                torch.mm(grad, weight)

    return step


CONTENDERS: dict[str, Callable[[Case], Step]] = {
    "sctorch": sctorch,
    "sctorch, torch path": sctorch_without_kernels,
    "snntorch": snntorch,
    "spikingjelly": spikingjelly,
    "norse": norse,
    "bare matmuls": matmuls,
}
