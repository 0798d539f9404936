"""Folded designs: their parts are PROVED, small ones end to end, and faults planted in them are caught."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

import builders
import numpy as np
import pytest

from sctorch import ir
from sctorch.backends.verilog import VerilogDesign
from sctorch.backends.verilog.folded.design import FoldedDesign
from sctorch.verification.proofs import ProofReport, ProofStatus, check_equivalence

Export = Callable[..., VerilogDesign]
PARTS = ["source", "synapse", "neuron", "readout"]


def _folded(exported: Export, network: ir.Network, inputs: int, neurons: int) -> VerilogDesign:
    return exported(network, architecture="folded", inputs_per_clock=inputs, neurons_per_clock=neurons)


def _small(encoder: ir.Encoder, steps: int = 2) -> ir.Network:
    """Three inputs, two neurons, two classes."""
    weight = np.array([[3, -2, 1], [2, 3, -1]])
    synapse = ir.StochasticSynapse("synapse1", weight, [0, 1], 1, ir.StreamSource("lfsr", 2, (3, 2), 5, "shift"))
    neuron = ir.Neuron("neuron1", 2, 1, np.array([2, 3]), ir.Leak("shift", 1), "gt", "subtract", True)
    source = ir.StreamSource("lfsr", 2, (3, 2), 3, "shift")
    last = ir.StochasticSynapse("synapse2", np.array([[3, -2], [-1, 2]]), [0, 0], 1, source)
    readout = ir.Readout("readout", 2, "membrane", "argmax_membrane", 0, ir.Leak("shift", 1))
    return ir.Network("net", steps, (encoder, synapse, neuron, last, readout))


def _mixed() -> ir.Network:
    """What `_small` has not: sources of other kinds, snntorch's reset, a product leak, a decision that stays."""
    sources = [ir.StreamSource("lfsr", 3, (4, 3), 5, "independent"), ir.StreamSource("lfsr", 3, (5, 3), 9, "permute")]
    synapse = ir.StochasticSynapse("synapse1", np.array([[7, -5, 3], [2, 6, -1], [4, 4, 4]]), [0, 1, 0], 2, sources[0])
    leak = ir.Leak("multiply", 3, np.array([5, 6, 7]))
    neuron = ir.Neuron("neuron1", 3, 1, np.array([3, 2, 4]), leak, "ge", "subtract_snntorch", False)
    last = ir.StochasticSynapse("synapse2", np.array([[5, -3, 2], [2, 3, 7]]), [0, 0], 1, sources[1])
    noise = ir.StreamSource("lfsr", 2, (3, 2), 3, "shift")
    leak = ir.Leak("stochastic", 2, np.array([3]), noise)
    fire = ir.Neuron("neuron2", 2, 1, np.array([2, 2]), leak, "gt", "zero", False)
    readout = ir.Readout("readout", 2, "spike", "first_to_threshold", class_threshold=2)
    return ir.Network("net", 4, (ir.EventEncoder("spikes_in", 3), synapse, neuron, last, fire, readout))


def _scanned() -> ir.Network:
    weight = np.array([[7, 6, 1, 0, 2], [-7, -6, -1, 4, -4]])
    synapse = ir.FixedSynapse("synapse1", weight, np.array([0, 1]), 3, 2)
    readout = ir.Readout("readout", 2, "membrane", "binary_logit", 2)
    return ir.Network("net", 2, (ir.EventEncoder("spikes_in", 5), synapse, readout))


RATE = ir.RateEncoder("encoder", 3, ir.StreamSource("counter", 2))
NETWORKS: dict[str, tuple[Callable[[], ir.Network], int, int]] = {
    "small": (lambda: _small(RATE), 2, 1),
    "mixed": (_mixed, 2, 2),
    "scanned": (_scanned, 2, 1),
}


TOP = "top"


class Fault(NamedTuple):
    """`old` becomes `new` in sct_fold_<file>.v, or in the top, seen on the design of a network."""

    network: str
    file: str
    old: str
    new: str


