"""Batches of data that already lies in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from sctorch.checks import check_flag, check_instance, check_range
from sctorch.errors import ConfigError, ShapeError

__all__ = ["Augment", "TensorBatches", "as_features"]

SEEDS = 2**63 - 1  # the largest of torch's generators
Augment = Callable[[Tensor, torch.Generator], Tensor]


def as_features(x: Tensor) -> Tensor:
    """Features as floats: bytes stand for value / 255, anything else is taken as it is."""
    return x.float() / 255 if x.dtype == torch.uint8 else x


class TensorBatches:
    """Batches (x, y) cut out of whole tensors; iterate again for the next epoch.

    One index operation per batch and no worker processes: for small features the usual path
    (one item at a time, then collate) costs more than the training step.

    Parameters
    ----------
    x : features [N, ...]; y : labels [N]. Features kept as bytes are divided by 255 in each batch,
        which saves three quarters of the memory of a large set of images.
    batch_size : rows per batch; the last batch holds the rest.
    shuffle : a new order in every epoch, drawn from a generator of its own, so that the order
        depends on `seed` alone.
    seed : of the order and of `augment`.
    augment : changes a batch of features, given the generator to draw from; None leaves them.
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        augment: Augment | None = None,
    ) -> None:
        check_range(batch_size, 1, 1 << 31, "TensorBatches: batch_size")
        check_flag(shuffle, "TensorBatches: shuffle")
        check_range(seed, 0, SEEDS, "TensorBatches: seed")
        for what, value in (("x", x), ("y", y)):
            check_instance(value, Tensor, f"TensorBatches: {what}", "a torch tensor")
        if x.ndim == 0 or y.ndim == 0:
            raise ShapeError(f"expected features [N, ...] and labels [N], got {tuple(x.shape)} and {tuple(y.shape)}")
        if augment is not None and not callable(augment):
            raise ConfigError(f"TensorBatches: augment = {augment!r} must be a function, or None")
        if len(x) != len(y) or len(x) == 0:
            raise ShapeError(f"expected as many labels as rows of features and at least one, got {len(y)} and {len(x)}")
        self.x, self.y, self.batch_size, self.shuffle, self.augment = x, y, batch_size, shuffle, augment
        self._generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return -(-len(self.x) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        n = len(self.x)
        order = torch.randperm(n, generator=self._generator) if self.shuffle else torch.arange(n)
        for rows in order.split(self.batch_size):
            x = as_features(self.x[rows])
            yield x if self.augment is None else self.augment(x, self._generator), self.y[rows]
