"""Finding a C++ compiler and the compiled kernels: once per machine, kept in the user's cache folder.

Nothing here is needed: without a compiler, or with SCTORCH_KERNELS=0, torch computes the same.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

__all__ = ["NATIVE", "available", "build", "disabled", "library"]

_LOG = logging.getLogger(__name__)
# The two -fno change no result; without them floor is a call per element.
_FLAGS = ("-std=c++17", "-O3", "-fno-trapping-math", "-fno-math-errno", "-fPIC", "-shared")
# Best first. OpenMP's library is the one that torch has loaded, so both share one pool of threads.
NATIVE = ("-march=native", "-mprefer-vector-width=512", "-fopenmp")
_CHOICES: tuple[Sequence[str], ...] = (NATIVE, ("-march=native", "-fopenmp"), ("-march=native",), ())

_enabled = True


def _sources() -> list[Path]:
    return sorted(Path(__file__).parent.glob("*.cpp"))


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sctorch" / "kernels"


def _cpu() -> str:
    """What -march=native depends on: a home folder may be shared by machines of different kinds."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def build(compiler: str, flags: Sequence[str], folder: Path) -> Path:
    """The compiled library in `folder`, named by all that it depends on; compiled if it is not there.

    Raises
    ------
    OSError, subprocess.SubprocessError
        If it cannot be compiled or written.
    """
    version = subprocess.run([compiler, "--version"], capture_output=True, check=True, timeout=60).stdout
    key = hashlib.sha256(version)
    for part in (*_FLAGS, *flags, platform.machine(), _cpu()):
        key.update(part.encode() + b"\0")
    for source in _sources():
        key.update(source.read_bytes())
    result = folder / f"kernels-{key.hexdigest()[:24]}.so"
    if not result.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as own:  # several processes may build at once: the last one stays
            made = Path(own) / "kernels.so"
            command = [compiler, *_FLAGS, *flags, *map(str, _sources()), "-o", str(made)]
            subprocess.run(command, capture_output=True, check=True, timeout=300)
            made.replace(result)
    return result


@functools.cache
def library() -> ctypes.CDLL | None:
    """The kernels, compiled at the first call; None where there are none."""
    if os.environ.get("SCTORCH_KERNELS", "1") == "0":
        return None
    compiler = shutil.which(os.environ.get("CXX", "g++")) or shutil.which("c++")
    if compiler is None:
        _LOG.info("no C++ compiler: torch computes instead of the kernels")
        return None
    for flags in _CHOICES:
        try:
            kernels = ctypes.CDLL(str(build(compiler, flags, _cache())))
            # glibc hands freed memory back to the system, to fetch it again page by page at the next step, unless a
            # larger block has been freed before: from here on it keeps up to 62 MiB. Nothing is written to this block.
            torch.empty(31 << 20, dtype=torch.uint8)
            return kernels
        except (OSError, subprocess.SubprocessError) as error:
            _LOG.info("kernels with %s: %s", " ".join(flags), error)
    return None


def available() -> bool:
    """Whether the compiled kernels are in use; the first call may compile them (some seconds)."""
    return _enabled and library() is not None


@contextmanager
def disabled() -> Iterator[None]:
    """Without the kernels inside: for comparing the two."""
    global _enabled
    before, _enabled = _enabled, False
    try:
        yield
    finally:
        _enabled = before
