"""Saving and loading a network: one JSON file, readable, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from sctorch.errors import ConfigError, SctorchError
from sctorch.ir.layers import (
    Delay,
    DirectEncoder,
    EventEncoder,
    FixedSynapse,
    Layer,
    Leak,
    LevelEncoder,
    Network,
    Neuron,
    RateEncoder,
    Readout,
    StochasticSynapse,
    layer_fields,
)
from sctorch.ir.streams import StreamSource

__all__ = ["FORMAT", "digest", "dumps", "load", "loads", "save"]

FORMAT = "sctorch-ir/1"
_LAYERS: dict[str, type] = {
    c.KIND: c
    for c in (
        RateEncoder, LevelEncoder, DirectEncoder, EventEncoder, StochasticSynapse, FixedSynapse, Neuron, Delay, Readout,
    )
}  # fmt: skip


def _plain(value: object) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, StreamSource | Leak):
        return {key: _plain(v) for key, v in layer_fields(value).items()}
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, np.integer):
        return int(value)
    return value


def dumps(network: Network) -> str:
    """The network as JSON text: one line per field, one per row of a weight matrix."""
    lines = ["{", f'"format": {json.dumps(FORMAT)},', f'"name": {json.dumps(network.name)},']
    lines += [f'"num_steps": {network.num_steps},', f'"meta": {json.dumps(dict(network.meta))},', '"layers": [']
    blocks = []
    for layer in network.layers:
        entries = [f'"kind": {json.dumps(layer.KIND)}']
        for key, value in layer_fields(layer).items():
            plain = _plain(value)
            if isinstance(value, np.ndarray) and value.ndim == 2:
                text = "[\n  " + ",\n  ".join(json.dumps(row) for row in plain) + "]"
            else:
                text = json.dumps(plain)
            entries.append(f"{json.dumps(key)}: {text}")
        blocks.append("{" + ",\n ".join(entries) + "}")
    return "\n".join([*lines, ",\n".join(blocks), "]}"]) + "\n"


def digest(network: Network) -> str:
    """SHA-256 of the saved form: equal exactly when two networks are."""
    return hashlib.sha256(dumps(network).encode()).hexdigest()


def save(network: Network, path: str | Path) -> Path:
    """Write the network to a JSON file, atomically."""
    path = Path(path)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(dumps(network))
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise ConfigError(f"cannot write {path}: {error.strerror}; choose a folder that can be written") from error
    return path


def _layer(data: dict[str, Any]) -> Layer:
    data = dict(data)
    kind = data.pop("kind", None)
    if kind not in _LAYERS:
        raise ConfigError(f"layer kind {kind!r} is unknown; known: {', '.join(_LAYERS)}")
    if isinstance(data.get("source"), dict):
        data["source"] = _source(data["source"])
    if isinstance(data.get("leak"), dict):
        leak = dict(data["leak"])
        leak["factor"] = np.array(leak["factor"], dtype=np.int64)
        if isinstance(leak.get("source"), dict):
            leak["source"] = _source(leak["source"])
        data["leak"] = Leak(**leak)
    layer: Layer = _LAYERS[kind](**data)
    return layer


def _source(data: dict[str, Any]) -> StreamSource:
    return StreamSource(**data | {"taps": tuple(data["taps"])})


def loads(text: str, where: str = "network") -> Network:
    """The network in JSON text made by `dumps`; ConfigError if it is something else."""
    try:
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise ConfigError(f"{where}: format {data['format']!r}, expected {FORMAT!r}")
        layers = tuple(_layer(entry) for entry in data["layers"])
        return Network(data["name"], data["num_steps"], layers, data["meta"])
    except SctorchError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ConfigError(f"{where} is not a saved network ({type(error).__name__}: {error})") from error


def load(path: str | Path) -> Network:
    """Read a network that `save` wrote."""
    path = Path(path)
    try:
        text = path.read_text()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a saved network ({error})") from error
    return loads(text, str(path))
