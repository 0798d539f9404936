"""The options of a folded design, and which architecture `auto` takes."""

from __future__ import annotations

import json
from pathlib import Path

import builders
import numpy as np
import pytest

import sctorch
from sctorch import ir
from sctorch.backends import check_network, load
from sctorch.backends.verilog import FoldedDesign, VerilogDesign
from sctorch.backends.verilog.backend import choose
from sctorch.errors import ConfigError, UnsupportedError


def tiny() -> ir.Network:
    synapse = ir.FixedSynapse("synapse", np.array([[3, 1], [1, 2]]), np.zeros(2), 2, 2)
    readout = ir.Readout("readout", 2, "membrane", "argmax_membrane", 2)
    return ir.Network("net", 5, (ir.EventEncoder("spikes_in", 2), synapse, readout))


def large(inputs: int = 784, neurons: int = 128) -> ir.Network:
    rng = np.random.default_rng(0)
    source = ir.StreamSource("lfsr", 4, (5, 3), 1, "shift")
    synapse = ir.StochasticSynapse(
        "synapse1", rng.integers(-15, 16, (neurons, inputs)), np.zeros(neurons), 1, source
    )  # fmt: skip
    encoder = ir.RateEncoder("encoder", inputs, ir.StreamSource("counter", 8))
    return ir.Network("net", 16, (encoder, synapse, ir.Readout("readout", neurons, "membrane", "argmax_membrane", 0)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "magic"}, "architecture 'magic' is unknown; known: unrolled, folded, auto"),
        ({"architecture": "folded", "lanes": 2}, "'lanes' is unknown to the folded architecture; known: arch"),
        ({"architecture": "folded", "inputs_per_clock": 0}, "inputs_per_clock = 0"),
        ({"architecture": "folded", "inputs_per_clock": 65}, "inputs_per_clock = 65"),
        ({"architecture": "folded", "neurons_per_clock": 1.5}, "neurons_per_clock = 1.5"),
        ({"architecture": "unrolled", "inputs_per_clock": 2}, "'inputs_per_clock' is unknown"),
        ({"architecture": "auto", "lanes": 2}, "option 'lanes' is unknown"),
        ({"architecture": "auto", "inputs_per_clock": 0}, "inputs_per_clock = 0"),
    ],
)  # fmt: skip
def test_unknown_options_are_refused(options: dict[str, object], message: str, tmp_path: Path) -> None:
    network = large(20, 4)
    if options["architecture"] == "auto" and "inputs_per_clock" in options:
        network = large()
    with pytest.raises(ConfigError, match=message):
        sctorch.export(network, tmp_path / "net", target="ecp5-85k", **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_auto_takes_what_fits_and_says_why(tmp_path: Path) -> None:
    builders.require_tool("yosys")
    builders.require_tool("g++")
    design = sctorch.export(tiny(), tmp_path / "net", architecture="auto", inputs_per_clock=2)
    assert isinstance(design, VerilogDesign)
    assert not isinstance(design, FoldedDesign)
    reason = json.loads((tmp_path / "net" / "design.json").read_text())["architecture_reason"]
    assert "unrolled takes an estimated" in reason
    assert "of ice40-hx8k" in reason
    assert load(tmp_path / "net").options["architecture"] == "unrolled"
    picked, why = choose(large(), {"architecture": "auto"}, "artix7-100t")
    assert picked == "folded"
    assert "unrolled takes an estimated" in why
    assert "too much for artix7-100t; folded takes an estimated" in why


def test_auto_refuses_what_fits_in_no_way(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"too much for ice40-hx8k; folded .* too much for ice40-hx8k.*Prune"):
        sctorch.export(large(), tmp_path / "net", architecture="auto", target="ice40-hx8k")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="'auto' needs a target"):
        check_network(tiny(), "verilog", {"architecture": "auto"})
