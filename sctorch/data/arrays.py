"""A data module over arrays in memory: what every small dataset here shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from lightning import LightningDataModule
from sklearn.model_selection import train_test_split
from torch import Tensor

from sctorch.data.loaders import Augment, TensorBatches
from sctorch.errors import ConfigError, ShapeError

__all__ = ["ArrayData"]

# The held-out rows are the same for every seed, so that runs with different seeds compare.
_VALIDATION_SPLIT_SEED = 0


class ArrayData(LightningDataModule):
    """Train, validation and test loaders over arrays; the validation rows come out of the training rows.

    Parameters
    ----------
    train, test : pairs (x [N, n] in [0, 1], y [N] with classes from 0).
    class_names : one name per class.
    batch_size : rows per training batch.
    seed : of the order of the training rows and of `augment`.
    val_fraction : part of the training rows held out for validation (stratified, always the same
        rows), 0 up to below 1. 0 trains on all of them and validates on none.
    augment : changes each training batch; validation and test rows stay as they are.

    Raises
    ------
    ConfigError, ShapeError
        For a value outside its range; the message names it.
    """

    def __init__(
        self,
        train: tuple[np.ndarray, np.ndarray],
        test: tuple[np.ndarray, np.ndarray],
        class_names: Sequence[str],
        batch_size: int = 128,
        seed: int = 0,
        val_fraction: float = 0.1,
        augment: Augment | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if batch_size < 1:
            raise ConfigError(f"{name}: batch_size = {batch_size} must be at least 1")
        if not 0 <= val_fraction < 1:
            raise ConfigError(f"{name}: val_fraction = {val_fraction} is outside 0 to 1 (1 left out)")
        self.class_names = tuple(class_names)
        self.batch_size, self.seed, self.val_fraction, self.augment = batch_size, seed, val_fraction, augment
        self._train, self._test = _checked(train, name, self.n_classes), _checked(test, name, self.n_classes)
        if self._train[0].shape[1] != self._test[0].shape[1]:
            raise ShapeError(f"{name}: training and test rows have different numbers of features")
        self._fit, self._val = self._train, None if val_fraction == 0 else self._train
        if val_fraction > 0:
            x, y = self._train
            try:
                parts = train_test_split(x, y, test_size=val_fraction, random_state=_VALIDATION_SPLIT_SEED, stratify=y)
            except ValueError as error:
                raise ConfigError(f"{name}: val_fraction = {val_fraction} cannot be held out: {error}") from error
            self._fit, self._val = (parts[0], parts[2]), (parts[1], parts[3])

    @property
    def n_features(self) -> int:
        return int(self._train[0].shape[1])

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    def train_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """All training rows (x float32 [N, n], y int64 [N]), those held out for validation included."""
        return self._train

    def val_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows held out of the training rows; none with val_fraction = 0."""
        return (self._train[0][:0], self._train[1][:0]) if self._val is None else self._val

    def test_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """The test rows (x float32 [N, n], y int64 [N])."""
        return self._test

    def train_dataloader(self) -> TensorBatches:
        return TensorBatches(*_tensors(self._fit), self.batch_size, True, self.seed, self.augment)

    def val_dataloader(self) -> TensorBatches | list[TensorBatches]:
        return [] if self._val is None else TensorBatches(*_tensors(self._val), 4 * self.batch_size)

    def test_dataloader(self) -> TensorBatches:
        return TensorBatches(*_tensors(self._test), 4 * self.batch_size)


def _tensors(arrays: tuple[np.ndarray, np.ndarray]) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(arrays[0]), torch.from_numpy(arrays[1])


def _checked(arrays: tuple[np.ndarray, np.ndarray], name: str, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.ascontiguousarray(arrays[0], np.float32), np.ascontiguousarray(arrays[1], np.int64)
    if x.ndim != 2 or y.shape != x.shape[:1] or len(x) == 0:
        raise ShapeError(f"{name}: expected features [N, n] and labels [N], got {x.shape} and {y.shape}")
    if not ((x >= 0) & (x <= 1)).all():
        raise ConfigError(f"{name}: features must lie in 0 to 1; scale them first")
    if y.min() < 0 or y.max() >= n_classes:
        raise ConfigError(f"{name}: labels {y.min()} to {y.max()} do not fit {n_classes} class names")
    return x, y
