"""Random networks of every kind, for synthesis runs: settings that one line of JSON holds, and the network they give.

`draw` looks for settings whose design has about a wanted size; what it finds is kept beside the figures, and `build`
gives the same network from it at any later time.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends.verilog.estimate import estimate_folded, estimate_unrolled
from sctorch.backends.verilog.folded.plan import plan as plan_folded
from sctorch.backends.verilog.unrolled.plan import plan as plan_unrolled
from sctorch.hardware.targets import get_target
from sctorch.ir.streams import MAXIMAL_TAPS

__all__ = ["Hidden", "Settings", "build", "draw"]

_DECORRELATORS = ("shift", "shift", "shift", "shared", "permute", "independent")
_SIZING = "ice40-hx8k"


@dataclass(frozen=True)
class Hidden:
    """A synapse layer and the neurons behind it, or the readout.

    size : neurons. bits : of a weight's magnitude. density : share of weights that are not 0. negative : of these, the
    inhibitory share. small : above 1 most magnitudes are small, as training leaves them. source : (kind,
    decorrelator, bits that its LFSR has more than R needs) of a stochastic synapse, () of a fixed one.
    leak : (kind, shift). threshold : of the largest current, the share that fires.
    """

    size: int
    bits: int
    density: float
    negative: float
    small: float
    bias: bool
    source: tuple[Any, ...]
    length: int = 1
    leak: tuple[str, int] = ("shift", 3)
    compare: str = "gt"
    reset: str = "subtract"
    reset_delay: bool = True
    frac: int = 2
    threshold: float = 0.3
    delay: int = 0


@dataclass(frozen=True)
class Settings:
    """A network and how it is built, but for the random numbers.

    encoder : ("rate", bits, kind, decorrelator, more LFSR bits), ("levels", levels), ("direct", bits) or ("events",).
    readout : (mode, rule, class threshold, frac, leak kind, leak shift). options : of the backend, architecture first.
    """

    inputs: int
    encoder: tuple[Any, ...]
    layers: tuple[Hidden, ...]
    readout: tuple[Any, ...]
    steps: int
    options: dict[str, Any]

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Settings:
        data = json.loads(text)
        layers = []
        for layer in data["layers"]:
            given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in layer.items()}
            layers.append(Hidden(**given))
        return Settings(
            data["inputs"],
            tuple(data["encoder"]),
            tuple(layers),
            tuple(data["readout"]),
            data["steps"],
            data["options"],
        )


class _Numbers:
    """Numbers that the same seed gives in every version of numpy."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.Generator(np.random.MT19937(seed))

    def uniform(self, *shape: int) -> np.ndarray:
        return self._generator.random(shape)

    def below(self, most: int) -> int:
        return int(self._generator.random() * most)


def build(settings: Settings, seed: int) -> ir.Network:
    """The network of some settings; the seed gives its weights, biases, thresholds and LFSR seeds."""
    numbers = _Numbers(seed)
    layers: list[ir.Layer] = [_encoder(settings, numbers)]
    size, input_bits = layers[0].size, settings.encoder[1] if settings.encoder[0] == "direct" else 0
    avoid = layers[0].source if isinstance(layers[0], ir.RateEncoder) else None
    for k, hidden in enumerate(settings.layers, start=1):
        synapse = _synapse(f"synapse{k}", size, hidden, input_bits, avoid, numbers)
        layers.append(synapse)
        last = k == len(settings.layers)
        if not last or settings.readout[0] == "spike":
            layers.append(_neuron(f"neuron{k}", synapse, hidden, numbers))
            if hidden.delay:
                layers.append(ir.Delay(f"delay{k}", hidden.size, hidden.delay))
        size, input_bits, avoid = hidden.size, 0, None
    mode, rule, threshold, frac, kind, shift = settings.readout
    if mode == "spike":
        layers.append(ir.Readout("readout", size, "spike", rule, class_threshold=threshold))
    else:
        assert isinstance(synapse, ir.Synapse)
        leak = _leak(kind, shift, size, numbers)
        layers.append(ir.Readout("readout", size, "membrane", rule, synapse.frac + frac, leak))
    return ir.Network("net", settings.steps, tuple(layers))


def _source(kind: str, decorrelator: str, bits: int, more: int, numbers: _Numbers) -> ir.StreamSource:
    if kind == "counter":
        return ir.StreamSource("counter", bits, decorrelator=decorrelator)
    width = max(bits, 3) + more
    seed = 1 + numbers.below(2**width - 1)
    return ir.StreamSource("lfsr", bits, MAXIMAL_TAPS[width], seed, decorrelator)


