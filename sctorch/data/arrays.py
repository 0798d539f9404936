"""A data module over arrays in memory: what every small dataset here shares."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from lightning import LightningDataModule
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from torch import Tensor

from sctorch.checks import check_instance, check_number, check_range, check_texts
from sctorch.data.loaders import SEEDS, Augment, TensorBatches, as_features
from sctorch.data.scaling import Scaling, to_dict
from sctorch.errors import ConfigError, ShapeError

__all__ = ["ArrayData", "Rows"]

Rows: TypeAlias = tuple[np.ndarray, np.ndarray]

# The held-out rows are the same for every seed, so that runs with different seeds compare.
_VALIDATION_SPLIT_SEED = 0


class ArrayData(LightningDataModule):
    """Train, validation and test loaders over arrays; the validation rows come out of the training rows.

    Parameters
    ----------
    train, test : pairs (x [N, n] in [0, 1], y [N] with classes from 0). x can also be uint8, which
        stands for x / 255 and is converted batch by batch.
    class_names : one name per class.
    batch_size : rows per training batch, of each process where several train together.
    seed : of the order of the training rows and of `augment`.
    val_fraction : part of the training rows held out for validation (stratified, always the same
        rows), 0 up to below 1. 0 trains on all of them and validates on none.
    augment : changes each training batch; validation and test rows stay as they are.
    groups : [N], numbers of the training rows; rows with the same number stay on one side of the
        validation split (which then is not stratified).
    feature_names : one per feature, for the documentation of an exported design.
    scaling : how raw features became these; documented in the same place.

    Raises
    ------
    ConfigError, ShapeError
        For a value outside its range; the message names it.
    """

    def __init__(
        self,
        train: Rows,
        test: Rows,
        class_names: Sequence[str],
        batch_size: int = 128,
        seed: int = 0,
        val_fraction: float = 0.1,
        augment: Augment | None = None,
        groups: np.ndarray | None = None,
        feature_names: Sequence[str] | None = None,
        scaling: Scaling | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        check_range(batch_size, 1, 1 << 31, f"{name}: batch_size")
        check_range(seed, 0, SEEDS, f"{name}: seed")
        check_number(val_fraction, 0, 1, f"{name}: val_fraction", high_out=True)
        if augment is not None and not callable(augment):
            raise ConfigError(f"{name}: augment = {augment!r} must be a function of a batch and a generator, or None")
        self.class_names = check_texts(class_names, f"{name}: class_names")
        self.batch_size, self.seed, self.val_fraction, self.augment = batch_size, seed, val_fraction, augment
        self._train, self._test = _checked(train, name, self.n_classes), _checked(test, name, self.n_classes)
        if self._train[0].shape[1] != self._test[0].shape[1]:
            raise ShapeError(f"{name}: training and test rows have different numbers of features")
        if scaling is not None:
            check_instance(scaling, Scaling, f"{name}: scaling", "a fitted scaling of sctorch.data, or None")
        given = () if feature_names is None else feature_names
        self.feature_names, self.scaling = check_texts(given, f"{name}: feature_names"), scaling
        if self.feature_names and len(self.feature_names) != self.n_features:
            raise ShapeError(f"{name}: {len(self.feature_names)} feature_names for {self.n_features} features")
        held = _held_out(self._train, val_fraction, groups, name)
        self._fit = (self._train[0][~held], self._train[1][~held]) if held.any() else self._train
        self._val = (self._train[0][held], self._train[1][held]) if held.any() else None

    @property
    def n_features(self) -> int:
        return int(self._train[0].shape[1])

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    @property
    def meta(self) -> dict[str, str]:
        """What a user of the exported hardware must know about its inputs and outputs, as texts."""
        texts = {"dataset": type(self).__name__, "class_names": json.dumps(self.class_names)}
        if self.feature_names:
            texts["feature_names"] = json.dumps(self.feature_names)
        texts["features"] = "scaled to 0..1"
        if self.scaling is not None:
            texts["scaling"] = json.dumps(to_dict(self.scaling))
        return texts

    def train_arrays(self) -> Rows:
        """All training rows (x float32 [N, n], y int64 [N]), those held out for validation included."""
        return _as_floats(self._train)

    def val_arrays(self) -> Rows:
        """The rows held out of the training rows; none with val_fraction = 0."""
        return _as_floats((self._train[0][:0], self._train[1][:0]) if self._val is None else self._val)

    def test_arrays(self) -> Rows:
        """The test rows (x float32 [N, n], y int64 [N])."""
        return _as_floats(self._test)

    def train_dataloader(self) -> TensorBatches:
        rank, world_size = self._place()
        return TensorBatches(*_tensors(self._fit), self.batch_size, True, self.seed, self.augment, rank, world_size)

    def val_dataloader(self) -> TensorBatches | list[TensorBatches]:
        return [] if self._val is None else self._in_order(self._val)

    def __str__(self) -> str:
        # Lightning's own looks for datasets inside the loaders and fails where they are lists of tensors.
        parts = [(len(rows[1]) if rows else 0, what) for rows, what in (
            (self._fit, "training"), (self._val, "validation"), (self._test, "test"))]  # fmt: skip
        shown = ", ".join(f"{n:,} {what}" for n, what in parts)
        return f"{type(self).__name__}: {shown} rows of {self.n_features} features, {self.n_classes} classes"

    def test_dataloader(self) -> TensorBatches:
        return self._in_order(self._test)

    def _in_order(self, rows: Rows) -> TensorBatches:
        rank, world_size = self._place()
        return TensorBatches(*_tensors(rows), 4 * self.batch_size, rank=rank, world_size=world_size)

    def _place(self) -> tuple[int, int]:
        """Number of this process among those of the trainer, and how many they are."""
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)


def _tensors(arrays: Rows) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(arrays[0]), torch.from_numpy(arrays[1])


def _as_floats(arrays: Rows) -> Rows:
    return as_features(torch.from_numpy(arrays[0])).numpy(), arrays[1]


def _held_out(train: Rows, fraction: float, groups: np.ndarray | None, name: str) -> np.ndarray:
    """Which training rows are held out for validation, bool [N]."""
    held = np.zeros(len(train[1]), bool)
    rows = np.arange(len(held))
    if groups is not None:
        groups = _numbers(groups, f"{name}: groups")
        if groups.shape != rows.shape:
            raise ShapeError(f"{name}: groups has the shape {groups.shape}, expected {rows.shape}")
    if fraction == 0:
        return held
    try:
        if groups is None:
            _, chosen = train_test_split(
                rows, test_size=fraction, random_state=_VALIDATION_SPLIT_SEED, stratify=train[1]
            )
        else:
            splitter = GroupShuffleSplit(1, test_size=fraction, random_state=_VALIDATION_SPLIT_SEED)
            _, chosen = next(splitter.split(rows, groups=groups))
    except ValueError as error:
        raise ConfigError(f"{name}: val_fraction = {fraction} cannot be held out: {error}") from error
    held[chosen] = True
    return held


def _checked(arrays: Rows, name: str, n_classes: int) -> Rows:
    if not isinstance(arrays, tuple | list) or len(arrays) != 2:
        raise ConfigError(f"{name}: train and test must each be a pair (x, y) of arrays, not {type(arrays).__name__}")
    x, y = _numbers(arrays[0], f"{name}: features"), _numbers(arrays[1], f"{name}: labels")
    if x.ndim != 2 or y.shape != x.shape[:1] or x.size == 0:
        raise ShapeError(f"{name}: expected features [N, n] and labels [N], got {x.shape} and {y.shape}")
    if not (y == np.floor(y)).all():
        raise ConfigError(f"{name}: labels must be class numbers from 0, got {y.dtype} with fractions or NaN")
    kind = np.uint8 if x.dtype == np.uint8 else np.float32
    # A copy where the array cannot be written to (one that a file or a buffer backs): torch wants it so.
    x, y = np.require(x, kind, ["C", "W"]), np.require(y, np.int64, ["C", "W"])
    if kind == np.float32 and not ((x >= 0) & (x <= 1)).all():
        raise ConfigError(f"{name}: features must lie in 0 to 1; scale them first")
    if y.min() < 0 or y.max() >= n_classes:
        raise ConfigError(f"{name}: labels {y.min()} to {y.max()} do not fit {n_classes} class_names")
    return x, y


def _numbers(values: object, what: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{what} must be an array of numbers, got {type(values).__name__}") from error
    if array.dtype.kind not in "biuf":
        raise ConfigError(f"{what} must be numbers, got {array.dtype}")
    return array
