import itertools

import pytest
import torch
from lightning import Callback
from pruned import network

from sctorch.compress import IterativePruneConfig, IterativePruning
from sctorch.data import Digits
from sctorch.errors import ConfigError
from sctorch.train import Classifier, TrainConfig, fit, make_trainer

EPOCHS = 5


def weights(net):
    return [p.detach().clone() for p in (net.synapse1.weight, net.synapse2.weight)]


class Look(Callback):
    """What holds when a batch is about to be trained on, after the pruning: this callback comes behind it."""

    def __init__(self):
        self.gone, self.lr, self.weights, self.moments = [], [], [], []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        net = pl_module.net
        self.gone.append(int((net.synapse1.mask == 0).sum() + (net.synapse2.mask == 0).sum()))
        self.weights.append(weights(net))
        self.moments.append(len(trainer.optimizers[0].state))

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.lr.append(trainer.optimizers[0].param_groups[0]["lr"])


def trained(config, epochs=EPOCHS, **fields):
    net, look = network(), Look()
    fit(net, Digits(), TrainConfig(epochs=epochs, progress_bar=False, **fields), [IterativePruning(config), look])
    return net, look


def test_each_level_has_its_round():
    config = IterativePruneConfig(levels=[0.5, 0.8], dense=0.2)
    net, look = trained(config)
    steps = len(look.gone)
    starts = config.starts(steps)
    assert starts == [steps // 5, round(0.6 * steps)]
    bounds = [0, *starts, steps]
    for (a, b), level in zip(itertools.pairwise(bounds), (0, 0.5, 0.8), strict=True):
        assert look.gone[a:b] == [round(level * 592)] * (b - a)
        # A one-cycle schedule of its own: up, then down to next to nothing.
        peak = max(look.lr[a:b])
        assert look.lr[b - 1] < 0.1 * peak
        assert a < a + look.lr[a:b].index(peak) < b - 1
        assert look.moments[a] == 0, "Adam begins anew"
        assert look.moments[a + 1] > 0
    assert torch.equal((net.synapse1.integer_weight() == 0) | (net.synapse1.mask > 0), torch.ones(8, 64, dtype=bool))


def test_without_a_schedule_the_rate_stays():
    _, look = trained(IterativePruneConfig(levels=[0.5], dense=0.5), epochs=2, schedule="none", lr=0.01)
    assert set(look.lr) == {0.01}


def test_rewinding_brings_the_early_weights_back_and_keeps_the_masks():
    config = IterativePruneConfig(levels=[0.5, 0.8], dense=0.2, rewind=0.1)
    _, look = trained(config)
    steps = len(look.gone)
    early = look.weights[-(-steps // 10)]
    for start in config.starts(steps):
        assert all(torch.equal(a, b) for a, b in zip(look.weights[start], early, strict=True))
        assert not all(torch.equal(a, b) for a, b in zip(look.weights[start - 1], early, strict=True))
    _, plain = trained(IterativePruneConfig(levels=[0.5, 0.8], dense=0.2))
    start = config.starts(steps)[0]
    assert all(torch.equal(a, b) for a, b in zip(plain.weights[start - 1], look.weights[start - 1], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(plain.weights[start], early, strict=True))


def test_the_masks_are_ranked_by_the_trained_weights_not_the_rewound_ones():
    config = IterativePruneConfig(levels=[0.7], dense=0.5, rewind=0.0)
    net, look = trained(config, epochs=4)
    before = torch.cat([w.flatten() for w in look.weights[config.starts(len(look.gone))[0] - 1]]).abs()
    mask = torch.cat([net.synapse1.mask.flatten(), net.synapse2.mask.flatten()])
    # One batch lies between these weights and those that were ranked.
    assert before[mask == 0].mean() < 0.5 * before[mask == 1].mean()


@pytest.mark.filterwarnings("ignore")  # of Lightning, on worker processes and on torch's newer names
def test_a_training_goes_on_from_a_checkpoint_in_its_round(tmp_path):
    config = IterativePruneConfig(levels=[0.5, 0.8], dense=0.4, rewind=0.2)

    def train(epochs, path=None):
        net, look = network(), Look()

        class Stop(Callback):
            def on_train_epoch_end(self, trainer, pl_module):
                trainer.should_stop = trainer.current_epoch + 1 >= epochs

        callbacks = [IterativePruning(config), look, Stop()]
        trainer = make_trainer(TrainConfig(epochs=5, progress_bar=False), callbacks)
        trainer.fit(Classifier(net), Digits(), ckpt_path=path)
        trainer.save_checkpoint(tmp_path / "some.ckpt")
        return look

    whole = train(5)
    steps = len(whole.gone)
    first, second = config.starts(steps)
    parts = train(3)
    assert first < len(parts.gone) < second, "stopped in the first round"
    rest = train(5, tmp_path / "some.ckpt")
    assert parts.gone + rest.gone == whole.gone
    assert parts.lr + rest.lr == whole.lr
    assert rest.moments[0] > 0, "Adam goes on"
    early = parts.weights[-(-steps // 5)]
    assert all(torch.equal(a, b) for a, b in zip(rest.weights[second - len(parts.gone)], early, strict=True))


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ({"levels": []}, "levels"), ({"levels": 0.5}, "levels"), ({"levels": [0.5, 1.0]}, "levels"),
        ({"levels": [0.5, 0.5]}, "must rise"), ({"levels": ["much"]}, "levels"), ({"dense": 0.0}, "dense"),
        ({"dense": 1.0}, "dense"), ({"rewind": 0.3}, "rewind"), ({"rewind": -0.1}, "rewind"),
        ({"scope": "all"}, "scope"), ({"unit": "synapse"}, "unit"),
    ],
)  # fmt: skip
def test_config_refuses(bad, what):
    with pytest.raises(ConfigError, match=what):
        IterativePruneConfig(**bad)


def test_too_short_a_training_is_refused():
    with pytest.raises(ConfigError, match="12 steps is too short for 20 rounds"):
        IterativePruneConfig(levels=[k / 40 for k in range(1, 21)]).starts(12)
    with pytest.raises(ConfigError, match="IterativePruneConfig"):
        IterativePruning({"levels": [0.5]})
