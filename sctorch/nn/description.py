"""What a layer is beside its weights, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch

__all__ = ["describe"]

# What says nothing beside the other fields: two more names of num_steps.
_TWICE = {"training", "window_size", "stream_length"}


def describe(named: Iterable[tuple[str, torch.nn.Module]], num_steps: int) -> dict[str, Any]:
    """Everything that decides what a network computes except the tensors of its state, as plain data.

    Every public attribute of a layer that is plain data is taken, so that a new field cannot be
    forgotten. What only shapes gradients (functions) is left out.

    Returns
    -------
    num_steps, and per layer its name, kind (the class), learnt (names of what is trained) and fields.
    """
    return {"num_steps": num_steps, "layers": [_layer(name, layer) for name, layer in named]}


def _layer(name: str, layer: torch.nn.Module) -> dict[str, Any]:
    found = {"name": name, "kind": type(layer).__name__, "learnt": sorted(key for key, _ in layer.named_parameters())}
    state = layer.state_dict()
    fixed = {key: value for key, value in layer.named_buffers() if key not in state}
    for key, value in {**vars(layer), **fixed}.items():
        if not key.startswith("_") and key not in _TWICE:
            plain = _plain(value)
            if plain is not None:
                found[key] = plain
    return found


def _plain(value: Any) -> Any:
    """Numbers, texts, lists and dicts of them; None for anything else."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in fields(value)}
    return None
