import sys
from importlib.util import find_spec

import pytest
import torch
from lightning import Callback

from sctorch import nn
from sctorch.compress import MagnitudePruning
from sctorch.data import Digits
from sctorch.errors import ConfigError
from sctorch.train import Classifier, TrainConfig, clamp_weights, evaluate, fit, load_weights

QUICK = {"epochs": 2, "progress_bar": False}


def network(seed=0):
    torch.manual_seed(seed)
    return nn.SpikingNetwork(
        nn.RateEncoder(64, bits=4),
        nn.SCLinear(64, 16, weight_bits=3),
        nn.LIF(16, beta=0.75, frac_bits=2),
        nn.SCLinear(16, 10, weight_bits=3),
        nn.SNNReadout(10, output_mode="membrane"),
        num_steps=8,
    )


def test_learns_and_records(tmp_path):
    net = network()
    data = Digits()
    result = fit(net, data, TrainConfig(epochs=6, lr=2e-2, progress_bar=False), folder=tmp_path)
    assert result.history["epoch"] == result.history["val_epoch"] == [1, 2, 3, 4, 5, 6]
    assert {len(v) for v in result.history.values()} == {6}
    assert result.history["train_acc"][-1] > 0.5 > result.history["train_acc"][0]
    assert result.seconds > 0
    assert (tmp_path / "metrics.csv").exists()
    assert result.last_checkpoint == tmp_path / "last.ckpt"
    assert result.best_checkpoint == tmp_path / "best.ckpt"
    x, y = data.test_arrays()
    decided = (net.predict(torch.from_numpy(x))[-1].numpy() == y).mean()
    assert evaluate(net, data)["test_acc"] == pytest.approx(decided, abs=1e-6)
    other = network(1)
    load_weights(other, result.last_checkpoint)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters(), strict=True))


def test_same_seed_same_weights():
    def trained(seed):
        net = network()
        torch.rand(seed + 3)  # the state of the global generator must not matter
        fit(net, Digits(seed=seed, deform=0.5), TrainConfig(**QUICK), [MagnitudePruning()])
        return torch.cat([p.flatten() for p in net.parameters()])

    first = trained(0)
    assert torch.equal(first, trained(0))
    assert not torch.equal(first, trained(1))


def test_leaves_the_global_generator_alone():
    net = network()
    before = torch.random.get_rng_state()
    fit(net, Digits(), TrainConfig(**QUICK))
    assert torch.equal(before, torch.random.get_rng_state())


def test_writes_nothing_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = fit(network(), Digits(), TrainConfig(**QUICK))
    assert result.last_checkpoint is None
    assert result.best_checkpoint is None
    assert list(tmp_path.iterdir()) == []


def test_no_validation_rows(tmp_path):
    result = fit(network(), Digits(val_fraction=0), TrainConfig(**QUICK), folder=tmp_path)
    assert set(result.history) == {"epoch", "train_loss", "train_acc"}
    assert result.best_checkpoint is None


def test_validates_at_an_interval(tmp_path):
    result = fit(network(), Digits(), TrainConfig(**QUICK | {"epochs": 4}, validate_every=2), folder=tmp_path)
    assert result.history["val_epoch"] == [2, 4]
    assert len(result.history["train_acc"]) == 4


def test_early_stopping_and_best_weights(tmp_path):
    class Spoil(Callback):
        def on_train_epoch_start(self, trainer, pl_module):
            if trainer.current_epoch >= 2:
                pl_module.net.synapse2.weight.data.zero_()

    net = network()
    config = TrainConfig(epochs=20, lr=1e-2, schedule="none", patience=2, keep="best", progress_bar=False)
    result = fit(net, Digits(), config, [Spoil()], folder=tmp_path)
    assert len(result.history["epoch"]) == 4
    kept = network(1)
    load_weights(kept, result.best_checkpoint)
    assert torch.equal(kept.synapse2.weight, net.synapse2.weight)
    assert net.synapse2.weight.abs().mean() > 0.05


def test_progress_bar_runs():
    fit(network(), Digits(), TrainConfig(epochs=1))


def test_weights_stay_where_the_gradient_means_something():
    net = network()
    torch.nn.init.uniform_(net.synapse1.weight, -3, 3)
    clamp_weights(net)
    assert net.synapse1.weight.abs().max() == 1
    fit(net, Digits(), TrainConfig(epochs=1, lr=0.5, schedule="none", progress_bar=False))
    assert net.synapse1.weight.abs().max() <= 1


def test_learned_scale_moves_and_the_fixed_one_does_not():
    for learn in (False, True):
        config = TrainConfig(**QUICK, learn_scale=learn)
        seen = {}

        class Look(Callback):
            def on_train_end(self, trainer, pl_module, seen=seen):
                seen["scale"] = float(pl_module.log_scale.detach().exp())

        fit(network(), Digits(), config, [Look()])
        assert (seen["scale"] != pytest.approx(0.1, rel=1e-4)) == learn


@pytest.mark.parametrize(
    "bad",
    [
        {"lr": 0.0}, {"lr": float("nan")}, {"weight_decay": -1.0}, {"label_smoothing": 1.0},
        {"score_scale": 0.0}, {"schedule": "cosine"},
    ],
)  # fmt: skip
def test_classifier_refuses(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        Classifier(network(), **bad)


@pytest.mark.parametrize(
    "bad", [{"epochs": 0}, {"validate_every": 0}, {"patience": 0}, {"logger": "wandb"}, {"keep": "first"}]
)
def test_config_refuses(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        TrainConfig(**bad)


def test_early_stopping_needs_validation_and_no_schedule(tmp_path):
    config = TrainConfig(**QUICK, patience=1)
    with pytest.raises(ConfigError, match="val_fraction"):
        fit(network(), Digits(val_fraction=0), config)
    with pytest.raises(ConfigError, match="MagnitudePruning"):
        fit(network(), Digits(), config, [MagnitudePruning()])
    with pytest.raises(ConfigError, match="folder"):
        fit(network(), Digits(), TrainConfig(**QUICK, keep="best"))


def test_tensorboard_without_its_package_says_how_to_get_it(tmp_path, monkeypatch):
    def missing(*args, **kwargs):
        raise ModuleNotFoundError("No module named 'tensorboard'")

    # The package `sctorch.train` calls its function by the name of this module.
    monkeypatch.setattr(sys.modules["sctorch.train.fit"], "TensorBoardLogger", missing)
    with pytest.raises(ConfigError, match=r"'tensorboard' needs that package: pip install tensorboard; or use 'csv'"):
        fit(network(), Digits(), TrainConfig(**QUICK, logger="tensorboard"), folder=tmp_path)


def test_the_message_fits_what_lightning_raises(tmp_path):
    """Without the package Lightning's own logger raises what the test above makes it raise."""
    if find_spec("tensorboard") or find_spec("tensorboardX"):
        pytest.skip("tensorboard is installed; test_tensorboard_writes_its_file runs instead")
    with pytest.raises(ConfigError, match="pip install tensorboard"):
        fit(network(), Digits(), TrainConfig(**QUICK, logger="tensorboard"), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_tensorboard_writes_its_file(tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed; its logger cannot write")
    fit(network(), Digits(), TrainConfig(**QUICK, logger="tensorboard"), folder=tmp_path)
    assert list((tmp_path / "tensorboard").glob("events.out.*"))


def test_tensorboard_without_a_folder_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit(network(), Digits(), TrainConfig(**QUICK, logger="tensorboard"))
    assert list(tmp_path.iterdir()) == []
