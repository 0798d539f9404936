"""What a folded design is made of: groups of inputs, widths and start values, as plain data.

`plan` turns the integer network into counts of hardware and `emit` writes it down; what the
estimate and the description say is read off the same plan.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from sctorch import ir
from sctorch.backends.verilog.names import check_name
from sctorch.ir.ranges import LayerRanges

__all__ = ["FoldedPlan", "NeuronPlan", "ReadoutPlan", "SynapsePlan", "part_width", "plan", "start_values"]

WORD = 32  # bits of one beat of spikes
PART = 32  # bits of weights that are loaded at once
_NEURON_CLOCKS = 9  # from a timestep's last group to the next one's, beside one clock per group of neurons


@dataclass(frozen=True)
class SynapsePlan:
    """A synapse layer: `lanes` inputs per clock, all neurons at once.

    groups : words of its weight memory, `lanes` inputs each. scan : whether it visits only groups with a spike.
    start : what each neuron's sum starts from. width : bits of a sum. part_width : of what one clock adds (fixed).
    """

    layer: ir.Synapse
    lanes: int
    scan: bool
    start: tuple[int, ...]
    width: int
    part_width: int

    @property
    def groups(self) -> int:
        return -(-self.layer.n_inputs // self.lanes)

    @property
    def word_bits(self) -> int:
        """Bits of one word of the weight memory: magnitude (or two's complement) and sign of every neuron."""
        return self.layer.size * self.lanes * (self.layer.weight_bits + 1)

    @property
    def parts(self) -> int:
        """Parts of up to 32 bits of a word of the weight memory, as they are loaded."""
        return -(-self.word_bits // PART)

    @property
    def start_parts(self) -> int:
        """The same of all neurons' start values."""
        return -(-self.layer.size * self.width // PART)

    @property
    def scan_words(self) -> int:
        """Groups that a scan looks at in one clock, a power of two."""
        return min(WORD, 1 << (self.groups - 1).bit_length())

    @property
    def step_clocks(self) -> int:
        """Clocks of one timestep; of a scan the most there can be."""
        return self.layer.bitstream_length * (self.groups + 1)


@dataclass(frozen=True)
class NeuronPlan:
    """A neuron layer: `lanes` of its neurons per clock. width : bits of a membrane, signed."""

    layer: ir.Neuron
    lanes: int
    shift: int
    width: int

    @property
    def groups(self) -> int:
        return -(-self.layer.size // self.lanes)

    @property
    def step_clocks(self) -> int:
        return self.groups + _NEURON_CLOCKS


@dataclass(frozen=True)
class ReadoutPlan:
    layer: ir.Readout
    shift: int
    width: int

    @property
    def step_clocks(self) -> int:
        return self.layer.size + _NEURON_CLOCKS


@dataclass(frozen=True)
class FoldedPlan:
    """All parts in order."""

    network: ir.Network
    synapses: tuple[SynapsePlan, ...]
    neurons: tuple[NeuronPlan, ...]
    readout: ReadoutPlan
    loadable: bool = False  # other weights and biases may be written into it

    @property
    def beats(self) -> int:
        """Beats of the input port per window of features, or per tick of spikes."""
        encoder = self.network.encoder
        return -(-encoder.size // WORD) if isinstance(encoder, ir.EventEncoder) else encoder.n_features

    @property
    def memory_bits(self) -> int:
        """Bits of weights, as they lie in memory."""
        return sum(s.groups * s.word_bits for s in self.synapses)

    @property
    def store_bits(self) -> tuple[int, int, int] | None:
        """`place_bits` where weights may be loaded."""
        return self.place_bits if self.loadable else None

    @property
    def place_bits(self) -> tuple[int, int, int]:
        """Bits of the number of a layer, of a word in it, its start values being the last one, and of a part."""
        most = max(max(s.parts, s.start_parts) for s in self.synapses)
        words = max(s.groups for s in self.synapses)
        return max(1, (len(self.synapses) - 1).bit_length()), words.bit_length(), most.bit_length()

    @property
    def stages(self) -> tuple[int, ...]:
        """Clocks of one timestep of every stage, in order of kind."""
        parts = [s.step_clocks for s in self.synapses], [n.step_clocks for n in self.neurons]
        return (*parts[0], *parts[1], self.readout.step_clocks)

    @property
    def most_cycles(self) -> int:
        """Clocks from one window's start to the next one's, computed from the schedule.

        The slowest stage decides. With a scan they depend on the spikes, and these are the most.
        """
        network = self.network
        step = max(self.stages)
        if isinstance(network.encoder, ir.EventEncoder):
            step = max(step, self.beats * network.encoder_ticks)
            return network.num_steps * step
        return max(network.num_steps * step, self.beats)


def plan(
    network: ir.Network, inputs_per_clock: int = 1, neurons_per_clock: int = 1, loadable: bool = False
) -> FoldedPlan:
    """The parts of the folded design of a network.

    A layer that is done sooner than the slowest takes fewer inputs per clock: as many as keep it from being slower.
    With `loadable` widths are those of the largest weights that there can be.

    Raises
    ------
    ConfigError
        For a network whose name cannot name a module.
    """
    check_name(network)
    ranges = _widest(network) if loadable else ir.analyse(network)
    slowest = max(s.bitstream_length * (-(-s.n_inputs // inputs_per_clock) + 1) for s in network.synapses)
    synapses: list[SynapsePlan] = []
    neurons: list[NeuronPlan] = []
    readout: ReadoutPlan | None = None
    for before, layer in zip((None, *network.layers[:-1]), network.layers, strict=True):
        bounds = ranges.get(layer.name)
        if isinstance(layer, ir.Synapse):
            assert bounds is not None
            assert bounds.current is not None
            spikes = not isinstance(before, ir.RateEncoder | ir.DirectEncoder)
            scan = spikes and isinstance(layer, ir.FixedSynapse)
            lanes = min(inputs_per_clock, layer.n_inputs)
            while not scan and lanes > 1 and _clocks(layer, lanes - 1) <= slowest:
                lanes -= 1
            width, part = max(2, bounds.current.width), part_width(layer, lanes, loadable)
            synapses.append(SynapsePlan(layer, lanes, scan, start_values(layer), width, part))
        elif isinstance(layer, ir.Neuron):
            assert isinstance(before, ir.Synapse)
            assert bounds is not None
            assert bounds.charged is not None
            assert bounds.membrane is not None
            both = bounds.charged.union(bounds.membrane)
            # One more than the highest fits too, so that a threshold out of reach has a number.
            width = ir.signed_width(int(both.low.min()), max(1, int(both.high.max()) + 1))
            neurons.append(NeuronPlan(layer, min(neurons_per_clock, layer.size), layer.frac - before.frac, width))
        elif isinstance(layer, ir.Readout):
            assert bounds is not None
            assert bounds.membrane is not None
            low, high = int(bounds.membrane.low.min()), int(bounds.membrane.high.max())
            shift = layer.frac - before.frac if isinstance(before, ir.Synapse) else 0
            readout = ReadoutPlan(layer, shift, max(2, ir.signed_width(min(low, 0), max(high, 0))))
    assert readout is not None
    return FoldedPlan(network, tuple(synapses), tuple(neurons), readout, loadable)


def _clocks(layer: ir.Synapse, lanes: int) -> int:
    return layer.bitstream_length * (-(-layer.n_inputs // lanes) + 1)


def start_values(layer: ir.Synapse) -> tuple[int, ...]:
    """The bias; of a stochastic synapse less one per inhibitory input and tick (see sct_fold_sum)."""
    start = layer.bias
    if isinstance(layer, ir.StochasticSynapse):
        start = start - layer.bitstream_length * (layer.weight < 0).sum(axis=1)
    return tuple(int(v) for v in start)


def _widest(network: ir.Network) -> dict[str, LayerRanges]:
    """Bounds with this network's biases and its own weights, or the largest of either sign, whichever are wider."""
    found = ir.analyse(network)
    for sign in (1, -1):
        layers = [
            replace(layer, weight=np.full_like(layer.weight, sign * (2**layer.weight_bits - 1)))
            if isinstance(layer, ir.Synapse)
            else layer
            for layer in network.layers
        ]
        other = ir.analyse(replace(network, layers=tuple(layers)))
        for name, bounds in found.items():
            both = {f.name: (getattr(bounds, f.name), getattr(other[name], f.name)) for f in fields(bounds)}
            found[name] = LayerRanges(**{key: a.union(b) if a else None for key, (a, b) in both.items()})
    return found


def part_width(layer: ir.Synapse, lanes: int, loadable: bool = False) -> int:
    """Bits of what a fixed synapse adds in one clock."""
    if isinstance(layer, ir.StochasticSynapse):
        return 0
    if loadable:
        largest = lanes * (2**layer.weight_bits - 1) * (2**layer.input_bits - 1 if layer.input_bits else 1)
        return ir.signed_width(-largest, largest)
    padded = np.pad(layer.weight, ((0, 0), (0, -layer.n_inputs % lanes))).reshape(layer.size, -1, lanes)
    most = 2**layer.input_bits - 1 if layer.input_bits else 1
    low, high = (most * limit(padded, 0).sum(axis=2) for limit in (np.minimum, np.maximum))
    return max(2, ir.signed_width(int(low.min()), int(high.max())))
