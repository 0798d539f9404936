"""Verilator and yosys have nothing to say of what is generated for every kind of network, and of the library."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from random import Random

import builders
import pytest

from sctorch import ir
from sctorch.backends.resources import resource_folder
from sctorch.backends.verilog.unrolled.emit import emit
from sctorch.backends.verilog.unrolled.plan import plan
from sctorch.errors import ToolFailedError
from sctorch.hardware.tools import find_tool, run_tool

HDL = sorted(resource_folder("hdl").glob("*.v"))
GROUPS = 8


def cases() -> list[ir.Network]:
    """Every combination of neuron fields once; encoders, sources, synapses, readouts, rules and lengths in turn."""
    networks = []
    rules = [("spike", rule) for rule in ir.layers.DECISION_RULES["spike"]]
    rules += [("membrane", rule) for rule in ir.layers.DECISION_RULES["membrane"]]
    for index, fields in enumerate(builders.FIELDS):
        readout, rule = rules[index % len(rules)]
        encoder = builders.ENCODERS[index % len(builders.ENCODERS)]
        networks.append(
            builders.random_network(
                Random(7000 + index), f"net{index}", encoder=encoder, fixed=True if index % 5 == 4 else None,
                source=builders.SOURCES[(index // 2) % len(builders.SOURCES)], fields=fields, readout=readout,
                rule=rule if readout == "spike" or rule == "binary_logit" else None, hidden=index % 3,
                lengths=(1,) if index % 4 else (1, 2, 8),
            )
        )  # fmt: skip
    return networks


CASES = cases()


def test_the_cases_hold_every_kind_of_layer() -> None:
    layers = [layer for network in CASES for layer in network.layers]
    assert {type(layer) for layer in layers} == {
        ir.RateEncoder, ir.LevelEncoder, ir.DirectEncoder, ir.EventEncoder, ir.StochasticSynapse, ir.FixedSynapse,
        ir.Neuron, ir.Delay, ir.Readout,
    }  # fmt: skip
    neurons = {(n.leak.kind, n.compare, n.reset, n.reset_delay) for n in layers if isinstance(n, ir.Neuron)}
    assert len(neurons) >= 40
    rules = {n.decision_rule for n in layers if isinstance(n, ir.Readout)}
    assert rules == {rule for found in ir.layers.DECISION_RULES.values() for rule in found}
    assert max(network.ticks_per_step for network in CASES) > 1


def written(folder: Path, network: ir.Network) -> str:
    (folder / f"{network.name}.v").write_text(emit(plan(network, len(network.layers) % 3)))  # of any logic_depth
    return f"{network.name}.v"


def lint(folder: Path, top: str, files: list[str], defines: tuple[str, ...] = ()) -> str:
    """What Verilator says, all of its warnings on."""
    command = ["verilator", "--lint-only", "-Wall", *(f"-D{d}" for d in defines), "--top-module", top, *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode or "%Warning" in done.stderr else ""


def yosys_warnings(folder: Path, tops: list[tuple[str, list[str]]], defines: str = "") -> list[str]:
    """What yosys says of designs that it elaborates and checks, one after another."""
    scripts = [
        f"read_verilog -defer {defines} {' '.join(files)}; hierarchy -check -top {top}; proc; opt_clean; "
        "check -assert; design -reset"
        for top, files in tops
    ]
    (folder / "check.ys").write_text("\n".join(scripts))
    log = run_tool(find_tool("yosys"), ["check.ys"], cwd=folder)
    assert log.count("Found and reported 0 problems.") == len(tops)
    return re.findall(r"^.*Warning:.*$", log, flags=re.MULTILINE)


@pytest.mark.parametrize("group", range(GROUPS))
def test_verilator_has_nothing_to_say_of_a_design(group: int, tmp_path: Path) -> None:
    builders.require_program("verilator")
    library = [str(path) for path in HDL]
    for network in CASES[group::GROUPS]:
        file = written(tmp_path, network)
        for defines in ((), ("SCTORCH_TRACE",)):
            said = lint(tmp_path, network.name, [file, *library], defines)
            assert not said, f"{network.name} {defines}:\n{said[:3000]}"


@pytest.mark.parametrize("defines", ["", "-DSCTORCH_TRACE"])
def test_yosys_has_nothing_to_say_of_a_design(defines: str, tmp_path: Path) -> None:
    builders.require_tool("yosys")
    for path in HDL:
        (tmp_path / path.name).write_text(path.read_text())
    library = [path.name for path in HDL]
    tops = [(network.name, [written(tmp_path, network), *library]) for network in CASES]
    assert yosys_warnings(tmp_path, tops, defines) == []


@pytest.mark.parametrize("path", HDL, ids=lambda p: p.stem)
def test_verilator_has_nothing_to_say_of_a_module(path: Path, tmp_path: Path) -> None:
    """With the parameters' own defaults, so that a module can be taken alone."""
    builders.require_program("verilator")
    said = lint(tmp_path, path.stem, [str(p) for p in HDL])
    assert not said, said[:3000]


def test_yosys_has_nothing_to_say_of_the_library(tmp_path: Path) -> None:
    builders.require_tool("yosys")
    for path in HDL:
        (tmp_path / path.name).write_text(path.read_text())
    files = [path.name for path in HDL]
    assert yosys_warnings(tmp_path, [(path.stem, files) for path in HDL]) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("assign above = over[W];", "assign above = over;", "WIDTH"),
        ("assign above = over[W];", "", "UNDRIVEN"),
    ],
)
def test_the_lint_sees_what_is_wrong(old: str, new: str, says: str, tmp_path: Path) -> None:
    builders.require_program("verilator")
    text = (resource_folder("hdl") / "sct_above.v").read_text()
    assert old in text
    (tmp_path / "sct_above.v").write_text(text.replace(old, new))
    assert says in lint(tmp_path, "sct_above", ["sct_above.v"])


def test_the_check_sees_what_is_wrong(tmp_path: Path) -> None:
    builders.require_tool("yosys")
    (tmp_path / "bad.v").write_text("module bad (input a, output [1:0] y); assign y = {gone, a}; endmodule\n")
    with pytest.raises(ToolFailedError, match="no driver"):
        yosys_warnings(tmp_path, [("bad", ["bad.v"])])
    (tmp_path / "cut.v").write_text("module cut (input [3:0] a, output y); assign y = a[7]; endmodule\n")
    assert "Range select out of bounds" in yosys_warnings(tmp_path, [("cut", ["cut.v"])])[0]
