"""One call that trains a network: trainer, logs, checkpoints, history."""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningDataModule, LightningModule, Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

from sctorch.checks import check_choice, check_flag, check_instance, check_number, check_path, check_range
from sctorch.errors import ConfigError
from sctorch.nn import SpikingNetwork
from sctorch.train.activity import ActivityMonitor
from sctorch.train.checkpoints import load_weights
from sctorch.train.classifier import SCHEDULES, Classifier
from sctorch.train.losses import LOSSES

__all__ = ["TrainConfig", "TrainResult", "evaluate", "fit", "make_trainer"]

LOGGERS = ("csv", "tensorboard", "none")
KEEP = ("last", "best")
ACCELERATORS = ("cpu", "gpu", "auto")


@dataclass
class TrainConfig:
    """How to train; every field can be given in a recipe.

    Parameters
    ----------
    epochs : passes over the training rows.
    lr, weight_decay, label_smoothing, score_scale, learn_scale, schedule, loss : see `Classifier`.
    seed : of everything random inside the training; the network's first weights and the order of
        the rows have their own (where the network is built, and the data module's).
    validate_every : epochs from one validation to the next.
    patience : stop after this many validations without a lower val_loss; None never stops early.
    keep : the weights that the network has afterwards: "last", or "best" (lowest val_loss). With
        pruning only "last" makes sense, since the best weights may come from before it was done.
    logger : "csv" (metrics.csv), "tensorboard" or "none".
    watch_activity : log how often each layer spikes and warn of dead and saturated neurons; see
        `ActivityMonitor`. It costs one forward pass of a batch per epoch.
    progress_bar : show one on the terminal.
    accelerator : Lightning's: "cpu", "gpu" or "auto".
    devices : processes per machine, each with a device of its own. More than one train together
        (Lightning's DDP): every step takes as many rows as all of them have in a batch.
    num_nodes : machines.
    """

    epochs: int = 60
    lr: float = 5e-3
    weight_decay: float = 0.0
    label_smoothing: float = 0.05
    score_scale: float = 0.1
    learn_scale: bool = False
    schedule: str = "one_cycle"
    loss: str = "auto"
    seed: int = 0
    validate_every: int = 1
    patience: int | None = None
    keep: str = "last"
    logger: str = "csv"
    watch_activity: bool = False
    progress_bar: bool = True
    accelerator: str = "cpu"
    devices: int = 1
    num_nodes: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "validate_every", "devices", "num_nodes"):
            check_range(getattr(self, name), 1, None, f"TrainConfig: {name}")
        if self.patience is not None:
            check_range(self.patience, 1, None, "TrainConfig: patience")
        check_range(self.seed, 0, 2**63 - 1, "TrainConfig: seed")
        check_number(self.lr, 0, math.inf, "TrainConfig: lr", low_out=True)
        check_number(self.weight_decay, 0, math.inf, "TrainConfig: weight_decay")
        check_number(self.label_smoothing, 0, 1, "TrainConfig: label_smoothing", high_out=True)
        check_number(self.score_scale, 0, math.inf, "TrainConfig: score_scale", low_out=True)
        for name in ("learn_scale", "watch_activity", "progress_bar"):
            check_flag(getattr(self, name), f"TrainConfig: {name}")
        for name, allowed in (
            ("schedule", SCHEDULES), ("loss", ("auto", *LOSSES)), ("logger", LOGGERS), ("keep", KEEP),
            ("accelerator", ACCELERATORS),
        ):  # fmt: skip
            check_choice(getattr(self, name), allowed, f"TrainConfig: {name}")

    def classifier(self, net: SpikingNetwork) -> Classifier:
        """The LightningModule with this configuration's fields."""
        return Classifier(
            net,
            self.lr,
            self.weight_decay,
            self.label_smoothing,
            self.score_scale,
            self.learn_scale,
            self.schedule,
            self.loss,
        )


