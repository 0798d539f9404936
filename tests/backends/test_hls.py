"""The exported hls4ml project, compiled and run, gives exactly the integers of the reference simulator."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hls_networks import COUNTER, LAST, LFSR, NETWORKS, NEURONS, RARE, STREAM, assert_same, inputs, packets

from sctorch import ir
from sctorch.backends import hls
from sctorch.backends.hls import plan, project
from sctorch.backends.hls.constants import source_tables
from sctorch.backends.hls.runner import LIBRARY
from sctorch.errors import ConfigError, ToolFailedError, ToolNotFoundError, UnsupportedError
from sctorch.hardware.tools import find_tool

Designs = Callable[..., hls.HlsDesign]


# One kernel text serves all three, so the streams need not have every network.
@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in NETWORKS), *((name, STREAM) for name in ("then", "direct")),
        *((name, LAST) for name in ("events", "first", "logit")),
    ],
)  # fmt: skip
def test_every_signal_equals_the_simulator(hls_designs: Designs, name: str, options: dict[str, str]) -> None:
    net, design = NETWORKS[name], hls_designs(name, **options)
    x = inputs(net)
    expected = ir.simulate(net, x)
    for layer in net.layers:
        if isinstance(layer, ir.Neuron | ir.Delay | ir.RateEncoder | ir.EventEncoder | ir.LevelEncoder):
            assert set(np.unique(expected[layer.name])) == {0, 1}, f"{layer.name} is void"
    assert_same(design.trace(x), expected)
    assert np.array_equal(design.predict(x), expected["scores.decision"][..., 0])


def test_the_networks_cover_the_fields() -> None:
    layers = [layer for net in NETWORKS.values() for layer in net.layers]
    neurons = [x for x in layers if isinstance(x, ir.Neuron)]
    assert {(x.leak.kind, x.compare, x.reset, x.reset_delay) for x in neurons} == {*NEURONS, *RARE}
    assert {x.decision_rule for x in layers if isinstance(x, ir.Readout)} == set(
        itertools.chain(*ir.layers.DECISION_RULES.values())
    )
    assert 1 in {x.size for x in neurons}
    stochastic = [x for x in layers if isinstance(x, ir.StochasticSynapse)]
    assert {x.bitstream_length for x in stochastic} == {1, 2, 4}
    assert {x.source for x in stochastic} == {*LFSR, *COUNTER}
    assert {type(x) for x in layers} == {
        *ir.layers.Encoder.__args__,
        *ir.layers.Synapse.__args__,
        ir.Neuron,
        ir.Delay,
        ir.Readout,
    }
    assert {net.encoder_ticks for net in NETWORKS.values()} == {1, 2, 4}


def test_windows_do_not_depend_on_what_ran_before(hls_designs: Designs) -> None:
    net, design = NETWORKS["first"], hls_designs("first")
    x = inputs(net, windows=7, seed=3)
    whole = design.trace(x)
    assert_same(design.trace(x), whole)
    hls_designs("then").trace(inputs(NETWORKS["then"]))  # another design's state is another's
    for first, last in ((0, 1), (1, 4), (4, 7), (7, 7)):
        part = {key: values[:, first:last] for key, values in whole.items()}
        assert_same(design.trace(x[first:last]), part)


def test_a_moved_design_loads_and_builds_itself_again(hls_designs: Designs, tmp_path: Path) -> None:
    net = NETWORKS["single"]
    shutil.copytree(hls_designs("single").folder, tmp_path / "moved")
    (tmp_path / "moved" / LIBRARY).unlink()
    design = hls.load(tmp_path / "moved")
    x = inputs(net)
    assert_same(design.trace(x), ir.simulate(net, x))
    assert (tmp_path / "moved" / LIBRARY).is_file()
    assert design.options == hls.OPTIONS


def test_a_design_that_cannot_be_built_again_says_why(hls_designs: Designs, tmp_path: Path) -> None:
    shutil.copytree(hls_designs("single").folder, tmp_path / "copy", ignore=shutil.ignore_patterns("sim"))
    (tmp_path / "copy" / "sim").write_text("")  # as a folder that may not be written: no library, and no place for one
    with pytest.raises(ConfigError, match=r"cannot compile the simulation in .*copy: File exists; copy it elsewhere"):
        hls.load(tmp_path / "copy").predict(inputs(NETWORKS["single"]))


def test_a_library_of_another_version_is_refused(hls_designs: Designs, tmp_path: Path) -> None:
    shutil.copytree(hls_designs("single").folder, tmp_path / "copy")
    (tmp_path / "old.cpp").write_text('extern "C" void sctorch_run() {}\n')
    library = tmp_path / "copy" / LIBRARY
    subprocess.run([*find_tool("g++").command, "-shared", "-fPIC", "old.cpp", "-o", library], cwd=tmp_path, check=True)
    with pytest.raises(ConfigError, match="was written by another version of sctorch; export the design again"):
        hls.load(tmp_path / "copy").predict(inputs(NETWORKS["single"]))


def test_a_design_that_was_exported_over_does_not_run_the_other(hls_designs: Designs, tmp_path: Path) -> None:
    folder = tmp_path / "d"
    shutil.copytree(hls_designs("single").folder, folder)
    old = hls.load(folder)
    shutil.rmtree(folder)
    shutil.copytree(hls_designs("first").folder, folder)
    with pytest.raises(ConfigError, match="another design is there by now, or none; load it, or export this one again"):
        old.trace(inputs(NETWORKS["single"]))
    assert hls.load(folder).predict(inputs(NETWORKS["first"])).shape == (11, 5)


def test_a_project_holds_no_absolute_path(hls_designs: Designs) -> None:
    folder = hls_designs("direct").folder
    texts = [p for p in folder.rglob("*") if p.suffix in {".cpp", ".h", ".tcl", ".yml", ".json", ".sh", ".dat"}]
    assert {"build_prj.tcl", "project.tcl", "direct_hls.cpp", "hls4ml_config.yml"} <= {p.name for p in texts}
    assert not [p.name for p in texts if str(folder.parent) in p.read_text()]
    assert "ap_fixed" not in (folder / "firmware" / "defines.h").read_text().partition("typedef")[2]  # hls4ml's default


@pytest.mark.parametrize("source", [*COUNTER, *LFSR], ids=lambda s: f"{s.kind}-{s.decorrelator}")
@pytest.mark.parametrize("n", [1, 9])
def test_registers_and_wires_give_the_source(source: ir.StreamSource, n: int) -> None:
    tables = source_tables(source, n)
    reg, rows = tables.start.copy(), []
    for _ in range(200):
        lanes = np.arange(n) if len(reg) > 1 else np.zeros(n, dtype=int)
        rows.append((reg[lanes[:, None], tables.wires] << np.arange(source.bits)).sum(axis=1))
        if source.kind == "counter":
            count = int((reg[0] << np.arange(source.bits)).sum()) + 1
            reg = (count >> np.arange(source.bits) & 1)[None]
        else:
            new = np.bitwise_xor.reduce([reg[:, e - 1] for e in source.taps])
            reg = np.concatenate([new[:, None], reg[:, :-1]], axis=1)
    assert np.array_equal(np.stack(rows), source.values(n, 200))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speed": 1}, "option 'speed' is unknown; known: part, clock_period_ns, io_type"),
        ({"part": 'x"; exec rm'}, "is not a part name"),
        ({"clock_period_ns": 0}, "clock_period_ns = 0 is outside"),
        ({"clock_period_ns": "5"}, "clock_period_ns = '5' is outside"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        hls.export(NETWORKS["single"], tmp_path / "d", options)
    assert list(tmp_path.iterdir()) == []


def test_the_same_network_gives_the_same_files(tmp_path: Path) -> None:
    net = NETWORKS["events"]
    texts = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        project.write_project(plan.plan(net, hls.OPTIONS), net, folder, hls.OPTIONS)
        texts.append({p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()})
    assert texts[0] == texts[1]


def test_options_reach_the_project(tmp_path: Path) -> None:
    options = hls.OPTIONS | {"part": "xc7z020clg400-1", "clock_period_ns": 4.5}
    project.write_project(plan.plan(NETWORKS["single"], options), NETWORKS["single"], tmp_path, options)
    text = (tmp_path / "project.tcl").read_text()
    assert 'set part "xc7z020clg400-1"' in text
    assert "set clock_period 4.5" in text


def test_without_a_compiler_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCTORCH_GXX", str(tmp_path / "no-such-compiler"))
    with pytest.raises(ToolNotFoundError, match="SCTORCH_GXX"):
        hls.export(NETWORKS["single"], tmp_path / "d", {})
    assert list(tmp_path.iterdir()) == []


def test_without_hls4ml_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hls4ml.model.graph", None)
    with pytest.raises(ToolNotFoundError, match=r"hls4ml \(.*\) was not found. Install it with: pip install"):
        hls.export(NETWORKS["single"], tmp_path / "d", {})
    assert list(tmp_path.iterdir()) == []


def test_a_failing_compiler_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "compiler"
    compiler.write_text("#!/bin/sh\necho something is wrong\nexit 3\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("SCTORCH_GXX", str(compiler))
    with pytest.raises(ToolFailedError, match="something is wrong"):
        hls.export(NETWORKS["single"], tmp_path / "d", {})
    assert list(tmp_path.iterdir()) == [compiler]


def test_a_compile_error_names_the_layer(tmp_path: Path) -> None:
    design = hls.export(NETWORKS["single"], tmp_path / "d", {})
    (design.folder / "sim" / "simulation.so").unlink()
    parameters = design.folder / "firmware" / "parameters.h"
    neuron = next(layer.name for layer in NETWORKS["single"].layers if isinstance(layer, ir.Neuron))
    text = parameters.read_text()
    assert "membrane_t;" in text
    parameters.write_text(re.sub(r"typedef \w+ membrane_t;", "typedef nothing_t membrane_t;", text, count=1))
    with pytest.raises(ToolFailedError, match=rf"in the code of layer {neuron}\n(.|\n)*last lines of its output"):
        design.predict(inputs(NETWORKS["single"], windows=1))


@pytest.mark.parametrize(
    ("limit", "message"), [("MAX_WIDTH", "layer .*: a value of"), ("MAX_RESULTS", "a timestep of")]
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, message: str
) -> None:
    monkeypatch.setattr(plan, limit, 4)
    with pytest.raises(UnsupportedError, match=message):
        hls.export(NETWORKS["int"], tmp_path / "d", {})
    assert list(tmp_path.iterdir()) == []


def test_hls4ml_is_imported_only_for_an_export() -> None:
    code = "import sys, sctorch.backends.hls; assert not {'hls4ml', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_hls4mls_own_trace_serves_every_layer(hls_designs: Designs, tmp_path: Path) -> None:
    """In a stream with flags; benchmarks/hls_window.py --peer does the same for both io types."""
    net, design = NETWORKS["single"], hls_designs("single", **LAST)
    x = inputs(net)
    rows = np.pad(packets(net, x).astype(np.float64), ((0, 0), (0, 0), (0, 1)))
    rows[:, -1, -1] = 1
    answers, trace = design.hls4ml_model(tmp_path / "theirs").trace(
        np.ascontiguousarray(rows.reshape(-1, rows.shape[2]))
    )
    expected = ir.simulate(net, x)
    assert list(trace) == [layer.name for layer in net.layers]
    for key, values in trace.items():
        assert np.array_equal(values[:, -1] != 0, np.arange(len(values)) % net.num_steps == net.num_steps - 1), key
        assert np.array_equal(values[:, 0].reshape(-1, net.num_steps).T, expected[key][..., 0]), key
    assert np.array_equal(answers[:, 0].reshape(-1, net.num_steps).T, design.predict(x))
