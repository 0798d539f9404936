"""A training as a user's script has it: python together.py FOLDER DEVICES BATCH_SIZE; each process
writes what it holds.

Not a test itself: test_ddp.py runs it, since Lightning starts the other processes by running the script again.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from lightning import Callback, LightningModule, Trainer

from sctorch import nn
from sctorch.compress import MagnitudePruning, PruneConfig
from sctorch.data import ArrayData, Digits
from sctorch.train import TrainConfig, evaluate, fit


class Watch(Callback):
    """The rows of every batch, by their sums, and the masks after every step."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []
        self.masks: list[torch.Tensor] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs, batch, batch_idx: int) -> None:  # type: ignore[no-untyped-def]
        self.rows.append(batch[0].double().sum(dim=1).tolist())
        self.masks.append(torch.cat([m.mask.flatten() for m in pl_module.modules() if isinstance(m, nn.Synapse)]))


def network() -> nn.SpikingNetwork:
    return nn.SpikingNetwork(
        nn.RateEncoder(64, bits=4, source="lfsr"),
        nn.SCLinear(64, 12, weight_bits=3),
        nn.LIF(12, beta=0.75, frac_bits=2, learn_threshold=True),
        nn.SCLinear(12, 10, weight_bits=3, source="lfsr", seed=5, decorrelator="independent"),
        nn.SNNReadout(10, output_mode="membrane"),
        num_steps=8,
    )


def data(batch_size: int) -> ArrayData:
    """1293 rows to train on and 143 for validation: neither is a multiple of a batch."""
    digits = Digits()
    train, test = digits.train_arrays(), digits.test_arrays()
    return ArrayData((train[0][:1436], train[1][:1436]), test, digits.class_names, batch_size)


def run(folder: Path, devices: int, batch_size: int) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net, rows, watch = network(), data(batch_size), Watch()
    pruning = MagnitudePruning(PruneConfig(sparsity=0.6, start=0.0, end=0.9, every=1))
    config = TrainConfig(epochs=2, progress_bar=False, devices=devices)
    result = fit(net, rows, config, [pruning, watch], folder)
    answer = {
        "weights": {name: p.detach() for name, p in net.named_parameters()},
        "masks": torch.stack(watch.masks),
        "streams": [net.encoder._values(8, torch.device("cpu")), net.synapse1.random(8), net.synapse2.random(8)],
        "rows": watch.rows,
        "history": result.history,
        "test": evaluate(net, rows),
        "checkpoint": str(result.last_checkpoint),
    }
    torch.save(answer, folder / f"rank{result.rank}.pt")


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