@dataclass(frozen=True)
class TrainResult:
    """What a training gave.

    Attributes
    ----------
    history : one list per quantity: train_loss and train_acc per epoch; val_loss and val_acc per
        validation, with the epochs (from 1) under "epoch" and "val_epoch".
    seconds : wall clock of the training loop.
    last_checkpoint, best_checkpoint : files of weights; None where there are none.
    rank : of this process among those that trained together. All hold the same weights; what comes
        after the training is the work of rank 0 alone.
    """

    history: dict[str, list[float]]
    seconds: float
    last_checkpoint: Path | None
    best_checkpoint: Path | None
    rank: int = 0


@dataclass
class _History(Callback):
    values: dict[str, list[float]] = field(default_factory=dict)

    def _take(self, trainer: Trainer, epoch_key: str, names: Sequence[str]) -> None:
        if trainer.sanity_checking:
            return
        self.values.setdefault(epoch_key, []).append(trainer.current_epoch + 1)
        for name in names:
            self.values.setdefault(name, []).append(float(trainer.callback_metrics[name]))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._take(trainer, "epoch", ("train_loss", "train_acc"))

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._take(trainer, "val_epoch", ("val_loss", "val_acc"))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's banners and its advice on worker processes, which in-memory batches do not need."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            warnings.filterwarnings("ignore", message=r".*(Checkpoint|logs) directory .* exists and is not empty.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _logger(config: TrainConfig, folder: Path) -> Logger | bool:
    if config.logger == "csv":
        return CSVLogger(folder, name="", version="", flush_logs_every_n_steps=1000)
    if config.logger == "tensorboard":
        try:
            return TensorBoardLogger(folder, name="", version="tensorboard")
        except ModuleNotFoundError as error:
            raise ConfigError(
                "logger 'tensorboard' needs that package: pip install tensorboard; or use 'csv'"
            ) from error
    return False


def make_trainer(
    config: TrainConfig, callbacks: Sequence[Callback] = (), folder: str | Path | None = None, **options: Any
) -> Trainer:
    """A Lightning Trainer for a configuration.

    Parameters
    ----------
    callbacks : added to those of the configuration.
    folder : where logs and checkpoints go; without one nothing is written.
    options : handed to the Trainer as they are, over everything else.
    """
    every: list[Callback] = list(callbacks)
    if config.progress_bar:
        every.append(RichProgressBar(leave=False))
    settings: dict[str, Any] = {
        "max_epochs": config.epochs,
        "accelerator": config.accelerator,
        "devices": config.devices,
        "num_nodes": config.num_nodes,
        # Processes that run the script themselves: all of them hold the history and the weights afterwards.
        "strategy": "ddp" if config.devices * config.num_nodes > 1 else "auto",
        "logger": False if folder is None else _logger(config, Path(folder)),
        "enable_checkpointing": any(isinstance(c, ModelCheckpoint) for c in every),
        "enable_progress_bar": config.progress_bar,
        "enable_model_summary": False,
        "check_val_every_n_epoch": config.validate_every,
        "num_sanity_val_steps": 0,
        "log_every_n_steps": 1,
        "default_root_dir": folder,
        "deterministic": True,
    }
    try:
        return Trainer(**(settings | {"callbacks": every} | options))
    except MisconfigurationException as error:
        raise ConfigError(
            f"TrainConfig: accelerator = {config.accelerator!r}, devices = {config.devices} cannot be had here: {error}"
        ) from error


