"""What a design of either architecture would take of a target, estimated from its plan before anything is written.

These are no measurements: yosys counts (`sctorch.cost.synthesize`) lie within a factor of about 1.5 of them. They are
good enough to tell a design that fits from one that is several times too large.
"""

from __future__ import annotations

from dataclasses import dataclass

from sctorch import ir
from sctorch.backends.verilog.folded.plan import FoldedPlan
from sctorch.backends.verilog.unrolled.plan import DesignPlan
from sctorch.hardware.targets import Target

__all__ = ["Estimate", "estimate_folded", "estimate_unrolled"]

# The widest words of one memory block by family: (bits, words).
_BLOCKS = {"ice40": (16, 256), "ecp5": (36, 512), "xc7": (72, 512), "xcup": (72, 512)}
_SMALL = 2048  # bits of a memory that is better in LUTs


@dataclass(frozen=True)
class Estimate:
    """LUTs and memory blocks of the target's kind, estimated."""

    luts: int
    brams: int

    def fits(self, target: Target, share: float) -> bool:
        """Whether it takes at most `share` of the target's LUTs, and no more blocks than it has."""
        return self.luts <= share * target.luts and self.brams <= target.brams


def _table(inputs: int, target: Target) -> float:
    """LUTs of one function of some inputs."""
    return 1.0 if inputs <= target.lut_inputs else float(2 ** (inputs - target.lut_inputs) + 1)


def _compare(bits: int, target: Target) -> float:
    """LUTs of a comparison of two numbers: two bits a LUT4, three in two LUT6 (see sct_rate_encoder)."""
    return max(1.0, bits - 1.0 if target.lut_inputs == 4 else bits / 2)


def _blocks(words: int, bits: int, target: Target) -> int:
    """Memory blocks of so many words: a block may be twice as deep and half as wide, and so on down to one bit."""
    width, depth = _BLOCKS[target.family]
    while depth < words and width > 1:
        width, depth = width // 2, depth * 2
    return -(-bits // width) * -(-words // depth)


def _encoder(network: ir.Network, lanes: int, target: Target) -> float:
    encoder = network.encoder
    if isinstance(encoder, ir.RateEncoder):
        return lanes * _compare(encoder.bits, target)
    return float(lanes)


def estimate_unrolled(design: DesignPlan, target: Target) -> Estimate:
    """Terms as tables, counters at 1.15 LUT per bit, three LUTs for each bit of a membrane."""
    luts = _encoder(design.network, design.network.encoder.size, target)
    for synapse in design.synapses:
        if isinstance(synapse.layer, ir.StochasticSynapse):
            luts += len(synapse.terms) * _table(synapse.layer.weight_bits + 1, target)
        luts += sum(1.15 * len(bits) for counter in synapse.counters for _, bits in counter.planes)
    luts += sum(3 * membrane.width for neuron in design.neurons for membrane in neuron.membranes)
    luts += 4 * design.readout.layer.size * design.readout.width
    return Estimate(round(luts), 0)


def estimate_folded(design: FoldedPlan, target: Target) -> Estimate:
    """Per neuron a comparison and a counter bit for each input of a clock, a sum and a place in the chain behind it."""
    luts, brams = 500.0 + _encoder(design.network, design.synapses[0].lanes, target), 0
    for synapse in design.synapses:
        layer = synapse.layer
        each = _compare(layer.weight_bits, target) if isinstance(layer, ir.StochasticSynapse) else layer.weight_bits + 2
        if isinstance(layer, ir.FixedSynapse) and layer.input_bits:
            each *= layer.input_bits
        # A carry chain that adds one bit to a number needs no LUT on Xilinx.
        adder = 0.3 if target.lut_inputs == 6 and synapse.lanes == 1 else 1.0
        luts += layer.size * (synapse.lanes * (each + 1) - 1 + (adder + 1) * synapse.width)
        if synapse.groups * synapse.word_bits > _SMALL:
            brams += _blocks(synapse.groups, synapse.word_bits, target)
    luts += sum(10 * neuron.width * neuron.lanes for neuron in design.neurons) + 10 * design.readout.width
    encoder = design.network.encoder
    if isinstance(encoder, ir.RateEncoder | ir.DirectEncoder):
        first = design.synapses[0]
        brams += _blocks(2 << (first.groups - 1).bit_length(), first.lanes * encoder.bits, target)
    else:
        luts += 3 * encoder.size
    return Estimate(round(luts), brams)
