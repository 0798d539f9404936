"""Plain snntorch networks on the grid, written as snntorch's tutorials write them, and how to run them."""

from __future__ import annotations

from typing import Any

import numpy as np
import snntorch
import torch
from torch import Tensor

SIZES = (7, 9, 5)


class Documented(torch.nn.Module):
    """The loop of snntorch's tutorials: spikes [T, B, n] in; spikes and membranes of both layers out."""

    def __init__(
        self,
        first: dict[str, Any],
        second: dict[str, Any] | None = None,
        bias: bool = True,
        sizes: tuple[int, int, int] = SIZES,
    ) -> None:
        super().__init__()
        second = first if second is None else second
        # Registered in another order than used: the order of use is what counts.
        self.lif2 = snntorch.Leaky(**second)
        self.lif1 = snntorch.Leaky(**first)
        self.fc1 = torch.nn.Linear(sizes[0], sizes[1], bias=bias)
        self.fc2 = torch.nn.Linear(sizes[1], sizes[2], bias=bias)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
        records: list[tuple[Tensor, ...]] = []
        for step in range(len(x)):
            spk1, mem1 = self.step(self.lif1, self.fc1(x[step]), mem1)
            spk2, mem2 = self.step(self.lif2, self.fc2(spk1), mem2)
            records.append((spk1, mem1, spk2, mem2))
        keys = ("neuron1", "neuron1.mem", "neuron2", "neuron2.mem")
        return {key: torch.stack(values) for key, values in zip(keys, zip(*records, strict=True), strict=True)}

    def step(self, leaky: Any, current: Tensor, mem: Tensor) -> tuple[Tensor, Tensor]:
        if leaky.init_hidden:
            return leaky(current), leaky.mem
        spikes, mem = leaky(current, mem)
        return spikes, mem

    def sequential(self) -> torch.nn.Sequential:
        return torch.nn.Sequential(self.fc1, self.lif1, self.fc2, self.lif2)


def on_grid(net: torch.nn.Module, seed: int, frac: int = 3) -> Any:
    """The network with random weights and biases that are multiples of 2**-frac."""
    rng = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, torch.nn.Linear):
            for p, low, high in ((module.weight, -1.0, 1.5), (module.bias, -0.25, 0.5)):
                if p is not None:
                    values = torch.rand(p.shape, generator=rng, dtype=p.dtype) * (high - low) + low
                    p.data = torch.round(values * 2**frac) / 2**frac
    return net


def events(steps: int, batch: int = 40, size: int = SIZES[0], seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return (torch.rand(steps, batch, size, generator=rng) < 0.4).float()


def assert_alive(spikes: Tensor | np.ndarray) -> None:
    """Between 1 % and 99 % of the places hold a spike: otherwise equality shows little."""
    share = float(spikes.sum()) / float(np.prod(spikes.shape))
    assert 0.01 <= share <= 0.99, f"{share:.1%} spikes"
