"""IDX files, the format of MNIST: a magic number, the sizes, then unsigned bytes."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from sctorch.errors import ConfigError

__all__ = ["find_idx", "read_idx"]

_UBYTE = 8


def find_idx(folder: Path, name: str) -> Path | None:
    """The file `name` of a folder, plain or with .gz at its end; None where there is neither."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def read_idx(path: Path, ndim: int) -> np.ndarray:
    """The unsigned bytes of an IDX file with `ndim` dimensions; one that ends in .gz is unpacked.

    Raises
    ------
    ConfigError
        If the file is not such a file, or is shorter or longer than it says.
    """
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"cannot read {path}: {error}; get the file again") from error
    head = 4 + 4 * ndim
    if len(data) < head or data[:4] != bytes([0, 0, _UBYTE, ndim]):
        raise ConfigError(f"{path} is no IDX file of unsigned bytes with {ndim} dimensions; get the file again")
    shape = tuple(int(size) for size in np.frombuffer(data, ">u4", ndim, 4))
    size = int(np.prod(shape, dtype=object))
    if len(data) - head != size:
        raise ConfigError(
            f"{path} is damaged: it holds {len(data) - head} values and says {size} {shape}; get the file again"
        )
    return np.frombuffer(data, np.uint8, size, head).reshape(shape)
