"""Exporting: a design is whole or absent, is recognised again, and what cannot be done is said before anything is
written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random

import builders
import numpy as np
import pytest
import torch

import sctorch
from sctorch import ir, nn
from sctorch.backends import Design, backend_names, export_network, load
from sctorch.backends.design import writing_folder
from sctorch.backends.verilog import VerilogDesign
from sctorch.backends.verilog.names import KEYWORDS
from sctorch.backends.verilog.unrolled.design import OPTIONS
from sctorch.backends.verilog.unrolled.emit import emit
from sctorch.backends.verilog.unrolled.plan import plan
from sctorch.errors import ConfigError, ToolFailedError, ToolNotFoundError, UnsupportedError
from sctorch.exporting import _identifier


def tiny(num_steps: int = 5, weight: int = 3) -> ir.Network:
    synapse = ir.FixedSynapse("synapse", np.array([[weight, 1], [1, 2]]), np.zeros(2), 2, 2)
    readout = ir.Readout("readout", 2, "membrane", "argmax_membrane", 2)
    return ir.Network("net", num_steps, (ir.EventEncoder("spikes_in", 2), synapse, readout))


def tiny_torch() -> nn.SpikingNetwork:
    torch.manual_seed(0)
    return nn.SpikingNetwork(
        nn.RateEncoder(3, bits=3),
        nn.SCLinear(3, 2, weight_bits=2),
        nn.SNNReadout(2, output_mode="membrane"),
        num_steps=4,
    )


@pytest.fixture(autouse=True)
def _tools() -> None:
    builders.require_tool("yosys")
    builders.require_tool("g++")


@pytest.fixture
def failing_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "bin" / "broken-g++"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho first line of the compiler\necho the compiler gives up >&2\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setenv("SCTORCH_GXX", str(script))


# ---------------------------------------------------------------- what is written


def test_a_design_holds_everything_and_is_found_again(tmp_path: Path) -> None:
    network = tiny()
    design = sctorch.export(network, tmp_path / "deep" / "net")
    assert isinstance(design, Design)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["net"], "something was left beside the design"
    names = {p.relative_to(design.folder).as_posix() for p in design.folder.rglob("*") if p.is_file()}
    assert {"net.v", "net_tb.v", "network.json", "design.json", "hdl/sct_lif.v", "hdl/sim/driver.h"} <= names
    assert not [name for name in names if name.endswith((".part", ".cc"))]
    again = load(design.folder)
    assert ir.digest(again.network) == ir.digest(network)
    assert (again.backend, again.options) == ("verilog", OPTIONS)
    assert not [name for name in names if "sct_fold" in name or "sct_io" in name], "files of another architecture"
    x = builders.random_input(network, 3, 0)
    builders.assert_traces_equal(ir.simulate(network, x), again.trace(x))
    assert again.predict(x).tolist() == ir.simulate(network, x)["readout.decision"][..., 0].tolist()
    assert "verilog design 'net'" in repr(again)


def test_the_description_states_facts(tmp_path: Path) -> None:
    design = sctorch.export(tiny(), tmp_path / "net")
    description = json.loads((tmp_path / "net" / "design.json").read_text())
    assert description["backend"] == "verilog"
    assert description["latency_cycles"] == design.latency_cycles == 4  # three layers and the decision
    assert description["cycles_per_inference"] == design.cycles_per_inference == 5
    assert description["network_sha256"] == ir.digest(design.network)


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 9])
@pytest.mark.parametrize("rule", ["argmax_spike_count", "first_to_threshold", "threshold_then_argmax"])
def test_registers_within_the_decision_only_delay_it(rule: str, depth: int, tmp_path: Path) -> None:
    classes = 11
    numbers = np.random.default_rng(3)
    synapse = ir.FixedSynapse("synapse", numbers.integers(-3, 4, (classes, 7)), np.zeros(classes), 2, 2)
    neuron = ir.Neuron("neuron", classes, 2, np.full(classes, 2), ir.Leak("shift", 2))
    readout = ir.Readout("readout", classes, "spike", rule, class_threshold=1 if rule == "argmax_spike_count" else 3)
    network = ir.Network("net", 12, (ir.EventEncoder("spikes_in", 7), synapse, neuron, readout))
    x = builders.random_input(network, 20, 5)
    expected = ir.simulate(network, x)
    assert len(np.unique(expected["readout.decision"])) > 5
    design = sctorch.export(network, tmp_path / "net", logic_depth=depth)
    assert isinstance(design, VerilogDesign)
    assert design.latency_cycles == 5 + {0: 0, 1: 3, 2: 1, 3: 1, 9: 0}[depth]
    builders.assert_traces_equal(expected, design.trace(x))
    builders.assert_traces_equal(expected, design.trace(x, gaps=numbers.integers(0, 3, (20, 12))))


@pytest.mark.parametrize("depth", [-1, 1.5, True, "2", None])
def test_a_logic_depth_that_is_no_number_of_levels_is_refused(depth: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"logic_depth = .*whole number of levels"):
        sctorch.export(tiny(), tmp_path / "net", logic_depth=depth)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoder", builders.ENCODERS)
def test_without_input_registers_a_decision_comes_one_clock_earlier(
    encoder: tuple[str, str] | str, tmp_path: Path
) -> None:
    index = builders.ENCODERS.index(encoder)
    lengths = (2, 4) if index % 2 else (1,)
    network, x, expected = builders.alive_network(80 + index, 4, encoder=encoder, lengths=lengths, max_steps=8)
    registered = sctorch.export(network, tmp_path / "registered")
    design = sctorch.export(network, tmp_path / "net", input_register=False)
    assert isinstance(registered, VerilogDesign)
    assert isinstance(design, VerilogDesign)
    assert design.latency_cycles == registered.latency_cycles - 1
    builders.assert_traces_equal(expected, design.trace(x))
    gaps = np.random.default_rng(index).integers(0, 3, (4, network.num_steps))
    builders.assert_traces_equal(expected, design.trace(x, gaps=gaps))


def test_an_input_register_is_a_yes_or_a_no(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="input_register = 1 must be true or false"):
        sctorch.export(tiny(), tmp_path / "net", input_register=1)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_network_gives_the_same_text(seed: int) -> None:
    first, second = (builders.random_network(Random(seed)) for _ in range(2))
    assert emit(plan(first)) == emit(plan(second))
    assert str(ir.digest(first)[:16]) in emit(plan(first))


def test_an_older_design_is_replaced(tmp_path: Path) -> None:
    sctorch.export(tiny(), tmp_path / "net")
    (tmp_path / "net" / "notes.txt").write_text("of the old one")
    design = sctorch.export(tiny(weight=2), tmp_path / "net")
    assert design.network.synapses[0].weight[0, 0] == 2
    assert not (tmp_path / "net" / "notes.txt").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["net"]


def test_an_empty_folder_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    sctorch.export(tiny(), tmp_path / "net")
    assert (tmp_path / "net" / "net.v").is_file()


def test_a_changed_network_file_is_noticed(tmp_path: Path) -> None:
    design = sctorch.export(tiny(), tmp_path / "net")
    ir.save(tiny(weight=1), design.folder / "network.json")
    with pytest.raises(ConfigError, match=r"network\.json was changed after the export"):
        load(design.folder)


def test_a_folder_without_a_design_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no design of sctorch"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="holds no design of sctorch"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["[]", "{}", "3", '{"backend": "verilog"}', '{"backend": 5, "network_sha256": "x"}'])
def test_a_broken_description_is_refused(text: str, tmp_path: Path) -> None:
    design = sctorch.export(tiny(), tmp_path / "net")
    (design.folder / "design.json").write_text(text)
    with pytest.raises(ConfigError, match="net"):
        load(design.folder)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("digits", "digits"), ("My Design-2", "my_design_2"), ("a--b__c_", "a_b_c"), ("3d", "net_3d"),
        ("Ünïcode", "n_code"), ("...", "net"), ("design", "design_net"), ("top", "top_net"), ("sct_lif", "net_sct_lif"),
    ],
)  # fmt: skip
def test_any_folder_gives_a_name(folder: str, name: str) -> None:
    assert _identifier(folder) == name
    ir.Network(name, 1, tiny().layers)
    assert name not in KEYWORDS


def test_a_name_given_is_kept_and_a_bad_one_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'Bad Name' cannot name"):
        sctorch.export(tiny_torch(), tmp_path / "net", name="Bad Name")
    design = sctorch.export(tiny_torch(), tmp_path / "net", name="other", meta={"classes": "yes, no"})
    assert design.network.name == "other"
    assert dict(load(design.folder).network.meta) == {"classes": "yes, no"}
    assert (design.folder / "other.v").is_file()


@pytest.mark.parametrize("fields", [{"name": "other"}, {"meta": {"a": "b"}}])
def test_an_integer_network_has_its_name_and_meta_already(fields: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has its name and meta already"):
        sctorch.export(tiny(), tmp_path / "net", **fields)  # type: ignore[arg-type]


# ---------------------------------------------------------------- what is refused, with nothing written


def test_unknown_names_list_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="backend 'vhdl' is unknown; known: verilog"):
        sctorch.export(tiny(), tmp_path / "net", backend="vhdl")
    with pytest.raises(ConfigError, match="target 'virtex2' is unknown; known: ice40-hx8k"):
        sctorch.export(tiny(), tmp_path / "net", target="virtex2")
    with pytest.raises(ConfigError, match="verilog backend: option 'arch' is unknown; known: architecture"):
        sctorch.export(tiny(), tmp_path / "net", arch="folded")
    with pytest.raises(ConfigError, match="architecture 'magic' is unknown; known: unrolled"):
        sctorch.export(tiny(), tmp_path / "net", architecture="magic")
    assert list(tmp_path.iterdir()) == []
    assert "verilog" in backend_names()


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="Linear"):
        sctorch.export(torch.nn.Linear(2, 2), tmp_path / "net")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_path_under_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file" / "net", tmp_path / "file" / "deep" / "net"):
        with pytest.raises(ConfigError, match=r"cannot write .*choose a folder that can be written"):
            sctorch.export(tiny(), folder)
    with pytest.raises(ConfigError, match=r"file exists and holds no design of ours"):
        sctorch.export(tiny(), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "x"


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="home exists and holds no design of ours; choose another folder"):
        sctorch.export(tiny(), folder)
    assert [p.name for p in folder.iterdir()] == ["thesis.txt"]
    assert (folder / "thesis.txt").read_text() == "years of work"
    assert [p.name for p in tmp_path.iterdir()] == ["home"]


def test_a_foreign_design_json_protects_its_folder(tmp_path: Path) -> None:
    """A file called design.json alone does not make a folder ours."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "design.json").write_text('{"title": "my kitchen"}')
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="holds no design of ours"):
        sctorch.export(tiny(), folder)
    assert (folder / "thesis.txt").read_text() == "years of work"


