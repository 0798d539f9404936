"""The reference stage: a float MLP on the very rows that the network is trained and tested on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sctorch.pipeline.recipe import Recipe, ReferencePart
from sctorch.pipeline.training import threads

__all__ = ["Reference", "train_reference"]


@dataclass(frozen=True)
class Reference:
    """What the float MLP reached.

    Parameters
    ----------
    layers : sizes, from the features to the classes. parameters : weights and biases.
    accuracies : share of right answers over the test rows, one per seed from 0.
    accuracy : their mean. test_rows : rows that they speak of. seconds : of all trainings together.
    """

    layers: tuple[int, ...]
    parameters: int
    accuracies: tuple[float, ...]
    accuracy: float
    test_rows: int
    seconds: float


class _Standardise(nn.Module):
    """Mean 0 and deviation 1 over the training rows; a feature that never changes becomes 0."""

    mean: Tensor
    scale: Tensor

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        deviation = x.std(dim=0, correction=0)
        self.register_buffer("mean", x.mean(dim=0))
        self.register_buffer("scale", torch.where(deviation > 0, 1 / deviation, 0.0))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) * self.scale


def train_reference(recipe: Recipe) -> Reference:
    """Train the recipe's reference once per seed and test it.

    ReLU, cross-entropy, Adam with one cycle. The batches are those of the data's own loader, so
    rows, scaling, augmentation and order are the network's; validation rows stay held out.
    """
    config, data = recipe.reference, recipe.data
    assert config is not None
    data.setup("fit")
    start = time.perf_counter()
    with threads(recipe.threads), torch.random.fork_rng(devices=[]):
        nets = [_trained(config, data, seed) for seed in range(config.seeds)]
        x, y = data.test_arrays()  # type: ignore[attr-defined]
        accuracies = tuple(_accuracy(net, x, y) for net in nets)
    return Reference(
        layers=_sizes(config, data),
        parameters=sum(p.numel() for p in nets[0].parameters()),
        accuracies=accuracies,
        accuracy=float(np.mean(accuracies)),
        test_rows=len(x),
        seconds=time.perf_counter() - start,
    )


def _sizes(config: ReferencePart, data: Any) -> tuple[int, ...]:
    return data.n_features, *config.hidden, data.n_classes


def _trained(config: ReferencePart, data: Any, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    batches = data.train_dataloader()  # a new one, so that every seed meets the same rows in the same order
    layers: list[nn.Module] = []
    for before, after in pairwise(_sizes(config, data)):
        layers += [nn.Linear(before, after), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    if config.standardise:
        net.insert(0, _Standardise(torch.cat([x for x, _ in data.train_dataloader()])))
    optimizer = torch.optim.Adam(net.parameters(), config.lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.lr, total_steps=config.epochs * len(batches))
    for _ in range(config.epochs):
        for x, y in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
            schedule.step()
    return net


@torch.no_grad()
def _accuracy(net: nn.Module, x: np.ndarray, y: np.ndarray) -> float:
    return float((net(torch.from_numpy(x)).argmax(dim=1).numpy() == y).mean())