def _encoder(settings: Settings, numbers: _Numbers) -> ir.Encoder:
    kind, *fields = settings.encoder
    if kind == "rate":
        bits, source, decorrelator, more = fields
        return ir.RateEncoder("encoder", settings.inputs, _source(source, decorrelator, bits, more, numbers))
    if kind == "levels":
        return ir.LevelEncoder("encoder", settings.inputs, fields[0])
    if kind == "direct":
        return ir.DirectEncoder("encoder", settings.inputs, fields[0])
    return ir.EventEncoder("encoder", settings.inputs)


def _synapse(
    name: str, inputs: int, hidden: Hidden, input_bits: int, avoid: ir.StreamSource | None, numbers: _Numbers
) -> ir.Synapse:
    shape, most = (hidden.size, inputs), 2**hidden.bits - 1
    magnitude = 1 + np.floor(numbers.uniform(*shape) ** hidden.small * most).astype(np.int64)
    weight = np.where(numbers.uniform(*shape) < hidden.negative, -magnitude, magnitude)
    weight[numbers.uniform(*shape) >= hidden.density] = 0
    scale = 2 ** (hidden.bits + input_bits) if not hidden.source else hidden.length
    bias = np.floor((numbers.uniform(hidden.size) * 3 - 1) * scale).astype(np.int64) * hidden.bias
    if not hidden.source:
        return ir.FixedSynapse(name, weight, bias, hidden.bits, hidden.bits, input_bits)
    kind, decorrelator, more = hidden.source
    source = _source(kind, decorrelator, hidden.bits, more, numbers)
    if avoid is not None and source.shares_bits_with(avoid):
        source = _source("lfsr", "shift", hidden.bits, more + 1, numbers)
        if source.shares_bits_with(avoid):
            source = replace(source, seed=source.seed % (2**source.width - 1) + 1)
    return ir.StochasticSynapse(name, weight, bias, hidden.length, source)


def _leak(kind: str, shift: int, size: int, numbers: _Numbers) -> ir.Leak:
    if kind == "none":
        return ir.Leak()
    if kind == "shift":
        return ir.Leak("shift", shift)
    factor = np.array([1 + numbers.below(2**shift)])
    source = _source("lfsr", "shift", shift, 1, numbers) if kind == "stochastic" else None
    return ir.Leak(kind, shift, factor, source)


def _neuron(name: str, synapse: ir.Synapse, hidden: Hidden, numbers: _Numbers) -> ir.Neuron:
    leak = _leak(*hidden.leak, synapse.size, numbers)
    bounds = ir.analyse(
        ir.Network("x", 1, (ir.EventEncoder("e", synapse.n_inputs), replace(synapse, name="s", **_as_spikes(synapse)),
                            ir.Readout("r", synapse.size, "membrane", "argmax_membrane", synapse.frac)))
    )["s"].current  # fmt: skip
    assert bounds is not None
    frac = synapse.frac + hidden.frac
    one = max(1.0, float(np.mean(bounds.high))) * 2**hidden.frac * hidden.threshold
    threshold = np.maximum(1, np.floor(one * (0.8 + 0.4 * numbers.uniform(synapse.size)))).astype(np.int64)
    if numbers.below(2):
        threshold[:] = threshold[0]  # as training without thresholds of one's own leaves it
    return ir.Neuron(
        name, synapse.size, frac, threshold, leak, hidden.compare, hidden.reset, hidden.reset_delay
    )  # fmt: skip


def _as_spikes(synapse: ir.Synapse) -> dict[str, Any]:
    """A synapse that spikes feed, whatever feeds this one."""
    return {"input_bits": 0, "weight_frac": synapse.frac} if isinstance(synapse, ir.FixedSynapse) else {}


# ---------------------------------------------------------------- drawing


def draw(rnd: Random, architecture: str, luts: float) -> Settings:
    """Settings of a network whose design takes about so many LUTs of an ice40, by the plan's own estimate."""
    for _ in range(200):
        settings = _any(rnd, architecture)
        for _ in range(8):
            found = _size(settings)
            ratio = luts / max(found, 1.0)
            if 0.7 < ratio < 1.4:
                return settings
            settings = _scaled(settings, ratio**0.6 if architecture == "unrolled" else ratio**0.9)
            if settings.inputs > 1024 or max(layer.size for layer in settings.layers) > 512:
                break
    raise RuntimeError(f"no {architecture} network of about {luts:.0f} LUTs was found")


