"""The exported hls4ml project, compiled and run, gives exactly the integers of the reference simulator."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sctorch import ir
from sctorch.backends import hls
from sctorch.backends.hls import plan, project, testbench
from sctorch.backends.hls.constants import source_tables
from sctorch.backends.hls.runner import LIBRARY, build
from sctorch.errors import ConfigError, ToolFailedError, ToolNotFoundError, UnsupportedError
from sctorch.hardware.tools import find_tool

WINDOWS = 5
COUNTER = [ir.StreamSource("counter", 5, decorrelator=d) for d in ("shared", "permute")]
LFSR = [
    ir.StreamSource("lfsr", 4, (7, 6), seed=45, decorrelator=d) for d in ("shared", "shift", "permute", "independent")
]
OTHER = ir.StreamSource("lfsr", 4, (7, 6), seed=99, decorrelator="permute")  # an encoder shares none with its synapse
NEURONS = list(
    itertools.product(("none", "shift", "multiply"), ("gt", "ge"), ("subtract", "zero", "none"), (True, False))
)
RARE = [
    ("stochastic", "gt", "subtract", True), ("stochastic", "ge", "zero", False), ("stochastic", "gt", "none", True),
    ("stochastic", "ge", "subtract_snntorch", False), ("none", "gt", "subtract_snntorch", False),
    ("shift", "ge", "subtract_snntorch", False), ("multiply", "gt", "subtract_snntorch", False),
]  # fmt: skip


def leak(kind: str, size: int, rng: np.random.Generator) -> ir.Leak:
    if kind == "multiply":
        return ir.Leak(kind, 4, rng.integers(0, 17, size))
    if kind == "stochastic":
        decorrelator = ("shared", "shift", "permute", "independent")[size % 4]
        return ir.Leak(kind, 3, rng.integers(0, 9, size), ir.StreamSource("lfsr", 3, (5, 3), 7, decorrelator))
    return ir.Leak(kind, 2 if kind == "shift" else 0)


def synapse(index: int, n_in: int, n_out: int, rng: np.random.Generator) -> ir.Synapse:
    """A fixed synapse, or a stochastic one with L = 1, 2, 4 and each weight source in turn."""
    if index % 3 == 0:
        weight = rng.integers(-15, 16, (n_out, n_in))
        return ir.FixedSynapse(f"syn{index}", weight, rng.integers(-3, 9, n_out), 4, 4)
    source = [*LFSR, *COUNTER][(index - index // 3) % 6]
    limit = 2**source.bits
    weight = rng.integers(1 - limit, limit, (n_out, n_in))
    return ir.StochasticSynapse(f"syn{index}", weight, rng.integers(-1, 3, n_out), 2 ** (index % 4 % 3), source)


def network(
    name: str, encoder: ir.Encoder, fields: list[tuple[str, str, str, bool]], readout: str, seed: int
) -> ir.Network:
    """A chain of small layers, one neuron layer for each entry of fields."""
    rng = np.random.default_rng(seed)
    layers: list[ir.Layer] = [encoder]
    for k, (leak_kind, compare, reset, delay) in enumerate(fields):
        size = 3 + (seed + k) % 4
        before = synapse(seed + k, layers[-1].size, size, rng)
        frac = before.frac + k % 3
        threshold = rng.integers(1, 2 + (6 << (frac - before.frac)), size)
        layers += [
            before, ir.Neuron(f"lif{k}", size, frac, threshold, leak(leak_kind, size, rng), compare, reset, delay)
        ]  # fmt: skip
    if readout == "binary_logit":
        last = synapse(seed + len(fields), layers[-1].size, 2, rng)
        layers += [last, ir.Readout("scores", 2, "membrane", readout, last.frac + 1, leak("shift", 2, rng))]
    elif readout in ir.layers.DECISION_RULES["spike"]:
        threshold = 3 if readout in ir.layers.THRESHOLD_RULES else 1
        layers.append(ir.Readout("scores", layers[-1].size, "spike", readout, class_threshold=threshold))
    else:
        last = synapse(seed + len(fields), layers[-1].size, 3, rng)
        leaky = leak(readout, 3, rng)
        layers += [last, ir.Readout("scores", 3, "membrane", "argmax_membrane", last.frac + 2, leaky)]
    return ir.Network(name, 11, tuple(layers))


# Every combination of neuron fields once, over three networks. The seeds keep every layer alive to the end.
NETWORKS = {
    "int": network("int", ir.RateEncoder("enc", 6, ir.StreamSource("counter", 6)), NEURONS[0::3], "shift", 254),
    "shifted": network("shifted", ir.RateEncoder("enc", 6, LFSR[1]), NEURONS[1::3], "multiply", 363),
    "events": network("events", ir.EventEncoder("in_data", 6), NEURONS[2::3], "argmax_spike_count", 761),
    "first": network("first", ir.RateEncoder("enc", 6, OTHER), RARE[0::2], "first_to_threshold", 28),
    "then": network("then", ir.RateEncoder("enc", 6, OTHER), RARE[1::4], "threshold_then_argmax", 5),
    "logit": network("logit", ir.LevelEncoder("enc", 6, 3), RARE[3::4], "binary_logit", 1),
    "single": ir.Network("single", 4, (  # called like hls4ml's own attributes
        ir.RateEncoder("index", 1, OTHER),
        ir.StochasticSynapse("weight", np.array([[9]]), np.array([0]), 1, LFSR[3]),
        ir.Neuron("trace", 1, 0, np.array([1]), ir.Leak(), "ge"),
        ir.Readout("scores", 1, "spike", "argmax_spike_count"),
    )),
}  # fmt: skip


def inputs(net: ir.Network, windows: int = WINDOWS, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if isinstance(net.encoder, ir.EventEncoder):
        return rng.integers(0, 2, (net.num_steps * net.encoder_ticks, windows, net.encoder.size))
    x = rng.random((windows, net.encoder.n_features), dtype=np.float32)
    x[0], x[-1] = 0, 1
    return x


def assert_same(got: ir.Trace, expected: ir.Trace) -> None:
    assert list(got) == list(expected)
    for key, values in expected.items():
        assert got[key].dtype == values.dtype == np.int64, key
        assert got[key].shape == values.shape, key
        assert np.array_equal(got[key], values), key


@pytest.fixture(scope="module")
def designs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, hls.HlsDesign]:
    folder = tmp_path_factory.mktemp("hls")
    return {name: hls.export(net, folder / name, {}) for name, net in NETWORKS.items()}


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> dict[str, hls.HlsDesign]:
    folder = tmp_path_factory.mktemp("streams")
    options = {name: {"io_type": "io_stream", "window": "last"} for name in NETWORKS}
    options["single"] = options["then"] = {"io_type": "io_stream"}
    return {name: hls.export(net, folder / name, options[name]) for name, net in NETWORKS.items()}


@pytest.mark.parametrize("io_type", ["designs", "streams"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_signal_equals_the_simulator(request: pytest.FixtureRequest, io_type: str, name: str) -> None:
    designs: dict[str, hls.HlsDesign] = request.getfixturevalue(io_type)
    net = NETWORKS[name]
    x = inputs(net)
    expected = ir.simulate(net, x)
    for key in [net.encoder.name, *(layer.name for layer in net.layers if isinstance(layer, ir.Neuron))]:
        assert set(np.unique(expected[key])) == {0, 1}, f"{key} must spike and be silent, or this test is void"
    assert_same(designs[name].trace(x), expected)
    assert np.array_equal(designs[name].predict(x), expected["scores.decision"][..., 0])


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
    assert any(isinstance(x, ir.FixedSynapse) for x in layers)
    assert {net.encoder_ticks for net in NETWORKS.values()} == {1, 2, 4}


def test_windows_do_not_depend_on_what_ran_before(designs: dict[str, hls.HlsDesign]) -> None:
    net, design = NETWORKS["int"], designs["int"]
    x = inputs(net, windows=7, seed=3)
    whole = design.trace(x)
    assert_same(design.trace(x), whole)
    designs["shifted"].trace(inputs(NETWORKS["shifted"]))  # another design's state is another's
    for first, last in ((0, 1), (1, 4), (4, 7), (7, 7)):
        part = {key: values[:, first:last] for key, values in whole.items()}
        assert_same(design.trace(x[first:last]), part)


def test_a_moved_design_loads_and_builds_itself_again(designs: dict[str, hls.HlsDesign], tmp_path: Path) -> None:
    net = NETWORKS["single"]
    shutil.copytree(designs["single"].folder, tmp_path / "moved")
    (tmp_path / "moved" / LIBRARY).unlink()
    design = hls.load(tmp_path / "moved")
    x = inputs(net)
    assert_same(design.trace(x), ir.simulate(net, x))
    assert (tmp_path / "moved" / LIBRARY).is_file()
    assert design.options == hls.OPTIONS


def test_a_project_holds_no_absolute_path(designs: dict[str, hls.HlsDesign]) -> None:
    folder = designs["int"].folder
    texts = [p for p in folder.rglob("*") if p.suffix in {".cpp", ".h", ".tcl", ".yml", ".json", ".sh", ".dat"}]
    assert {"build_prj.tcl", "project.tcl", "int_hls.cpp", "hls4ml_config.yml"} <= {p.name for p in texts}
    assert not [p.name for p in texts if str(folder.parent) in p.read_text()]


def test_the_projects_own_test_bench_gives_the_decisions(designs: dict[str, hls.HlsDesign], tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(designs["single"].folder, folder)
    command = [*find_tool("g++").command, "-std=c++11", "-w", "-Ifirmware/ap_types", "single_hls_test.cpp"]
    subprocess.run([*command, "firmware/single_hls.cpp", "-o", "test_bench"], cwd=folder, check=True)
    subprocess.run(["./test_bench"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    results = (folder / "tb_data" / "csim_results.log").read_text().split()
    assert results == (folder / "tb_data" / "tb_output_predictions.dat").read_text().split()
    assert len(results) == testbench.TEST_BENCH_WINDOWS * NETWORKS["single"].num_steps


@pytest.mark.parametrize(
    ("name", "header", "right", "wrong"),
    [
        ("int", "sctorch_synapse.h", "magnitude > r", "magnitude >= r"),
        ("int", "sctorch_encoder.h", "values[j] > sctorch_random", "values[j] >= sctorch_random"),
        ("int", "sctorch_neuron.h", "m >= threshold : m > threshold", "m > threshold : m >= threshold"),
        ("int", "sctorch_neuron.h", "first ? membrane_t(0) : mem[i]", "mem[i]"),
        (
            "int",
            "sctorch_window.h",
            "    step = step == CONFIG_T::num_steps - 1 ?",
            "    step = step == CONFIG_T::num_steps ?",
        ),
        ("events", "sctorch_readout.h", "score[i] > best", "score[i] >= best"),
    ],
)
def test_a_broken_kernel_is_seen(
    designs: dict[str, hls.HlsDesign], tmp_path: Path, name: str, header: str, right: str, wrong: str
) -> None:
    net = NETWORKS[name]
    shutil.copytree(designs[name].folder, tmp_path / "broken")
    path = tmp_path / "broken" / "firmware" / "nnet_utils" / header
    assert path.read_text().count(right) == 1
    path.write_text(path.read_text().replace(right, wrong))
    build(tmp_path / "broken")
    x = inputs(net)
    got, expected = hls.load(tmp_path / "broken").trace(x), ir.simulate(net, x)
    assert any(not np.array_equal(got[key], expected[key]) for key in expected)


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


def test_a_failing_compiler_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "compiler"
    compiler.write_text("#!/bin/sh\necho something is wrong\nexit 3\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("SCTORCH_GXX", str(compiler))
    with pytest.raises(ToolFailedError, match="something is wrong"):
        hls.export(NETWORKS["single"], tmp_path / "d", {})
    assert list(tmp_path.iterdir()) == [compiler]


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