KINDS = {
    "stream": "source", "independent": "source", "permute": "source", "sum": "synapse", "dot": "synapse",
    "neurons": "neuron", "lif": "neuron", "leak": "neuron", "readout": "readout",
    TOP: "readout",
}  # fmt: skip
SWAPPED = ".first(out_first), .last(out_last)", ".first(out_last), .last(out_first)"
FAULTS = {
    "the next tick starts elsewhere": Fault("small", "stream", "start <= {now[N-2:0],", "start <= {now[N-1:1],"),
    "one step per clock for two inputs": Fault("small", "stream", "ahead[P*N +: N]", "ahead[N +: N]"),
    "the stream runs on into the next window": Fault("small", "stream", "fresh ? SEED : start", "start"),
    "the stream moves in a gap": Fault("small", "stream", "if (go) begin", "if (1'b1) begin"),
    "wrong tap": Fault("small", "stream", "^(ahead[p*N +: W] & TAPS)", "^(ahead[p*N +: W] & (TAPS ^ 1))"),
    "registers keep their last window": Fault("mixed", "independent", "seeded <= fresh;", "seeded <= 1'b0;"),
    "registers stand still": Fault("mixed", "independent", "if (gone) states", "if (1'b0) states"),
    "orders of the bits are lost": Fault("mixed", "permute", "order[i*SW +: SW]", "i % B"),
    "term takes >= for >": Fault("small", "sum", "above = 1'b0;", "above = 1'b1;"),
    "a sum starts from nothing": Fault("small", "sum", "<= start[i*W +: W];", "<= {W{1'b0}};"),
    "silence is not masked": Fault("small", "sum", "| {B{~spikes[p]}}", ""),
    "weights without sign": Fault("scanned", "dot", "reg signed [B:0] weight", "reg [B:0] weight"),
    "membranes of the window before": Fault("small", "neurons", "first ? {W{1'b0}} : word", "word"),
    "neurons in the other order": Fault("small", "neurons", "{fired, spike}", "{spike, fired}"),
    "spikes are not held": Fault("small", "neurons", "| (valid & ~take)", ""),
    "reset before the leak is lost": Fault("small", "lif", "fired ? theta : {W{1'b0}}", "{W{1'b0}}"),
    "compared once only": Fault("mixed", "lif", "RESET == 3 && again2", "RESET == 4"),
    "neuron takes > for >=": Fault("mixed", "lif", "value >= limit", "value > limit"),
    "leak without its numbers": Fault("mixed", "leak", "(LEAK == 3) ?", "(LEAK == 4) ?"),
    "the first class is forgotten": Fault("mixed", "readout", "held & ~first", "1'b0"),
    "a tie goes to the highest class": Fault("small", "readout", "score >= best", "score > best"),
    "scores of the window before": Fault("small", "readout", "first ? {W{1'b0}} : word", "word"),
    "another answer on the port": Fault("small", TOP, "out_class = decision", "out_class = ~decision"),
    "first and last swapped on the port": Fault("small", TOP, *SWAPPED),
    "encoder takes >= for >": Fault("small", "rate", "above = 1'b0;", "above = 1'b1;"),
    "an image is read while it is written": Fault("small", "image", "words[{from, group}]", "words[{to, group}]"),
    "the second group is not visited": Fault("small", "walk", "assign go = valid", "assign go = ~group[0] & valid"),
}  # fmt: skip


@pytest.fixture(scope="module")
def designs(exported: Export) -> Callable[[str], VerilogDesign]:
    def design(name: str) -> VerilogDesign:
        make, inputs, neurons = NETWORKS[name]
        return _folded(exported, make(), inputs, neurons)

    return cache(design)


@pytest.fixture(scope="module")
def small(designs: Callable[[str], VerilogDesign]) -> ProofReport:
    return check_equivalence(designs("small"))


def test_a_small_design_is_proved_end_to_end(small: ProofReport) -> None:
    parts = {part.name: part for part in small.parts}
    assert all(part.status is ProofStatus.PROVED for name, part in parts.items() if name != "order of work")
    assert parts["end to end"].what.startswith("whole windows of 2 timesteps")
    assert {"source encoder", "source synapse1", "synapse1", "neuron1", "readout"} <= set(parts)


def test_what_no_part_proves_is_named(small: ProofReport) -> None:
    assert small.status is ProofStatus.UNKNOWN
    assert "order of work: UNKNOWN, beside what the end-to-end part says, beats with gaps" in small.summary()


def test_clocks_that_spikes_decide_are_not_proved(designs: Callable[[str], VerilogDesign]) -> None:
    report = check_equivalence(designs("scanned"))
    found = {part.name: part for part in report.parts}
    assert found["end to end"].status is ProofStatus.UNKNOWN
    assert "depends on the spikes" in found["end to end"].reason
    assert all(found[name].status is ProofStatus.PROVED for name in ("synapse1", "readout"))


def test_weights_that_may_be_loaded_are_not_proved(exported: Export) -> None:
    design = exported(_small(RATE), architecture="folded", interface="axi", axi_lite=True, load_weights=True)
    found = {part.name: part for part in check_equivalence(design).parts}
    for name in ("synapse1", "synapse2", "end to end"):
        assert found[name].status is ProofStatus.UNKNOWN
        assert "weights may be loaded" in found[name].reason
    assert all(found[name].status is ProofStatus.PROVED for name in ("source synapse1", "neuron1", "readout"))
    assert all("bounds of the exported network's weights" in found[name].what for name in ("neuron1", "readout"))


