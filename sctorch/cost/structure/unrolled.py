"""What an unrolled design is made of, counted from its plan: adders with their bits, terms, registers, comparisons.

What synthesis leaves out is not counted: neurons whose spikes nothing reads, and spikes that can never come.
"""

from __future__ import annotations

import numpy as np

from sctorch import ir
from sctorch.backends.verilog.unrolled.plan import (
    CounterPlan,
    DesignPlan,
    MembranePlan,
    NeuronPlan,
    SynapsePlan,
    input_places,
)
from sctorch.cost.structure.tally import (
    COMPARE,
    Tally,
    adder,
    carry_save,
    counter_parts,
    counter_path,
    dsps_of,
    product,
    summed,
)

__all__ = ["count_unrolled"]


def relevant_bits(numbers: np.ndarray, bits: int) -> np.ndarray:
    """Bits of R that |w| > R depends on: those from the magnitude's lowest one on."""
    lowest = np.log2(numbers & -numbers).astype(np.int64)
    return bits - lowest


def count_unrolled(design: DesignPlan, family: str) -> Tally:
    """The parts of an unrolled design; which products go to a DSP depends on the family."""
    network, tally = design.network, Tally()
    spiking, used = _reach(design)
    synapses = {s.layer.name: s for s in design.synapses}
    neurons = {n.layer.name: n for n in design.neurons}
    tally.put(stage_ffs=3 * design.stages, stages=design.stages)
    before: ir.Layer = network.encoder
    for layer in network.layers:
        if isinstance(layer, ir.Encoder):
            _encoder(tally, layer, used[layer.name], design.input_register)
        elif isinstance(layer, ir.Synapse):
            _synapse(tally, synapses[layer.name], spiking[before.name], used[layer.name])
        elif isinstance(layer, ir.Neuron):
            tally.put(spike_ffs=int(used[f"{layer.name}.on"].sum()))
            _neurons(tally, neurons[layer.name], synapses[before.name], used[layer.name], family)
        elif isinstance(layer, ir.Delay):
            alive = int((used[layer.name] & spiking[layer.name]).sum())
            tally.put(delay_ffs=alive * (layer.steps + 1), delay_lines=alive)
        else:
            _readout(tally, design, synapses.get(before.name), spiking[before.name], family)
        before = layer
    if network.ticks_per_step > 1:
        width = (network.ticks_per_step - 1).bit_length()
        tally.put(tick_bits=width, control_ffs=width + isinstance(network.encoder, ir.EventEncoder))
        for s in network.synapses:
            if s.bitstream_length > 1:
                width = (s.bitstream_length - 1).bit_length()
                tally.put(tick_bits=width, control_ffs=3 if s is network.synapses[0] else width + 2)
    return tally


def _reach(design: DesignPlan) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """By layer: which outputs can be other than 0, and which neurons (of an encoder: outputs) anything reads."""
    layers = design.network.layers
    neurons = {n.layer.name: n for n in design.neurons}
    synapses = {s.layer.name: s for s in design.synapses}
    spiking: dict[str, np.ndarray] = {}
    given = np.zeros(0, dtype=bool)
    source: ir.Layer = design.network.encoder
    for layer in layers:
        if isinstance(layer, ir.Neuron):
            fires = np.array([not never_fires(m) for m in neurons[layer.name].membranes])
            if layer.leak.kind == "none":  # a membrane that nothing moves stays where it starts
                moved = np.array([c.added != 0 for c in synapses[source.name].counters])
                fires &= moved | (synapses[source.name].layer.weight[:, given] != 0).any(axis=1)
            spiking[layer.name] = fires
        elif isinstance(layer, ir.Delay):
            spiking[layer.name] = spiking[source.name]
        else:
            spiking[layer.name] = np.ones(layer.size, dtype=bool)
        if isinstance(layer, ir.Synapse):
            given = spiking[source.name]
        source = layer
    used: dict[str, np.ndarray] = {}
    wanted = np.ones(layers[-1].size, dtype=bool)
    for before, layer in zip(reversed((None, *layers[:-1])), reversed(layers), strict=True):
        used[layer.name] = wanted
        if isinstance(layer, ir.Neuron):
            plan = neurons[layer.name]
            assert isinstance(before, ir.Synapse)
            counters = synapses[before.name].counters
            fixed = [always_fires(plan, m, c) for m, c in zip(plan.membranes, counters, strict=True)]
            used[layer.name] = wanted & spiking[layer.name] & ~np.array(fixed)
            used[f"{layer.name}.on"] = wanted & spiking[layer.name] & np.array(fixed)
        if isinstance(layer, ir.Synapse):
            wanted = (layer.weight[used[layer.name]] != 0).any(axis=0)
        elif isinstance(layer, ir.Readout) and isinstance(before, ir.Neuron | ir.Delay):
            wanted = np.ones(layer.size, dtype=bool)
        else:
            wanted = used[layer.name]
    return spiking, used


