"""Training: a LightningModule, and one call around it."""

from sctorch.train.activity import ActivityMonitor
from sctorch.train.checkpoints import load_weights, save_weights
from sctorch.train.classifier import Classifier, clamp_weights
from sctorch.train.fit import TrainConfig, TrainResult, evaluate, fit, make_trainer

__all__ = [
    "ActivityMonitor", "Classifier", "TrainConfig", "TrainResult", "clamp_weights", "evaluate", "fit", "load_weights",
    "make_trainer", "save_weights",
]  # fmt: skip
