"""The callback that watches spike rates while a network trains."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import pytest
import torch
from lightning import LightningModule

from sctorch import nn
from sctorch.data import Digits
from sctorch.errors import ConfigError
from sctorch.train import ActivityMonitor, TrainConfig, fit

LAYERS = {"encoder", "neuron1"}


def network(threshold: float = 1.0) -> nn.SpikingNetwork:
    torch.manual_seed(0)
    return nn.SpikingNetwork(
        nn.RateEncoder(64, bits=4), nn.SCLinear(64, 16, weight_bits=3), nn.LIF(16, threshold=threshold),
        nn.SCLinear(16, 10, weight_bits=3), nn.SNNReadout(10, output_mode="membrane"), num_steps=8,
    )  # fmt: skip


def test_a_rate_per_layer_and_epoch(tmp_path: Path) -> None:
    monitor = ActivityMonitor()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", nn.ActivityWarning)
        fit(network(), Digits(), TrainConfig(epochs=3, progress_bar=False), [monitor], tmp_path)
    assert set(monitor.rates) == LAYERS
    assert {len(values) for values in monitor.rates.values()} == {3}
    assert len(set(monitor.rates["encoder"])) == 1, "the same batch in every epoch"
    assert len(set(monitor.rates["neuron1"])) == 3, "the weights changed"
    with (tmp_path / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["rate_neuron1"]]
    assert [float(row["rate_neuron1"]) for row in rows] == pytest.approx(monitor.rates["neuron1"], rel=1e-5)
    assert float(rows[0]["rate_encoder"]) == pytest.approx(monitor.rates["encoder"][0], rel=1e-5)


def test_it_warns_at_the_end() -> None:
    config = TrainConfig(epochs=1, lr=1e-6, progress_bar=False)
    with pytest.warns(nn.ActivityWarning, match="neuron1: 16 of 16 neurons never spiked .* learning rate") as caught:
        fit(network(threshold=500.0), Digits(), config, [ActivityMonitor()])
    assert len(caught) == 1


def test_the_configuration_can_ask_for_it(tmp_path: Path) -> None:
    config = TrainConfig(epochs=1, lr=1e-6, progress_bar=False, watch_activity=True)
    with pytest.warns(nn.ActivityWarning, match="never spiked"):
        fit(network(threshold=500.0), Digits(), config, folder=tmp_path)
    assert "rate_neuron1" in (tmp_path / "metrics.csv").read_text()


def test_it_changes_no_weight() -> None:
    def trained(watch: bool) -> torch.Tensor:
        net = network()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", nn.ActivityWarning)
            fit(net, Digits(), TrainConfig(epochs=1, progress_bar=False, watch_activity=watch))
        return torch.cat([p.flatten() for p in net.parameters()])

    assert torch.equal(trained(False), trained(True))


def test_another_module_is_refused() -> None:
    with pytest.raises(ConfigError, match="LightningModule has no SpikingNetwork as its `net`; train with Classifier"):
        ActivityMonitor().on_train_start(None, LightningModule())  # type: ignore[arg-type]
