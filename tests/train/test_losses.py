"""Losses: values by hand, gradients that point the right way, and one for every decision rule."""

from __future__ import annotations

import math

import pytest
import torch

from sctorch import ir, nn
from sctorch.data import Digits
from sctorch.errors import ConfigError
from sctorch.train import Classifier, TrainConfig, fit, losses


def counts(*rows: list[int]) -> torch.Tensor:
    """Scores [T, 1, n] that may be differentiated."""
    return torch.tensor(rows, dtype=torch.float32)[:, None].requires_grad_()


LABEL = torch.tensor([1])


def test_cross_entropy_is_that_of_the_last_scores() -> None:
    value = losses.cross_entropy(counts([9, 0, 0], [1, 2, 0]), LABEL, scale=0.5)
    assert value.item() == pytest.approx(-math.log(math.e / (math.exp(0.5) + math.e + 1)))


def test_cross_entropy_of_two_classes_is_the_logistic_loss_of_the_logit() -> None:
    value = losses.cross_entropy(counts([3, 5]), LABEL)
    assert value.item() == pytest.approx(math.log1p(math.exp(-(5 - 3))))


def test_rate_loss_by_hand() -> None:
    # rates 1/4, 3/4, 0 against 0.1, 0.8, 0.1
    scores = counts([0, 0, 0], [0, 1, 0], [1, 2, 0], [1, 3, 0])
    assert losses.rate(scores, LABEL).item() == pytest.approx((0.15**2 + 0.05**2 + 0.1**2) / 3)
    with pytest.raises(ConfigError, match=r"0 <= incorrect < correct <= 1, got 0.9 and 0.8"):
        losses.rate(scores, LABEL, incorrect=0.9)


def test_threshold_loss_by_hand() -> None:
    # The border of threshold 3 lies at 2.5: class 0 is 0.5 above and should not be, class 1 is 0.5 below and should.
    value = losses.threshold(counts([3, 2]), LABEL, class_threshold=3)
    assert value.item() == pytest.approx(math.log1p(math.exp(0.5)))
    assert losses.threshold(counts([0, 9]), LABEL, 3).item() < 0.1


def test_undecided_share_by_hand() -> None:
    below = 1 / (1 + math.exp(-1.5))  # 2 - 0.5 - 0
    above = 1 / (1 + math.exp(0.5))  # 2 - 0.5 - 2
    value = losses.undecided_share(counts([0, 0], [2, 0]), class_threshold=2)
    assert value.item() == pytest.approx((below * below + above * below) / 2)


def test_early_decision_prefers_the_sooner_of_two_that_are_right() -> None:
    soon, late = counts([0, 2], [0, 2], [0, 2]), counts([0, 0], [0, 0], [0, 2])
    assert losses.early_decision(soon, LABEL, 2) < losses.early_decision(late, LABEL, 2)
    # ... and a right one to a wrong one that is sooner.
    wrong = counts([2, 0], [2, 0], [2, 0])
    assert losses.early_decision(late, LABEL, 2) < losses.early_decision(wrong, LABEL, 2)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_every_loss_pulls_the_right_class_up(name: str) -> None:
    readout = nn.SNNReadout(3, decision_rule="first_to_threshold", class_threshold=2)
    scores = counts([0, 0, 0], [1, 0, 1], [1, 1, 1])
    losses.LOSSES[name](scores, LABEL, readout, torch.tensor(1.0), 0.0).backward()
    assert scores.grad is not None
    last = scores.grad[-1, 0]
    assert last[1] < 0
    assert last[0] > 0
    assert last[2] > 0


def test_every_rule_has_a_loss() -> None:
    for mode, rules in ir.layers.DECISION_RULES.items():
        for rule in rules:
            readout = nn.SNNReadout(2, output_mode=mode, decision_rule=rule)
            assert losses.chosen_loss("auto", readout) in losses.LOSSES
    names = {"first_to_threshold": "early_decision", "threshold_then_argmax": "threshold"}
    assert {r: losses.default_loss(r) for r in names} == names


def test_a_loss_that_does_not_suit_is_refused() -> None:
    membrane = nn.SNNReadout(2, output_mode="membrane")
    with pytest.raises(ConfigError, match="loss = 'rate' needs spike counts"):
        losses.chosen_loss("rate", membrane)
    with pytest.raises(ConfigError, match="loss = 'mse' is unknown; allowed: auto, cross_entropy, rate"):
        losses.chosen_loss("mse", membrane)


def network(rule: str, threshold: int = 1, seed: int = 0) -> nn.SpikingNetwork:
    torch.manual_seed(seed)
    return nn.SpikingNetwork(
        nn.RateEncoder(64, bits=4),
        nn.SCLinear(64, 48, weight_bits=3),
        nn.LIF(48, beta=0.75, threshold=1.0, reset_delay=False),
        nn.SCLinear(48, 10, weight_bits=3),
        nn.LIF(10, beta=1.0, threshold=1.0, reset_delay=False),
        nn.SNNReadout(10, decision_rule=rule, class_threshold=threshold),
        num_steps=16,
    )


@pytest.mark.parametrize("loss", losses.LOSSES)
def test_networks_learn_with_every_loss(loss: str) -> None:
    net = network("threshold_then_argmax" if loss == "threshold" else "first_to_threshold", 3)
    config = TrainConfig(epochs=8, lr=2e-2, loss=loss, score_scale=0.5, progress_bar=False, logger="none")
    history = fit(net, Digits(), config).history
    assert history["train_acc"][-1] > 0.4
    assert history["train_loss"][-1] < history["train_loss"][0]


def test_the_early_loss_decides_sooner_at_no_lower_accuracy() -> None:
    """Against cross-entropy on the same network, rule and data."""
    results = {}
    for loss in ("early_decision", "cross_entropy"):
        net = network("first_to_threshold", 6)
        fit(net, Digits(), TrainConfig(epochs=12, lr=1e-2, loss=loss, score_scale=0.5, progress_bar=False))
        x, y = Digits().test_arrays()
        trace = net.trace(torch.from_numpy(x))
        reached = (trace["readout"] >= 6).any(dim=-1)  # [T, B]
        steps = torch.where(reached.any(dim=0), reached.int().argmax(dim=0) + 1, 16)
        decided = trace["readout.decision"][-1, :, 0].numpy()
        results[loss] = float(steps.float().mean()), float((decided == y).mean())
    (early, early_right), (late, late_right) = results.values()
    assert early < late - 0.3
    assert early_right > late_right - 0.02


def test_the_classifier_logs_the_networks_own_decision_and_its_time() -> None:
    net = network("first_to_threshold", 3)
    x, y = torch.rand(50, 64), torch.randint(0, 10, (50,))
    module = Classifier(net)
    seen: dict[str, float] = {}
    module.log_dict = lambda values, **_: seen.update({k: v.item() for k, v in values.items()})  # type: ignore
    module.training_step((x, y), 0)
    trace = net.trace(x)
    assert seen["train_acc"] == pytest.approx(float((trace["readout.decision"][-1, :, 0] == y).float().mean()))
    reached = (trace["readout"] >= 3).any(dim=-1)
    steps = torch.where(reached.any(dim=0), reached.int().argmax(dim=0) + 1, 16).float().mean()
    assert seen["train_steps"] == pytest.approx(float(steps))
    assert 1 < seen["train_steps"] < 16
