"""The package's own version, without importing anything heavy."""

from __future__ import annotations

from importlib import metadata

import sctorch

__all__ = ["package_version"]


def package_version() -> str:
    """The checkout's `__version__`, or else that of the installed distribution."""
    own = getattr(sctorch, "__version__", None)
    if own is not None:
        return str(own)
    try:
        return metadata.version("sctorch")
    except metadata.PackageNotFoundError:
        return "unknown"