def never_fires(membrane: MembranePlan) -> bool:
    """Whether nothing is above its limit, so that its spikes are constant."""
    return membrane.limit >= (1 << (membrane.width - membrane.signed)) - 1


def always_fires(neuron: NeuronPlan, membrane: MembranePlan, counter: CounterPlan) -> bool:
    """Whether everything that the leak can leave of a membrane of so many bits is above its limit."""
    layer = neuron.layer
    if layer.leak.kind != "shift" or not membrane.signed or counter.signed:
        return False
    taken = layer.reset == "subtract_snntorch" or (layer.reset == "subtract" and layer.reset_delay)
    lowest = -(1 << (membrane.width - 1))
    least = lowest - (lowest >> layer.leak.shift) - taken * int(layer.threshold.max())
    return least > membrane.limit and least >= lowest


def _source(tally: Tally, source: ir.StreamSource, n: int, used: np.ndarray, registered: bool) -> None:
    """A stream source for n inputs, of which some are used."""
    if not used.any():
        return
    if source.kind == "counter":
        tally.put(counter_source_bits=source.bits, source_ffs=source.bits)
        if not registered:
            tally.put(held_bits=source.bits)
        return
    if source.decorrelator == "independent":
        length, registers = source.width, int(used.sum())
    elif source.decorrelator == "shift":
        length, registers = max(source.width, source.bits + int(np.flatnonzero(used).max())), 1
    else:
        length, registers = source.width, 1
    tally.put(source_ffs=length * registers, taps=registers)
    if not registered:
        tally.put(held_bits=length * registers)


def _encoder(tally: Tally, layer: ir.Encoder, used: np.ndarray, registered: bool) -> None:
    alive = int(used.sum())
    if isinstance(layer, ir.DirectEncoder):
        tally.put(encoder_ffs=alive * layer.bits * registered)
        return
    tally.put(encoder_ffs=alive * registered)
    if isinstance(layer, ir.RateEncoder):
        tally.rates(layer.bits, alive)
        tally.path(10 + 10 * layer.bits.bit_length())
        _source(tally, layer.source, layer.size, used, registered=False)
    elif isinstance(layer, ir.LevelEncoder):
        bound = np.arange(layer.levels)
        free = np.array([int(b).bit_length() if b & (b + 1) == 0 else 0 for b in bound])  # low bits that do not matter
        inputs = layer.bits - free  # a register's own set or reset takes one of them
        tally.put(levels_small=int((used.reshape(-1, layer.levels) & (inputs > 1 + registered)).sum()))


