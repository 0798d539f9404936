"""MNIST's 28x28 handwritten digits (70,000 images, 10 classes), or another set in the same four files."""

from __future__ import annotations

import math
import os
from functools import partial
from pathlib import Path

import numpy as np

from sctorch.checks import check_number, check_path
from sctorch.data.arrays import ArrayData
from sctorch.data.augment import deform_images
from sctorch.data.download import cache_folder, download_gzip
from sctorch.data.idx import find_idx, read_idx
from sctorch.errors import ConfigError

__all__ = ["MNIST"]

VARIABLE = "SCTORCH_MNIST"
POOLS = (1, 2, 4, 7, 14)
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
# md5 of the unpacked files.
FILES = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_WAYS = (
    f"Three ways to the files: MNIST(folder=...) with the four IDX files, plain or .gz ({', '.join(FILES)}); "
    f"the environment variable {VARIABLE} with such a folder; or a download, which needs the network once"
)


class MNIST(ArrayData):
    """28x28 digits: 784 features (pixel / 255), 60,000 training and 10,000 test rows, split as published.

    The files come from `folder`, or the folder that the environment variable SCTORCH_MNIST names,
    or a download into the user's cache folder. Files in a folder of one's own are not checked by
    md5, so that sets of the same form (Fashion-MNIST) can be used. The pixels stay bytes in
    memory, and each batch is converted.

    Parameters
    ----------
    folder : where the four IDX files lie, plain or .gz.
    batch_size, seed, val_fraction : see `ArrayData`.
    deform : probability that a training image is turned, stretched and moved a little
        (see `deform_images`), 0 (default) to 1.
    rotation, zoom, move : how much, at most: radians, a fraction, pixels.
    pool : side of the blocks of pixels of which the features are the means, rounded to bytes: 1 (default), 2, 4,
        7 or 14. With 2 there are 196 features, and the pixels of `move` are theirs.

    Raises
    ------
    ConfigError
        If the files are missing and cannot be downloaded, or one is damaged.
    """

    def __init__(
        self,
        folder: str | None = None,
        batch_size: int = 128,
        seed: int = 0,
        val_fraction: float = 0.1,
        deform: float = 0.0,
        rotation: float = 0.15,
        zoom: float = 0.1,
        move: float = 1.5,
        pool: int = 1,
    ) -> None:
        if folder is not None:
            check_path(folder, "MNIST: folder")
        check_number(deform, 0, 1, "MNIST: deform")
        for name, value in (("rotation", rotation), ("zoom", zoom), ("move", move)):
            check_number(value, 0, math.inf, f"MNIST: {name}")
        if isinstance(pool, bool) or pool not in POOLS:
            raise ConfigError(f"MNIST: pool = {pool!r} must be one of {', '.join(map(str, POOLS))}")
        train, test = (_pooled(_rows(_folder(folder), part), pool) for part in ("train", "t10k"))
        augment = None
        if deform:
            augment = partial(
                deform_images, side=28 // pool, probability=deform, rotation=rotation, zoom=zoom, move=move, levels=255
            )
        names = tuple(str(c) for c in range(10))
        super().__init__(train, test, names, batch_size, seed, val_fraction, augment)
        self.deform = deform
        self.pool = pool


def _folder(given: str | None) -> Path:
    for source, value in (("folder", given), (f"the environment variable {VARIABLE}", os.environ.get(VARIABLE))):
        if not value:
            continue
        path = Path(value).expanduser()
        missing = [name for name in FILES if find_idx(path, name) is None]
        if missing:
            raise ConfigError(f"MNIST: {source} = {value} lacks {', '.join(missing)}. {_WAYS}.")
        return path
    cached = cache_folder("mnist")
    download_gzip(cached, FILES, MIRRORS, f"{_WAYS}.")
    return cached


def _rows(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    paths = [find_idx(folder, name) for name in FILES if name.startswith(part)]
    assert paths[0] is not None
    assert paths[1] is not None
    images, labels = read_idx(paths[0], 3), read_idx(paths[1], 1)
    if images.shape[1:] != (28, 28) or len(images) != len(labels):
        raise ConfigError(
            f"MNIST: {paths[0]} and {paths[1].name} hold {images.shape} and {labels.shape}; "
            "expected as many labels as images, and images of 28x28"
        )
    return images.reshape(len(images), -1), labels


def _pooled(rows: tuple[np.ndarray, np.ndarray], pool: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of blocks of pool x pool pixels, rounded to bytes (halves up)."""
    images, labels = rows
    if pool == 1:
        return rows
    side = 28 // pool
    sums = images.reshape(-1, side, pool, side, pool).sum(axis=(2, 4), dtype=np.uint32)
    return ((2 * sums + pool**2) // (2 * pool**2)).astype(np.uint8).reshape(len(images), -1), labels
