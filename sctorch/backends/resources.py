"""Where the hand-written hardware sources lie: beside the package in a checkout, inside it when installed."""

from __future__ import annotations

from pathlib import Path

from sctorch.errors import ToolNotFoundError

__all__ = ["resource_folder"]


def resource_folder(name: str) -> Path:
    """The folder `hdl` or `hls`."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_resources" / name, package.parent / name):
        if (folder / "README.md").is_file():
            return folder
    raise ToolNotFoundError(f"the folder of {name} sources", "Reinstall sctorch; its wheel holds it.")
