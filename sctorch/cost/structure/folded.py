"""What a folded design is made of, counted from its plan: memories and where they go, engines, chains, schedules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sctorch import ir
from sctorch.backends.verilog.folded.inputs import input_bits, steps_bits
from sctorch.backends.verilog.folded.memories import address_bits, grouped, weight_words
from sctorch.backends.verilog.folded.plan import FoldedPlan, NeuronPlan, ReadoutPlan, SynapsePlan
from sctorch.cost.structure.memories import place
from sctorch.cost.structure.tally import Tally, adder, carry_save, counter_parts, counter_path, dsps_of

__all__ = ["count_folded"]

_LARGE = 1 << 16  # bits of a table from which its block RAM is asked for (folded/memories.py)


def count_folded(design: FoldedPlan, family: str) -> Tally:
    """The parts of a folded design; where its memories go depends on the family."""
    network, tally = design.network, Tally()
    _front(tally, design, family)
    layers = network.layers
    synapses = {s.layer.name: s for s in design.synapses}
    neurons = {n.layer.name: n for n in design.neurons}
    before: ir.Layer = network.encoder
    for index, layer in enumerate(layers[1:], start=1):
        if isinstance(layer, ir.Synapse):
            _synapse(tally, synapses[layer.name], network.encoder if index == 1 else None, family)
        elif isinstance(layer, ir.Neuron):
            assert isinstance(before, ir.Synapse)
            _neurons(tally, neurons[layer.name], synapses[before.name], family)
            after = layers[index + 1]
            following = layers[index + 2] if isinstance(after, ir.Delay) else after
            if isinstance(following, ir.Readout):
                tally.put(lock_ffs=1)
            else:
                tally.put(slot_ffs=layer.size + 3)
        elif isinstance(layer, ir.Delay):
            deep = address_bits(layer.steps)
            _ram(tally, 1 << deep, layer.size, family, asynchronous=True)
            tally.put(control_ffs=deep + 1, ring_bits=layer.size)
        elif isinstance(layer, ir.Readout):
            _readout(tally, design.readout, synapses.get(before.name), family)
        before = layer
    return tally


def _ram(tally: Tally, words: int, bits: int, family: str, asynchronous: bool = False) -> None:
    where = place(words, bits, family, rom=False, asynchronous=asynchronous)
    tally[f"{where.kind}_cells"] += where.cells
    if where.kind == "logic":
        tally.put(memory_ffs=words * bits, memory_bits=words * bits, memory_words=words)
    if where.kind != "block" and not asynchronous:
        tally.put(read_ffs=bits)


def _rom(tally: Tally, words: Sequence[int], bits: int, family: str) -> None:
    """A table read in a clock: a block, or functions of its address, one for each column that differs from others."""
    varied = _columns(words, bits)
    if not varied:
        return
    deep, inputs = address_bits(len(words)), 6 if family in ("xc7", "xcup") else 4
    where = place(1 << deep, len(varied), family, rom=True, block=len(words) * bits >= _LARGE)
    if where.kind == "block":
        tally.put(block_cells=where.cells)
        return
    columns = set(varied)
    tally.put(read_ffs=len(columns))
    if deep <= inputs:
        tally.put(table_bits=len(columns))
        return
    single = -(-(deep - 1) // (inputs - 1))  # LUTs that tell one word from all others
    for column in columns:
        ones = column.count("1")
        rare = min(ones, len(words) - ones)
        tally["table_luts"] += max(1, min(-(-len(words) // (1 << inputs)) + 1, rare * single))


def _columns(words: Sequence[int], bits: int) -> list[tuple[str, ...]]:
    """Columns of a table that are no constants; yosys takes those out first."""
    full = len(words) == 1 << address_bits(len(words))  # else the words beyond the last one are 0
    constant = (("0",) * len(words), ("1" if full else "0",) * len(words))
    return [c for c in zip(*(format(word, f"0{bits}b") for word in words), strict=True) if c not in constant]


def _front(tally: Tally, design: FoldedPlan, family: str) -> None:
    network, encoder, first = design.network, design.network.encoder, design.synapses[0]
    bits, steps = input_bits(network), steps_bits(network)
    places = address_bits(design.beats)
    ticks = network.encoder_ticks
    events = isinstance(encoder, ir.EventEncoder)
    tally.put(frame_ffs=1 + places + (2 if events else 0) + (address_bits(ticks) if events and ticks > 1 else 0))
    tally.put(designs=1, place_bits=places)
    if not events:
        tally.put(repeat_bits=steps, control_ffs=steps)
    if isinstance(encoder, ir.RateEncoder | ir.DirectEncoder):
        lanes = first.lanes
        _ram(tally, 2 << address_bits(first.groups), lanes * bits, family)
        tally.put(control_ffs=4 + 2 * steps, images=1)
        if lanes > 1:
            tally.put(
                control_ffs=address_bits(lanes) + address_bits(first.groups), image_ffs=(lanes - 1) * bits,
                image_bits=(lanes - 1) * bits,
            )  # fmt: skip
        return
    mark = 2 if events else steps
    width = bits if events else encoder.levels if isinstance(encoder, ir.LevelEncoder) else 1
    tally.put(gather_ffs=design.beats * width + 1 + mark, slot_ffs=encoder.size + mark + 1)
    if isinstance(encoder, ir.LevelEncoder):
        tally.put(levels=encoder.levels)


def _random(tally: Tally, source: ir.StreamSource, n: int, lanes: int, family: str) -> None:
    groups, bits, width = -(-n // lanes), source.bits, source.width
    if source.decorrelator == "shift":
        length = max(width, bits + lanes - 1)
        tally.put(random_ffs=2 * length, stream_bits=length, taps=lanes + 1)
    elif source.decorrelator == "independent":
        _rom(tally, grouped([source.input_seed(j) for j in range(n)], lanes, width, 1), lanes * width, family)
        _ram(tally, 1 << address_bits(groups), lanes * width, family)
        tally.put(random_ffs=address_bits(groups) + 2, seeded_bits=lanes * width, taps=lanes)
    else:
        tally.put(random_ffs=width, source_bits=width)
        if source.decorrelator == "permute":
            deep = address_bits(bits)
            orders = [sum(p << (i * deep) for i, p in enumerate(source.permutation(j))) for j in range(n)]
            _rom(tally, grouped(orders, lanes, bits * deep), lanes * bits * deep, family)
            tally.put(permuted_bits=lanes * bits * ((1 << deep) // 2))


def _synapse(tally: Tally, synapse: SynapsePlan, encoder: ir.Encoder | None, family: str) -> None:
    layer, lanes, groups, size, width = synapse.layer, synapse.lanes, synapse.groups, synapse.layer.size, synapse.width
    deep = address_bits(groups)
    stochastic = isinstance(layer, ir.StochasticSynapse)
    # Of the tokens that walk along only those are kept that something reads.
    tally.put(
        engines=1, lock_ffs=1, later_ffs=deep + 3 * stochastic + 2 + 12 + 4 * isinstance(encoder, ir.EventEncoder)
    )
    padded = np.pad(layer.weight, ((0, 0), (0, -layer.n_inputs % lanes))).reshape(size, groups, lanes)
    summed = int((layer.weight != 0).any(axis=1).sum())
    hits = int((padded != 0).any(axis=1).sum())
    gates = _varied(padded, layer)
    stored = isinstance(encoder, ir.RateEncoder | ir.DirectEncoder)
    if not stored:
        tally.put(gather_ffs=2 * lanes, gathered=groups * lanes)
    elif isinstance(encoder, ir.DirectEncoder):
        tally.put(given_ffs=lanes * encoder.bits)
    elif isinstance(encoder, ir.RateEncoder):
        tally.put(given_ffs=lanes)
        tally.rates(encoder.bits, lanes)
        _random(tally, encoder.source, encoder.size, lanes, family)
    if synapse.scan:
        looked = synapse.scan_words
        words = -(-groups // looked)
        tally.put(scans=1, scan_bits=looked, scan_groups=groups if words > 1 else 0, scan_ffs=looked + 2)
        tally.put(scan_ffs=address_bits(words) if words > 1 else 0, active=groups * (lanes > 1) * lanes)
    else:
        tally.put(walks=1, walk_bits=deep, walk_ffs=2 + deep)
        if layer.bitstream_length > 1:
            tally.put(walk_ffs=address_bits(layer.bitstream_length), walk_bits=address_bits(layer.bitstream_length))
    _rom(tally, weight_words(synapse), synapse.word_bits, family)
    tally.path(adder(width) + (10 + counter_path(lanes)) * (stochastic and lanes > 1))
    tally.put(sum_ffs=summed * width)
    tally["step_bits" if stochastic and lanes == 1 else "sum_bits"] += summed * width
    if isinstance(layer, ir.StochasticSynapse):
        tally.put(hits=hits, hit_ffs=hits)
        for bits, number in zip(*np.unique(gates[gates > 0], return_counts=True), strict=True):
            tally[f"hits{bits}"] += int(number)
        tally.put(spike_limits=lanes * layer.weight_bits)
        if lanes > 1:
            for name, number in counter_parts(lanes):
                tally[name] += summed * number
        _random(tally, layer.source, layer.n_inputs, lanes, family)
        if lanes > 1:
            tally.put(add_wide_bits=summed * width)
        return
    most = 2**layer.input_bits - 1 if layer.input_bits else 1
    low, high = (most * limit(padded, 0).sum(axis=2).T for limit in (np.minimum, np.maximum))
    widths = [
        ir.signed_width(int(a), int(b)) if a or b else 0 for a, b in zip(low.min(axis=0), high.max(axis=0), strict=True)
    ]
    each = layer.weight_bits + layer.input_bits + 2
    inputs, code = 6 if family in ("xc7", "xcup") else 4, padded & (1 << layer.weight_bits + 1) - 1
    tally.path(10 + carry_save(max(2, lanes)) + adder(max(widths)) * (lanes > 1 or layer.input_bits > 0))
    blocks = dsps_of(layer.input_bits + 1, layer.weight_bits + 1, family) if layer.input_bits else 0
    for i, (width, terms) in enumerate(zip(widths, (padded != 0).any(axis=1).sum(axis=1).tolist(), strict=True)):
        tally.put(part_ffs=width)
        columns = _patterns(code[i]) if not layer.input_bits and groups <= 4 else inputs
        if blocks:
            tally.put(dot_bits=width * (terms > 1))  # the others are in the DSPs
        elif terms + columns <= inputs + 1:  # a few tables, whatever they add
            tally.put(cone_bits=width * (1 + (terms + columns > inputs)))
        else:
            tally.put(part_bits=width, dot_bits=max(0, terms - 1) * min(width, each), gated_bits=int(gates[i].sum()))
    if not layer.input_bits:
        return
    if blocks:
        tally.put(dsps=size * lanes * blocks, dsp_hits=hits, dsp_part_bits=sum(widths) + lanes * layer.input_bits)
    else:
        tally.path(10 + carry_save(layer.input_bits * lanes) + adder(max(widths)))
        tally.put(multipliers=hits, multiplied_bits=int(gates.sum()) * layer.input_bits)


def _patterns(code: np.ndarray) -> int:
    """Columns of a neuron's words [words, lanes] that differ from each other and are no constants."""
    found = set()
    for lane in code.T.tolist():
        for bit in range(max(lane).bit_length()):
            found.add(tuple(value >> bit & 1 for value in lane))
    return len(found - {(0,) * len(code), (1,) * len(code)})


