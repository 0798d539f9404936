from types import SimpleNamespace

import pytest
import torch
from lightning import Callback
from pruned import network

from sctorch.compress import MagnitudePruning, PruneConfig, prune, sparsity
from sctorch.data import Digits
from sctorch.errors import ConfigError
from sctorch.train import TrainConfig, fit


def masked(net):
    masks = torch.cat([net.synapse1.mask.flatten(), net.synapse2.mask.flatten()])
    return int((masks == 0).sum()), masks.numel()


def test_schedule_by_hand():
    config = PruneConfig(sparsity=0.8, start=0.2, end=0.6)
    assert [config.at(p) for p in (0.0, 0.19, 0.2)] == [0, 0, 0]
    assert config.at(0.4) == pytest.approx(0.8 * (1 - 0.5**3))
    assert config.at(0.6) == config.at(1.0) == 0.8
    assert PruneConfig(sparsity=0.5, start=0.3, end=0.3).at(0.3) == 0.5


def test_prune_removes_exactly_the_smallest():
    net = network()
    prune(net, 0.75)
    count, total = masked(net)
    assert count == round(0.75 * total)
    weights = torch.cat([net.synapse1.weight.flatten(), net.synapse2.weight.flatten()]).detach().abs()
    masks = torch.cat([net.synapse1.mask.flatten(), net.synapse2.mask.flatten()])
    assert weights[masks == 0].max() <= weights[masks == 1].min()
    prune(net, 0.5)  # less than there is: nothing comes back
    assert masked(net)[0] == count


def test_prune_per_layer():
    net = network()
    prune(net, 0.5, scope="layer")
    assert int((net.synapse1.mask == 0).sum()) == 256
    assert int((net.synapse2.mask == 0).sum()) == 40


def test_ties_are_pruned_to_the_count():
    net = network()
    torch.nn.init.constant_(net.synapse1.weight, 0.5)
    torch.nn.init.constant_(net.synapse2.weight, 0.5)
    prune(net, 0.25)
    assert masked(net)[0] == round(0.25 * 592)


def test_sparsity_counts_the_integers():
    net = network()
    with torch.no_grad():
        net.synapse1.weight.fill_(0.5)
        net.synapse2.weight.fill_(0.5)
        net.synapse1.weight[0, :10] = 0.06  # rounds to 0 at 3 bits
        net.synapse1.weight[0, 10:15] = -0.07  # rounds to -1
        net.synapse2.mask[0, :3] = 0
    assert sparsity(net) == 13 / 592


def test_callback_follows_the_schedule_and_then_keeps_the_masks():
    class Look(Callback):
        def __init__(self):
            self.counts = []

        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
            self.counts.append(masked(pl_module.net)[0])

    net, look = network(), Look()
    config = PruneConfig(sparsity=0.8, start=0.25, end=0.75, every=1)
    fit(net, Digits(), TrainConfig(epochs=4, progress_bar=False), [MagnitudePruning(config), look])
    steps = len(look.counts)
    expected = [round(config.at(i / steps) * 592) for i in range(steps)]
    assert look.counts == expected
    assert look.counts[0] == 0
    assert look.counts[-1] == round(0.8 * 592)
    assert sparsity(net) >= 0.8 - 1e-3


@pytest.mark.parametrize("end", [0.97, 1.0])
def test_a_late_end_is_still_reached(end):
    net = network()
    config = PruneConfig(sparsity=0.9, start=0.0, end=end, every=1000)
    fit(net, Digits(), TrainConfig(epochs=1, progress_bar=False), [MagnitudePruning(config)])
    assert masked(net)[0] == round(0.9 * 592)


@pytest.mark.parametrize(
    "bad",
    [{"sparsity": 1.0}, {"sparsity": -0.1}, {"start": 0.7}, {"end": 1.1}, {"scope": "neuron"}, {"every": 0}],
)
def test_config_refuses(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        PruneConfig(**bad)


def test_nothing_to_prune():
    with pytest.raises(ConfigError, match="no synapse"):
        sparsity(torch.nn.Linear(2, 2))


def test_the_first_process_decides_for_all(monkeypatch):
    """Stands in for a second process whose weights were rounded apart."""
    net, told = network(), []

    def broadcast(mask, src):
        assert src == 0
        mask.fill_(0.0)[0, 0] = 1.0
        told.append(mask)

    monkeypatch.setattr(torch.distributed, "broadcast", broadcast)
    for world_size, masks in ((1, 0), (2, 2)):
        trainer = SimpleNamespace(world_size=world_size, global_step=4, estimated_stepping_batches=8)
        MagnitudePruning(PruneConfig(0.5, 0.0, 0.5)).on_train_batch_start(trainer, net, None, 0)
        assert len(told) == masks
    assert masked(net)[0] == 592 - 2
