"""Synthesised netlists: the cells of a target, run with yosys' models of them, give the simulator's integers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import builders
import numpy as np
import pytest
import torch

import sctorch
from sctorch import data, ir, nn, train
from sctorch.backends.resources import resource_folder
from sctorch.backends.verilog import VerilogDesign
from sctorch.errors import ConfigError, ToolFailedError, UnsupportedError
from sctorch.hardware.targets import get_target
from sctorch.hardware.tools import find_tool, run_tool
from sctorch.hardware.yosys import DEFINES, write_gates

WINDOWS = 4
TARGETS = ("ice40-hx8k", "artix7-35t", "ecp5-85k")
# Kinds of everything in turn. (The product of a leak is a multiplier on ecp5, of which there is no model.)
CASES: list[tuple[str, dict[str, Any]]] = [
    ("ice40-hx8k", {"encoder": ("counter", "shared"), "source": ("lfsr", "shift"),
                    "fields": ("shift", "ge", "subtract", False)}),
    ("artix7-35t", {"encoder": ("lfsr", "independent"), "source": ("counter", "permute"),
                    "fields": ("multiply", "gt", "zero", True), "readout": "membrane"}),
    ("ice40-hx8k", {"encoder": "events", "source": ("lfsr", "permute"), "readout": "spike",
                    "fields": ("stochastic", "ge", "subtract_snntorch", False), "rule": "first_to_threshold"}),
    ("ecp5-85k", {"encoder": "direct", "fixed": True, "fields": ("none", "gt", "none", False),
                  "readout": "membrane", "rule": "binary_logit"}),
    ("ecp5-85k", {"encoder": "levels", "source": ("lfsr", "independent"), "readout": "spike",
                  "fields": ("shift", "gt", "subtract", True), "rule": "threshold_then_argmax"}),
    ("artix7-35t", {"encoder": ("lfsr", "shift"), "source": ("counter", "shared"), "lengths": (1, 4),
                    "fields": ("stochastic", "ge", "subtract", False)}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _tools() -> None:
    builders.require_tool("yosys")
    builders.require_tool("g++")


def exported(index: int, folder: Path) -> tuple[VerilogDesign, np.ndarray, ir.Trace]:
    fields = {"hidden": 1, "max_inputs": 8, "max_hidden": 5, "max_steps": 12} | CASES[index][1]
    network, x, expected = builders.alive_network(900 + index, WINDOWS, **fields)
    design = sctorch.export(network, folder / "design")
    assert isinstance(design, VerilogDesign)
    return design, x, expected


@pytest.mark.parametrize("index", range(len(CASES)))
def test_every_layer_of_a_netlist_equals_the_simulator(index: int, tmp_path: Path) -> None:
    design, x, expected = exported(index, tmp_path)
    target = CASES[index][0]
    gates = design.netlist(target, traced=True)
    builders.assert_traces_equal(expected, gates.trace(x))
    gaps = np.random.default_rng(index).integers(0, 3, (WINDOWS, design.network.num_steps))
    builders.assert_traces_equal(expected, gates.trace(x, gaps=gaps))
    report = sctorch.verify(design.network, [design, gates], x)
    assert report.ok
    assert [pair.name for pair in report.pairs] == ["ir = verilog", f"ir = {target} gates"]
    assert report.pairs[1].keys == report.pairs[0].keys


@pytest.mark.parametrize("target", TARGETS)
def test_the_shipped_netlist_decides_as_the_simulator_does(target: str, tmp_path: Path) -> None:
    design, x, expected = exported(0, tmp_path)
    gates = design.netlist(target)
    key = "readout.decision"
    builders.assert_traces_equal({key: expected[key]}, gates.trace(x))
    assert (gates.predict(x) == expected[key][..., 0]).all()
    text = (gates.folder / "net.v").read_text()
    cell = {"ice40": "SB_LUT4", "xc7": r"LUT\d", "ecp5": "LUT4"}[get_target(target).family]
    assert re.search(rf"^  {cell} #\(", text, flags=re.MULTILINE)
    assert "trace" not in text.partition("endmodule")[0], "the shipped netlist has no trace"
    assert not re.search(r"^\s*always|sct_popcount #", text, flags=re.MULTILINE), "something was not synthesised"
    assert design.trace(x).keys() == expected.keys(), "the design itself is as it was"


@pytest.mark.parametrize("cell", ["a LUT", "a flip-flop"])
def test_one_cell_that_is_wrong_is_noticed(cell: str, tmp_path: Path) -> None:
    design, x, expected = exported(0, tmp_path)
    gates = design.netlist("ice40-hx8k", traced=True)
    file = gates.folder / "net.v"
    text = file.read_text()
    lut = cell == "a LUT"
    places = list(re.finditer(r"16'h(\w+)" if lut else r"\.D\(.+?\)(?=,)", text))
    place = places[len(places) // 2]
    fault = f"16'h{int(place[1], 16) ^ 0xFFFF:04x}" if lut else ".D(1'h0)"
    file.write_text(text[: place.start()] + fault + text[place.end() :])
    gates.build()
    got = gates.trace(x)
    assert any((got[key] != expected[key]).any() for key in expected)


def test_what_cannot_be_made_is_refused_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    design, _, _ = exported(0, tmp_path)
    before = sorted(p.name for p in design.folder.iterdir())
    with pytest.raises(ConfigError, match="target 'virtex2' is unknown"):
        design.netlist("virtex2")
    assert sorted(p.name for p in design.folder.iterdir()) == before
    gates = design.netlist("ice40-hx8k")
    with pytest.raises(ConfigError, match="is a netlist already"):
        gates.netlist("ice40-hx8k")
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("SCTORCH_GXX", str(broken))
    with pytest.raises(ToolFailedError):
        design.netlist("ice40-hx8k", traced=True)
    assert [p.name for p in (design.folder / "netlist").iterdir()] == ["ice40-hx8k"]


COUNTED = """
module counted (input [{last}:0] in, output [{width}:0] one, other);
    sct_popcount #(.N({n})) a (.in(in), .count(one));
    other_popcount #(.N({n})) b (.in(in), .count(other));
    always @* assert (one == other);
