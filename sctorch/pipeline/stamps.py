"""Stamps: what a finished stage leaves behind, so that the next run need not repeat it.

A stamp is one small JSON file, written last and in one rename. It holds the key of the inputs
that the stage had and the SHA-256 of every file that it made; a stage counts as finished only
while both still hold. An interrupted stage has no stamp.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from sctorch.errors import ConfigError

__all__ = [
    "Stamp", "digest_of", "file_digests", "read_stamp", "replacing", "source_digest", "sweep", "write_stamp",
    "write_text",
]  # fmt: skip

_PACKAGE = Path(__file__).resolve().parent.parent
_SOURCES = (".py", ".h", ".hpp", ".cpp", ".v", ".sv", ".vh", ".json", ".toml", ".css")


@dataclass(frozen=True)
class Stamp:
    """A finished stage.

    Parameters
    ----------
    stage : its name. key : digest of its inputs. seconds : how long it took.
    finished : when, ISO 8601. files : SHA-256 of each file it made, by path within the output folder.
    """

    stage: str
    key: str
    seconds: float
    finished: str
    files: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """What a later stage depends on: the inputs and the files, and no clock."""
        return digest_of([self.stage, self.key, self.files])

    def holds(self, out: Path) -> bool:
        """Whether every file is still there and unchanged."""
        return all(_digest(out / path) == digest for path, digest in self.files.items())


def digest_of(value: Any) -> str:
    """SHA-256 of a value's JSON text."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "absent"


def file_digests(out: Path, paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files and of all files in folders, by path within `out`; hidden and cached ones are left out."""
    files: dict[str, str] = {}
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            inside = file.relative_to(out)
            if file.is_file() and not any(part.startswith((".", "__pycache__")) for part in inside.parts):
                files[inside.as_posix()] = _digest(file)
    return files


@lru_cache(maxsize=64)
def source_digest(names: tuple[str, ...]) -> str:
    """SHA-256 over source files and folders, named relative to the package ("../hdl" lies beside it).

    A name that is not there is an error: a stage would not notice when its code changes.
    """
    parts = []
    for name in names:
        root = _PACKAGE / name
        if name.startswith("../") and not root.exists():  # installed from a wheel
            root = _PACKAGE / "_resources" / name[3:]
        if not root.exists():
            raise FileNotFoundError(f"{root}: a stage names sources that are not there")
        for file in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if file.is_file() and file.suffix in _SOURCES:
                parts.append([name, file.relative_to(root).as_posix(), _digest(file)])
    return digest_of(parts)


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise ConfigError(f"cannot write {path}: {error.strerror}; choose a folder that can be written") from error


def write_stamp(path: Path, stamp: Stamp) -> None:
    write_text(path, json.dumps(asdict(stamp), indent=1) + "\n")


def read_stamp(path: Path) -> Stamp | None:
    """The stamp at `path`, or None where there is none that can be read."""
    try:
        return Stamp(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A folder to write into that takes the place of `folder` when the block ends well, and vanishes otherwise."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        yield part
        if folder.exists():
            shutil.rmtree(folder)
        part.replace(folder)
        folder.chmod(0o755)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def sweep(out: Path) -> None:
    """Remove what an interrupted run left half-written."""
    for part in (*out.glob(".*.part"), *out.glob(".*.old"), *out.glob(".stamps/.*.part")):
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
