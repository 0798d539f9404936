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
    rank, world_size : of the processes that train together, this one's number and how many. Each
        takes its own rows of every batch of world_size * batch_size; all draw the same order. What
        the division leaves over (fewer rows than processes) sits the epoch out when shuffled, so
        that every process weighs the same, and else goes to the first processes in the last batch.

    Raises
    ------
    ConfigError, ShapeError
        For a value outside its range, or fewer rows than processes.
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        augment: Augment | None = None,
        rank: int = 0,
        world_size: int = 1,
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
        if not 0 <= rank < world_size:
            raise ConfigError(f"rank = {rank} is outside 0 to {world_size - 1} (world_size = {world_size})")
        if len(x) < world_size:
            raise ConfigError(f"{len(x)} rows cannot be shared by {world_size} processes; use fewer")
        self.x, self.y, self.batch_size, self.shuffle, self.augment = x, y, batch_size, shuffle, augment
        self.rank, self.world_size = rank, world_size
        self._generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return -(-(len(self.x) // self.world_size) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        n = len(self.x)
        order = torch.randperm(n, generator=self._generator) if self.shuffle else torch.arange(n)
        draws = self._generator
        if self.augment is not None and self.world_size > 1:
            # What is drawn differs between the processes; the generator of the order must not.
            own = int(torch.randint(2**62, (), generator=draws)) + self.rank
            draws = torch.Generator().manual_seed(own)
        even = n - n % self.world_size
        batches = list(order[:even].split(self.batch_size * self.world_size))
        if not self.shuffle:
            batches[-1] = torch.cat([batches[-1], order[even:]])
        for batch in batches:
            rows = batch[self.rank :: self.world_size]
            x = as_features(self.x[rows])
            yield x if self.augment is None else self.augment(x, draws), self.y[rows]
