"""A callback that watches how often every layer spikes."""

from __future__ import annotations

from typing import Any

from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from sctorch.errors import ConfigError
from sctorch.nn import SpikingNetwork

__all__ = ["ActivityMonitor"]


class ActivityMonitor(Callback):
    """Logs the mean spike rate of each layer as rate_<layer>, once per epoch, and warns when the training is over.

    The rates are those of one batch, the training's first, at the end of each epoch: one forward
    pass more. At the end, neurons that never spiked or always did give an `ActivityWarning`
    (`SpikingNetwork.check_activity`).

    Attributes
    ----------
    rates : by layer, the mean spikes per timestep (of an encoder: per tick) after each epoch.
    """

    def __init__(self) -> None:
        self.rates: dict[str, list[float]] = {}
        self._x: Tensor | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        _network(pl_module)  # refuses before the first step
        self.rates, self._x = {}, None

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self._x is None:
            self._x = batch[0].detach().clone()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._x is None:
            return
        for name, rate in _network(pl_module).spike_rates(self._x).items():
            mean = float(rate.mean())
            self.rates.setdefault(name, []).append(mean)
            pl_module.log(f"rate_{name}", mean)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._x is not None:
            _network(pl_module).check_activity(self._x)


def _network(pl_module: LightningModule) -> SpikingNetwork:
    net = getattr(pl_module, "net", None)
    if not isinstance(net, SpikingNetwork):
        raise ConfigError(
            f"ActivityMonitor: {type(pl_module).__name__} has no SpikingNetwork as its `net`; train with Classifier"
        )
    return net
