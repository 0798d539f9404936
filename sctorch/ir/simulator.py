"""The reference simulator: docs/semantics.md as a program.

Everything else (torch's forward, Verilog, HLS) is compared with `simulate`, so this file is
written to be read beside the semantics, tick by tick, and not to be fast.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sctorch.errors import ConfigError, ShapeError
from sctorch.ir.layers import (
    THRESHOLD_RULES,
    Delay,
    DirectEncoder,
    EventEncoder,
    LevelEncoder,
    Network,
    Neuron,
    Readout,
    StochasticSynapse,
    Synapse,
)
from sctorch.ir.rules import leaked, neuron_step

__all__ = [
    "Trace",
    "check_features",
    "check_input",
    "current_of",
    "decide",
    "delay_step",
    "encode",
    "quantise_features",
    "quantise_levels",
    "rate_bits",
    "run_window",
    "simulate",
]

Trace = dict[str, np.ndarray]


def check_features(x: np.ndarray, size: int, where: str) -> np.ndarray:
    """Features as float64 [B, size] in [0, 1], or one of our errors.

    A feature wider than float32 is first rounded to float32, so that the bit it becomes does not
    depend on who did the rounding.
    """
    features = np.asarray(x)
    if features.ndim != 2 or features.shape[1] != size:
        raise ShapeError(f"{where}: expected features [B, {size}], got shape {tuple(features.shape)}")
    with np.errstate(over="ignore"):  # what is too large for float32 is out of range too
        features = features.astype(np.float32).astype(np.float64)
    bad = np.argwhere(~((features >= 0) & (features <= 1)))
    if len(bad):
        b, j = (int(v) for v in bad[0])
        raise ConfigError(
            f"{where}: feature [{b}, {j}] = {features[b, j]} is outside 0 to 1; scale the features to [0, 1] first"
        )
    return features


def quantise_features(features: np.ndarray, bits: int) -> np.ndarray:
    """v = min(floor(u * 2**bits), 2**bits - 1), exact for float32 features."""
    return np.minimum(np.floor(features * 2**bits), 2**bits - 1).astype(np.int64)


def quantise_levels(features: np.ndarray, levels: int) -> np.ndarray:
    """v = min(floor(u * (levels + 1)), levels), the product in float64."""
    return np.minimum(np.floor(features * (levels + 1)), levels).astype(np.int64)


def check_input(network: Network, x: np.ndarray) -> np.ndarray:
    """What the hardware's input port is given: integers [B, n], or bits [T * L, B, n] of an event encoder."""
    encoder = network.encoder
    if not isinstance(encoder, EventEncoder):
        features = check_features(x, encoder.n_features, encoder.name)
        if isinstance(encoder, LevelEncoder):
            return quantise_levels(features, encoder.levels)
        return quantise_features(features, encoder.bits)
    events = np.asarray(x)
    ticks = network.num_steps * network.encoder_ticks
    if events.ndim != 3 or events.shape[0] != ticks or events.shape[2] != encoder.size:
        raise ShapeError(f"{encoder.name}: expected spikes [{ticks}, B, {encoder.size}], got {tuple(events.shape)}")
    if not np.isin(events, (0, 1)).all():
        raise ConfigError(f"{encoder.name}: spikes must be 0 or 1")
    return events.astype(np.int64)


def encode(network: Network, values: np.ndarray) -> np.ndarray:
    """What the encoder gives for what `check_input` returned, [T * L, B, n]: bits, or a direct encoder's integers."""
    encoder = network.encoder
    if isinstance(encoder, EventEncoder):
        return values
    ticks = network.num_steps * network.encoder_ticks
    if isinstance(encoder, DirectEncoder):
        return np.repeat(values[None], ticks, axis=0)
    if isinstance(encoder, LevelEncoder):
        bits = (values[:, :, None] > np.arange(encoder.levels)).reshape(len(values), -1)
        return np.repeat(bits[None].astype(np.int64), ticks, axis=0)
    return rate_bits(values, encoder.source.values(encoder.size, ticks))


def rate_bits(values: np.ndarray, random: np.ndarray) -> np.ndarray:
    """Bits [ticks, B, n] of values [B, n] for R [ticks, n]."""
    return (values[None] > random[:, None, :]).astype(np.int64)