def _synapse(tally: Tally, synapse: SynapsePlan, spiking: np.ndarray, used: np.ndarray) -> None:
    layer = synapse.layer
    weight = layer.weight * (used[:, None] & spiking[None])
    nonzero = weight != 0
    places = input_places(layer)
    tally.put(synapses=int(nonzero.sum()) * places)
    if isinstance(layer, ir.StochasticSynapse):
        _terms(tally, layer, weight, nonzero)
        _source(tally, layer.source, layer.n_inputs, nonzero.any(axis=0), registered=True)
    planes = _planes(layer, weight)
    alone: set[tuple[int, int]] = set()  # single terms that are registered as they are, which neurons share
    for i, (counter, row, alive) in enumerate(zip(synapse.counters, planes, used, strict=True)):
        if not alive:
            continue
        sizes = [int(n) for n in row if n]
        operands = len(sizes) + (counter.ticks > 1 or counter.added != 0)
        tally.path(
            10 + counter_path(max(sizes, default=1)) + carry_save(operands) + adder(counter.width) * (operands > 1)
        )
        for size in sizes:
            tally.update(dict(counter_parts(size)))
        lowest = next((e for e, n in enumerate(row) if n), 0)
        constant = counter.added & ((1 << lowest) - 1) if counter.added >= 0 else counter.added
        low = lowest if not constant or counter.ticks == 1 else 0
        whole = counter.width
        if counter.ticks == 1:  # of an accumulator synthesis does not know how far it goes
            most = counter.added + sum(n << e for e, n in enumerate(row))
            whole = ir.signed_width(counter.added, most) if counter.added < 0 else ir.unsigned_width(most)
        width = max(0, whole - low) if sizes else 0
        single = _single(layer, weight[i], row, lowest) if counter.ticks == 1 and not counter.added else []
        alone.update(single)
        tally.put(current_ffs=width - len(single))
        if counter.ticks > 1:
            tally.put(open_bits=width)
        elif sizes:
            adders, places = summed(tuple(row), counter.added, whole)
            if len(sizes) == 1 and counter.added:
                places = whole
            tally.put(sum_bits=places, carry_save_bits=adders)
    tally.put(current_ffs=len(alone))


def _single(layer: ir.Synapse, weight: np.ndarray, row: list[int], lowest: int) -> list[tuple[int, int]]:
    """The lowest bits of a current that are one term each: (input wire, signed magnitude or sign)."""
    found = []
    for exponent in range(lowest, len(row)):
        if row[exponent] != 1:
            break
        if isinstance(layer, ir.StochasticSynapse):
            j = int(np.flatnonzero(weight)[0])
            return [(j, int(weight[j]))]
        places = input_places(layer)
        for place in range(places):
            if 0 <= exponent - place < layer.weight_bits:
                for i in np.flatnonzero(np.abs(weight) >> (exponent - place) & 1).tolist():
                    found.append((i * places + place, -1 if weight[i] < 0 else 1))
    return found


def _planes(layer: ir.Synapse, weight: np.ndarray) -> list[list[int]]:
    """Of each neuron, the bits that its counters of 1, 2, 4 ... take."""
    if isinstance(layer, ir.StochasticSynapse):
        return [[int(n)] for n in (weight != 0).sum(axis=1)]
    magnitude, places = np.abs(weight), input_places(layer)
    bits = np.stack([(magnitude >> e & 1).sum(axis=1) for e in range(layer.weight_bits)], axis=1)
    planes = np.zeros((layer.size, layer.weight_bits + places - 1), dtype=np.int64)
    for place in range(places):
        planes[:, place : place + layer.weight_bits] += bits
    return planes.tolist()


def _terms(tally: Tally, layer: ir.StochasticSynapse, weight: np.ndarray, nonzero: np.ndarray) -> None:
    """Terms by the bits of R that they read, how often they are read, and comparisons that inputs share."""
    magnitude, bits = np.abs(weight), layer.weight_bits
    kind = magnitude + (np.arange(layer.n_inputs) << bits)[None]
    found, reads = np.unique(kind[nonzero], return_counts=True)
    if not len(found):
        return
    relevant = relevant_bits(found & (2**bits - 1), bits)
    source = layer.source
    shared = source.decorrelator == "shared" or (source.decorrelator == "permute" and bits == 1)
    for size in np.unique(relevant).tolist():
        mine = relevant == size
        name = "shared_terms" if shared and size > 1 else "terms"
        tally[f"{name}{min(size, 6)}"] += int(mine.sum())
        tally[f"{name}{min(size, 6)}_reads"] += int(reads[mine].sum())
    if shared:
        compared = np.unique(found & (2**bits - 1))
        for size in relevant_bits(compared, bits).tolist():
            tally[f"compares{size}"] += 1


def _charge(tally: Tally, leak: ir.Leak, i: int, width: int, signed: bool, current: int, family: str) -> None:
    """What a leak leaves of a membrane, and the current on top of it."""
    tally.put(charge_bits=width)
    if leak.kind == "shift":
        tally.put(shift_bits=min(width, current), part_bits=width - min(width, leak.shift))
    if not leak.scales:
        return
    factor = int(leak.factor[i if len(leak.factor) > 1 else 0])
    ones, noise = factor.bit_count(), leak.shift * (leak.kind == "stochastic")
    blocks = 0
    if ones > 1:  # the bits of a product that are not 0 anyway, and that the shift leaves
        zeros = (factor & -factor).bit_length() - 1
        wide = min(width + factor.bit_length() - zeros + 1, width + leak.shift - zeros)
        blocks = dsps_of(width + (not signed), factor.bit_length() - zeros, family, wide)
    if blocks:
        tally.put(dsps=blocks, dsp_neurons=1, dsp_bits=width, dither_bits=width * bool(noise))
    elif ones > 1 or noise:
        adders, places = product(width, signed, factor, noise)
        tally.put(product_bits=places, product_save_bits=adders, product_sign_bits=width * (signed and width > 4))


def _leak_path(leak: ir.Leak, i: int, width: int, more: bool) -> int:
    """Tenths of a LUT's delay to where a membrane meets its current. more : something else is added to them."""
    if leak.kind == "none":
        return carry_save(2 + more)
    if leak.kind == "shift":
        return carry_save(3 + more)
    ones = int(leak.factor[i if len(leak.factor) > 1 else 0]).bit_count() + (leak.kind == "stochastic")
    return carry_save(2 + more) + (carry_save(ones) + adder(width + leak.shift)) * (ones > 1)


def _keeps(leak: ir.Leak, i: int) -> bool:
    """Whether a leak leaves a membrane as it is."""
    if leak.kind == "multiply":
        return int(leak.factor[i if len(leak.factor) > 1 else 0]) == 1 << leak.shift
    return leak.kind == "none"


def _unread(leak: ir.Leak, i: int, width: int) -> int:
    """Low bits of a membrane that its leak shifts out: those of a product with a power of two."""
    if leak.kind != "multiply":
        return 0
    factor = int(leak.factor[i if len(leak.factor) > 1 else 0])
    if factor.bit_count() > 1:
        return 0
    return min(width, leak.shift - factor.bit_length() + 1) if factor else width


