"""A NIR graph's own equations, one Euler step of dt per timestep, in float64.

This reads the nodes and nothing of the integer network, so that it shows what the file says. The step is the one of
snntorch's import: v = (1 - dt / tau) v + (r dt / tau) I; z = v > v_threshold; v = v_reset where z.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sctorch.backends.nir.files import chain, nir_package
from sctorch.errors import UnsupportedError

__all__ = ["run_graph"]


def run_graph(graph: Any, inputs: np.ndarray, dt: float) -> dict[str, np.ndarray]:
    """What every node gives, [T, batch, n] by name, for inputs [T, batch, n].

    Of a LIF "<name>.charged" is v before the reset and "<name>.v" after it.
    """
    nir = nir_package()
    result: dict[str, np.ndarray] = {}
    flow = inputs.astype(np.float64)
    for name, node in chain(graph, "nir"):
        if isinstance(node, nir.Linear | nir.Affine):
            flow = flow @ np.asarray(node.weight, dtype=np.float64).T + getattr(node, "bias", 0.0)
        elif isinstance(node, nir.Delay):
            steps = np.rint(node.delay / dt).astype(int)
            late = np.zeros_like(flow)
            for j, d in enumerate(steps):
                late[d:, :, j] = flow[: max(len(flow) - d, 0), :, j]
            flow = late
        elif isinstance(node, nir.LIF | nir.LI):
            flow = _integrated(name, node, flow, dt, result, isinstance(node, nir.LIF))
        else:
            raise UnsupportedError(f"a node of type {type(node).__name__}", f"nir: {name}", "Export again.")
        result[name] = flow
    return result


def _integrated(
    name: str, node: Any, current: np.ndarray, dt: float, result: dict[str, np.ndarray], fires: bool
) -> np.ndarray:
    beta, gain = _rounded(1 - dt / node.tau), _rounded(node.r * dt / node.tau)
    v = np.zeros(current.shape[1:])
    charged, kept, spikes = [], [], []
    for given in current:
        v = beta * v + (1 - beta) * node.v_leak + gain * given
        charged.append(v)
        if fires:
            spikes.append(v > node.v_threshold)
            v = np.where(spikes[-1], node.v_reset, v)
        kept.append(v)
    if not fires:
        return np.stack(kept)
    result[f"{name}.charged"], result[f"{name}.v"] = np.stack(charged), np.stack(kept)
    return np.stack(spikes).astype(np.float64)


def _rounded(values: np.ndarray) -> np.ndarray:
    """To 2^-40: a tau in float64 cannot say every beta, but one nearer to it than any that a network has."""
    return np.rint(np.asarray(values, dtype=np.float64) * 2.0**40) / 2.0**40
