"""The train stage: the recipe's network on its data, with pruning, and its history per epoch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from sctorch.backends import check_network
from sctorch.compress import MagnitudePruning, sparsity
from sctorch.lower import lower
from sctorch.nn import SpikingNetwork
from sctorch.pipeline.recipe import Recipe
from sctorch.train import fit, load_weights, save_weights

__all__ = ["threads", "train", "trained_network"]


class _Sparsity(Callback):
    """Notes the share of zero weights after every epoch, for the training curve."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.values.append(sparsity(pl_module))


def train(recipe: Recipe, folder: Path, interactive: bool = False) -> dict[str, Any]:
    """Train, write weights.ckpt (and the trainer's logs) into `folder`, and return the history."""
    net = recipe.network.build()
    # A layer that a backend cannot do is named now, and not when the training is over.
    untrained = lower(net, recipe.name)
    for export in recipe.exports:
        check_network(untrained, export.backend, export.options, export.target)
    watch = _Sparsity()
    callbacks: list[Callback] = [watch]
    if recipe.prune is not None and recipe.prune.sparsity > 0:
        callbacks.insert(0, MagnitudePruning(recipe.prune))
    # A progress bar in a log file is noise.
    config = replace(recipe.train, progress_bar=recipe.train.progress_bar and interactive)
    with threads(recipe.threads):
        try:
            result = fit(net, recipe.data, config, callbacks, folder)
        except SystemExit as end:  # how Lightning ends a process that was told to stop
            raise KeyboardInterrupt from end
    # Of the checkpoints that the trainer leaves, this one holds the weights that the recipe asked to keep.
    save_weights(net, folder / "weights.ckpt")
    return {**result.history, "sparsity": watch.values, "final_sparsity": sparsity(net)}


def trained_network(recipe: Recipe, out: Path) -> SpikingNetwork:
    """The recipe's network with the weights that the train stage left in the output folder."""
    net = recipe.network.build()
    load_weights(net, out / "train" / "weights.ckpt")
    return net.eval()


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """So many CPU threads of torch inside; None leaves them."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
