"""Networks that together hold every layer an hls project can have, and what its tests share."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import numpy as np

from sctorch import ir
from sctorch.backends import hls
from sctorch.hardware.tools import find_tool

WINDOWS = 5
STREAM = {"io_type": "io_stream"}
LAST = {"io_type": "io_stream", "window": "last"}
COUNTER = [ir.StreamSource("counter", 5, decorrelator=d) for d in ("shared", "permute")]
LFSR = [
    ir.StreamSource("lfsr", 4, (7, 6), seed=45, decorrelator=d) for d in ("shared", "shift", "permute", "independent")
]
OTHER = ir.StreamSource("lfsr", 4, (7, 6), seed=99, decorrelator="permute")  # an encoder shares none with its synapse
NEURONS = list(
    itertools.product(("none", "shift", "multiply"), ("gt", "ge"), ("subtract", "zero", "none"), (True, False))
)
RARE = [
    ("stochastic", "gt", "subtract", True), ("stochastic", "ge", "zero", False), ("stochastic", "gt", "none", True),
    ("stochastic", "ge", "subtract_snntorch", False), ("none", "gt", "subtract_snntorch", False),
    ("shift", "ge", "subtract_snntorch", False), ("multiply", "gt", "subtract_snntorch", False),
]  # fmt: skip


def leak(kind: str, size: int, rng: np.random.Generator) -> ir.Leak:
    if kind == "multiply":
        return ir.Leak(kind, 4, rng.integers(0, 17, size))
    if kind == "stochastic":
        decorrelator = ("shared", "shift", "permute", "independent")[size % 4]
        return ir.Leak(kind, 3, rng.integers(0, 9, size), ir.StreamSource("lfsr", 3, (5, 3), 7, decorrelator))
    return ir.Leak(kind, 2 if kind == "shift" else 0)


def synapse(index: int, n_in: int, n_out: int, rng: np.random.Generator) -> ir.Synapse:
    """A fixed synapse, or a stochastic one with L = 1, 2, 4 and each weight source in turn."""
    if index % 3 == 0:
        weight = rng.integers(-15, 16, (n_out, n_in))
        return ir.FixedSynapse(f"syn{index}", weight, rng.integers(-3, 9, n_out), 4, 4)
    source = [*LFSR, *COUNTER][(index - index // 3) % 6]
    limit = 2**source.bits
    weight = rng.integers(1 - limit, limit, (n_out, n_in))
    return ir.StochasticSynapse(f"syn{index}", weight, rng.integers(-1, 3, n_out), 2 ** (index % 4 % 3), source)


def network(
    name: str, encoder: ir.Encoder, fields: list[tuple[str, str, str, bool]], readout: str, seed: int
) -> ir.Network:
    """A chain of small layers, one neuron layer for each entry of fields."""
    rng = np.random.default_rng(seed)
    layers: list[ir.Layer] = [encoder]
    for k, (leak_kind, compare, reset, delay) in enumerate(fields):
        size = 3 + (seed + k) % 4
        before = synapse(seed + k, layers[-1].size, size, rng)
        frac = before.frac + k % 3
        threshold = rng.integers(1, 2 + (6 << (frac - before.frac)), size)
        layers += [
            before, ir.Neuron(f"lif{k}", size, frac, threshold, leak(leak_kind, size, rng), compare, reset, delay)
        ]  # fmt: skip
    if readout == "binary_logit":
        last = synapse(seed + len(fields), layers[-1].size, 2, rng)
        layers += [last, ir.Readout("scores", 2, "membrane", readout, last.frac + 1, leak("shift", 2, rng))]
    elif readout in ir.layers.DECISION_RULES["spike"]:
        threshold = 3 if readout in ir.layers.THRESHOLD_RULES else 1
        layers.append(ir.Readout("scores", layers[-1].size, "spike", readout, class_threshold=threshold))
    else:
        last = synapse(seed + len(fields), layers[-1].size, 3, rng)
        leaky = leak(readout, 3, rng)
        layers += [last, ir.Readout("scores", 3, "membrane", "argmax_membrane", last.frac + 2, leaky)]
    return ir.Network(name, 11, tuple(layers))


def direct() -> ir.Network:
    """Integers in, fixed synapses alone (their weights 5, 2 and 4 bits wide), delays."""
    rng = np.random.default_rng(5)
    return ir.Network("direct", 9, (
        ir.DirectEncoder("enc", 6, 3),
        ir.FixedSynapse("wide", rng.integers(-15, 16, (8, 6)), rng.integers(-9, 90, 8), 4, 4, 3),
        ir.Neuron("lif1", 8, 8, rng.integers(40, 200, 8), ir.Leak("shift", 2)),
        ir.Delay("delay1", 8, 2),
        ir.FixedSynapse("ternary", rng.integers(-1, 2, (6, 8)), rng.integers(0, 2, 6), 1, 1),
        ir.Neuron("lif2", 6, 2, rng.integers(1, 4, 6), ir.Leak("shift", 1), "ge", "zero", False),
        ir.Delay("delay2", 6, 1),
        ir.FixedSynapse("narrow", rng.integers(-7, 8, (3, 6)), rng.integers(-5, 5, 3), 3, 3),
        ir.Readout("scores", 3, "membrane", "argmax_membrane", 4, ir.Leak("shift", 2)),
    ))  # fmt: skip


# Every combination of neuron fields once, over three networks. The seeds keep every layer alive to the end.
NETWORKS = {
    "int": network("int", ir.RateEncoder("enc", 6, ir.StreamSource("counter", 6)), NEURONS[0::3], "shift", 254),
    "shifted": network("shifted", ir.RateEncoder("enc", 6, LFSR[1]), NEURONS[1::3], "multiply", 363),
    "events": network("events", ir.EventEncoder("in_data", 6), NEURONS[2::3], "argmax_spike_count", 761),
    "first": network("first", ir.RateEncoder("enc", 6, OTHER), RARE[0::2], "first_to_threshold", 93),
    "then": network("then", ir.RateEncoder("enc", 6, OTHER), RARE[1::4], "threshold_then_argmax", 5),
    "logit": network("logit", ir.LevelEncoder("enc", 6, 3), RARE[3::4], "binary_logit", 1),
    "direct": direct(),
    "single": ir.Network("single", 11, (  # called like hls4ml's own attributes
        ir.RateEncoder("index", 1, OTHER),
        ir.StochasticSynapse("weight", np.array([[12]]), np.array([0]), 1, LFSR[3]),
        ir.Neuron("trace", 1, 0, np.array([1]), ir.Leak(), "ge"),
        ir.Readout("scores", 1, "spike", "argmax_spike_count"),
    )),
}  # fmt: skip


def inputs(net: ir.Network, windows: int = WINDOWS, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if isinstance(net.encoder, ir.EventEncoder):
        return rng.integers(0, 2, (net.num_steps * net.encoder_ticks, windows, net.encoder.size))
    x = rng.random((windows, net.encoder.n_features), dtype=np.float32)
    x[0], x[-1] = 0, 1
    return x


def assert_same(got: ir.Trace, expected: ir.Trace) -> None:
    assert list(got) == list(expected)
    for key, values in expected.items():
        assert got[key].dtype == values.dtype == np.int64, key
        assert got[key].shape == values.shape, key
        assert np.array_equal(got[key], values), key


# (timesteps sent, whether the last of them has the flag): early ends, the shortest, whole windows with and without
# their flag, one too long, which makes a stray window of the 2 timesteps that are too many. Windows have 11 here.
SENT = [(11, True), (4, True), (11, False), (1, True), (1, True), (13, True), (7, True), (11, True)]


def packets(net: ir.Network, x: np.ndarray) -> np.ndarray:
    """What the top function is given in whole windows, [B, T, n]."""
    values = ir.check_input(net, x)
    if values.ndim == 2:
        return np.repeat(values[:, None], net.num_steps, axis=1)
    return values.transpose(1, 0, 2).reshape(values.shape[1], net.num_steps, -1)


def sent(net: ir.Network, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The packets and flags of SENT, one window of x after the other."""
    rows = packets(net, x)
    flags = np.concatenate([np.arange(steps) == (steps - 1 if flag else -1) for steps, flag in SENT])
    return np.concatenate([np.resize(rows[w], (n, rows.shape[2])) for w, (n, _) in enumerate(SENT)]), flags


