"""Small faults put into the library of folded designs must be caught."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from folding import folded, living
from simulators import run_bench

from sctorch import ir
from sctorch.backends.verilog import FoldedDesign, VerilogDesign


def many_words(network: ir.Network, x: np.ndarray, expected: ir.Trace) -> bool:
    """More groups of two inputs than a scan sees in one clock."""
    return network.encoder.size > 70


def keeps_its_word(network: ir.Network, x: np.ndarray, expected: ir.Trace) -> bool:
    """A class that was first stays, though a lower one reaches the threshold later."""
    readout = dataclasses.replace(network.readout, decision_rule="threshold_then_argmax")
    other = ir.simulate(ir.Network("net", network.num_steps, (*network.layers[:-1], readout)), x)
    return bool((other["readout.decision"] != expected["readout.decision"]).any())


def tells(network: ir.Network, x: np.ndarray, expected: ir.Trace) -> bool:
    """The decisions differ so much that they show what happens within."""
    counts = np.unique(expected["readout.decision"], return_counts=True)[1]
    return len(counts) >= 2 and counts.max() < 0.7 * counts.sum()


def resets_twice(network: ir.Network, x: np.ndarray, expected: ir.Trace) -> bool:
    """Comparing again after the reset changes decisions."""
    layers = [
        dataclasses.replace(layer, reset="subtract") if isinstance(layer, ir.Neuron) else layer
        for layer in network.layers
    ]
    other = ir.simulate(dataclasses.replace(network, layers=tuple(layers)), x)
    return bool((other["readout.decision"] != expected["readout.decision"]).any())


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` in a file of hdl, seen on the design of one of MUTATED."""

    network: str
    file: str
    old: str
    new: str