endmodule
"""


@pytest.mark.parametrize("family", ["xc7", "xcup"])
@pytest.mark.parametrize("planted", [False, True])
def test_the_counter_of_a_family_counts_as_the_simulated_one(family: str, planted: bool, tmp_path: Path) -> None:
    assert DEFINES[family]
    counter = (resource_folder("hdl") / "sct_popcount.v").read_text()
    other = counter.replace("sct_popcount", "other_popcount")
    if planted:
        other = other.replace("left, in[N-1]}", "left, in[0]}")
    (tmp_path / "one.v").write_text(counter)
    (tmp_path / "other.v").write_text(other)
    for n in (4, 9, 16):
        (tmp_path / "top.v").write_text(COUNTED.format(n=n, last=n - 1, width=n.bit_length() - 1))
        script = (
            f"read_verilog -defer one.v; read_verilog -defer {' '.join(f'-D{d}' for d in DEFINES[family])} other.v; "
            "read_verilog -sv top.v; hierarchy -top counted; proc; flatten; opt_clean; async2sync; "
            f"sat {'-falsify' if planted else '-verify'} -prove-asserts"
        )
        run_tool(find_tool("yosys"), ["-p", script], cwd=tmp_path)


MEMORY = """
module some (input clk, input [9:0] at, input we, input [17:0] d, output reg [17:0] q);
    reg [17:0] memory [0:1023];
    always @(posedge clk) begin if (we) memory[at] <= d; q <= memory[at]; end
endmodule
"""


@pytest.mark.parametrize(("target", "cell"), [("artix7", "RAMB18E1"), ("ecp5", "DP16KD")])
def test_cells_without_a_model_are_named(target: str, cell: str, tmp_path: Path) -> None:
    (tmp_path / "some.v").write_text(MEMORY)
    with pytest.raises(UnsupportedError, match=f"simulating the cell {cell} is not supported"):
        write_gates(tmp_path, "some", ["some.v"], get_target(target), tmp_path / "out.v", "some")
    assert not (tmp_path / "out.v").exists()


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[VerilogDesign, np.ndarray, np.ndarray]:
    """A trained network on the digits, as Verilog, with the test split."""
    torch.manual_seed(0)
    net = nn.SpikingNetwork(
        nn.RateEncoder(64, bits=4),
        nn.SCLinear(64, 12, weight_bits=3),
        nn.LIF(12, beta=0.75, reset_delay=False, frac_bits=1),
        nn.SCLinear(12, 10, weight_bits=3),
        nn.SNNReadout(10, output_mode="membrane"),
        num_steps=16,
    )
    module = data.Digits()
    train.fit(net, module, train.TrainConfig(epochs=12, lr=2e-2, score_scale=0.1, progress_bar=False))
    design = sctorch.export(net, tmp_path_factory.mktemp("digits") / "digits")
    assert isinstance(design, VerilogDesign)
    return design, *module.test_arrays()


@pytest.mark.parametrize("target", ["ice40-hx8k", "artix7-35t"])
def test_a_netlist_equals_the_simulator_on_real_digits(
    target: str, digits: tuple[VerilogDesign, np.ndarray, np.ndarray]
) -> None:
    design, x, y = digits
    gates = design.netlist(target, traced=True)
    report = sctorch.verify(design.network, gates, x)
    assert report.ok
    assert report.spikes_compared > 10_000
    assert (gates.predict(x)[-1] == y).mean() > 0.8


@pytest.mark.parametrize("options", [{}, {"architecture": "folded"}], ids=["unrolled", "folded"])
def test_the_netlist_behind_an_interface_is_the_cores(options: dict[str, str], tmp_path: Path) -> None:
    network, x, expected = builders.alive_network(31, 2, hidden=1)
    design = sctorch.export(network, tmp_path / "design", interface="stream", **options)
    builders.assert_traces_equal(expected, design.netlist("ice40-hx8k", traced=True).trace(x))
