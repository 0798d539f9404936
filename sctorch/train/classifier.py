"""The LightningModule that trains a spiking network on labelled features."""

from __future__ import annotations

import math
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor

from sctorch.checks import check_choice, check_flag, check_instance, check_number
from sctorch.errors import ConfigError
from sctorch.nn import SNNReadout, SpikingNetwork, Synapse
from sctorch.train.checkpoints import check_checkpoint, mark_checkpoint
from sctorch.train.losses import LOSSES, chosen_loss

__all__ = ["SCHEDULES", "Classifier", "clamp_weights"]

SCHEDULES = ("one_cycle", "none")


class Classifier(LightningModule):
    """Training on the scores of a window, with Adam.

    Logs train_loss, train_acc, val_loss, val_acc and test_acc, each once per epoch; with the rule
    first_to_threshold also <stage>_steps, the mean number of timesteps until the decision stands.
    The accuracy is that of the network's own decision (ties to the lowest class), which the hardware shares.

    Parameters
    ----------
    net : the network; scores come from ``net.scores(x)``.
    lr : the learning rate, with "one_cycle" the highest one.
    weight_decay : decoupled (AdamW), on synapse weights alone, at least 0.
    label_smoothing : 0 up to below 1.
    score_scale : scores are multiplied by this before the softmax. A window's scores grow with
        num_steps and would saturate the softmax at once; values near 1 / sqrt(num_steps) suit.
    learn_scale : train the logarithm of score_scale along with the weights.
    loss : "auto" (that of the readout's rule: "early_decision" for first_to_threshold, "threshold" for
        threshold_then_argmax, else "cross_entropy"), one of these, or "rate"; see `sctorch.train.losses`.
    schedule : "one_cycle" (warm up, then down to 0; Smith and Topin 2018) or "none".
    """

    def __init__(
        self,
        net: SpikingNetwork,
        lr: float = 5e-3,
        weight_decay: float = 0.0,
        label_smoothing: float = 0.05,
        score_scale: float = 0.1,
        learn_scale: bool = False,
        schedule: str = "one_cycle",
        loss: str = "auto",
    ) -> None:
        super().__init__()
        check_instance(net, SpikingNetwork, "Classifier: net", "a SpikingNetwork")
        check_number(lr, 0, math.inf, "Classifier: lr", low_out=True)
        check_number(weight_decay, 0, math.inf, "Classifier: weight_decay")
        check_number(label_smoothing, 0, 1, "Classifier: label_smoothing", high_out=True)
        check_number(score_scale, 0, math.inf, "Classifier: score_scale", low_out=True)
        check_flag(learn_scale, "Classifier: learn_scale")
        check_choice(schedule, SCHEDULES, "Classifier: schedule")
        check_choice(loss, ("auto", *LOSSES), "Classifier: loss")
        self.net = net
        self.loss = chosen_loss(loss, net.readout)
        self.lr, self.weight_decay, self.label_smoothing, self.schedule = lr, weight_decay, label_smoothing, schedule
        self.log_scale = torch.nn.Parameter(torch.tensor(math.log(score_scale)), requires_grad=learn_scale)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [B, n_classes] at the window's end, in value units."""
        return self.net(x)

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        # Here the labels are still on the CPU, where looking at them costs nothing.
        _check_labels(batch[1], self.net.readout)
        return batch

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        return self._evaluate("train", batch)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self._evaluate("val", batch)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self._evaluate("test", batch)

    def _evaluate(self, stage: str, batch: tuple[Tensor, Tensor]) -> Tensor:
        x, y = batch
        readout = self.net.readout
        scores = self.net.scores(x)
        loss = LOSSES[self.loss](scores, y, readout, self.log_scale.exp(), self.label_smoothing)
        with torch.no_grad():
            # Scores are integers times a power of two, so that decisions and their ties are exact.
            decision = readout.classes(readout.decide(scores * 2.0 ** self.net.output_frac()))[..., 0]
            logged = {f"{stage}_loss": loss, f"{stage}_acc": (decision[-1] == y).to(scores.dtype).mean()}
            if readout.decision_rule == "first_to_threshold":
                waiting = scores.amax(dim=-1) < readout.class_threshold
                logged[f"{stage}_steps"] = (waiting.sum(dim=0) + 1).clamp(max=len(scores)).to(scores.dtype).mean()
        self.log_dict(logged, on_step=False, on_epoch=True, batch_size=len(y), sync_dist=True)
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        clamp_weights(self.net)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        mark_checkpoint(checkpoint, self.net)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        check_checkpoint(self.net, checkpoint, "the checkpoint")

    def configure_optimizers(self) -> Any:
        synapses = [m.weight for m in self.net.modules() if isinstance(m, Synapse)]
        known = {id(p) for p in synapses}
        others = [p for p in self.parameters() if p.requires_grad and id(p) not in known]
        groups = [
            {"params": synapses, "weight_decay": self.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=self.lr)
        if self.schedule == "none":
            return optimizer
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.lr, total_steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _check_labels(y: Tensor, readout: SNNReadout) -> None:
    if len(y) and not 0 <= int(y.min()) <= int(y.max()) < int(readout.n_classes or 0):
        raise ConfigError(
            f"Classifier: the labels {int(y.min())} to {int(y.max())} do not fit the network's {readout.n_classes} "
            "classes, which count from 0; give the last layers one output per class"
        )


@torch.no_grad()
def clamp_weights(net: torch.nn.Module) -> None:
    """Bring every synapse weight back into -1 to 1.

    The integer weight stops growing there while the straight-through gradient does not vanish:
    a weight left to drift outside would change nothing, and would take as long to come back.
    """
    for module in net.modules():
        if isinstance(module, Synapse):
            module.weight.clamp_(-module.limit, module.limit)
