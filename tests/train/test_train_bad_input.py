"""Whatever is put into a field of the training and the pruning, the answer is an error of ours that names the field."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import junk
import pytest
import torch
from junk import JUNK

from sctorch import nn
from sctorch.compress import MagnitudePruning, PruneConfig, prune, sparsity
from sctorch.data import Digits
from sctorch.errors import ConfigError, SctorchError
from sctorch.train import Classifier, TrainConfig, evaluate, fit, make_trainer

POSITIVE = {"half", "whole float", "huge"}
NUMBER = POSITIVE | {"zero"}


def network() -> nn.SpikingNetwork:
    return nn.SpikingNetwork(
        nn.RateEncoder(64), nn.SCLinear(64, 10), nn.SNNReadout(10, output_mode="membrane"), num_steps=2
    )


CLASSES: junk.Table = {
    "Classifier": (
        Classifier, {"net": network()},
        {
            "net": (), "lr": POSITIVE, "weight_decay": NUMBER, "label_smoothing": {"zero"},
            "score_scale": POSITIVE, "learn_scale": {"true"}, "schedule": (), "loss": (),
        },
    ),
    "TrainConfig": (
        TrainConfig, {},
        {
            "epochs": {"huge"}, "lr": POSITIVE, "weight_decay": NUMBER, "label_smoothing": {"zero"},
            "score_scale": POSITIVE, "learn_scale": {"true"}, "schedule": (), "loss": (), "seed": {"zero"},
            "validate_every": {"huge"}, "patience": {"None", "huge"}, "keep": (), "logger": (),
            "watch_activity": {"true"}, "progress_bar": {"true"}, "accelerator": (),
        },
    ),
    "PruneConfig": (
        PruneConfig, {"start": 0},
        {"sparsity": {"zero"}, "start": {"zero"}, "end": {"zero"}, "scope": (), "every": {"huge"}},
    ),
    "MagnitudePruning": (MagnitudePruning, {}, {"config": {"None"}}),
    "prune": (lambda **given: prune(network(), **given), {"sparsity": 0.5}, {"sparsity": {"zero"}, "scope": ()}),
    "fit": (
        lambda **given: fit(given.pop("net", network()), given.pop("datamodule", Digits()), **given), {},
        {"net": (), "datamodule": (), "config": (), "callbacks": (), "folder": ()},
    ),
}  # fmt: skip
# A training would run: these are good, and tested elsewhere.
RUNS = {("fit", "config", "None"), ("fit", "callbacks", "empty list")} | {
    ("fit", "folder", value) for value in ("None", "text", "empty text")
}


@pytest.mark.parametrize(("kind", "field", "value"), [case for case in junk.cases(CLASSES) if case not in RUNS])
def test_no_field_takes_junk(kind: str, field: str, value: str) -> None:
    assert field in junk.check(CLASSES, kind, field, value)


@pytest.mark.parametrize("call", [sparsity, lambda x: prune(x, 0.5)], ids=["sparsity", "prune"])
@pytest.mark.parametrize("value", JUNK)
def test_only_modules_are_pruned(call: Callable[[Any], Any], value: str) -> None:
    with pytest.raises(SctorchError, match="net must be a torch module"):
        call(JUNK[value])
    with pytest.raises(ConfigError, match="Linear has no synapse to prune"):
        call(torch.nn.Linear(2, 2))


def test_evaluate_takes_networks_and_data() -> None:
    with pytest.raises(ConfigError, match="net must be a SpikingNetwork, not Linear"):
        evaluate(torch.nn.Linear(2, 2), Digits())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"datamodule must be a LightningDataModule .*, not list"):
        evaluate(network(), [])  # type: ignore[arg-type]


def test_labels_that_the_network_has_no_class_for() -> None:
    five = nn.SpikingNetwork(
        nn.RateEncoder(64), nn.SCLinear(64, 5), nn.SNNReadout(5, output_mode="membrane"), num_steps=2
    )
    with pytest.raises(ConfigError, match="labels 0 to 9 do not fit the network's 5 classes"):
        fit(five, Digits(), TrainConfig(epochs=1, progress_bar=False))
    with pytest.raises(ConfigError, match="labels 0 to 9 do not fit the network's 5 classes"):
        evaluate(five, Digits())
    with pytest.raises(ConfigError, match="labels -1 to 1 do not fit"):
        Classifier(five).on_before_batch_transfer((torch.rand(3, 64), torch.tensor([-1, 0, 1])), 0)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write to folder"):
        fit(network(), Digits(), TrainConfig(epochs=1, progress_bar=False), folder=tmp_path / "file" / "sub")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, so asking for one is no mistake")
def test_a_gpu_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="accelerator = 'gpu'"):
        make_trainer(TrainConfig(accelerator="gpu", progress_bar=False))
