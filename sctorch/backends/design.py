"""A design: an exported network on disk, and how to run the exported files themselves."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from sctorch import ir
from sctorch.errors import ConfigError

__all__ = ["Design", "read_description", "write_description", "writing_folder"]


class Design(ABC):
    """An exported network in a folder of its own.

    Attributes
    ----------
    folder : where the files lie. network : the integer network they were made from.
    options : what the backend was asked for.
    """

    backend: ClassVar[str]

    def __init__(self, folder: Path, network: ir.Network, options: Mapping[str, Any]) -> None:
        self.folder, self.network, self.options = folder, network, dict(options)

    @property
    def label(self) -> str:
        """What a comparison calls it."""
        return self.backend

    @property
    def forms(self) -> tuple[Design, ...]:
        """Every way in which the exported files run, each as a design; `sctorch.verify` takes them all."""
        return (self,)

    @abstractmethod
    def trace(self, x: np.ndarray) -> ir.Trace:
        """Run the exported files and return every signal they expose, under the keys of `ir.simulate`."""

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The decision after every timestep, [T, B], from the exported files."""
        return self.trace(x)[f"{self.network.readout.name}.decision"][..., 0]

    def __repr__(self) -> str:
        return f"<{self.backend} design {self.network.name!r} in {self.folder}>"


@contextmanager
def writing_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into that becomes `folder` when the block ends well, and vanishes when it does not.

    An older design at that place is replaced; anything else there is left alone, with an error.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not _description(folder))):
        raise ConfigError(f"{folder} exists and holds no design of ours; choose another folder or remove it")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}; choose a folder that can be written") from error
    try:
        part.chmod(0o777 & ~_umask())
        yield part
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent))
            os.replace(folder, old / "x")
            os.replace(part, folder)
            shutil.rmtree(old)
        else:
            os.replace(part, folder)
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_description(
    folder: Path, backend: str, network: ir.Network, options: Mapping[str, Any], **facts: Any
) -> None:
    """Write network.json and design.json: what `load` needs, and the facts that a reader wants."""
    ir.save(network, folder / "network.json")
    text = {"backend": backend, "network_sha256": ir.digest(network), "options": dict(options), **facts}
    (folder / "design.json").write_text(json.dumps(text, indent=2) + "\n")


def _description(folder: Path) -> dict[str, Any]:
    """What design.json says; empty if there is none, or it is not one that `write_description` wrote."""
    try:
        data = json.loads((folder / "design.json").read_text())
    except (OSError, ValueError):
        return {}
    ours = isinstance(data, dict) and {"backend", "network_sha256", "options"} <= set(data)
    return data if ours else {}


def read_description(folder: Path) -> tuple[ir.Network, dict[str, Any]]:
    """The network and the description of an exported design; ConfigError if the folder holds none."""
    description = _description(folder)
    if not description:
        raise ConfigError(f"{folder} holds no design of sctorch (its design.json is missing or not ours)")
    network = ir.load(folder / "network.json")
    if ir.digest(network) != description["network_sha256"]:
        raise ConfigError(f"{folder}: network.json was changed after the export; export again")
    return network, description
