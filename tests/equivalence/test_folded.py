"""Random networks folded: every encoder, source, neuron field and length, with any number of inputs per clock."""

from __future__ import annotations

from pathlib import Path

import builders
import numpy as np
import pytest

import sctorch
from sctorch import ir
from sctorch.backends.verilog import FoldedDesign
from sctorch.backends.verilog.folded.design import window_beats

LANES, NEURONS = (1, 2, 3, 4, 8), (1, 2, 3)


@pytest.mark.parametrize("case", range(len(builders.FIELDS)))
def test_a_random_network_is_the_simulators(case: int, tmp_path: Path) -> None:
    builders.require_tool("yosys")
    builders.require_tool("g++")
    fields = builders.FIELDS[case]
    encoder = builders.ENCODERS[case % len(builders.ENCODERS)]
    source = builders.SOURCES[case % len(builders.SOURCES)]
    network, x, expected = builders.alive_network(
        300 + case, 5, encoder=encoder, source=source, fields=fields, lengths=(1, 2, 4), hidden=1 + case % 2,
        max_inputs=40 if case % 3 else 12,
    )  # fmt: skip
    options = {"inputs_per_clock": LANES[case % len(LANES)], "neurons_per_clock": NEURONS[case % len(NEURONS)]}
    design = sctorch.export(network, tmp_path / "net", architecture="folded", **options)
    assert isinstance(design, FoldedDesign)
    assert builders.assert_traces_equal(expected, design.trace(x)) > 0
    beats = len(window_beats(network, ir.check_input(network, x)).data)
    gaps = np.random.default_rng(case).integers(0, 5, beats)
    builders.assert_traces_equal(expected, design.trace(x, gaps=gaps))


def test_the_cases_hold_everything() -> None:
    """56 combinations of fields meet all nine encoders, all sources and all numbers of lanes."""
    count = len(builders.FIELDS)
    assert count == 56
    assert {builders.ENCODERS[c % len(builders.ENCODERS)] for c in range(count)} == set(builders.ENCODERS)
    assert {builders.SOURCES[c % len(builders.SOURCES)] for c in range(count)} == set(builders.SOURCES)
