"""What an unrolled design is made of: terms, counters, membranes, widths and stages, as plain data.

`plan` turns the integer network into counts of hardware; `emit` writes it down. The cost model
reads the same plan, so what it counts is what is emitted.
"""

from __future__ import annotations

from dataclasses import dataclass

from sctorch import ir
from sctorch.backends.verilog.names import check_name
from sctorch.ir.ranges import LayerRanges

__all__ = [
    "CounterPlan",
    "DesignPlan",
    "MembranePlan",
    "NeuronPlan",
    "ReadoutPlan",
    "SynapsePlan",
    "input_places",
    "plan",
]


LOGIC_DEPTH = 2


@dataclass(frozen=True)
class CounterPlan:
    """One neuron's parallel counter: ones among its bits, weighted by powers of two, plus a constant.

    planes : (exponent, bits) with bits as (term index, inverted). An inhibitory synapse counts the
        inverted term, which adds one too many at each tick; `constant` takes that back.
    folded : the constant comes with the membrane (see `MembranePlan`) and is not added here.
    ticks : ticks of a timestep, over which the counts are summed.
    """

    planes: tuple[tuple[int, tuple[tuple[int, bool], ...]], ...]
    constant: int
    folded: bool
    ticks: int = 1

    @property
    def added(self) -> int:
        return 0 if self.folded else self.constant

    @property
    def low(self) -> int:
        return self.added

    @property
    def high(self) -> int:
        return self.added + self.ticks * sum(len(bits) << exponent for exponent, bits in self.planes)

    @property
    def signed(self) -> bool:
        return self.low < 0

    @property
    def width(self) -> int:
        return ir.signed_width(self.low, self.high) if self.signed else ir.unsigned_width(self.high)


@dataclass(frozen=True)
class SynapsePlan:
    """A synapse layer: the terms that its neurons share, and a counter for each.

    terms : (input wire, magnitude): the wire and (magnitude > R_j). Magnitude 0 is the wire itself.
    """

    layer: ir.Synapse
    terms: tuple[tuple[int, int], ...]
    counters: tuple[CounterPlan, ...]


@dataclass(frozen=True)
class MembranePlan:
    """A register that holds a membrane m as n = m - offset.

    added : what each timestep adds beside the current, together with the reset.
    limit : n plus the current fires above it; -1, where the offset could be chosen so: the sign alone decides.
    """

    width: int
    signed: bool
    offset: int
    added: int = 0
    limit: int = 0

    @property
    def start(self) -> int:
        return -self.offset


@dataclass(frozen=True)
class NeuronPlan:
    layer: ir.Neuron
    shift: int
    membranes: tuple[MembranePlan, ...]


@dataclass(frozen=True)
class ReadoutPlan:
    layer: ir.Readout
    shift: int
    width: int
    signed: bool
    every: int

    @property
    def registers(self) -> int:
        """Registers within the decision, one after every `every` levels of its tournament but the last."""
        if not self.every or self.layer.decision_rule == "binary_logit":
            return 0
        return max(0, (self.layer.size - 1).bit_length() - 1) // self.every


@dataclass(frozen=True)
class DesignPlan:
    """All parts in order. Every layer is one pipeline stage; the decision is one more.

    input_register : without it the encoder is no stage of its own, and its wires feed the first synapse layer.
    """

    network: ir.Network
    synapses: tuple[SynapsePlan, ...]
    neurons: tuple[NeuronPlan, ...]
    readout: ReadoutPlan
    input_register: bool = True

    def place(self, layer: ir.Layer) -> int:
        """The stage whose valid comes with a layer's input; what it gives comes with the next stage's."""
        index = self.network.layers.index(layer)
        return index if self.input_register else max(0, index - 1)

    @property
    def latency_cycles(self) -> int:
        """Clocks from a timestep's first one on the port to its decision."""
        return self.stages + sum(s.layer.bitstream_length - 1 for s in self.synapses)

    @property
    def stages(self) -> int:
        """Registers from the input to the decision."""
        return len(self.network.layers) + self.input_register + self.readout.registers

    @property
    def cycles_per_inference(self) -> int:
        """Clocks from one window's start to the next one's."""
        return self.network.num_steps * self.network.ticks_per_step


