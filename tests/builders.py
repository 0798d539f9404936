"""Random networks of every kind, small enough to build, and the helpers that compare their traces.

A builder draws from a `random.Random`, so that a seed gives one network and hypothesis can drive it too.
"""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from sctorch import ir, nn
from sctorch.errors import ToolNotFoundError
from sctorch.hardware.tools import find_tool
from sctorch.ir.streams import MAXIMAL_TAPS

SOURCES = [("counter", "shared"), ("counter", "permute"), *(("lfsr", d) for d in ir.streams.DECORRELATORS["lfsr"])]
ENCODERS: list[tuple[str, str] | str] = [*SOURCES, "events", "levels", "direct"]
# (leak, compare, reset, reset_delay): every combination that there is
FIELDS = [
    f for f in itertools.product(ir.layers.LEAK_KINDS, ir.layers.COMPARES, ir.layers.RESETS, (True, False))
    if f[2:] != ("subtract_snntorch", True)
]  # fmt: skip
BETAS = (1.0, 0.5, 0.75, 0.875, 0.9375, 0.0, 0.3125, 0.8984375)


def require_tool(name: str) -> None:
    """Skip the test if a tool is missing; fail it instead where the environment says CI."""
    try:
        find_tool(name)
    except ToolNotFoundError as error:
        if os.environ.get("CI"):
            pytest.fail(f"in CI no tool may be missing: {error}")
        pytest.skip(str(error))


def mnist_places() -> list[Path]:
    """Where the MNIST files may be: named by SCTORCH_MNIST, or beside the checkout."""
    named = os.environ.get("SCTORCH_MNIST")
    return [*([Path(named)] if named else []), Path(__file__).parents[2] / "shared" / "data" / "mnist"]


def require_program(name: str) -> None:
    """As `require_tool` for a second opinion, which comes as no wheel: the CI script says which ones it has."""
    if shutil.which(name):
        return
    if name in os.environ.get("SCTORCH_REQUIRE", "").split():
        pytest.fail(f"{name} is in SCTORCH_REQUIRE and not on PATH")
    pytest.skip(f"{name} is not installed; it is a second opinion only")


# ---------------------------------------------------------------- integer networks


def random_source(
    rnd: Random, bits: int, kind: tuple[str, str] | None = None, avoid: ir.StreamSource | None = None
) -> ir.StreamSource:
    """A source of `bits` bits, of a given (kind, decorrelator) or of any, that shares no bits with `avoid`."""
    while True:
        name, decorrelator = kind or rnd.choice(SOURCES)
        if name == "counter":
            source = ir.StreamSource("counter", bits, decorrelator=decorrelator)
        else:
            width = rnd.randint(max(bits, 3), max(bits, 3) + 3)
            source = ir.StreamSource("lfsr", bits, MAXIMAL_TAPS[width], rnd.randint(1, 2**width - 1), decorrelator)
        if avoid is None or not source.shares_bits_with(avoid):
            return source
        kind = None


def random_leak(rnd: Random, size: int, kind: str | None = None) -> ir.Leak:
    kind = kind or rnd.choice(ir.layers.LEAK_KINDS)
    if kind in ("multiply", "stochastic"):
        shift = rnd.randint(1, 6)
        factor = np.array([rnd.randint(0, 2**shift) for _ in range(rnd.choice((1, size)))])
        return ir.Leak(kind, shift, factor, random_source(rnd, shift) if kind == "stochastic" else None)
    return ir.Leak(kind, rnd.randint(1, 4) if kind == "shift" else 0)


def random_readout(rnd: Random, mode: str, classes: int, rule: str | None = None) -> tuple[str, int]:
    """A decision rule of a mode, and its threshold."""
    rules = [r for r in ir.layers.DECISION_RULES[mode] if r != "binary_logit" or classes == 2]
    rule = rule or rnd.choice(rules)
    return rule, rnd.randint(1, 4) if rule in ir.layers.THRESHOLD_RULES else 1