def _neurons(tally: Tally, neuron: NeuronPlan, synapse: SynapsePlan, used: np.ndarray, family: str) -> None:
    layer = neuron.layer
    if layer.leak.source is not None:
        _source(tally, layer.leak.source, layer.size, used, registered=True)
    for i, membrane in enumerate(neuron.membranes):
        if not used[i]:
            continue
        width = membrane.width
        later = layer.reset == "subtract" and layer.reset_delay
        if _keeps(layer.leak, i) and layer.reset in ("none", "zero"):
            width -= neuron.shift  # these bits never move
        counter = synapse.counters[i]
        reach = width - neuron.shift if counter.signed else min(width - neuron.shift, counter.width)
        unread = _unread(layer.leak, i, width) if layer.reset != "subtract_snntorch" else 0
        again = layer.reset == "subtract_snntorch"
        new = _leak_path(layer.leak, i, width, later) + adder(width) * (1 + again)
        after = adder(width) if again or (layer.reset == "subtract" and not later) else 0
        tally.path(new + (COMPARE + after) * (membrane.limit != -1))
        tally.put(neurons=1, membrane_ffs=width - unread, spike_ffs=1 + later)
        _charge(tally, layer.leak, i, width, membrane.signed, reach, family)
        if later:
            tally.put(later_bits=width - 1)
        elif layer.reset == "subtract":
            tally.put(reset_bits=width - 1)
        elif layer.reset == "zero":
            tally.put(reset_zero=1)
        elif layer.reset == "subtract_snntorch":
            tally.put(again_bits=width - 1)
        flipped = membrane.limit ^ (1 << (width - 1) if membrane.signed else 0)
        flipped &= (1 << width) - 1
        # The low ones of a limit need no comparison; where the membrane's offset makes the limit, they are chance.
        ones = 0 if layer.leak.kind == "shift" else ((flipped + 1) & -(flipped + 1)).bit_length() - 1
        tally.put(limit_bits=max(0, width - ones - 1) * (2 if layer.reset == "subtract_snntorch" else 1))


def _moving(readout: ir.Readout, synapse: SynapsePlan | None, spiking: np.ndarray) -> list[bool]:
    """Of each class, whether its score can be other than 0. spiking : of the neurons, where there is no synapse."""
    if synapse is None:
        return [bool(fires) for fires in spiking]
    fed = (synapse.layer.weight != 0).any(axis=1)
    return [
        bool(has) or c.added != 0 or not _keeps(readout.leak, i)
        for i, (has, c) in enumerate(zip(fed, synapse.counters, strict=True))
    ]


def _readout(tally: Tally, design: DesignPlan, synapse: SynapsePlan | None, spiking: np.ndarray, family: str) -> None:
    readout = design.readout
    layer, width, size = readout.layer, readout.width, readout.layer.size
    if synapse:
        tally.path(max(_leak_path(layer.leak, i, width, False) for i in range(size)) + adder(width))
    else:
        tally.path(adder(width))
    rounds = (size - 1).bit_length()
    tally.path((adder(2 * width) + 10) * min(rounds, readout.every or rounds) + 10)
    still = readout.shift * _keeps(layer.leak, 0)  # low bits that never move
    moving = _moving(layer, synapse, spiking)
    for i in range(size):
        if not moving[i]:
            continue
        tally.put(score_ffs=2 * (width - still) - _unread(layer.leak, i, width))
        if synapse:
            _charge(tally, layer.leak, i, width - still, readout.signed, synapse.counters[i].width, family)
        else:
            tally.put(count_bits=width)
    bits = max(1, (size - 1).bit_length())
    if layer.decision_rule == "binary_logit":
        tally.put(logit_bits=width + 1, decision_ffs=width + 1)
        return
    tally.put(decision_ffs=bits)
    # Of each entrant: whether its score varies, and which bits of its index do, as a mask.
    entrants, level = [(varies, 0) for varies in moving], 0
    while len(entrants) > 1:
        last, won = len(entrants) == 2, []
        for (varies, mask), (other, others) in zip(entrants[::2], entrants[1::2], strict=False):
            both = varies or other
            tally.put(compared_bits=width * both, chosen_bits=width * both * (not last))
            tally.put(index_bits=(mask | others).bit_count() * both)
            won.append((both, (mask | others | 1 << level) * both))
        entrants, level = won + entrants[2 * len(won) :], level + 1
        if readout.every and len(entrants) > 1 and level % readout.every == 0:
            tally.put(decision_ffs=sum(width * varies + mask.bit_count() for varies, mask in entrants))
    if layer.decision_rule in ir.layers.THRESHOLD_RULES and layer.class_threshold < 1 << width:
        tally.put(reached_bits=size * width, lowest_bits=size * bits)
        tally.put(decision_ffs=bits * readout.registers + 1, chosen_bits=width)
