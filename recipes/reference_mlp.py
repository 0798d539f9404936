"""A float MLP on a recipe's own data: the reference that its spiking network is held against.

    python recipes/reference_mlp.py recipes/jets.yaml --lr 0.01                                       # 67.7 %
    python recipes/reference_mlp.py recipes/mnist.yaml --hidden 128 --epochs 20 --seeds 1 --lr 0.002  # 98.0 %

Same training and test rows, same scaling; ReLU, Adam with one cycle, cross-entropy. --standardise
gives it features of mean 0 and deviation 1 instead of the raw ones' [0, 1].
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

from sctorch.data import ArrayData, TensorBatches
from sctorch.pipeline.checking import check
from sctorch.pipeline.overrides import read_plain


def train_mlp(data: ArrayData, hidden: list[int], epochs: int, lr: float, seed: int, standardise: bool) -> nn.Module:
    """The trained network; all training rows are used."""
    torch.manual_seed(seed)
    sizes = [data.n_features, *hidden]
    layers: list[nn.Module] = [nn.BatchNorm1d(sizes[0], affine=False, momentum=None)] if standardise else []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    net = nn.Sequential(*layers, nn.Linear(sizes[-1], data.n_classes))
    x, y = (torch.from_numpy(part) for part in data.train_arrays())
    batches = TensorBatches(x, y, data.batch_size, shuffle=True, seed=seed)
    optimizer = torch.optim.Adam(net.parameters(), lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=epochs * len(batches))
    for _ in range(epochs):
        for features, labels in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(features), labels).backward()
            optimizer.step()
            schedule.step()
    return net.eval()


@torch.no_grad()
def accuracy(net: nn.Module, data: ArrayData) -> float:
    """Share of the test rows that the network gets right."""
    x, y = data.test_arrays()
    return float((net(torch.from_numpy(x)).argmax(dim=1).numpy() == y).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path, help="the recipe whose data is taken")
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 32, 32], help="sizes of the hidden layers")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seeds", type=int, default=3, help="trainings, with seeds from 0")
    parser.add_argument("--standardise", action="store_true", help="mean 0 and deviation 1 per feature")
    given = parser.parse_args()
    torch.set_num_threads(1)
    data = check(read_plain(given.recipe), given.recipe).build().data
    assert isinstance(data, ArrayData)
    start = time.perf_counter()
    results = [
        accuracy(train_mlp(data, given.hidden, given.epochs, given.lr, seed, given.standardise), data)
        for seed in range(given.seeds)
    ]
    shape = "-".join(map(str, [data.n_features, *given.hidden, data.n_classes]))
    print(
        f"{given.recipe.stem}: float MLP {shape}, {given.epochs} epochs: {100 * np.mean(results):.2f} % "
        f"({', '.join(f'{100 * r:.2f}' for r in results)}) in {time.perf_counter() - start:.0f} s"
    )


if __name__ == "__main__":
    main()