def random_synapse(
    rnd: Random,
    name: str,
    n_in: int,
    n_out: int,
    fixed: bool = False,
    length: int = 1,
    source: tuple[str, str] | None = None,
    avoid: ir.StreamSource | None = None,
    input_bits: int = 0,
) -> ir.Synapse:
    """Signed weights with some zeros, now and then a row without any; biases or none."""
    bits = rnd.randint(1, 5)
    numbers = np.random.default_rng(rnd.randrange(2**32))
    weight = numbers.integers(1 - 2**bits, 2**bits, (n_out, n_in))
    weight = np.where(numbers.random((n_out, n_in)) < 0.5, np.abs(weight), weight)  # more excitation: more spikes
    weight[numbers.random((n_out, n_in)) < rnd.choice((0.0, 0.2, 0.6))] = 0
    weight[numbers.random(n_out) < rnd.choice((0.0, 0.0, 0.3))] = 0
    frac = rnd.randint(max(0, bits - 2), bits + 1)
    scale = 2 ** (frac + input_bits) if fixed else length
    bias = numbers.integers(-scale, 2 * scale + 1, n_out) if rnd.random() < 0.5 else np.zeros(n_out, np.int64)
    if fixed:
        return ir.FixedSynapse(name, weight, bias, bits, frac, input_bits)
    return ir.StochasticSynapse(name, weight, bias, length, random_source(rnd, bits, source, avoid))


def random_neuron(
    rnd: Random, name: str, before: ir.Synapse, fields: tuple[str, str, str, bool] | None = None
) -> ir.Neuron:
    """A neuron layer; fields are (leak, compare, reset, reset_delay)."""
    leak, compare, reset, delay = fields or (
        rnd.choice(ir.layers.LEAK_KINDS), rnd.choice(ir.layers.COMPARES), rnd.choice(ir.layers.RESETS),
        rnd.random() < 0.5,
    )  # fmt: skip
    delay = delay and reset != "subtract_snntorch"
    frac = before.frac + rnd.randint(0, 4)
    threshold = [rnd.randint(1, 1 + (2 << frac)) for _ in range(before.size)]
    return ir.Neuron(name, before.size, frac, threshold, random_leak(rnd, before.size, leak), compare, reset, delay)


def random_network(
    rnd: Random,
    name: str = "net",
    encoder: tuple[str, str] | str | None = None,
    fixed: bool | None = None,
    source: tuple[str, str] | None = None,
    fields: tuple[str, str, str, bool] | None = None,
    readout: str | None = None,
    rule: str | None = None,
    hidden: int | None = None,
    lengths: tuple[int, ...] = (1,),
    max_inputs: int = 12,
    max_hidden: int = 8,
    max_steps: int = 24,
) -> ir.Network:
    """A network of 0 to 2 hidden layers; what is not given is drawn.

    encoder : (kind, decorrelator) of a rate encoder's source, "events", "levels" or "direct" (which
        asks for a fixed synapse behind it, whatever `fixed` says).
    """
    size = rnd.randint(1, max_inputs)
    encoder = encoder or rnd.choice(ENCODERS)
    first: ir.Encoder
    avoid, input_bits = None, 0
    if encoder == "events":
        first = ir.EventEncoder("spikes_in", size)
    elif encoder == "levels":
        first = ir.LevelEncoder("encoder", size, rnd.randint(1, 5))
    elif encoder == "direct":
        input_bits = rnd.randint(1, 5)
        first = ir.DirectEncoder("encoder", size, input_bits)
    else:
        assert isinstance(encoder, tuple)
        avoid = random_source(rnd, rnd.randint(1, 6), encoder)
        first = ir.RateEncoder("encoder", size, avoid)
    size = first.size
    readout = readout or rnd.choice(("spike", "membrane"))
    hidden = rnd.randint(0, 2) if hidden is None else hidden
    classes = 2 if rule == "binary_logit" else rnd.randint(1, 5)
    sizes = [rnd.randint(1, max_hidden) for _ in range(hidden)] + ([classes] if readout == "spike" else [])
    layers: list[ir.Layer] = [first]
    for k, n_out in enumerate([*sizes, *([classes] if readout == "membrane" else [])], start=1):
        is_fixed = bool(input_bits) or (rnd.random() < 0.25 if fixed is None else fixed)
        length = rnd.choice(lengths)
        synapse = random_synapse(rnd, f"synapse{k}", size, n_out, is_fixed, length, source, avoid, input_bits)
        avoid, input_bits = None, 0
        layers.append(synapse)
        if k <= len(sizes):
            layers.append(random_neuron(rnd, f"neuron{k}", synapse, fields))
            if rnd.random() < 0.2:
                layers.append(ir.Delay(f"delay{k}", n_out, rnd.randint(1, 4)))
        size = n_out
    if readout == "spike":
        rule, threshold = random_readout(rnd, "spike", classes, rule)
        layers.append(ir.Readout("readout", classes, "spike", rule, class_threshold=threshold))
    else:
        last = layers[-1]
        assert isinstance(last, ir.Synapse)
        frac = last.frac + rnd.randint(0, 3)
        leak = random_leak(rnd, classes, rnd.choice(("none", "shift", "multiply")))
        layers.append(
            ir.Readout("readout", classes, "membrane", random_readout(rnd, "membrane", classes)[0], frac, leak)
        )
    return ir.Network(name, rnd.randint(1, max_steps), tuple(layers))