def delay_step(line: list[np.ndarray], spikes: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """One timestep of a delay: what leaves it, and what is in it then, the oldest spikes first."""
    return line[0], [*line[1:], spikes]


def decide(readout: Readout, scores: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One timestep's decision [B, 1] for scores [B, n], and what is held for the next; ties go to the lowest index.

    held : [B, 1], the class that has reached the threshold first, or -1 while none has.
    """
    if readout.decision_rule == "binary_logit":
        return scores[:, 1:] - scores[:, :1], held
    best = np.argmax(scores, axis=1, keepdims=True)
    if readout.decision_rule not in THRESHOLD_RULES:
        return best, held
    reached = scores >= readout.class_threshold
    lowest = np.where(reached.any(axis=1, keepdims=True), np.argmax(reached, axis=1, keepdims=True), -1)
    if readout.decision_rule == "first_to_threshold":
        held = lowest = np.where(held >= 0, held, lowest)
    return np.where(lowest >= 0, lowest, best), held


def current_of(synapse: Synapse, bits: np.ndarray, t: int, random: np.ndarray | None) -> np.ndarray:
    """I [B, n_out] of timestep t; bits are [L, B, n_in], one row for each of the layer's ticks."""
    current = np.zeros((bits.shape[1], synapse.size), dtype=np.int64) + synapse.bias
    for tick in range(synapse.bitstream_length):
        weight = synapse.weight
        if random is not None:
            r = random[t * synapse.bitstream_length + tick]
            weight = np.sign(weight) * (np.abs(weight) > r)
        current = current + bits[tick] @ weight.T
    return current


def simulate(network: Network, x: np.ndarray) -> Trace:
    """Run whole windows and record every layer.

    Parameters
    ----------
    x : features [B, n] in [0, 1] (rate encoder) or spikes [T * L, B, n] (event encoder).

    Returns
    -------
    integers by key, time first: the encoder's bits [T * L, B, n]; per synapse its currents
    [T, B, n]; per neuron layer its spikes, and under "<name>.mem" its membranes after the step;
    per delay the spikes that leave it; for the readout its scores, and under "<name>.decision" the decision [T, B, 1].
    """
    inputs = encode(network, check_input(network, x))
    trace: dict[str, list[np.ndarray]] = {}

    def record(key: str, value: np.ndarray) -> np.ndarray:
        trace.setdefault(key, []).append(value.astype(np.int64))
        return trace[key][-1]

    run_window(network, inputs, record)
    result = {network.encoder.name: inputs}
    return result | {key: np.stack(values) for key, values in trace.items()}


def run_window(network: Network, inputs: np.ndarray, record: Callable[[str, np.ndarray], np.ndarray]) -> None:
    """One window for what the encoder gave, [T * L, B, n]; `record` is told every signal in order of time.

    The window goes on with what `record` returns. Nothing here looks at a value, so `inputs` may hold
    symbols, and a proof may put a new one in the place of a value that it has dealt with (docs/proofs.md).
    """
    batch = inputs.shape[1]
    state = {
        layer.name: np.zeros((batch, layer.size), dtype=np.int64)
        for layer in network.layers
        if isinstance(layer, Neuron | Readout)
    }
    lines = {
        layer.name: [np.zeros((batch, layer.size), dtype=np.int64)] * layer.steps
        for layer in network.layers
        if isinstance(layer, Delay)
    }
    randoms = {
        s.name: s.source.values(s.n_inputs, network.num_steps * s.bitstream_length)
        for s in network.synapses
        if isinstance(s, StochasticSynapse)
    }
    dither = {
        layer.name: layer.leak.source.values(layer.size, network.num_steps)
        for layer in network.layers
        if isinstance(layer, Neuron) and layer.leak.source is not None
    }
    held = np.full((batch, 1), -1, dtype=np.int64)
    for t in range(network.num_steps):
        ticks = network.encoder_ticks
        flow = inputs[t * ticks : (t + 1) * ticks]  # [L, B, n] for the first synapse
        frac = 0
        for layer in network.layers[1:]:
            if isinstance(layer, Synapse):
                bits = flow if len(flow) == layer.bitstream_length else np.repeat(flow, layer.bitstream_length, axis=0)
                current = current_of(layer, bits, t, randoms.get(layer.name))
                flow, frac = record(layer.name, current)[None], layer.frac
            elif isinstance(layer, Neuron):
                current = flow[0] << (layer.frac - frac)
                random = dither[layer.name][t] if layer.name in dither else 0
                spikes, membrane = neuron_step(layer, state[layer.name], current, random=random)
                flow = record(layer.name, spikes)[None]
                state[layer.name] = record(f"{layer.name}.mem", membrane)
            elif isinstance(layer, Delay):
                delayed, lines[layer.name] = delay_step(lines[layer.name], flow[0])
                flow = record(layer.name, delayed)[None]
            elif isinstance(layer, Readout):
                current = flow[0] << (layer.frac - frac if layer.output_mode == "membrane" else 0)
                state[layer.name] = record(layer.name, leaked(layer.leak, state[layer.name]) + current)
                decision, held = decide(layer, state[layer.name], held)
                record(f"{layer.name}.decision", decision)
