"""Comparing traces: integers, no tolerance, every timestep, every signal both sides have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sctorch import ir
from sctorch.errors import ConfigError, MismatchError, ShapeError

__all__ = ["PairResult", "compare", "compare_signals"]


@dataclass(frozen=True)
class PairResult:
    """One pair of executions.

    values : integers compared; spikes : how many of those were spikes (bits that are 1);
    mismatches : how many differ; first : the first difference in time; keys : signals compared.
    """

    name: str
    values: int
    spikes: int
    mismatches: int
    first: MismatchError | None
    keys: tuple[str, ...]


def compare(name: str, network: ir.Network, expected: ir.Trace, got: ir.Trace) -> PairResult:
    """Compare every signal that both traces hold.

    Raises
    ------
    ShapeError
        If a signal has another shape on the two sides, or an execution lacks the decision.
    ConfigError
        If a spiking layer is silent throughout or never silent: such a comparison shows nothing.
    """
    decision = f"{network.readout.name}.decision"
    for side in (expected, got):
        if decision not in side:
            raise ShapeError(f"{name}: an execution gives no {decision}, so there is nothing to compare")
    return compare_signals(name, network, expected, got)


def compare_signals(name: str, network: ir.Network, expected: ir.Trace, got: ir.Trace) -> PairResult:
    """As `compare`, for an execution that stops before the decision."""
    keys = tuple(key for key in expected if key in got)
    # A level or direct encoder holds still, and a delay may be longer than the window.
    spiking = {
        layer.name for layer in network.layers if isinstance(layer, ir.RateEncoder | ir.EventEncoder | ir.Neuron)
    }
    values = spikes = mismatches = 0
    firsts: list[tuple[int, int, MismatchError]] = []
    for position, key in enumerate(keys):
        a, b = np.asarray(expected[key]), np.asarray(got[key])
        if a.shape != b.shape:
            raise ShapeError(f"{name}: {key} has shape {a.shape} on one side and {b.shape} on the other")
        values += a.size
        if key in spiking:
            spikes += int(a.sum())
            _check_alive(name, key, a)
        different = a != b
        mismatches += int(different.sum())
        if different.any():
            t, window, neuron = (int(v) for v in np.argwhere(different)[0])
            step = t // network.encoder_ticks if key == network.encoder.name else t
            error = MismatchError(name, key, step, window, neuron, int(a[t, window, neuron]), int(b[t, window, neuron]))
            firsts.append((step, position, error))
    first = min(firsts, key=lambda f: f[:2])[2] if firsts else None
    return PairResult(name, values, spikes, mismatches, first, keys)


def _check_alive(name: str, key: str, bits: np.ndarray) -> None:
    if bits.size == 0 or not bits.any():
        raise ConfigError(f"{name}: nothing spiked in {key}, so equality there means nothing; give other inputs")
    if bits.all():
        raise ConfigError(f"{name}: {key} spiked at every step, so equality there means nothing; give other inputs")