def random_input(network: ir.Network, windows: int, seed: int) -> np.ndarray:
    """Features, 0 and 1 and the steps of the encoder among them, or spikes."""
    numbers = np.random.default_rng(seed)
    size = network.encoder.size
    if isinstance(network.encoder, ir.EventEncoder):
        rate = numbers.random((1, windows, 1)) * 0.6 + 0.2
        return (numbers.random((network.num_steps * network.encoder_ticks, windows, size)) < rate).astype(np.int64)
    shape = (windows, network.encoder.n_features)
    features = numbers.random(shape) * 0.9 + 0.1
    steps = network.encoder.levels + 1 if isinstance(network.encoder, ir.LevelEncoder) else 2**network.encoder.bits
    grid = numbers.integers(0, steps + 1, shape) / steps
    return np.where(numbers.random(shape) < 0.3, grid, features).astype(np.float32)


def is_alive(network: ir.Network, trace: ir.Trace) -> bool:
    """Whether every spiking layer has a spike and a silent step, so that a comparison shows something."""
    kinds = ir.RateEncoder | ir.EventEncoder | ir.Neuron
    spiking = [trace[layer.name] for layer in network.layers if isinstance(layer, kinds)]
    return all(bits.any() and not bits.all() for bits in spiking)


# ---------------------------------------------------------------- torch networks


def _torch_source(rnd: Random, bits: int, kind: tuple[str, str] | None = None) -> dict[str, object]:
    source, decorrelator = kind or rnd.choice(SOURCES)
    if source == "counter":
        return {"source": "counter", "decorrelator": decorrelator}
    width = rnd.randint(max(bits, 3), max(bits, 3) + 3)
    return {
        "source": "lfsr",
        "polynomial": list(MAXIMAL_TAPS[width]),
        "seed": rnd.randint(1, 2**width - 1),
        "decorrelator": decorrelator,
    }


def _torch_encoder(rnd: Random, size: int, kind: tuple[str, str] | str) -> nn.Encoder:
    bits = rnd.randint(1, 8)
    if kind == "events":
        return nn.EventEncoder(size)
    if kind == "levels":
        return nn.LevelEncoder(size, rnd.randint(1, 6))
    if kind == "direct":
        return nn.DirectEncoder(size, bits)
    assert isinstance(kind, tuple)
    return nn.RateEncoder(size, bits=bits, **_torch_source(rnd, bits, kind))  # type: ignore[arg-type]


def random_lif(rnd: Random, size: int, fields: tuple[str, str, str, bool] | None = None) -> nn.LIF:
    leak, compare, reset, delay = fields or (
        rnd.choice(("auto", "multiply", "stochastic")), rnd.choice(ir.layers.COMPARES), rnd.choice(ir.layers.RESETS),
        rnd.random() < 0.5,
    )  # fmt: skip
    frac_bits = rnd.randint(0, 6)
    betas = {"shift": (0.5, 0.75, 0.875, 0.9375), "none": (1.0,)}.get(leak, BETAS)
    source = rnd.choice(("lfsr", "counter")) if leak == "stochastic" else "lfsr"
    return nn.LIF(
        size,
        beta=rnd.choice(betas),
        threshold=rnd.randint(1, 2 << frac_bits) / 2**frac_bits,
        leak=leak,
        compare=compare,
        reset_mechanism=reset,
        reset_delay=delay and reset != "subtract_snntorch",
        frac_bits=frac_bits,
        leak_source=source,
        leak_seed=rnd.randint(1, 15) if leak == "stochastic" and source == "lfsr" else 1,
        delay=rnd.choice((0, 0, 0, 1, 3)),
    )


