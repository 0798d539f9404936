"""scikit-learn's 8x8 handwritten digits (1,797 images, 10 classes), embedded in that package."""

from __future__ import annotations

from functools import partial

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor

from sctorch.data.arrays import ArrayData
from sctorch.errors import ConfigError

__all__ = ["Digits", "shift_images"]


class Digits(ArrayData):
    """8x8 digits: 64 features (pixel / 16, so 4 bits hold them), 1,437 training and 360 test rows.

    The split is stratified and never changes (20 % test, scikit-learn's `random_state=0`).

    Parameters
    ----------
    batch_size, seed, val_fraction : see `ArrayData`.
    shift : probability that a training image is moved by up to one pixel in both directions,
        0 (default) to 1. The edge that comes in is black.
    """

    def __init__(self, batch_size: int = 128, seed: int = 0, val_fraction: float = 0.1, shift: float = 0.0) -> None:
        if not 0 <= shift <= 1:
            raise ConfigError(f"Digits: shift = {shift} is outside 0 to 1")
        x, y = load_digits(return_X_y=True)
        x_train, x_test, y_train, y_test = train_test_split(x / 16, y, test_size=0.2, random_state=0, stratify=y)
        augment = partial(shift_images, side=8, probability=shift) if shift else None
        names = tuple(str(c) for c in range(10))
        super().__init__((x_train, y_train), (x_test, y_test), names, batch_size, seed, val_fraction, augment)
        self.shift = shift


def shift_images(x: Tensor, generator: torch.Generator, side: int, probability: float) -> Tensor:
    """Move images by -1, 0 or 1 pixel in both directions, each image with the given probability.

    Parameters
    ----------
    x : images [B, side * side], row by row; generator : where the random numbers come from.
    """
    batch = len(x)
    chosen = torch.rand(batch, generator=generator) < probability
    offsets = torch.where(chosen, torch.randint(0, 3, (2, batch), generator=generator), 1)
    padded = torch.nn.functional.pad(x.view(batch, side, side), (1, 1, 1, 1))
    span = torch.arange(side)
    rows, columns = offsets[0][:, None] + span, offsets[1][:, None] + span  # [B, side] each
    return padded[torch.arange(batch)[:, None, None], rows[:, :, None], columns[:, None, :]].reshape(batch, -1)
