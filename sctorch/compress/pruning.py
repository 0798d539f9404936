"""Magnitude pruning: synapses are taken out while the network trains."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from sctorch.checks import check_choice, check_instance, check_number, check_range
from sctorch.compress.units import prunable, synapses
from sctorch.errors import ConfigError

__all__ = ["SCOPES", "MagnitudePruning", "PruneConfig", "prune", "share_masks", "sparsity"]

SCOPES = ("global", "layer")


@dataclass
class PruneConfig:
    """What to prune, and when.

    Parameters
    ----------
    sparsity : fraction of the synapses that are gone in the end, 0 up to below 1.
    start, end : fractions of the training between which they go; after `end` the masks stay and
        the rest is fine-tuned.
    scope : "global" ranks the weights of all layers together, "layer" each layer's on its own.
    every : training steps from one update of the masks to the next.
    """

    sparsity: float = 0.8
    start: float = 0.1
    end: float = 0.6
    scope: str = "global"
    every: int = 4

    def __post_init__(self) -> None:
        check_number(self.sparsity, 0, 1, "PruneConfig: sparsity", high_out=True)
        check_number(self.start, 0, 1, "PruneConfig: start")
        check_number(self.end, 0, 1, "PruneConfig: end")
        if self.start > self.end:
            raise ConfigError(f"PruneConfig: need start <= end, got start = {self.start}, end = {self.end}")
        check_choice(self.scope, SCOPES, "PruneConfig: scope")
        check_range(self.every, 1, None, "PruneConfig: every")

    def at(self, progress: float) -> float:
        """The sparsity at `progress` (0 to 1) of the training: cubic, fast at first.

        s(p) = sparsity (1 - (1 - (p - start) / (end - start))^3) (Zhu and Gupta 2017, eq. 1).
        """
        if progress < self.start:
            return 0.0
        if progress >= self.end:
            return self.sparsity
        return self.sparsity * (1 - (1 - (progress - self.start) / (self.end - self.start)) ** 3)


class MagnitudePruning(Callback):
    """Prunes the masks of every synapse on the schedule of a `PruneConfig`, exactly to its sparsity.

    A pruned weight stays pruned: its gradient is 0 and it ranks last. Where several processes train
    together, the first one's masks are everyone's.
    """

    needs_all_epochs = True  # a training that stops early would leave the schedule half done

    def __init__(self, config: PruneConfig | None = None) -> None:
        self.config = PruneConfig() if config is None else config
        check_instance(self.config, PruneConfig, "MagnitudePruning: config", "a PruneConfig")
        self._done = -1.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._done = -1.0
        if not math.isfinite(trainer.estimated_stepping_batches):
            raise ConfigError("MagnitudePruning needs a training of known length; give max_epochs or max_steps")

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if trainer.global_step % self.config.every == 0:
            self._update(trainer, pl_module, trainer.global_step / trainer.estimated_stepping_batches)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._update(trainer, pl_module, 1.0)  # `end` may lie behind the last update

    def _update(self, trainer: Trainer, pl_module: LightningModule, progress: float) -> None:
        target = self.config.at(progress)
        if target > self._done and target > 0:
            prune(pl_module, target, self.config.scope)
            share_masks(trainer, pl_module)
            self._done = target


def share_masks(trainer: Trainer, net: torch.nn.Module) -> None:
    """Where several processes train together: the first one's masks for all.

    Processors of different kinds may round the weights apart, and then rank them apart.
    """
    if trainer.world_size > 1:
        for module in synapses(net):
            torch.distributed.broadcast(module.mask, src=0)


@torch.no_grad()
def prune(net: torch.nn.Module, sparsity: float, scope: str = "global", unit: str = "weight") -> None:
    """Mask the smallest units so that round(sparsity * number of units) of them are gone.

    Parameters
    ----------
    net : anything with synapses in it; what is masked already goes first. With units "input" and "neuron" its synapses
        stand in a row, as in a SpikingNetwork.
    sparsity : fraction of the units, 0 up to below 1.
    scope : "global" ranks the units of all layers together, "layer" each layer's on their own.
    unit : "weight": single synapses, by |w|. "input": features, by the mean |w| of the first layer's weights that read
        them. "neuron": hidden neurons, by the mean |w| of what they read and of what reads them (after Li et al. 2017,
        section 3.1); one of each layer always stays. `shrink` takes what is gone out of the layers.
    """
    PruneConfig(sparsity=sparsity, scope=scope)  # refuses bad values
    layers = prunable(net, unit)
    for group in [layers] if scope == "global" else [[layer] for layer in layers]:
        rank = torch.cat([layer.rank for layer in group])
        gone = torch.zeros(len(rank), dtype=torch.bool, device=rank.device)
        gone[torch.argsort(rank, stable=True)[: round(sparsity * len(rank))]] = True
        gone &= torch.isfinite(rank)  # the last neuron of a layer
        for layer, part in zip(group, gone.split([len(layer.rank) for layer in group]), strict=True):
            layer.remove(part)


@torch.no_grad()
def sparsity(net: torch.nn.Module) -> float:
    """Fraction of the integer weights that are 0, those that round to 0 included: what hardware leaves out."""
    weights = [m.integer_weight() for m in synapses(net)]
    return sum(int((w == 0).sum()) for w in weights) / sum(w.numel() for w in weights)