def random_spiking_network(
    rnd: Random,
    encoder: tuple[str, str] | str | None = None,
    source: tuple[str, str] | None = None,
    fields: tuple[str, str, str, bool] | None = None,
    readout: str | None = None,
    hidden: int | None = None,
    lengths: tuple[int, ...] = (1,),
    max_inputs: int = 12,
    max_hidden: int = 8,
    max_steps: int = 24,
) -> nn.SpikingNetwork:
    """A torch network with random weights, masks, biases and fields; what is not given is drawn."""
    first = _torch_encoder(rnd, rnd.randint(1, max_inputs), encoder or rnd.choice(ENCODERS))
    size = first.size
    readout = readout or rnd.choice(("spike", "membrane"))
    hidden = rnd.randint(0, 2) if hidden is None else hidden
    classes = rnd.randint(1, 5)
    widths = [rnd.randint(1, max_hidden) for _ in range(hidden)] + [classes]
    torch.manual_seed(rnd.randrange(2**31))
    layers: list[torch.nn.Module] = [first]
    for k, n_out in enumerate(widths):
        fixed = (k == 0 and bool(first.value_bits)) or rnd.random() < 0.2
        synapse = _random_linear(rnd, size, n_out, rnd.choice(lengths), source, fixed)
        while k == 0 and _share_bits(first, synapse):
            synapse = _random_linear(rnd, size, n_out, rnd.choice(lengths), None)
        layers.append(synapse)
        if k < hidden or readout == "spike":
            layers.append(random_lif(rnd, n_out, fields))
        size = n_out
    if readout == "spike":
        rule, threshold = random_readout(rnd, "spike", classes)
        layers.append(nn.SNNReadout(classes, decision_rule=rule, class_threshold=threshold))
    else:
        rule, _ = random_readout(rnd, "membrane", classes)
        layers.append(
            nn.SNNReadout(
                None, decision_rule=rule, output_mode="membrane", beta=rnd.choice(BETAS), frac_bits=rnd.randint(0, 4)
            )
        )
    return nn.SpikingNetwork(*layers, num_steps=rnd.randint(1, max_steps))


def _share_bits(encoder: nn.Encoder, synapse: nn.Synapse) -> bool:
    if not isinstance(encoder, nn.RateEncoder) or not isinstance(synapse, nn.SCLinear):
        return False
    return encoder.source.shares_bits_with(synapse.source)


def _random_linear(
    rnd: Random, n_in: int, n_out: int, length: int, source: tuple[str, str] | None, fixed: bool = False
) -> nn.Synapse:
    bits, bias = rnd.randint(1, 6), rnd.random() < 0.5
    layer: nn.Synapse
    if fixed:
        layer = nn.FixedLinear(n_in, n_out, bits, rnd.choice((None, bits - 1, bits + 1)), bias)
    else:
        fields = _torch_source(rnd, bits, source)
        layer = nn.SCLinear(n_in, n_out, bits, bias, length, **fields)  # type: ignore[arg-type]
    with torch.no_grad():
        layer.weight.uniform_(-0.6, 1.1)  # beyond 1, to be clamped
        layer.mask.copy_((torch.rand(n_out, n_in) >= rnd.choice((0.0, 0.3))).float())
        if layer.bias is not None:
            layer.bias.uniform_(-1.0, 1.5)
    return layer


# ---------------------------------------------------------------- comparing


def assert_traces_equal(expected: ir.Trace, got: ir.Trace, keys: tuple[str, ...] | None = None) -> int:
    """Every key on both sides, shapes before values, no tolerance; how many integers were compared."""
    assert list(expected) == list(got) or keys is not None, f"signals {list(expected)} and {list(got)}"
    values = 0
    for key in keys or tuple(expected):
        a, b = expected[key], got[key]
        assert a.shape == b.shape, f"{key}: shape {a.shape} and {b.shape}"
        different = np.argwhere(a != b)
        where = tuple(int(v) for v in different[0]) if len(different) else ()
        assert len(different) == 0, f"{key}: {len(different)} differ, first {where}: {a[where]} and {b[where]}"
        values += a.size
    return values


def alive_network(seed: int, windows: int, **fields: object) -> tuple[ir.Network, np.ndarray, ir.Trace]:
    """The first random network from a seed in which every layer spikes and is silent, its input and its trace."""
    for attempt in range(1000):
        network = random_network(Random(1000 * seed + attempt), **fields)  # type: ignore[arg-type]
        x = random_input(network, windows, seed)
        trace = ir.simulate(network, x)
        if is_alive(network, trace):
            return network, x, trace
    raise AssertionError(f"no living network from seed {seed} with {fields}")