# ---------------------------------------------------------------- failures on the way


@pytest.mark.usefixtures("failing_compiler")
def test_a_compiler_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match="exit status 3") as caught:
        sctorch.export(tiny(), tmp_path / "out" / "net")
    assert "the compiler gives up" in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_compiler_that_fails_leaves_the_older_design(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    design = sctorch.export(tiny(), tmp_path / "out" / "net")
    before = {p.name: p.read_bytes() for p in design.folder.iterdir() if p.is_file()}
    request.getfixturevalue("failing_compiler")
    with pytest.raises(ToolFailedError):
        sctorch.export(tiny(weight=1), tmp_path / "out" / "net")
    assert {p.name: p.read_bytes() for p in design.folder.iterdir() if p.is_file()} == before
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["net"]
    assert load(design.folder).network.synapses[0].weight[0, 0] == 3


def test_a_missing_compiler_is_named_and_nothing_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCTORCH_GXX", str(tmp_path / "no-such-compiler"))
    with pytest.raises(ToolNotFoundError, match=r"no-such-compiler.*SCTORCH_GXX"):
        sctorch.export(tiny(), tmp_path / "out" / "net")
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


def test_an_interrupt_while_writing_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with writing_folder(tmp_path / "net") as part:
            (part / "half").write_text("a file")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_the_folder_has_the_rights_of_a_new_one(tmp_path: Path) -> None:
    with writing_folder(tmp_path / "net") as part:
        (part / "design.json").write_text("{}")
    (tmp_path / "plain").mkdir()
    assert os.stat(tmp_path / "net").st_mode == os.stat(tmp_path / "plain").st_mode


def test_a_design_runs_without_its_compiled_simulation(tmp_path: Path) -> None:
    """What is compiled is made again where it is missing (a checkout of the files alone)."""
    network = tiny()
    export_network(network, tmp_path / "net", "verilog", {})
    (tmp_path / "net" / "sim" / "simulation.so").unlink()
    x = builders.random_input(network, 3, 0)
    builders.assert_traces_equal(ir.simulate(network, x), load(tmp_path / "net").trace(x))