def received(net: ir.Network, x: np.ndarray) -> tuple[np.ndarray, ir.Trace]:
    """The flags and every signal that must come of SENT."""
    happened: list[tuple[int, int]] = []  # whose inputs, how many timesteps
    for source, (steps, _) in enumerate(SENT):
        happened += [(source, 11)] * (steps // 11) + ([(source, steps % 11)] if steps % 11 else [])
    trace = {
        key: np.concatenate([values[: n * len(values) // 11, w] for w, n in happened])[:, None]
        for key, values in ir.simulate(net, x).items()
    }
    return np.concatenate([np.arange(n) == n - 1 for _, n in happened]), trace


def run_test_bench(folder: Path, *arguments: str, axis: bool = False) -> tuple[int, str]:
    """As it stands, with g++ in the place of Vitis' C simulation."""
    top = hls.load(folder).top
    sources = [f"{top}_axis_test.cpp", f"firmware/{top}_axis.cpp"] if axis else [f"{top}_test.cpp"]
    command = [*find_tool("g++").command, "-std=c++11", "-w", "-Ifirmware/ap_types", *sources]
    subprocess.run([*command, f"firmware/{top}.cpp", "-o", "test_bench"], cwd=folder, check=True)
    done = subprocess.run(["./test_bench", *arguments], cwd=folder, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout
