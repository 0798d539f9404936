"""The known backends, by name; each is a module with `OPTIONS`, `check`, `export` and `load`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sctorch import ir
from sctorch.backends.design import Design, read_description
from sctorch.errors import ConfigError

__all__ = ["backend_names", "backend_options", "check_network", "export_network", "load"]

_BACKENDS = {
    "verilog": "sctorch.backends.verilog",
    "hls": "sctorch.backends.hls",
    "onnx": "sctorch.backends.onnx",
    "nir": "sctorch.backends.nir",
}


def backend_names() -> list[str]:
    return list(_BACKENDS)


def backend_options(name: str) -> list[str]:
    """The names of a backend's options."""
    return list(_module(name).OPTIONS)


def _module(name: str) -> Any:
    if name not in _BACKENDS:
        raise ConfigError(f"backend {name!r} is unknown; known: {', '.join(_BACKENDS)}")
    return importlib.import_module(_BACKENDS[name])


def export_network(
    network: ir.Network, folder: str | Path, backend: str, options: Mapping[str, Any], target: str | None = None
) -> Design:
    """Export an integer network into a folder of its own, for a target (`sctorch.hardware.targets`) or for none."""
    design: Design = _module(backend).export(network, Path(folder), options, target)
    return design


def check_network(network: ir.Network, backend: str, options: Mapping[str, Any], target: str | None = None) -> None:
    """Raise what exporting this network would raise, without writing: its shape decides, not its weights."""
    _module(backend).check(network, options, target)


def load(folder: str | Path) -> Design:
    """Open an exported design again, whichever backend made it."""
    _, description = read_description(Path(folder))
    design: Design = _module(description["backend"]).load(Path(folder))
    return design
