"""Structural counts: by hand, against the emitted design, and against what yosys counted in the package's runs."""

from __future__ import annotations

import re

import numpy as np
import pytest

from sctorch import ir
from sctorch.backends.verilog.unrolled.emit import emit
from sctorch.backends.verilog.unrolled.plan import plan
from sctorch.cost.structure.memories import Place, place
from sctorch.cost.structure.tally import counter_parts, product, summed
from sctorch.cost.structure.unrolled import count_unrolled
from sctorch.cost.surrogate.table import counted, read_runs


def network(weight: list[list[int]], threshold: int = 2, **neuron: object) -> ir.Network:
    """Spikes in, a stochastic synapse, neurons that leak by a half, a spike readout."""
    matrix = np.array(weight)
    n = len(matrix)
    fields: dict[str, object] = {"leak": ir.Leak("shift", 1), "reset_delay": True, **neuron}
    return ir.Network(
        "net", 8,
        (
            ir.EventEncoder("encoder", matrix.shape[1]),
            ir.StochasticSynapse("synapse1", matrix, np.zeros(n), 1, ir.StreamSource("lfsr", 2, (3, 2), 1, "shift")),
            ir.Neuron("neuron1", n, 1, np.full(n, threshold), **fields),  # type: ignore[arg-type]
            ir.Readout("readout", n, "spike", "argmax_spike_count"),
        ),
    )  # fmt: skip


def test_a_small_design_by_hand() -> None:
    # Neuron 0 counts three terms, neuron 1 one of them: 3 of 4 is above R unless both its bits are set.
    net = network([[3, 3, -1], [3, 0, 0]])
    parts = count_unrolled(plan(net), "ice40")
    assert parts["synapses"] == 4
    assert (parts["leaves3"], parts["leaves1"], parts["joins"]) == (1, 1, 0)
    assert parts["terms2"] == 3  # each reads both bits of R
    assert parts["terms2_reads"] == 4
    assert parts["encoder_ffs"] == 3
    assert parts["source_ffs"] == 4  # R_0 .. R_2 of two bits each, one bit further each
    assert parts["current_ffs"] == 2 + 1  # 0 .. 3 less the inhibitory one, which the membrane takes; 0 or 1
    assert parts["spike_ffs"] == 4  # each neuron's spike, and that it resets
    assert parts["stage_ffs"] == 3 * plan(net).stages


def test_what_nothing_reads_is_not_counted() -> None:
    first = ir.StochasticSynapse(
        "synapse1", np.array([[3, 3], [3, -3], [1, 2]]), np.zeros(3), 1, ir.StreamSource("lfsr", 2, (3, 2), 1, "shift")
    )
    second = ir.StochasticSynapse(
        "synapse2", np.array([[1, 0, 0], [2, 0, 0]]), np.zeros(2), 1, ir.StreamSource("lfsr", 2, (3, 2), 5, "shift")
    )
    layers = (
        ir.EventEncoder("encoder", 2),
        first,
        ir.Neuron("neuron1", 3, 1, np.array([2, 2, 2]), ir.Leak("shift", 1)),
        second,
        ir.Readout("readout", 2, "membrane", "argmax_membrane"),
    )
    parts = count_unrolled(plan(ir.Network("net", 8, layers)), "ice40")
    assert parts["neurons"] == 1
    assert parts["synapses"] == 2 + 2


def test_a_neuron_that_cannot_fire_takes_its_spikes_along() -> None:
    alive = count_unrolled(plan(network([[3, 3], [3, 3]])), "ice40")
    never = count_unrolled(plan(network([[3, 3], [3, 3]], threshold=10_000)), "ice40")
    assert alive["neurons"] == 2
    assert never["neurons"] == 0


@pytest.mark.parametrize("bits", [*range(1, 40), 63, 64, 100, 511])
def test_a_counters_tree_takes_every_bit_once(bits: int) -> None:
    parts = dict(counter_parts(bits))
    leaves = sum(size * parts.get(f"leaves{size}", 0) for size in (1, 2, 3))
    assert leaves + parts.get("joins", 0) == bits  # each adder takes one bit as its carry-in
    if bits > 3:
        assert parts["join_pairs"] + parts["join_singles"] == parts["join_bits"]


def test_the_places_of_a_counters_adders() -> None:
    assert dict(counter_parts(7)) == {"leaves3": 2, "joins": 1, "join_bits": 3, "join_pairs": 2, "join_singles": 1}
    # 7 and 4 and one bit: 4 is a leaf of 2, one of 1 and one bit, joined over 3 places; 12 takes 4.
    assert dict(counter_parts(12))["join_bits"] == 3 + 3 + 4


def test_terms_and_counters_are_those_of_the_emitted_text() -> None:
    net = network([[3, 3, -1, 2], [3, 0, -2, 1], [1, 1, 1, 1]])
    parts, text = count_unrolled(plan(net), "ice40"), emit(plan(net))
    assert sum(parts[f"terms{k}"] for k in range(1, 7)) == len(re.findall(r"sct_term #", text))
    counters = [int(n) for n in re.findall(r"sct_popcount #\(\.N\((\d+)\)", text)]
    assert sum(counters) == parts["synapses"]
    assert sum(dict(counter_parts(n)).get("leaves3", 0) for n in counters) == parts["leaves3"]


def test_full_adders_of_several_numbers_and_of_a_product() -> None:
    assert summed((3, 3), 0, 4) == (0, 3)  # two numbers of two bits, one place apart: one adder from place 1 on
    assert summed((4, 4, 4), 0, 6)[0] == 2  # three meet in place 2, and its carry in place 3
    assert product(8, False, 0b101, 0) == (0, 9)  # two copies, two places apart
    assert product(8, False, 0b111, 0)[0] > 0
    assert product(3, True, 0b111, 5) == (0, 3)  # so few bits are tables


def test_memories_go_where_yosys_puts_them() -> None:
    assert place(256, 16, "ice40", rom=False) == Place("block", 1)
    assert place(4, 8, "ice40", rom=False) == Place("logic", 0)
    assert place(16, 8, "ecp5", rom=False) == Place("lutram", 2)
    assert place(128, 9, "ecp5", rom=False) == Place("block", 1)
    assert place(32, 6, "xc7", rom=False) == Place("lutram", 1)
    assert place(128, 72, "ice40", rom=True).kind == "block"
    assert place(128, 72, "xc7", rom=True).kind == "logic"
    assert place(128, 72, "xc7", rom=True, block=True).kind == "block"


def test_registers_and_memories_are_those_of_the_runs() -> None:
    runs = tuple(run for run in read_runs() if run.luts >= 200)[:60]
    near = memories = 0
    for run, parts in zip(runs, counted(runs), strict=True):
        registers = sum(number for name, number in parts.items() if name.endswith("_ffs"))
        registers -= 2 * parts["dsp_bits"] * (run.family == "xc7")
        near += abs(registers / run.ffs - 1) < 0.05
        memories += parts["block_cells"] / (2 if run.family == "xc7" else 1) == run.brams
    assert near >= 0.7 * len(runs)
    assert memories == len(runs)
