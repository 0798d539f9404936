"""Losses on a network's scores over the whole window, one for every decision rule.

All take scores [T, B, n] in value units (spike counts, or membranes) and labels [B], and are
differentiable in the scores.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from sctorch.errors import ConfigError
from sctorch.nn import SNNReadout

__all__ = [
    "LOSSES",
    "chosen_loss",
    "cross_entropy",
    "default_loss",
    "early_decision",
    "rate",
    "threshold",
    "undecided_share",
]


def cross_entropy(scores: Tensor, labels: Tensor, scale: Tensor | float = 1.0, label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of the softmax of scale * scores at the window's end.

    For two classes that is the logistic loss of the logit score 1 - score 0.
    """
    return functional.cross_entropy(scores[-1] * scale, labels, label_smoothing=label_smoothing)


def rate(scores: Tensor, labels: Tensor, correct: float = 0.8, incorrect: float = 0.1) -> Tensor:
    """Mean squared distance of the spike rates from `correct` for the label's class and `incorrect` for the others.

    Rates are spikes per timestep, 0 to 1. After the mean square count loss of snntorch's tutorials.
    """
    if not 0 <= incorrect < correct <= 1:
        raise ConfigError(f"rate loss: needs 0 <= incorrect < correct <= 1, got {incorrect} and {correct}")
    wanted = torch.full_like(scores[-1], incorrect).scatter(1, labels[:, None], correct)
    return functional.mse_loss(scores[-1] / len(scores), wanted)


def threshold(scores: Tensor, labels: Tensor, class_threshold: int = 1, scale: Tensor | float = 1.0) -> Tensor:
    """Logistic loss per class on whether its count has reached the threshold at the window's end.

    The label's class should have, the others should not: what `threshold_then_argmax` decides by.
    The border lies half a spike below the threshold. The label's class weighs as much as all the
    others together, else silence would be the best answer of an untrained network.
    """
    margin = (scores[-1] - (class_threshold - 0.5)) * scale
    wanted = functional.one_hot(labels, margin.shape[1]).to(margin)
    weight = margin.new_tensor(max(1, margin.shape[1] - 1))
    return functional.binary_cross_entropy_with_logits(margin, wanted, pos_weight=weight)


def undecided_share(scores: Tensor, class_threshold: int, scale: Tensor | float = 1.0) -> Tensor:
    """Mean share of the window in which no class has reached the threshold, smoothed by a logistic function, 0 to 1."""
    below = torch.sigmoid((class_threshold - 0.5 - scores) * scale)
    return below.prod(dim=-1).mean()


def early_decision(
    scores: Tensor,
    labels: Tensor,
    class_threshold: int = 1,
    scale: Tensor | float = 1.0,
    earliness: float = 0.5,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Be right at every timestep, and decide soon.

    The mean over time of the cross-entropy of the scores so far, and `earliness` times the
    share of the window in which no class has reached the threshold (`undecided_share`).
    """
    steps, batch, n = scores.shape
    flat, every = (scores * scale).reshape(steps * batch, n), labels.repeat(steps)
    right = functional.cross_entropy(flat, every, label_smoothing=label_smoothing)
    return right + earliness * undecided_share(scores, class_threshold)


# name -> (scores, labels, readout, scale, label smoothing) -> loss
LOSSES: dict[str, Callable[[Tensor, Tensor, SNNReadout, Tensor, float], Tensor]] = {
    "cross_entropy": lambda scores, labels, readout, scale, smooth: cross_entropy(scores, labels, scale, smooth),
    "rate": lambda scores, labels, readout, scale, smooth: rate(scores, labels),
    "threshold": lambda scores, labels, readout, scale, smooth: threshold(scores, labels, readout.class_threshold),
    "early_decision": lambda scores, labels, readout, scale, smooth: early_decision(
        scores, labels, readout.class_threshold, scale, label_smoothing=smooth
    ),
}
_OF_COUNTS = ("rate", "threshold", "early_decision")


def default_loss(decision_rule: str) -> str:
    """The loss that suits a rule: its own for the two with a threshold, else cross-entropy."""
    return {"first_to_threshold": "early_decision", "threshold_then_argmax": "threshold"}.get(
        decision_rule, "cross_entropy"
    )


def chosen_loss(name: str, readout: SNNReadout) -> str:
    """The loss of a name for a readout; "auto" is its rule's default. ConfigError if they do not go together."""
    if name == "auto":
        return default_loss(readout.decision_rule)
    if name not in LOSSES:
        raise ConfigError(f"loss = {name!r} is unknown; allowed: auto, {', '.join(LOSSES)}")
    if name in _OF_COUNTS and readout.output_mode != "spike":
        raise ConfigError(f"loss = {name!r} needs spike counts; give the SNNReadout output_mode 'spike'")
    return name
