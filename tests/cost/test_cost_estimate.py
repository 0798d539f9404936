"""estimate(): figures with their kinds, and that it is of the design that an export would give."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from builders import random_network

from sctorch import cost, ir, lower, nn
from sctorch.backends.verilog.backend import choose
from sctorch.backends.verilog.folded.design import FoldedDesign
from sctorch.backends.verilog.unrolled.design import UnrolledDesign
from sctorch.cost.energy import energy_of
from sctorch.errors import ConfigError
from sctorch.hardware.targets import get_target


def test_every_figure_says_what_kind_it_is() -> None:
    found = cost.estimate(random_network(Random(1)), "ice40-hx8k", "unrolled")
    kinds = {name: figure.kind for name, figure in found.figures().items()}
    assert kinds == {
        "luts": "surrogate", "ffs": "surrogate", "carry": "surrogate", "brams": "analytic", "dsps": "analytic",
        "fmax": "surrogate", "latency_cycles": "analytic", "cycles_per_inference": "analytic", "energy_nj": "unknown",
    }  # fmt: skip
    assert found.luts.low < found.luts.value < found.luts.high  # type: ignore[operator]
    assert found.latency_cycles.low == found.latency_cycles.value == found.latency_cycles.high
    assert "toggle_pj" in found.energy_nj.note
    assert found.structure["neurons"] > 0 or found.structure["score_ffs"] > 0


@pytest.mark.parametrize("seed", range(6))
def test_clocks_are_those_of_the_design(seed: int) -> None:
    net = random_network(Random(seed), lengths=(1, 4))
    for name, kind, options in (("unrolled", UnrolledDesign, {}), ("folded", FoldedDesign, {"inputs_per_clock": 3})):
        full = {"logic_depth": 2, "input_register": True, "neurons_per_clock": 1, "load_weights": False, **options}
        design = kind(Path("unused"), net, {**full, "interface": "core"})
        found = cost.estimate(net, "ecp5", name, **options)
        assert found.latency_cycles.value == design.core.latency
        assert found.cycles_per_inference.value == design.core.window_clocks


def test_a_torch_network_is_lowered_first() -> None:
    torch.manual_seed(0)
    net = nn.SpikingNetwork(
        nn.RateEncoder(6, bits=4), nn.SCLinear(6, 3, weight_bits=3), nn.SNNReadout(3, output_mode="membrane"),
        num_steps=8,
    )  # fmt: skip
    assert cost.estimate(net, "ecp5", "unrolled") == cost.estimate(lower.lower(net), "ecp5", "unrolled")


def test_auto_is_what_an_export_takes() -> None:
    small, large = random_network(Random(2)), _dense(200, 60)
    for net in (small, large):
        assert cost.estimate(net, "ice40").architecture == choose(net, {}, "ice40")[0]
    assert cost.estimate(small, "ice40").architecture == "unrolled"
    assert cost.estimate(large, "ice40").architecture == "folded"


def _dense(inputs: int, classes: int) -> ir.Network:
    weight = np.random.default_rng(0).integers(1, 8, (classes, inputs))
    source = ir.StreamSource("lfsr", 3, (5, 3), 1, "shift")
    synapse = ir.StochasticSynapse("synapse1", weight, np.zeros(classes), 1, source)
    readout = ir.Readout("readout", classes, "membrane", "argmax_membrane")
    return ir.Network("net", 8, (ir.EventEncoder("encoder", inputs), synapse, readout))


def test_a_design_like_none_of_the_runs_says_so() -> None:
    found = cost.estimate(_dense(400, 300), "alveo-u250", "unrolled")
    assert any("lie outside" in text for text in found.outside)
    assert any("takes its coefficients" in text for text in found.outside)
    assert found.fits
    assert not cost.estimate(_dense(400, 300), "ice40", "unrolled").fits


def test_wrong_questions_are_refused() -> None:
    net = random_network(Random(1))
    with pytest.raises(ConfigError, match="architecture"):
        cost.estimate(net, "ice40", "rolled")
    with pytest.raises(ConfigError, match="'lanes' is unknown"):
        cost.estimate(net, "ice40", "folded", lanes=3)
    with pytest.raises(ConfigError, match="interfaces are not modelled"):
        cost.estimate(net, "ice40", "unrolled", interface="uart")
    with pytest.raises(ConfigError, match="is unknown"):
        cost.estimate(net, "ice4000")


# ---------------------------------------------------------------- energy


def _two_inputs() -> ir.Network:
    source = ir.StreamSource("counter", 1)
    synapse = ir.StochasticSynapse("synapse1", np.array([[1, 0], [0, 1]]), np.zeros(2), 1, source)
    readout = ir.Readout("readout", 2, "membrane", "argmax_membrane")
    return ir.Network("net", 4, (ir.EventEncoder("encoder", 2), synapse, readout))


def test_toggles_are_those_of_the_trace() -> None:
    spikes = np.array([[[1, 0]], [[0, 0]], [[1, 0]], [[1, 1]]])  # input 0 toggles twice, input 1 once
    found = cost.switching_activity(_two_inputs(), spikes)
    assert found.toggles["encoder"] == 3
    assert found.registers["encoder"] == 2
    assert found.ticks == 4
    # R is 0 in even ticks and 1 in odd ones: currents are on in ticks 0 and 2, of input 0 alone.
    assert found.toggles["synapse1"] == 3
    still = cost.switching_activity(_two_inputs(), np.zeros((4, 2, 2), dtype=np.int64))
    assert still.per_tick == 0
    assert still.windows == 2


def test_energy_is_the_sum_of_its_parts() -> None:
    activity = cost.Activity({"a": 40.0}, {"a": 10}, 4, 1)  # one toggle of a bit in each tick
    given = {"static_mw": 2.0, "clock_pj": 10.0, "toggle_pj": 0.5}
    found = energy_of(get_target("ecp5"), 100, 50, 25.0, activity, given)
    assert found.static_nj == pytest.approx(2.0 * 50 / 25)
    assert found.clock_nj == pytest.approx(0.5)
    assert found.switching_nj == pytest.approx(4 * 100 * 0.5 / 1000)
    assert found.total_nj == pytest.approx(4.0 + 0.5 + 0.2)
    assert found.unknown == ()
    with_blocks = energy_of(get_target("ecp5"), 100, 50, 25.0, activity, given, brams=2)
    assert with_blocks.total_nj is None
    assert with_blocks.unknown == ("bram_pj",)


def test_energy_is_unknown_unless_every_coefficient_has_a_source() -> None:
    net = random_network(Random(1), encoder="events")
    spikes = np.ones((net.num_steps * net.encoder_ticks, 2, net.encoder.size), dtype=np.int64)
    activity = cost.switching_activity(net, spikes)
    unknown = cost.estimate(net, "ice40-up5k", "unrolled", activity)
    assert unknown.energy_nj.value is None
    assert unknown.energy is not None
    assert unknown.energy.unknown == ("toggle_pj",)
    assert unknown.energy.clock_nj > 0  # type: ignore[operator]  # what is known is told apart
    known = cost.estimate(net, "ice40-up5k", "unrolled", activity, {"toggle_pj": 0.3})
    assert known.energy_nj.value == known.energy.total_nj  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="energy coefficient"):
        cost.estimate(net, "ice40-up5k", "unrolled", activity, {"toggles": 0.3})
    assert cost.estimate(net, "vu13p", "unrolled").energy_nj.kind == "unknown"
