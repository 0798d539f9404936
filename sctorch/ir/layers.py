"""The integer network: what one inference computes, as plain data.

Frozen dataclasses over numpy integer arrays, nothing of torch. A network is an encoder, then
synapse and neuron layers in turn, then a readout. Every backend, the simulator, the cost
model and the proofs read this and nothing else.

Units: a current or membrane integer n of a layer with `frac` = f stands for the value n / 2**f.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar

import numpy as np

from sctorch.errors import ConfigError, ShapeError
from sctorch.ir.checks import check_choice, check_range, integer_array, is_integer
from sctorch.ir.streams import StreamSource, check_apart

__all__ = [
    "DECISION_RULES", "Delay", "DirectEncoder", "Encoder", "EventEncoder", "FixedSynapse", "Layer", "Leak",
    "LevelEncoder", "Network", "Neuron", "RateEncoder", "Readout", "StochasticSynapse", "Synapse",
]  # fmt: skip

LEAK_KINDS = ("none", "shift", "multiply", "stochastic")
COMPARES = ("gt", "ge")
RESETS = ("subtract", "zero", "none", "subtract_snntorch")
# The rules of each output mode; the first is the default.
DECISION_RULES = {
    "spike": ("argmax_spike_count", "first_to_threshold", "threshold_then_argmax", "binary_logit"),
    "membrane": ("argmax_membrane", "binary_logit"),
}
THRESHOLD_RULES = ("first_to_threshold", "threshold_then_argmax")
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")  # two underscores in a row are the backends' own
# Words that a network or layer may not be called, since they name parts of the generated hardware.
RESERVED = {"clk", "rst", "top", "in", "out", "input", "output", "wire", "reg", "module", "decision", "source"}


@dataclass(frozen=True, eq=False)
class RateEncoder:
    """Features become one bit per tick: v = min(floor(u * 2**bits), 2**bits - 1), bit = v > R_j[k].

    Parameters
    ----------
    name : identifier of the layer.
    size : number of features.
    source : the stream source; its `bits` is the encoder's resolution.
    """

    KIND: ClassVar[str] = "rate_encoder"
    name: str
    size: int
    source: StreamSource

    def __post_init__(self) -> None:
        check_range(self.size, 1, 1 << 20, f"{self.name}: size")
        _check_source(self)

    @property
    def bits(self) -> int:
        return self.source.bits

    @property
    def n_features(self) -> int:
        return self.size


@dataclass(frozen=True, eq=False)
class LevelEncoder:
    """Thermometer code: v = min(floor(u * (levels + 1)), levels); output j * levels + l is v_j > l at every tick.

    Parameters
    ----------
    n_features : number of features. levels : bits per feature, 1 to 255.
    """

    KIND: ClassVar[str] = "level_encoder"
    name: str
    n_features: int
    levels: int

    def __post_init__(self) -> None:
        check_range(self.n_features, 1, 1 << 20, f"{self.name}: n_features")
        check_range(self.levels, 1, 255, f"{self.name}: levels")

    @property
    def bits(self) -> int:
        """Bits of one value v."""
        return self.levels.bit_length()

    @property
    def size(self) -> int:
        return self.n_features * self.levels


@dataclass(frozen=True, eq=False)
class DirectEncoder:
    """The same integers at every timestep: v = min(floor(u * 2**bits), 2**bits - 1), into a fixed synapse only.

    Parameters
    ----------
    size : number of features. bits : resolution, 1 to 16.
    """

    KIND: ClassVar[str] = "direct_encoder"
    name: str
    size: int
    bits: int

    def __post_init__(self) -> None:
        check_range(self.size, 1, 1 << 20, f"{self.name}: size")
        check_range(self.bits, 1, 16, f"{self.name}: bits")

    @property
    def n_features(self) -> int:
        return self.size


@dataclass(frozen=True, eq=False)
class EventEncoder:
    """Spikes given as they are, one bit per input and tick of the layer it feeds."""

    KIND: ClassVar[str] = "event_encoder"
    name: str
    size: int

    def __post_init__(self) -> None:
        check_range(self.size, 1, 1 << 20, f"{self.name}: size")

    @property
    def n_features(self) -> int:
        return self.size


@dataclass(frozen=True, eq=False)
class StochasticSynapse:
    """I_i[t] = bias_i + sum over the timestep's L ticks and inputs j of s_j sign(w_ij) (|w_ij| > R_j).

    Parameters
    ----------
    weight : integers [n_out, n_in], sign and magnitude, |w| < 2**source.bits.
    bias : integers [n_out], in units of 1 / bitstream_length.
    bitstream_length : L, ticks per timestep, a power of two from 1 to 256.
    source : the weight streams' source.
    """

    KIND: ClassVar[str] = "stochastic_synapse"
    name: str
    weight: np.ndarray
    bias: np.ndarray
    bitstream_length: int
    source: StreamSource

    def __post_init__(self) -> None:
        _check_weights(self)
        _check_source(self)
        length = self.bitstream_length
        if not is_integer(length) or not 1 <= length <= 256 or length & (length - 1):
            raise ConfigError(f"{self.name}: bitstream_length = {length!r} must be a power of two from 1 to 256")
        object.__setattr__(self, "bitstream_length", int(length))
        _check_magnitude(self.name, self.weight, self.source.bits)

    @property
    def weight_bits(self) -> int:
        return self.source.bits

    @property
    def frac(self) -> int:
        return self.bitstream_length.bit_length() - 1

    @property
    def size(self) -> int:
        return int(self.weight.shape[0])

    @property
    def n_inputs(self) -> int:
        return int(self.weight.shape[1])


@dataclass(frozen=True, eq=False)
class FixedSynapse:
    """I_i[t] = bias_i + sum over inputs j of x_j w_ij, in units of 1 / 2**frac.

    Parameters
    ----------
    weight : integers [n_out, n_in], |w| < 2**weight_bits, standing for w / 2**weight_frac.
    bias : integers [n_out], in units of 1 / 2**frac.
    weight_bits : bits of the magnitude. weight_frac : fractional bits of a weight, by default
        weight_bits.
    input_bits : bits of an input x_j that is an integer (direct encoder); 0 if it is a spike.
    """

    KIND: ClassVar[str] = "fixed_synapse"
    name: str
    weight: np.ndarray
    bias: np.ndarray
    weight_bits: int
    weight_frac: int | None = None
    input_bits: int = 0

    def __post_init__(self) -> None:
        _check_weights(self)
        check_range(self.weight_bits, 1, 16, f"{self.name}: weight_bits")
        if self.weight_frac is None:
            object.__setattr__(self, "weight_frac", self.weight_bits)
        check_range(self.weight_frac, 0, 24, f"{self.name}: weight_frac")
        check_range(self.input_bits, 0, 16, f"{self.name}: input_bits")
        _check_magnitude(self.name, self.weight, self.weight_bits)

    @property
    def bitstream_length(self) -> int:
        return 1

    @property
    def frac(self) -> int:
        return (self.weight_frac or 0) + self.input_bits

    @property
    def size(self) -> int:
        return int(self.weight.shape[0])

    @property
    def n_inputs(self) -> int:
        return int(self.weight.shape[1])


def _check_weights(layer: StochasticSynapse | FixedSynapse) -> None:
    object.__setattr__(layer, "weight", integer_array(layer.weight, 2, f"{layer.name}: weight"))
    object.__setattr__(layer, "bias", integer_array(layer.bias, 1, f"{layer.name}: bias"))
    if 0 in layer.weight.shape:
        raise ShapeError(f"{layer.name}: weight of shape {layer.weight.shape} has no entries")
    if layer.bias.shape[0] != layer.weight.shape[0]:
        raise ShapeError(f"{layer.name}: bias has {layer.bias.shape[0]} entries for {layer.weight.shape[0]} neurons")


def _check_source(layer: RateEncoder | StochasticSynapse) -> None:
    if not isinstance(layer.source, StreamSource):
        raise ConfigError(f"{layer.name}: source = {layer.source!r} must be a StreamSource")


def _check_magnitude(name: str, weight: np.ndarray, bits: int) -> None:
    limit = 2**bits - 1
    bad = np.argwhere(np.abs(weight) > limit)
    if len(bad):
        i, j = (int(v) for v in bad[0])
        raise ConfigError(f"{name}: weight[{i}, {j}] = {weight[i, j]} is outside -{limit} to {limit} ({bits} bits)")


@dataclass(frozen=True, eq=False)
class Leak:
    """What is left of a membrane after one timestep.

    "none" m; "shift" m - floor(m / 2**shift); "multiply" floor(m * factor / 2**shift), factor
    an integer array [n] or [1] with 0 <= factor <= 2**shift; "stochastic" floor((m * factor + R_j[t]) / 2**shift),
    R_j in [0, 2**shift) from `source`, one value per timestep, so that the mean over a uniform R is m * beta.
    """

    kind: str = "none"
    shift: int = 0
    factor: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    source: StreamSource | None = None

    def __post_init__(self) -> None:
        check_choice(self.kind, LEAK_KINDS, "leak")
        object.__setattr__(self, "factor", integer_array(self.factor, 1, "leak factor"))
        if self.kind != "none":
            check_range(self.shift, 1, 16, "leak shift")
        if not isinstance(self.source, StreamSource if self.kind == "stochastic" else type(None)):
            raise ConfigError(f"a {self.kind} leak has source = {self.source!r}; a stochastic one needs a StreamSource")
        if self.source is not None and self.source.bits != self.shift:
            raise ConfigError(f"the leak's source gives {self.source.bits} bits, but its shift is {self.shift}")
        if self.scales:
            if len(self.factor) == 0:
                raise ConfigError(f"a {self.kind} leak needs its factor")
            if self.factor.min() < 0 or self.factor.max() > 2**self.shift:
                raise ConfigError(f"leak factor must lie in 0 to {2**self.shift} (beta in 0 to 1)")

    @property
    def scales(self) -> bool:
        """Whether it is a product with `factor`."""
        return self.kind in ("multiply", "stochastic")

    @property
    def beta(self) -> np.ndarray:
        """The (mean) decay per timestep, as floats [n] or [1]."""
        if self.scales:
            return self.factor / 2**self.shift
        return np.array([1.0 if self.kind == "none" else 1.0 - 2.0**-self.shift])


@dataclass(frozen=True, eq=False)
class Neuron:
    """Leaky integrate and fire: charge, fire, reset (docs/semantics.md, section 6).

    Parameters
    ----------
    size : number of neurons.
    frac : fractional bits of the membrane, at least those of the synapse before it.
    threshold : integers [size], at least 1, in units of 1 / 2**frac.
    leak : see `Leak`.
    compare : "gt" (spike if u > threshold) or "ge".
    reset : "subtract", "zero", "none", or "subtract_snntorch" (at once, as snntorch's Leaky with
        reset_delay=False does it: see docs/semantics.md, section 6).
    reset_delay : True: the reset acts at the next timestep; False: at once.
    """

    KIND: ClassVar[str] = "neuron"
    name: str
    size: int
    frac: int
    threshold: np.ndarray
    leak: Leak
    compare: str = "gt"
    reset: str = "subtract"
    reset_delay: bool = True

    def __post_init__(self) -> None:
        check_range(self.size, 1, 1 << 20, f"{self.name}: size")
        object.__setattr__(self, "threshold", integer_array(self.threshold, 1, f"{self.name}: threshold"))
        if self.threshold.shape != (self.size,):
            raise ShapeError(f"{self.name}: threshold has shape {self.threshold.shape}, expected ({self.size},)")
        if self.threshold.min() < 1:
            raise ConfigError(f"{self.name}: threshold {self.threshold.min()} is below 1; raise it or the frac bits")
        check_range(self.frac, 0, 24, f"{self.name}: frac")
        check_choice(self.compare, COMPARES, f"{self.name}: compare")
        check_choice(self.reset, RESETS, f"{self.name}: reset_mechanism")
        if not isinstance(self.reset_delay, bool):
            raise ConfigError(f"{self.name}: reset_delay = {self.reset_delay!r} must be True or False")
        if self.reset == "subtract_snntorch" and self.reset_delay:
            raise ConfigError(
                f"{self.name}: reset_mechanism 'subtract_snntorch' is an at-once reset; use reset_delay False"
            )
        _check_leak(self.name, self.leak, self.size)


@dataclass(frozen=True, eq=False)
class Delay:
    """Axonal delay: spikes come out `steps` timesteps later; before that, silence.

    Parameters
    ----------
    size : number of axons. steps : timesteps, 1 to 1024.
    """

    KIND: ClassVar[str] = "delay"
    name: str
    size: int
    steps: int

    def __post_init__(self) -> None:
        check_range(self.size, 1, 1 << 20, f"{self.name}: size")
        check_range(self.steps, 1, 1024, f"{self.name}: steps")


@dataclass(frozen=True, eq=False)
class Readout:
    """Scores and the decision after every timestep; the one at the last timestep is the answer.

    "spike" mode counts the spikes of the neuron layer before it; "membrane" mode integrates the
    synapse before it, m = leak(m) + I, with no threshold. Ties go to the lowest index.

    Parameters
    ----------
    size : number of classes; binary_logit needs 2.
    output_mode : "spike" or "membrane". decision_rule : see docs/semantics.md, section 7.
    frac, leak : of the membrane mode.
    class_threshold : spikes, at least 1; of first_to_threshold and threshold_then_argmax.
    """

    KIND: ClassVar[str] = "readout"
    name: str
    size: int
    output_mode: str
    decision_rule: str
    frac: int = 0
    leak: Leak = field(default_factory=Leak)
    class_threshold: int = 1

    def __post_init__(self) -> None:
        check_range(self.size, 1, 1 << 20, f"{self.name}: size")
        check_choice(self.output_mode, tuple(DECISION_RULES), f"{self.name}: output_mode")
        check_choice(self.decision_rule, DECISION_RULES[self.output_mode], f"{self.name}: decision_rule")
        check_range(self.frac, 0, 24, f"{self.name}: frac")
        _check_leak(self.name, self.leak, self.size)
        if self.output_mode == "spike" and (self.leak.kind != "none" or self.frac):
            raise ConfigError(f"{self.name}: a spike readout counts; it has no leak and no fractional bits")
        if self.leak.kind == "stochastic":
            raise ConfigError(f"{self.name}: a readout's leak is none, shift or multiply, not stochastic")
        if self.decision_rule == "binary_logit" and self.size != 2:
            raise ShapeError(f"{self.name}: decision_rule 'binary_logit' needs 2 classes, not {self.size}")
        check_range(self.class_threshold, 1, 1 << 16, f"{self.name}: class_threshold")
        if self.class_threshold != 1 and self.decision_rule not in THRESHOLD_RULES:
            raise ConfigError(f"{self.name}: class_threshold belongs to {' and '.join(THRESHOLD_RULES)} alone")

    def classes(self, decision: np.ndarray) -> np.ndarray:
        """The class that each decision stands for: itself, or of a logit whether it is above 0."""
        return (decision > 0).astype(np.int64) if self.decision_rule == "binary_logit" else decision


def _check_leak(name: str, leak: Leak, size: int) -> None:
    if not isinstance(leak, Leak):
        raise ConfigError(f"{name}: leak = {leak!r} must be a Leak")
    if leak.scales and len(leak.factor) not in (1, size):
        raise ShapeError(f"{name}: leak factor has {len(leak.factor)} entries, expected 1 or {size}")


Encoder = RateEncoder | LevelEncoder | DirectEncoder | EventEncoder
Synapse = StochasticSynapse | FixedSynapse
Layer = Encoder | Synapse | Neuron | Delay | Readout


@dataclass(frozen=True, eq=False)
class Network:
    """A whole network: layers in order, and the window's length in timesteps.

    Parameters
    ----------
    name : identifier; the generated hardware's top is called after it.
    num_steps : timesteps of the longest window, at least 1.
    layers : encoder, (synapse, neuron) ..., then a readout after a synapse (membrane mode) or
        after a neuron (spike mode).
    meta : what a user of the hardware must know beside it (class names, feature scaling); text only.

    Raises
    ------
    ConfigError, ShapeError
        When two layers do not fit together, naming both.
    """

    name: str
    num_steps: int
    layers: tuple[Layer, ...]
    meta: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.layers, list | tuple):
            raise ConfigError(f"layers = {self.layers!r} must be a tuple of layers")
        object.__setattr__(self, "layers", tuple(self.layers))
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise ConfigError(f"{layer!r} is no layer of an integer network")
        check_range(self.num_steps, 1, 1 << 16, "num_steps")
        names = [self.name, *(layer.name for layer in self.layers)]
        for name in names:
            if not isinstance(name, str) or not _NAME.match(name) or name in RESERVED:
                raise ConfigError(
                    f"{name!r} cannot name a layer or network: use a-z, 0-9, single _ between, and no reserved word"
                )
        if not isinstance(self.meta, Mapping) or not all(isinstance(t, str) for kv in self.meta.items() for t in kv):
            raise ConfigError("meta must hold texts by name")
        if len(set(names)) != len(names):
            raise ConfigError(f"layer names must differ from each other and from the network's: {names}")
        if len(self.layers) < 3 or not isinstance(self.layers[0], Encoder) or not isinstance(self.layers[-1], Readout):
            raise ConfigError("a network needs an encoder first, a readout last, and a synapse between them")
        for before, after in zip(self.layers[:-1], self.layers[1:], strict=True):
            _check_neighbours(before, after)

    @property
    def encoder(self) -> Encoder:
        layer = self.layers[0]
        assert isinstance(layer, Encoder)
        return layer

    @property
    def readout(self) -> Readout:
        layer = self.layers[-1]
        assert isinstance(layer, Readout)
        return layer

    @property
    def synapses(self) -> tuple[Synapse, ...]:
        return tuple(layer for layer in self.layers if isinstance(layer, Synapse))

    @property
    def encoder_ticks(self) -> int:
        """Ticks per timestep of the encoder: those of the synapse it feeds."""
        return self.synapses[0].bitstream_length

    @property
    def ticks_per_step(self) -> int:
        """Ticks of one timestep: the longest bitstream_length of any layer."""
        return max(s.bitstream_length for s in self.synapses)

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.layers)


def _check_neighbours(before: Layer, after: Layer) -> None:
    allowed: dict[type, tuple[type, ...]] = {
        RateEncoder: (StochasticSynapse, FixedSynapse),
        LevelEncoder: (StochasticSynapse, FixedSynapse),
        DirectEncoder: (FixedSynapse,),
        EventEncoder: (StochasticSynapse, FixedSynapse),
        StochasticSynapse: (Neuron, Readout),
        FixedSynapse: (Neuron, Readout),
        Neuron: (StochasticSynapse, FixedSynapse, Delay, Readout),
        Delay: (StochasticSynapse, FixedSynapse, Readout),
        Readout: (),
    }
    if not isinstance(after, allowed[type(before)]):
        raise ConfigError(f"{after.name} ({after.KIND}) cannot follow {before.name} ({before.KIND})")
    entries = after.n_inputs if isinstance(after, Synapse) else after.size
    if entries != before.size:
        raise ShapeError(f"{after.name} takes {entries} inputs but {before.name} gives {before.size}")
    if isinstance(after, Neuron | Readout) and isinstance(before, Synapse) and after.frac < before.frac:
        raise ConfigError(f"{after.name}: frac = {after.frac} is below the {before.frac} of {before.name}")
    if isinstance(after, Readout) and (after.output_mode == "spike") != isinstance(before, Neuron | Delay):
        raise ConfigError(
            f"{after.name}: output_mode {after.output_mode!r} cannot follow {before.name} ({before.KIND}); "
            "'spike' follows a neuron layer, 'membrane' a synapse"
        )
    wanted = before.bits if isinstance(before, DirectEncoder) else 0
    if isinstance(after, FixedSynapse) and after.input_bits != wanted:
        raise ConfigError(f"{after.name}: input_bits = {after.input_bits}, but {before.name} gives {wanted}")
    if isinstance(before, RateEncoder) and isinstance(after, StochasticSynapse):
        check_apart(before.name, before.source, after.name, after.source)


def layer_fields(layer: Layer | Leak | StreamSource) -> dict[str, object]:
    """The dataclass fields of a layer by name (for saving and for digests)."""
    return {f.name: getattr(layer, f.name) for f in fields(layer)}