def plan(network: ir.Network, logic_depth: int = LOGIC_DEPTH, input_register: bool = True) -> DesignPlan:
    """The parts of the unrolled design of a network.

    Parameters
    ----------
    logic_depth : the most comparisons of scores in a row between two registers; 0: all in one clock.
    input_register : whether the encoder's bits are registered.

    Raises
    ------
    ConfigError
        For a network whose name cannot name a module.
    """
    check_name(network)
    ranges = ir.analyse(network)
    synapses: list[SynapsePlan] = []
    neurons: list[NeuronPlan] = []
    readout: ReadoutPlan | None = None
    for before, layer in zip((None, *network.layers[:-1]), network.layers, strict=True):
        if isinstance(layer, ir.Neuron):
            assert isinstance(before, ir.Synapse)
            shift = layer.frac - before.frac
            folded = layer.leak.kind == "shift" or (layer.leak.kind == "none" and layer.reset == "subtract")
            synapses.append(_synapse(before, folded))
            bounds = ranges[layer.name]
            membranes = tuple(_neuron(layer, bounds, i, c, shift) for i, c in enumerate(synapses[-1].counters))
            neurons.append(NeuronPlan(layer, shift, membranes))
        elif isinstance(layer, ir.Readout):
            shift = 0
            if isinstance(before, ir.Synapse):
                shift = layer.frac - before.frac
                synapses.append(_synapse(before, folded=False))
            scores = ranges[layer.name].membrane
            assert scores is not None
            low, high = int(scores.low.min()), int(scores.high.max())
            readout = ReadoutPlan(layer, shift, *_register(min(low, 0), max(high, 0)), logic_depth)
    assert readout is not None
    return DesignPlan(network, tuple(synapses), tuple(neurons), readout, input_register)


def _neuron(layer: ir.Neuron, bounds: LayerRanges, i: int, counter: CounterPlan, shift: int) -> MembranePlan:
    """The register of neuron i, counted from where it costs least."""
    assert bounds.charged is not None
    assert bounds.membrane is not None
    reached = int(layer.threshold[i]) - (layer.compare == "ge")  # a membrane above it fires
    constant = counter.constant << shift
    low, high = int(bounds.charged.low[i]), int(bounds.charged.high[i])
    offset = added = 0
    if layer.leak.kind == "shift":
        # n - floor(n / 2**k) stands still under a constant drive c at n = c * 2**k: with the
        # membrane counted from there, the constant vanishes from the adder.
        offset = constant << layer.leak.shift
    elif layer.leak.kind == "none" and layer.reset == "subtract":
        added = constant
    early = 0 if layer.reset_delay else added  # a reset at once adds it after the comparison
    if layer.leak.kind == "none" and reached < high:
        offset = reached + 1 - early  # without a leak any offset stays, and this one puts the limit at -1
    values = [low - offset - early, high - offset - early]
    values += [m - offset for m in (0, int(bounds.membrane.low[i]), int(bounds.membrane.high[i]))]
    limit = reached - offset - early
    if reached < high:
        values.append(limit)
    width, signed = _register(min(values), max(values))
    most = (1 << (width - signed)) - 1
    return MembranePlan(width, signed, offset, added, min(limit, most))  # beyond reach: it can never fire


def _register(low: int, high: int) -> tuple[int, bool]:
    """(width, signed) of a register that holds these numbers."""
    signed = low < 0
    return max(ir.signed_width(low, high) if signed else ir.unsigned_width(high), 2), signed


def input_places(layer: ir.Synapse) -> int:
    """Wires per input: one for a spike, one per bit of a direct encoder's integer."""
    return max(1, layer.input_bits) if isinstance(layer, ir.FixedSynapse) else 1


def _synapse(layer: ir.Synapse, folded: bool) -> SynapsePlan:
    stochastic = isinstance(layer, ir.StochasticSynapse)
    places = input_places(layer)
    index: dict[tuple[int, int], int] = {}
    for j in range(layer.n_inputs):
        magnitudes = {abs(int(w)) if stochastic else 0 for w in layer.weight[:, j] if w}
        for magnitude in sorted(magnitudes):
            for place in range(places):
                index[j * places + place, magnitude] = len(index)
    counters = []
    for i in range(layer.size):
        planes: dict[int, list[tuple[int, bool]]] = {}
        constant = int(layer.bias[i])
        for j, weight in enumerate(layer.weight[i].tolist()):
            if not weight:
                continue
            exponents = [0] if stochastic else [e for e in range(abs(weight).bit_length()) if abs(weight) >> e & 1]
            for place in range(places):
                term = index[j * places + place, abs(weight) if stochastic else 0]
                for exponent in exponents:
                    planes.setdefault(exponent + place, []).append((term, weight < 0))
                    constant -= int(weight < 0) * layer.bitstream_length << (exponent + place)
        # Inverted bits first: a counter's last bits enter carries, where an inversion would cost a LUT.
        ordered = tuple((e, tuple(sorted(bits, key=lambda b: not b[1]))) for e, bits in sorted(planes.items()))
        counters.append(CounterPlan(ordered, constant, folded, layer.bitstream_length))
    return SynapsePlan(layer, tuple(index), tuple(counters))
