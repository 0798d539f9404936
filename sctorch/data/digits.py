"""scikit-learn's 8x8 handwritten digits (1,797 images, 10 classes), embedded in that package."""

from __future__ import annotations

from functools import partial

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sctorch.checks import check_number
from sctorch.data.arrays import ArrayData
from sctorch.data.augment import deform_images

__all__ = ["Digits"]


class Digits(ArrayData):
    """8x8 digits: 64 features (pixel / 16, so 4 bits nearly hold them), 1,437 training and 360 test rows.

    The split is stratified and never changes (20 % test, scikit-learn's `random_state=0`).

    Parameters
    ----------
    batch_size, seed, val_fraction : see `ArrayData`.
    deform : probability that a training image is turned, stretched and moved a little
        (see `deform_images`), 0 (default) to 1.
    """

    def __init__(self, batch_size: int = 128, seed: int = 0, val_fraction: float = 0.1, deform: float = 0.0) -> None:
        check_number(deform, 0, 1, "Digits: deform")
        x, y = load_digits(return_X_y=True)
        x_train, x_test, y_train, y_test = train_test_split(x / 16, y, test_size=0.2, random_state=0, stratify=y)
        augment = partial(deform_images, side=8, probability=deform) if deform else None
        names = tuple(str(c) for c in range(10))
        super().__init__((x_train, y_train), (x_test, y_test), names, batch_size, seed, val_fraction, augment)
        self.deform = deform