@pytest.mark.parametrize("name", ["small", "scanned"])
@pytest.mark.parametrize("side", ["low", "high"])
def test_sums_beyond_the_analysed_bounds(
    designs: Callable[[str], VerilogDesign], monkeypatch: pytest.MonkeyPatch, name: str, side: str
) -> None:
    """Bounds too narrow by one, of which the neurons would make use, at the same width of a sum."""
    ranges = ir.analyse(designs(name).network)
    current = ranges["synapse1"].current
    assert current is not None
    narrow = replace(current, **{side: getattr(current, side) + (1 if side == "low" else -1)})
    wrong = ranges | {"synapse1": replace(ranges["synapse1"], current=narrow)}
    monkeypatch.setattr(ir, "analyse", lambda network: wrong)
    report = check_equivalence(designs(name), parts=["synapse1"])
    assert report.status is ProofStatus.FAILED
    assert "a sum leaves the analysed bounds" in report.summary()


@pytest.mark.parametrize("seed", range(4))
def test_parts_of_random_networks(exported: Export, seed: int) -> None:
    network = builders.random_network(
        Random(seed),
        encoder=builders.ENCODERS[seed % len(builders.ENCODERS)],
        source=builders.SOURCES[seed % len(builders.SOURCES)],
        fields=builders.FIELDS[5 * seed],
        hidden=1, lengths=(1, 2), max_inputs=5, max_hidden=3, max_steps=4,
    )  # fmt: skip
    report = check_equivalence(_folded(exported, network, 1 + seed % 3, 1 + seed % 2), parts=PARTS[seed % 2 :])
    assert report.status is ProofStatus.PARTS_ONLY, report.summary()


def test_without_a_fault_it_is_proved(designs: Callable[[str], VerilogDesign]) -> None:
    assert check_equivalence(designs("mixed"), parts=PARTS).status is ProofStatus.PARTS_ONLY


def test_there_are_enough_faults() -> None:
    assert len(FAULTS) >= 10


def _planted(sound: VerilogDesign, fault: Fault, folder: Path, part: str) -> ProofReport:
    shutil.copytree(sound.folder, folder)
    file = folder / (f"{sound.network.name}.v" if fault.file == TOP else f"hdl/sct_fold_{fault.file}.v")
    text = file.read_text()
    assert fault.old in text, f"{fault.file} no longer holds {fault.old!r}; plant this fault anew"
    file.write_text(text.replace(fault.old, fault.new))
    return check_equivalence(FoldedDesign(folder, sound.network, sound.options), parts=[part])


@pytest.mark.planted
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught(name: str, designs: Callable[[str], VerilogDesign], tmp_path: Path) -> None:
    fault = FAULTS[name]
    report = _planted(designs(fault.network), fault, tmp_path / "mutant", KINDS.get(fault.file, "end to end"))
    assert report.status is ProofStatus.FAILED, report.summary()
    assert any(part.counterexample is not None for part in report.parts)


def test_a_period_is_closed(exported: Export, tmp_path: Path) -> None:
    """A stream that is right for a period and a half, and other numbers from then on; the window takes it there."""
    sound = _folded(exported, _small(RATE, 20), 2, 1)
    clocked = "    always @(posedge clk)\n        if (go) begin\n"
    aged = (
        "    reg [4:0] age;\n    wire late = age > 5'd9;\n"
        "    always @(posedge clk) if (go & head) age <= fresh ? 5'd0 : late ? age : age + 1'b1;\n"
    )
    folder = tmp_path / "mutant"
    shutil.copytree(sound.folder, folder)
    file = folder / "hdl" / "sct_fold_stream.v"
    text, right = file.read_text(), "random[p*B +: B] = state[p +: B]"
    assert clocked in text
    assert right in text
    file.write_text(text.replace(clocked, aged + clocked).replace(right, right + " ^ {B{late}}"))
    report = check_equivalence(FoldedDesign(folder, sound.network, sound.options), parts=["source"])
    assert [part.status for part in report.parts] == [ProofStatus.PROVED, *[ProofStatus.FAILED] * 2], report.summary()
    assert "is another one after a period of 7 ticks" in report.summary()


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.file == TOP])
def test_a_window_reads_the_answers_ports(name: str, designs: Callable[[str], VerilogDesign], tmp_path: Path) -> None:
    report = _planted(designs("small"), FAULTS[name], tmp_path / "mutant", "end to end")
    assert report.status is ProofStatus.FAILED, report.summary()
    example = report.parts[0].counterexample
    assert example is not None
    assert example.signal == "readout.decision"
