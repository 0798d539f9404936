"""The nir package, its files, and graphs that are one chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sctorch.errors import ConfigError, ToolNotFoundError, UnsupportedError

__all__ = ["DT", "DT_RANGE", "chain", "nir_package", "open_graph"]

DT = 1e-4  # seconds of a timestep: what snntorch's import and export of NIR assume
DT_RANGE = (1e-12, 1e12)  # so that float32 holds every time constant, 2^60 timesteps for no leak included


def nir_package() -> Any:
    """The module `nir`, or ToolNotFoundError with what to install."""
    try:
        import nir
    except ImportError as error:
        raise ToolNotFoundError("the package nir", "Install it with: pip install 'sctorch[nir]'.") from error
    return nir


def open_graph(source: Any) -> Any:
    """A nir.NIRGraph from a file, or the graph itself."""
    nir = nir_package()
    if isinstance(source, nir.NIRGraph):
        return source
    if not isinstance(source, str | Path):
        raise ConfigError(f"a {type(source).__name__} is no NIR graph; give a nir.NIRGraph or the path of a file")
    try:
        return nir.read(source)
    except Exception as error:  # h5py and nir raise what they like
        raise ConfigError(f"cannot read {source} as a NIR graph ({type(error).__name__}: {error})") from error


def chain(graph: Any, where: str) -> list[tuple[str, Any]]:
    """The nodes from after the Input to before the Output, in order; UnsupportedError where they are no chain."""
    nir = nir_package()
    after: dict[str, str] = {}
    for before, name in graph.edges:
        if before in after or name in after.values():
            raise UnsupportedError(
                f"a branch at {before} -> {name} (a skip or recurrent connection)", where,
                "Layers must follow one another, from one Input to one Output.",
            )  # fmt: skip
        after[before] = name
    (start, *more) = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)] or [None]
    if start is None or more:
        raise UnsupportedError("a graph without exactly one Input", where, "Give one chain of layers.")
    found, name = [], after.get(start)
    while name is not None and not isinstance(graph.nodes[name], nir.Output):
        found.append((name, graph.nodes[name]))
        name = after.get(name)
    if name is None or len(found) + 2 != len(graph.nodes):
        raise UnsupportedError("a graph whose nodes are no chain from Input to Output", where, "Connect them all.")
    return found
