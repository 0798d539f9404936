"""Iterative magnitude pruning: train, prune, train on, prune further, with or without a return to early weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch.optim.lr_scheduler import OneCycleLR

from sctorch.checks import check_choice, check_instance, check_number
from sctorch.compress.pruning import SCOPES, prune, share_masks
from sctorch.compress.units import UNITS
from sctorch.errors import ConfigError

__all__ = ["IterativePruneConfig", "IterativePruning"]


@dataclass
class IterativePruneConfig:
    """Rounds of pruning within one training.

    The network trains dense for the fraction `dense` of the training; then every level has its round: the smallest
    units are masked up to the level's sparsity, and what is left trains for an equal share of the rest. One level is
    one-shot pruning.

    Parameters
    ----------
    levels : sparsities, rising, 0 to below 1 (fractions of the units that are gone).
    dense : fraction of the training before the first round, above 0 and below 1.
    rewind : None: a round goes on with the weights as trained. A fraction of the training, at most `dense`: a round
        starts again with the weights of that moment (0: the first ones; Frankle and Carbin 2019; later ones:
        Frankle et al. 2020), masks stay.
    scope : "global" ranks the units of all layers together, "layer" each layer's on their own.
    unit : "weight", "input" or "neuron"; see `prune`.
    """

    levels: Sequence[float] = (0.5, 0.7, 0.85, 0.95)
    dense: float = 0.25
    rewind: float | None = None
    scope: str = "global"
    unit: str = "weight"

    def __post_init__(self) -> None:
        where = "IterativePruneConfig"
        if not isinstance(self.levels, list | tuple) or not self.levels:
            raise ConfigError(
                f"{where}: levels = {self.levels!r} must be a list of sparsities, such as [0.5, 0.8, 0.95]"
            )
        for level in self.levels:
            check_number(level, 0, 1, f"{where}: each of levels", high_out=True)
        if any(b <= a for a, b in zip(self.levels, self.levels[1:], strict=False)):
            raise ConfigError(f"{where}: levels = {list(self.levels)} must rise; what is pruned does not come back")
        check_number(self.dense, 0, 1, f"{where}: dense", low_out=True, high_out=True)
        if self.rewind is not None:
            check_number(self.rewind, 0, self.dense, f"{where}: rewind (at most dense)")
        check_choice(self.scope, SCOPES, f"{where}: scope")
        check_choice(self.unit, UNITS, f"{where}: unit")

    def starts(self, steps: int) -> list[int]:
        """The training step at which each level's round begins."""
        rounds = len(self.levels)
        starts = [round(steps * (self.dense + (1 - self.dense) * k / rounds)) for k in range(rounds)]
        if starts[0] == 0 or len({*starts, steps}) <= rounds:
            raise ConfigError(f"a training of {steps} steps is too short for {rounds} rounds of pruning; train longer")
        return starts


class IterativePruning(Callback):
    """Prunes in the rounds of an `IterativePruneConfig`.

    Each round has Adam's state and the learning rate's one-cycle schedule anew, as a training of its own would. Masks
    are buffers of the network, and so in every checkpoint; a training that goes on from one goes on in its round.
    """

    needs_all_epochs = True  # a training that stops early would leave rounds out

    def __init__(self, config: IterativePruneConfig | None = None) -> None:
        self.config = IterativePruneConfig() if config is None else config
        check_instance(self.config, IterativePruneConfig, "IterativePruning: config", "an IterativePruneConfig")
        self._early: dict[str, torch.Tensor] = {}
        self._starts: list[int] = []

    def state_dict(self) -> dict[str, Any]:
        return {"early": self._early}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._early = dict(state_dict["early"])

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        steps = trainer.estimated_stepping_batches
        if not math.isfinite(steps):
            raise ConfigError("IterativePruning needs a training of known length; give max_epochs or max_steps")
        self._steps = int(steps)
        self._starts = self.config.starts(self._steps)
        if trainer.global_step == 0:
            self._early = {}
            _restart(trainer, self._starts[0])

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        step, config = trainer.global_step, self.config
        if config.rewind is not None and not self._early and step >= config.rewind * self._steps:
            self._early = {name: p.detach().clone() for name, p in pl_module.named_parameters()}
        if step not in self._starts:
            return
        at = self._starts.index(step)
        prune(pl_module, config.levels[at], config.scope, config.unit)
        share_masks(trainer, pl_module)
        with torch.no_grad():
            for name, parameter in pl_module.named_parameters():
                if name in self._early:
                    parameter.copy_(self._early[name])
        _restart(trainer, (*self._starts, self._steps)[at + 1] - step)


def _restart(trainer: Trainer, steps: int) -> None:
    """Forget what the optimiser has gathered, and begin a one-cycle schedule of so many steps."""
    for optimizer in trainer.optimizers:
        optimizer.state.clear()
    for config in trainer.lr_scheduler_configs:
        if isinstance(config.scheduler, OneCycleLR):
            highest = [group["max_lr"] for group in config.scheduler.optimizer.param_groups]
            config.scheduler = OneCycleLR(config.scheduler.optimizer, highest, total_steps=steps)