def _varied(padded: np.ndarray, layer: ir.Synapse) -> np.ndarray:
    """Bits [neurons, lanes] of a weight that are not the same in all words of [neurons, words, lanes]."""
    bits = layer.weight_bits + 1
    code = padded & (1 << bits) - 1
    if isinstance(layer, ir.StochasticSynapse):
        code = np.abs(padded) | (padded < 0).astype(np.int64) << layer.weight_bits
    always = np.bitwise_and.reduce(code, axis=1)
    if padded.shape[1] & padded.shape[1] - 1:  # the words beyond the last one are 0
        always = np.zeros_like(always)
    changing = np.bitwise_or.reduce(code, axis=1) & ~always
    return np.sum([changing >> bit & 1 for bit in range(bits)], axis=0)


def _leak(tally: Tally, leak: ir.Leak, width: int, lanes: int, varies: bool, family: str) -> None:
    if leak.kind == "shift":
        tally.put(fold_leak_bits=lanes * width)
    elif leak.scales:
        factor = int(leak.factor[0])
        ones = factor.bit_count() if not varies else leak.shift
        blocks = dsps_of(width, factor.bit_length(), family) if ones > 1 else 0
        if blocks:
            tally.put(dsps=lanes * blocks, dsp_neurons=lanes)
        else:
            tally.put(products=lanes * (ones > 1), product_ones=lanes * (width + leak.shift) * max(0, ones - 1))
        tally.put(dither_bits=lanes * (width + leak.shift) * (leak.kind == "stochastic"))


