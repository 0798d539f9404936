"""Training: a LightningModule, and one call around it."""

from sctorch.train.classifier import Classifier, clamp_weights
from sctorch.train.fit import TrainConfig, TrainResult, evaluate, fit, load_weights, make_trainer

__all__ = [
    "Classifier", "TrainConfig", "TrainResult", "clamp_weights", "evaluate", "fit", "load_weights", "make_trainer",
]  # fmt: skip