def fit(
    net: SpikingNetwork,
    datamodule: LightningDataModule,
    config: TrainConfig | None = None,
    callbacks: Sequence[Callback] = (),
    folder: str | Path | None = None,
) -> TrainResult:
    """Train a network in place; the same seeds give the same weights, bit for bit, on one machine.

    Parameters
    ----------
    net : changed in place; in eval mode and on the CPU afterwards.
    datamodule : gives (x, y) batches, such as `sctorch.data.Digits`.
    callbacks : Lightning callbacks, such as `sctorch.compress.MagnitudePruning`.
    folder : where logs and weights (last.ckpt, best.ckpt) go; without one nothing is written.

    Raises
    ------
    ConfigError
        If early stopping or keep = "best" is asked for without validation rows, or with a
        callback that must run to its end (pruning); if the folder cannot be written, a label has
        no class in the network, or there is no device of the kind asked for.
    """
    config = TrainConfig() if config is None else config
    _check_arguments(net, datamodule, config, callbacks, folder)
    # ModelCheckpoint and EarlyStopping read metrics that only a validation gives.
    datamodule.setup("fit")
    validates = bool(datamodule.val_dataloader())
    _check(config, validates, callbacks, folder)
    if folder is not None:
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"fit: cannot write to folder = {folder}: {error.strerror}; choose another") from error
    classifier = config.classifier(net)
    history = _History()
    every: list[Callback] = [*callbacks, history]
    if config.watch_activity:
        every.append(ActivityMonitor())  # after pruning, whose last step it judges
    last = best = None
    if folder is not None:
        last = ModelCheckpoint(folder, "last", save_weights_only=True, enable_version_counter=False, save_top_k=1,
                               every_n_epochs=config.validate_every, save_on_train_epoch_end=True)  # fmt: skip
        every.append(last)
        if validates:
            best = ModelCheckpoint(folder, "best", monitor="val_loss", save_weights_only=True,
                                   enable_version_counter=False, save_on_train_epoch_end=False)  # fmt: skip
            every.append(best)
    if config.patience is not None:
        every.append(EarlyStopping("val_loss", patience=config.patience))
    with _quiet(), torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(config.seed)
        trainer = make_trainer(config, every, folder)
        start = time.perf_counter()
        trainer.fit(classifier, datamodule=datamodule)
        seconds = time.perf_counter() - start
        last_path = None
        if folder is not None:
            last_path = Path(folder) / "last.ckpt"
            trainer.save_checkpoint(last_path, weights_only=True)
    if trainer.interrupted:
        raise KeyboardInterrupt
    best_path = Path(best.best_model_path) if best is not None and best.best_model_path else None
    if config.keep == "best" and best_path is not None:
        load_weights(net, best_path)
    net.cpu().eval()
    return TrainResult(history.values, seconds, last_path, best_path, trainer.global_rank)


def _check_arguments(net: Any, datamodule: Any, config: Any, callbacks: Any, folder: Any) -> None:
    check_instance(net, SpikingNetwork, "fit: net", "a SpikingNetwork")
    check_instance(datamodule, LightningDataModule, "fit: datamodule", "a LightningDataModule (sctorch.data has some)")
    check_instance(config, TrainConfig, "fit: config", "a TrainConfig")
    check_instance(callbacks, list | tuple, "fit: callbacks", "a list of Lightning callbacks")
    for callback in callbacks:
        check_instance(callback, Callback, "fit: each of callbacks", "a Lightning callback")
    if folder is not None:
        check_path(folder, "fit: folder")


def _check(config: TrainConfig, validates: bool, callbacks: Sequence[Callback], folder: str | Path | None) -> None:
    needs = "patience" if config.patience is not None else "keep = 'best'" if config.keep == "best" else None
    if needs is None:
        return
    if not validates:
        raise ConfigError(f"{needs} needs validation rows; set the data's val_fraction above 0")
    whole = [type(c).__name__ for c in callbacks if getattr(c, "needs_all_epochs", False)]
    if whole:
        raise ConfigError(f"{needs} does not go with {whole[0]}, which must run to its end; leave it out")
    if config.keep == "best" and folder is None:
        raise ConfigError("keep = 'best' needs a folder for the checkpoint")


def evaluate(net: SpikingNetwork, datamodule: LightningDataModule) -> dict[str, float]:
    """test_loss and test_acc over the data module's test rows, with first_to_threshold also test_steps.

    The loss is that of a `Classifier` with its defaults, whatever the network was trained with.
    """
    _check_arguments(net, datamodule, TrainConfig(), (), None)
    with _quiet():
        trainer = make_trainer(TrainConfig(logger="none", progress_bar=False))
        (result,) = trainer.test(Classifier(net), datamodule=datamodule, verbose=False)
    return {key: float(value) for key, value in result.items()}