def _size(settings: Settings) -> float:
    network = build(settings, 0)
    target = get_target(_SIZING)
    if settings.options["architecture"] == "unrolled":
        return estimate_unrolled(plan_unrolled(network), target).luts
    lanes = settings.options["inputs_per_clock"], settings.options["neurons_per_clock"]
    return estimate_folded(plan_folded(network, *lanes), target).luts


def _scaled(settings: Settings, ratio: float) -> Settings:
    """Layers larger or smaller, the readout's classes apart."""
    *hidden, last = settings.layers
    layers = [replace(layer, size=max(2, round(layer.size * ratio**0.5))) for layer in hidden]
    if not hidden and ratio < 0.5:
        last = replace(last, size=max(2, last.size - 1))
    inputs = max(4, round(settings.inputs * (ratio**0.5 if hidden else ratio)))
    return replace(settings, inputs=inputs, layers=(*layers, last))


def _log(rnd: Random, low: float, high: float) -> float:
    return float(low * (high / low) ** rnd.random())


def _any(rnd: Random, architecture: str) -> Settings:
    folded = architecture == "folded"
    kind = rnd.choice(("rate", "rate", "rate", "events", "levels", "direct"))
    encoder: tuple[Any, ...] = (kind,)
    if kind == "rate":
        source = rnd.choice(("counter", "counter", "lfsr"))
        decorrelator = rnd.choice(("shared", "shared", "permute")) if source == "counter" else rnd.choice(
            _DECORRELATORS
        )  # fmt: skip
        encoder = ("rate", rnd.randint(2, 8), source, decorrelator, rnd.randint(1, 2))
    elif kind == "levels":
        encoder = ("levels", rnd.randint(1, 7))
    elif kind == "direct":
        encoder = ("direct", rnd.randint(2, 8))
    classes = rnd.choice((2, 3, 5, 10, 10, 10, 16))
    count = rnd.choice((0, 1, 1, 1, 2))
    mode = rnd.choice(("spike", "membrane"))
    rules = [r for r in ir.layers.DECISION_RULES[mode] if r != "binary_logit" or classes == 2]
    rule = rnd.choice(rules)
    inputs = round(_log(rnd, 8, 256 if kind != "direct" else 64))
    layers = []
    for k in range(count + 1):
        size = classes if k == count else round(_log(rnd, 4, 96))
        layers.append(_any_layer(rnd, size, fixed=kind == "direct" and k == 0))
    readout = (
        mode, rule, rnd.randint(1, 8) if rule in ir.layers.THRESHOLD_RULES else 1,
        *((rnd.randint(0, 2), rnd.choice(("none", "none", "shift", "multiply")), rnd.randint(2, 5))
          if mode == "membrane" else (0, "none", 1)),
    )  # fmt: skip
    options: dict[str, Any] = {"architecture": architecture}
    if folded:
        options |= {"inputs_per_clock": rnd.choice((1, 1, 2, 3, 4, 8)), "neurons_per_clock": rnd.choice((1, 1, 2, 4))}
    return Settings(inputs, encoder, tuple(layers), readout, rnd.choice((4, 8, 16, 16, 25, 32)), options)


def _any_layer(rnd: Random, size: int, fixed: bool) -> Hidden:
    source: tuple[Any, ...] = ()
    if not fixed and rnd.random() < 0.75:
        kind = rnd.choice(("lfsr", "lfsr", "lfsr", "counter"))
        which = rnd.choice(_DECORRELATORS) if kind == "lfsr" else rnd.choice(("shared", "permute"))
        source = (kind, which, rnd.randint(1, 2))
    leak = rnd.choice(("shift", "shift", "shift", "none", "multiply", "stochastic"))
    reset = rnd.choice(("subtract", "subtract", "subtract", "zero", "none", "subtract_snntorch"))
    return Hidden(
        size=size,
        bits=rnd.choice((1, 2, 3, 3, 3, 4, 4, 5, 6)),
        density=round(_log(rnd, 0.08, 1.0), 3),
        negative=round(0.2 + 0.4 * rnd.random(), 2),
        small=rnd.choice((1.0, 1.0, 2.0)),
        bias=rnd.random() < 0.3,
        source=source,
        length=rnd.choice((1, 1, 1, 1, 4, 16)) if source else 1,
        leak=(leak, rnd.randint(1, 4) if leak == "shift" else rnd.randint(2, 6)),
        compare=rnd.choice(("gt", "gt", "ge")),
        reset=reset,
        reset_delay=reset != "subtract_snntorch" and rnd.random() < 0.6,
        frac=rnd.choice((0, 1, 2, 2, 3, 4)),
        threshold=round(_log(rnd, 0.05, 0.6), 3),
        delay=rnd.choice((0, 0, 0, 0, 0, 0, 0, 1, 3)),
    )
