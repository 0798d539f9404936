"""Files from public mirrors, checked and kept in the user's cache folder."""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import urllib.request
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from sctorch.errors import ConfigError

__all__ = ["cache_folder", "download_gzip"]

_SECONDS = 30


def cache_folder(name: str) -> Path:
    """Where a dataset's downloads lie: below $XDG_CACHE_HOME, or below ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sctorch" / name


def download_gzip(folder: Path, files: Mapping[str, str], mirrors: Sequence[str], advice: str) -> None:
    """Fetch NAME.gz from the first mirror that has it, unpack it, check it, and keep it as NAME in the folder.

    Parameters
    ----------
    files : md5 of the unpacked file by name; a file that is there already is left alone.
    mirrors : addresses up to the file's name.
    advice : the end of the message when no mirror has a good file.

    Raises
    ------
    ConfigError
        If a file cannot be had, with what each mirror said.
    """
    for name, md5 in files.items():
        if not (folder / name).is_file():
            _keep(folder / name, _fetch(name, md5, mirrors, advice))


def _fetch(name: str, md5: str, mirrors: Sequence[str], advice: str) -> bytes:
    failures = []
    for mirror in mirrors:
        address = f"{mirror}{name}.gz"
        try:
            with urllib.request.urlopen(address, timeout=_SECONDS) as answer:
                data = gzip.decompress(answer.read())
        except (OSError, EOFError, zlib.error) as error:  # URLError is an OSError
            failures.append(f"{address}: {error}")
            continue
        found = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if found == md5:
            return data
        failures.append(f"{address}: its md5 is {found} and should be {md5}")
    raise ConfigError(f"cannot download {name} ({'; '.join(failures)}). {advice}")


def _keep(path: Path, data: bytes) -> None:
    # Under another name first: a run that is stopped here leaves no half file behind.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
            part.write(data)
        os.replace(part.name, path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; set XDG_CACHE_HOME to another folder") from error
