"""Loading a compiled simulation."""

from __future__ import annotations

import _ctypes
import ctypes
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sctorch.errors import ToolFailedError

__all__ = ["fresh_library"]


@contextmanager
def fresh_library(library: Path) -> Iterator[ctypes.CDLL]:
    """The library loaded from a copy of its own.

    So its state is at its start, nobody else shares it, and a library rebuilt at the same path is
    the new one (the loader goes by the path).
    """
    with tempfile.TemporaryDirectory(prefix="sctorch-") as copies:
        copy = Path(copies) / library.name
        shutil.copyfile(library, copy)
        try:
            handle = ctypes.CDLL(str(copy))
        except OSError as error:
            log = f"{error}\nRemove the file, and it is built again."
            raise ToolFailedError(f"load {library.name}", log) from error
        try:
            yield handle
        finally:
            _ctypes.dlclose(handle._handle)