MUTATED = {
    "shift": ({"encoder": ("lfsr", "shift"), "source": ("lfsr", "shift"), "fixed": False, "hidden": 1,
               "fields": ("shift", "gt", "subtract", True), "readout": "membrane"}, 2, 2),
    "independent": ({"encoder": ("counter", "permute"), "source": ("lfsr", "independent"), "fixed": False, "hidden": 1,
                     "lengths": (2,), "fields": ("multiply", "ge", "subtract_snntorch", False), "readout": "spike",
                     "rule": "argmax_spike_count",
                     "max_inputs": 9, "max_hidden": 5, "max_steps": 10, "wanted": resets_twice}, 3, 1),
    "scan": ({"encoder": "events", "fixed": True, "hidden": 1, "fields": ("none", "gt", "zero", False),
              "readout": "membrane", "max_inputs": 60}, 1, 1),
    "ticks": ({"encoder": "events", "source": ("counter", "shared"), "lengths": (4,), "fixed": False, "hidden": 1,
               "fields": ("shift", "ge", "zero", True), "readout": "spike", "rule": "argmax_spike_count"}, 2, 2),
    "words": ({"encoder": "events", "fixed": True, "hidden": 1, "fields": ("none", "gt", "zero", False),
               "readout": "membrane", "max_inputs": 120, "wanted": many_words}, 2, 1),
    "first": ({"encoder": ("counter", "shared"), "source": ("lfsr", "shift"), "fixed": False, "hidden": 1,
               "fields": ("none", "ge", "subtract", False), "readout": "spike", "rule": "first_to_threshold",
               "wanted": keeps_its_word}, 1, 1),
}  # fmt: skip
MUTANTS = {
    "the next tick starts elsewhere": Mutant("shift", "stream", "start <= {now[N-2:0],", "start <= {now[N-1:1],"),
    "one step per clock for two inputs": Mutant("shift", "stream", "ahead[P*N +: N]", "ahead[N +: N]"),
    "the stream runs on into the next window": Mutant("shift", "stream", "fresh ? SEED : start", "start"),
    "groups in the other order": Mutant("shift", "walk", "assign go = valid", "assign go = ~group[0] & valid"),
    "no rest between ticks": Mutant("independent", "walk", "pause <= drop | tail;", "pause <= 1'b0;"),
    "a tick too few": Mutant("independent", "walk", "last_tick = tick == LAST_TICK", "last_tick = 1'b1"),
    "registers keep their last window": Mutant("independent", "independent", "seeded <= fresh;", "seeded <= 1'b0;"),
    "registers stand still": Mutant("independent", "independent", "if (gone) states", "if (1'b0) states"),
    "orders of the bits are lost": Mutant("independent", "permute", "order[i*SW +: SW]", "i % B"),
    "term takes >= for >": Mutant("shift", "sum", "above = 1'b0;", "above = 1'b1;"),
    "a sum starts from nothing": Mutant("shift", "sum", "<= start[i*W +: W];", "<= {W{1'b0}};"),
    "sums add up over timesteps": Mutant("shift", "sum", "if (clear)", "if (1'b0)"),
    "silence is not masked": Mutant("shift", "sum", "| {B{~spikes[p]}}", ""),
    "membranes of the window before": Mutant("shift", "neurons", "first ? {W{1'b0}} : word", "1'b0 ? {W{1'b0}} : word"),
    "neurons in the other order": Mutant("shift", "neurons", "{fired, spike}", "{spike, fired}"),
    "the chain stands still": Mutant("shift", "neurons", "else if (go1) chain", "else if (1'b0) chain"),
    "reset before the leak is lost": Mutant("shift", "lif", "fired ? theta : {W{1'b0}}", "{W{1'b0}}"),
    "compared once only": Mutant("independent", "lif", "RESET == 3 && again2", "RESET == 4"),
    "neuron takes > for >=": Mutant("independent", "lif", "value >= limit", "value > limit"),
    "leak takes one more": Mutant("shift", "leak", "assign leaked = m - part", "assign leaked = m - part - 1"),
    "the first class is forgotten": Mutant("first", "readout", "held & ~first", "1'b0"),
    "a tie goes to the highest class": Mutant("ticks", "readout", "score >= best", "score > best"),
    "scores of the window before": Mutant("shift", "readout", "first ? {W{1'b0}} : word", "word"),
    "a spike is skipped": Mutant("scan", "scan", "now & (now - 1'b1)", "now & (now - 1'b1) & (now - 2'd2)"),
    "the last word is not scanned": Mutant("words", "scan", "[WW-1:0] END = WORDS - 1", "[WW-1:0] END = 0"),
    "weights without sign": Mutant("words", "dot", "reg signed [B:0] weight", "reg [B:0] weight"),
    "beats of spikes in the other order": Mutant("scan", "gather", "{beat, gathered}", "{gathered, beat}"),
    "an image is read while it is written": Mutant("shift", "image", "words[{from, group}]", "words[{to, group}]"),
    "a timestep too many": Mutant("shift", "repeat", "step == wanted - 1'b1", "step == wanted"),
    "the next timestep does not wait": Mutant("shift", "lock", "(on | (held & ~free))", "1'b0 & on & free & held"),
}  # fmt: skip


@pytest.fixture(scope="module")
def mutated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], FoldedDesign]:
    """The sound design of a network, exported when first asked for; its test bench plays windows that pass."""
    made: dict[str, FoldedDesign] = {}

    def sound(name: str) -> FoldedDesign:
        if name not in made:
            fields, lanes, neurons = MUTATED[name]
            also = fields.get("wanted", tells)
            wanted = {**fields, "wanted": lambda *found: tells(*found) and also(*found)}
            network, x, _ = living(40 + list(MUTATED).index(name), 24, **wanted)
            with pytest.MonkeyPatch.context() as patch:  # the bench is compiled, not this
                patch.setattr(VerilogDesign, "build", lambda self: None)
                folder = tmp_path_factory.mktemp("mutated") / "design"
                design = folded(network, folder, inputs_per_clock=lanes, neurons_per_clock=neurons)
            design.write_bench(x)
            assert run_bench("icarus", folder, design.sources).startswith("PASS")
            made[name] = design
        return made[name]

    return sound


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_is_caught(name: str, mutated: Callable[[str], FoldedDesign], tmp_path: Path) -> None:
    mutant = MUTANTS[name]
    sound = mutated(mutant.network)
    folder = tmp_path / "mutant"
    shutil.copytree(sound.folder, folder)
    file = folder / "hdl" / f"sct_fold_{mutant.file}.v"
    text = file.read_text()
    assert mutant.old in text, f"{mutant.file} no longer holds {mutant.old!r}; plant this fault anew"
    file.write_text(text.replace(mutant.old, mutant.new))
    assert run_bench("icarus", folder, sound.sources).startswith("FAIL")