def _leak_path(leak: ir.Leak, width: int) -> int:
    """Tenths of a LUT's delay through a leak's product."""
    if not leak.scales:
        return 0
    ones = max(int(f).bit_count() for f in leak.factor) + (leak.kind == "stochastic")
    return 10 + (carry_save(ones) + adder(width + leak.shift)) * (ones > 1)


def _table(tally: Tally, values: list[int], lanes: int, bits: int, family: str) -> None:
    _rom(tally, grouped(values, lanes, bits, values[0]), lanes * bits, family)


def _factors(tally: Tally, leak: ir.Leak, size: int, lanes: int, family: str) -> bool:
    if not leak.scales or len(leak.factor) == 1:
        return False
    _table(tally, [int(v) for v in leak.factor], lanes, leak.shift + 1, family)
    return True


def _neurons(tally: Tally, neuron: NeuronPlan, synapse: SynapsePlan, family: str) -> None:
    layer, lanes, width, groups = neuron.layer, neuron.lanes, neuron.width, neuron.groups
    deep, many = address_bits(groups), groups * lanes
    scaled = _leak_path(layer.leak, width)
    later = layer.reset_delay and layer.reset in ("subtract", "zero")
    tally.path(10 + max(scaled, 12 * (layer.leak.kind == "shift") + (adder(width) + 10) * later) + adder(width))
    tally.path(adder(width) * 2 + 20)
    most = (1 << (width - 1)) - 1
    theta = [min(int(t), most) for t in layer.threshold]
    _table(tally, theta, lanes, width, family)
    limits = len(set(_columns(grouped(theta, lanes, width, theta[0]), lanes * width)))
    varies = _factors(tally, layer.leak, layer.size, lanes, family)
    if layer.leak.source is not None:
        _random(tally, layer.leak.source, layer.size, lanes, family)
    if groups > 1:
        _ram(tally, 1 << deep, lanes * width, family)
        tally.put(control_ffs=4 * deep, walk_bits=deep, late_bits=deep)
    else:
        tally.put(membrane_ffs=lanes * width * 2)
    tally.put(
        layers=1, chain_ffs=many * synapse.width, fired_ffs=many, control_ffs=4 + 1 + 2,
        neurons=lanes, lif_bits=lanes * width, chain_bits=many * synapse.width,
        lif_ffs=lanes * (2 * width + min(width - neuron.shift, synapse.width)
                         + 2 * (layer.reset == "subtract_snntorch")) + 2 * limits,
        limit_table_bits=limits,
    )  # fmt: skip
    name = f"{layer.reset}_{'later' if layer.reset_delay else 'now'}"
    tally[f"lif_{name}_bits"] += lanes * width
    _leak(tally, layer.leak, width, lanes, varies, family)


def _readout(tally: Tally, readout: ReadoutPlan, synapse: SynapsePlan | None, family: str) -> None:
    layer, width, size = readout.layer, readout.width, readout.layer.size
    deep = address_bits(size)
    varies = _factors(tally, layer.leak, size, 1, family)
    _ram(tally, 1 << deep, width, family)
    current = synapse.width if synapse else 1
    tally.path(_leak_path(layer.leak, width) + adder(width) + 30)
    tally.put(
        chain_ffs=size * current, chain_bits=size * current, control_ffs=4 * deep + 4 + 3, walk_bits=deep,
        score_ffs=2 * width + min(width - readout.shift, current), score_bits=width,
    )  # fmt: skip
    _leak(tally, layer.leak, width, 1, varies, family)
    if layer.decision_rule == "binary_logit":
        tally.put(score_ffs=width, logit_bits=width + 1, decision_ffs=width + 1)
        return
    bits = max(1, (size - 1).bit_length())
    tally.put(score_ffs=width, best_bits=width, decision_ffs=bits + deep)
    if layer.decision_rule in ir.layers.THRESHOLD_RULES and layer.class_threshold < 1 << (width - 1):
        tally.put(decision_ffs=deep + 2, reached_bits=width + deep)
