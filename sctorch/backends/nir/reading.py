"""A NIR graph that `export` wrote, as the integer network that it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends.nir.files import chain, open_graph
from sctorch.backends.nir.writing import KEY
from sctorch.errors import ConfigError, SctorchError
from sctorch.ir.files import loads

__all__ = ["description", "read_network"]


def description(graph: Any) -> dict[str, Any]:
    """What our metadata says; empty where a graph has none."""
    text = graph.metadata.get(KEY) if isinstance(graph.metadata, dict) else None
    try:
        data = json.loads(text) if isinstance(text, str | bytes) else {}
    except (ValueError, RecursionError):
        data = {}
    needed = {"layers", "num_steps", "name", "meta", "dt"}
    ours = isinstance(data, dict) and needed <= set(data) and isinstance(data["layers"], list) and data["layers"]
    return data if ours else {}


def read_network(source: Any) -> ir.Network:
    """The integer network in a graph of ours, weights, thresholds and time constants from the graph's own nodes.

    Parameters
    ----------
    source : the path of a file, or a nir.NIRGraph.

    Raises
    ------
    ConfigError
        If it cannot be read, has no metadata of ours, or holds values off the grids that the metadata names.
    UnsupportedError
        If it is no chain of layers.
    """
    graph = open_graph(source)
    where = str(source) if isinstance(source, str | Path) else "the graph"
    data = description(graph)
    if not data:
        raise ConfigError(f"{where} has no metadata of sctorch, which holds the grids; use sctorch.import_nir")
    nodes = dict(chain(graph, where))
    try:
        layers = [_filled(dict(entry), nodes, float(data["dt"])) for entry in data["layers"]]
        return loads(json.dumps(data | {"format": ir.files.FORMAT, "layers": layers}), where)
    except SctorchError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise ConfigError(f"{where} is no graph of ours ({type(error).__name__}: {error})") from error


def _filled(entry: dict[str, Any], nodes: dict[str, Any], dt: float) -> dict[str, Any]:
    """A layer's saved form, its arrays from the node of its name."""
    name, kind = entry["name"], entry["kind"]
    node: Any = nodes.get(name)
    if kind in ("stochastic_synapse", "fixed_synapse"):
        stochastic = kind == "stochastic_synapse"
        bits = entry["source"]["bits"] if stochastic else entry["weight_frac"]
        frac = entry["bitstream_length"].bit_length() - 1 if stochastic else bits + entry["input_bits"]
        weight = _integers(node.weight, 2**bits, f"{name}: weight")
        bias = np.zeros(len(weight)) if not hasattr(node, "bias") else node.bias
        return entry | {"weight": weight.tolist(), "bias": _integers(bias, 2**frac, f"{name}: bias").tolist()}
    if kind == "delay":
        _same(name, "delay", node.delay / dt, entry["steps"])
    if kind == "neuron":
        threshold = _integers(node.v_threshold, 2 ** entry["frac"], f"{name}: v_threshold")
        _same(name, "v_reset", node.v_reset, 0)
        entry["threshold"] = (threshold + (entry["compare"] == "ge")).tolist()
    if kind == "neuron" or (kind == "readout" and entry["output_mode"] == "membrane"):
        _same(name, "v_leak", node.v_leak, 0)
        _same(name, "r dt / tau", node.r * dt / node.tau, 1)
        entry["leak"] = _leak(name, dict(entry["leak"]), 1 - dt / np.asarray(node.tau))
    elif kind == "readout":
        entry["leak"] = dict(entry["leak"]) | {"factor": []}
    return entry


def _leak(name: str, leak: dict[str, Any], beta: np.ndarray) -> dict[str, Any]:
    if leak["kind"] in ("multiply", "stochastic"):
        factor = _integers(beta, 2 ** leak["shift"], f"{name}: beta = 1 - dt / tau", 1e-6)
        if leak["factor"] == 1:
            _same(name, "tau", factor, factor.flat[0])
            factor = factor[:1]
        return leak | {"factor": factor.tolist()}
    _same(name, "beta = 1 - dt / tau", beta, 1.0 if leak["kind"] == "none" else 1 - 2.0 ** -leak["shift"])
    return leak | {"factor": []}


def _integers(values: Any, scale: int, what: str, tolerance: float = 0.0) -> np.ndarray:
    """Values on the grid of 1 / scale, in units of it; as far from it as `tolerance` times the scale."""
    scaled = np.asarray(values, dtype=np.float64) * scale
    whole = np.rint(scaled)
    off = np.flatnonzero(~(np.abs(scaled - whole) <= tolerance * scale))
    if len(off):
        value = np.asarray(values, dtype=np.float64).flat[off[0]]
        raise ConfigError(
            f"{what} = {value:g} is off the grid of 1 / {scale} that the metadata names; sctorch.import_nir finds one"
        )
    return whole.astype(np.int64)


def _same(name: str, what: str, values: Any, wanted: float) -> None:
    """float32 is near enough: the graph may have been through a library that keeps no more."""
    if not np.allclose(values, wanted, rtol=1e-6, atol=1e-7):
        raise ConfigError(
            f"{name}: {what} is not the {wanted:g} of the metadata; sctorch.import_nir reads changed graphs"
        )
