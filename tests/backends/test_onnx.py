"""The exported ONNX graphs, run by onnxruntime and by onnx's reference, give exactly the simulator's integers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import builders
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from builders import ENCODERS, FIELDS, SOURCES, assert_traces_equal
from onnx import numpy_helper

import sctorch
from sctorch import ir, nn
from sctorch.backends import onnx as backend
from sctorch.backends.onnx import streams
from sctorch.backends.onnx.models import word_type
from sctorch.errors import ConfigError, ToolFailedError, ToolNotFoundError, UnsupportedError

WINDOWS = 3
WAYS = [(form, runtime) for form in ("window", "step") for runtime in ("onnxruntime", "reference")]
RULES = [(mode, rule) for mode, rules in ir.layers.DECISION_RULES.items() for rule in rules]


@dataclass(frozen=True, eq=False)
class Case:
    network: ir.Network
    x: np.ndarray
    expected: ir.Trace


def case(index: int) -> Case:
    """A living network of the index-th neuron fields; encoders, sources, rules and bitstream lengths go round."""
    mode, rule = RULES[index % len(RULES)]
    encoder = ENCODERS[index % len(ENCODERS)]
    network, x, expected = builders.alive_network(
        index, WINDOWS, fields=FIELDS[index], hidden=1 + index % 2, readout=mode, encoder=encoder,
        source=SOURCES[index % len(SOURCES)], lengths=((1,), (2, 4))[index // 2 % 2],
        rule=rule if mode == "spike" else None,
    )  # fmt: skip
    return Case(network, x, expected)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [case(index) for index in range(len(FIELDS))]


def assert_same(design: backend.OnnxDesign, x: np.ndarray, expected: ir.Trace) -> None:
    """All signals in both forms under both runtimes, and the decisions of the files as they are."""
    decisions = expected[f"{design.network.readout.name}.decision"][..., 0]
    for form, runtime in WAYS:
        run = design.using(form, runtime)
        got = run.trace(x)
        assert {values.dtype for values in got.values()} == {np.dtype(np.int64)}
        assert_traces_equal(expected, got)
        assert np.array_equal(run.predict(x), decisions), run.label


@pytest.mark.parametrize("index", range(len(FIELDS)), ids=lambda i: "-".join(map(str, FIELDS[i])))
def test_every_signal_equals_the_simulator(cases: list[Case], tmp_path: Path, index: int) -> None:
    made = cases[index]
    assert_same(backend.export(made.network, tmp_path / "d", {}), made.x, made.expected)


def test_the_cases_cover_what_a_network_can_hold(cases: list[Case]) -> None:
    layers = [layer for made in cases for layer in made.network.layers]
    neurons = [x for x in layers if isinstance(x, ir.Neuron)]
    assert {(x.leak.kind, x.compare, x.reset, x.reset_delay) for x in neurons} == set(FIELDS)
    assert {type(x) for x in layers} == set(ir.files._LAYERS.values())
    stochastic = [x for x in layers if isinstance(x, ir.StochasticSynapse)]
    assert {(x.source.kind, x.source.decorrelator) for x in stochastic} == set(SOURCES)
    assert {x.bitstream_length for x in stochastic} == {1, 2, 4}
    rate = {(x.source.kind, x.source.decorrelator) for x in layers if isinstance(x, ir.RateEncoder)}
    assert rate == set(SOURCES)
    assert {(x.leak.source.kind, x.leak.source.decorrelator) for x in neurons if x.leak.source} == set(SOURCES)
    readouts = [x for x in layers if isinstance(x, ir.Readout)]
    assert {(x.output_mode, x.decision_rule) for x in readouts} == set(RULES)
    assert {x.leak.kind for x in readouts} == {"none", "shift", "multiply"}
    assert {made.network.encoder_ticks for made in cases} == {1, 2, 4}


def wide(name: str) -> ir.Network:
    """Networks whose numbers need more than a byte, and more than 32 bits."""
    rng = np.random.default_rng(5)
    weight = rng.integers(-3000, 6000, (5, 6))
    if name == "wide streams":
        source = ir.StreamSource("lfsr", 13, (14, 5, 3, 1), 77, "shift")
        return ir.Network("wide", 12, (
            ir.RateEncoder("encoder", 6, ir.StreamSource("counter", 11)),
            ir.StochasticSynapse("synapse1", weight, np.zeros(5), 4, source),
            ir.Neuron("neuron1", 5, 3, [9] * 5, ir.Leak("shift", 2)),
            ir.Delay("delay1", 5, 1),
            ir.FixedSynapse("synapse2", [[16383, -16383, 127, 128, -128], [-129, 8000, -7999, 300, -1]], [0, 9], 14),
            ir.Neuron("neuron2", 2, 14, [3000, 200], ir.Leak("multiply", 3, [5, 7])),
            ir.Readout("readout", 2, "spike", "argmax_spike_count"),
        ))  # fmt: skip
    fine = name == "64 bits"
    bits = 16 if fine else 7  # 16: of no byte; 7: products of bytes that 16 bits do not hold
    weight = weight * 10 if fine else weight // 50
    frac = 24 if fine else 12
    return ir.Network("wide", 12, (
        ir.DirectEncoder("encoder", 6, 8),
        ir.FixedSynapse("synapse1", weight, rng.integers(-9, 9, 5), bits, 4, 8),
        ir.Neuron("neuron1", 5, frac, [int(weight.max()) << frac - 5] * 5, ir.Leak("multiply", 8, [240]), "ge", "zero"),
        ir.StochasticSynapse("synapse2", rng.integers(-7, 8, (2, 5)), np.zeros(2), 1, ir.StreamSource("counter", 3)),
        ir.Readout("readout", 2, "membrane", "binary_logit", frac, ir.Leak("shift", 3)),
    ))  # fmt: skip


@pytest.mark.parametrize("name", ["wide streams", "64 bits", "8-bit products"])
def test_wide_numbers_are_exact(tmp_path: Path, name: str) -> None:
    network = wide(name)
    x = builders.random_input(network, 9, 1)
    x[0], x[1] = 1, 0
    expected = ir.simulate(network, x)
    assert builders.is_alive(network, expected)
    design = backend.export(network, tmp_path / "d", {})
    assert_same(design, x, expected)
    assert (word_type(network) == onnx.TensorProto.INT64) == (name == "64 bits")
    operators = {node.op_type for node in design.model("step").graph.node}
    assert ("MatMul" in operators) == (name != "wide streams")


@pytest.mark.parametrize(("weight", "bits"), [(127, 7), (8191, 13), (-16256, 14)])
def test_a_sum_that_32_bits_do_not_hold_is_exact(tmp_path: Path, weight: int, bits: int) -> None:
    """A product of bytes is added in 32 bits: of one byte, or of either half of two."""
    size = 2**31 // 127**2 + 100  # the sum is just past 2^31
    network = ir.Network("sum", 1, (
        ir.DirectEncoder("encoder", size, 7), ir.FixedSynapse("synapse", np.full((1, size), weight), [0], bits, 0, 7),
        ir.Readout("readout", 1, "membrane", "argmax_membrane", 7),
    ))  # fmt: skip
    design = backend.export(network, tmp_path / "d", {})
    x = np.ones((1, size), dtype=np.float32)
    for form in ("window", "step"):
        assert design.using(form).trace(x)["synapse"].item() == size * 127 * weight


def test_a_count_that_32_bits_might_not_hold_is_refused() -> None:
    network = ir.Network("count", 1, (
        ir.LevelEncoder("encoder", 1 << 20, 4),
        ir.StochasticSynapse("synapse", np.ones((1, 1 << 22)), [0], 256, ir.StreamSource("counter", 1)),
        ir.Readout("readout", 1, "membrane", "argmax_membrane", 8),
    ))  # fmt: skip
    with pytest.raises(UnsupportedError, match="synapse: a count over 1,073,741,824 bits"):
        backend.check(network, {})


def test_features_on_the_steps_of_an_encoder_become_its_integers(tmp_path: Path) -> None:
    """The window's graph takes floats: the steps themselves and their neighbours show how it rounds."""
    for encoder in (ir.LevelEncoder("encoder", 1, 12), ir.DirectEncoder("encoder", 1, 9)):
        steps = encoder.levels + 1 if isinstance(encoder, ir.LevelEncoder) else 2**encoder.bits
        grid = (np.arange(steps + 1) / steps).astype(np.float32)
        x = np.concatenate([np.nextafter(grid, 0), grid, np.minimum(np.nextafter(grid, np.float32(2)), 1)])[:, None]
        weight = np.ones((1, encoder.size))
        network = ir.Network("steps", 2, (
            encoder, ir.FixedSynapse("synapse", weight, [0], 1, 0, 0 if encoder.size > 1 else 9),
            ir.Readout("readout", 1, "membrane", "argmax_membrane", frac=0 if encoder.size > 1 else 9),
        ))  # fmt: skip
        expected = ir.simulate(network, x)
        assert len(np.unique(expected["readout"][0])) == steps
        design = backend.export(network, tmp_path / encoder.KIND, {})
        for runtime in ("onnxruntime", "reference"):
            assert_traces_equal(expected, design.using(runtime=runtime).trace(x))


def digits_network() -> tuple[nn.SpikingNetwork, torch.Tensor]:
    from sklearn.datasets import load_digits

    torch.manual_seed(3)
    net = nn.SpikingNetwork(
        nn.RateEncoder(64, bits=4), nn.SCLinear(64, 24, weight_bits=3, bitstream_length=2),
        nn.LIF(24, beta=0.9375, threshold=1.0, delay=2), nn.FixedLinear(24, 10, weight_bits=8),
        nn.LIF(10, beta=0.5, threshold=0.5), nn.SNNReadout(10), num_steps=12,
    )  # fmt: skip
    return net, torch.from_numpy(load_digits().data[:300] / 16).float()


def test_verify_on_the_digits_runs_both_forms(tmp_path: Path) -> None:
    net, x = digits_network()
    design = sctorch.export(net, tmp_path / "digits", backend="onnx", meta={"classes": "0 1 2 3 4 5 6 7 8 9"})
    assert isinstance(design, backend.OnnxDesign)
    report = sctorch.verify(net, design, x)
    report.raise_if_failed()
    assert [pair.name for pair in report.pairs] == ["torch = ir", "ir = onnx window", "ir = onnx step"]
    assert report.spikes_compared > 10_000
    assert len({frozenset(pair.keys) for pair in report.pairs}) == 1  # every layer, three times


def test_a_user_needs_the_file_alone(tmp_path: Path) -> None:
    net, x = digits_network()
    meta = {"classes": "0 1 2 3 4 5 6 7 8 9", "scaling": "pixel / 16"}
    design = sctorch.export(net, tmp_path / "digits", backend="onnx", meta=meta)
    expected = ir.simulate(design.network, x.numpy())
    session = onnxruntime.InferenceSession(str(tmp_path / "digits" / "window.onnx"))
    for windows in (1, 7, 300):  # the batch is free
        answer, decisions, scores = session.run(["class", "decision", "scores"], {"features": x[:windows].numpy()})
        assert np.array_equal(decisions, expected["readout.decision"][:, :windows, 0])
        assert np.array_equal(scores, expected["readout"][:, :windows])
        assert np.array_equal(answer, decisions[-1])
    assert len(set(answer.tolist())) > 2

    session = onnxruntime.InferenceSession(str(tmp_path / "digits" / "step.onnx"))
    texts = session.get_modelmeta().custom_metadata_map
    carried = json.loads(texts["sctorch.states"])
    state = {i.name: np.zeros([5 if d == "batch" else d for d in i.shape], kinds(i.type)) for i in session.get_inputs()}
    names = [o.name for o in session.get_outputs()]
    for t in range(int(texts["sctorch.num_steps"])):
        found = dict(zip(names, session.run(names, state | {"input": (x[:5].numpy() * 16).clip(max=15).astype("u1")})))  # noqa: B905
        state |= {before: found[after] for before, after in carried.items()}
        assert np.array_equal(found["readout.decision"], expected["readout.decision"][t, :5])
    assert texts["classes"] == meta["classes"]
    assert texts["scaling"] == meta["scaling"]
    assert texts["sctorch.network_sha256"] == ir.digest(design.network)
    assert texts["sctorch.onnx"] == onnx.__version__
    assert "min(floor(16 u), 15)" in texts["sctorch.input"]


def kinds(text: str) -> str:
    return {"tensor(int64)": "i8", "tensor(int32)": "i4", "tensor(uint8)": "u1"}[text]


@pytest.mark.parametrize("rule", ir.layers.DECISION_RULES["spike"])
def test_each_rule_decides_as_the_simulator(tmp_path: Path, rule: str) -> None:
    """Spikes go straight to the readout, in many windows, so that the rules really differ from one another."""
    size = 2 if rule == "binary_logit" else 5
    threshold = 4 if rule in ir.layers.THRESHOLD_RULES else 1
    layers = (
        ir.EventEncoder("spikes_in", size), ir.FixedSynapse("synapse", np.eye(size), np.zeros(size), 1, 0),
        ir.Neuron("neuron", size, 0, [1] * size, ir.Leak(), "ge", "zero", False),
    )  # fmt: skip
    network = ir.Network("rule", 14, (*layers, ir.Readout("readout", size, "spike", rule, class_threshold=threshold)))
    x = builders.random_input(network, 300, 9)
    expected = ir.simulate(network, x)
    if threshold > 1:
        others = [ir.Readout("readout", size, "spike", "argmax_spike_count")]
        others += [
            ir.Readout("readout", size, "spike", r, class_threshold=t)
            for r in ir.layers.THRESHOLD_RULES for t in (3, 4, 5) if (r, t) != (rule, 4)
        ]  # fmt: skip
        for other in others:
            decisions = ir.simulate(replace(network, layers=(*layers, other)), x)["readout.decision"]
            assert not np.array_equal(decisions, expected["readout.decision"])
    assert_same(backend.export(network, tmp_path / "d", {}), x, expected)


@pytest.mark.parametrize("rule", ["binary_logit", "argmax_membrane"])
def test_the_class_is_what_the_last_decision_stands_for(tmp_path: Path, rule: str) -> None:
    source = ir.StreamSource("lfsr", 3, (5, 3), 7, "independent")
    weight = np.array([[5, -4, 3], [-5, 4, 3]])
    network = ir.Network("pair", 8, (
        ir.RateEncoder("encoder", 3, ir.StreamSource("counter", 4)),
        ir.StochasticSynapse("synapse", weight, [0, 0], 1, source),
        ir.Readout("readout", 2, "membrane", rule),
    ))  # fmt: skip
    design = backend.export(network, tmp_path / "d", {})
    x = builders.random_input(network, 40, 2)
    session = onnxruntime.InferenceSession(str(tmp_path / "d" / "window.onnx"))
    (answer,) = session.run(["class"], {"features": x})
    expected = network.readout.classes(ir.simulate(network, x)["readout.decision"][-1, :, 0])
    assert np.array_equal(answer, expected)
    assert set(answer.tolist()) == {0, 1}
    assert design.predict(x).shape == (8, 40)


def test_no_windows_are_no_error(cases: list[Case], tmp_path: Path) -> None:
    for index in (6, 7, 8):  # events, levels, direct
        made = cases[index]
        design = backend.export(made.network, tmp_path / str(index), {})
        nothing = made.x[:, :0] if made.x.ndim == 3 else made.x[:0]
        for form, runtime in WAYS:
            empty = {key: values[:, :0] for key, values in made.expected.items()}
            assert_traces_equal(empty, design.using(form, runtime).trace(nothing))


def changed(name: str, change: Callable[[np.ndarray], np.ndarray], folder: Path) -> None:
    """Change one initialiser in both files."""
    for path in folder.glob("*.onnx"):
        model = onnx.load(path)
        (found,) = [c for c in model.graph.initializer if c.name == name]
        values = numpy_helper.to_array(found)
        found.CopyFrom(numpy_helper.from_array(change(values).astype(values.dtype), name))
        onnx.save(model, path)


def add_one(values: np.ndarray) -> np.ndarray:
    return values + 1


def one_weight(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values[np.unravel_index(np.abs(values).argmax(), values.shape)] = 0
    return values


MUTANTS: list[tuple[str, Callable[[np.ndarray], np.ndarray]]] = [
    ("synapse1.weight", one_weight), ("synapse1.bias", add_one), ("synapse1.random", lambda v: np.roll(v, 1)),
    ("synapse1.offset", lambda v: v[::-1]), ("encoder.random", lambda v: np.roll(v, 1)), ("neuron1.threshold", add_one),
    ("neuron1.factor", lambda v: v - 3), ("neuron1.leak.random", lambda v: 0 * v), ("synapse2.weight", one_weight),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change"), MUTANTS, ids=[name for name, _ in MUTANTS])
@pytest.mark.parametrize("form", ["window", "step"])
def test_a_changed_constant_is_seen(
    tmp_path: Path, form: str, name: str, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    rng = np.random.default_rng(2)
    lfsr = ir.StreamSource("lfsr", 3, (5, 3), 7, "shift")
    leak = ir.Leak("stochastic", 4, [13], ir.StreamSource("counter", 4))
    network = ir.Network("mutant", 10, (
        ir.RateEncoder("encoder", 5, ir.StreamSource("counter", 4)),
        ir.StochasticSynapse("synapse1", rng.integers(-2, 8, (4, 5)), [0, 1, 0, 0], 2, lfsr),
        ir.Neuron("neuron1", 4, 3, [12, 15, 9, 20], leak),
        ir.FixedSynapse("synapse2", rng.integers(-7, 8, (3, 4)), [0, 0, 0], 3),
        ir.Readout("readout", 3, "membrane", "argmax_membrane", 3),
    ))  # fmt: skip
    x = builders.random_input(network, 6, 4)
    design = backend.export(network, tmp_path / "d", {}).using(form)
    assert sctorch.verify(network, design, x).ok
    changed(name, change, tmp_path / "d")
    report = sctorch.verify(network, design, x)
    assert not report.ok
    layer, at = str(report.pairs[0].first), name.split(".")[0]
    assert f"layer '{at}" in layer, layer  # the first difference is where the change is


def test_the_files_hold_standard_operators_and_no_path(cases: list[Case], tmp_path: Path) -> None:
    made = cases[3]
    for name in ("a", "b"):
        backend.export(made.network, tmp_path / name, {})
    for form in ("step", "window"):
        written = (tmp_path / "a" / f"{form}.onnx").read_bytes()
        assert written == (tmp_path / "b" / f"{form}.onnx").read_bytes()
        assert str(tmp_path).encode() not in written
        model = onnx.load_from_string(written)
        onnx.checker.check_model(model, full_check=True)
        assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
        assert not model.functions
        assert not any(node.domain for node in model.graph.node)
        assert not any(c.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE) for c in model.graph.initializer
                       if form == "step" or "." not in c.name)  # fmt: skip


def test_weights_are_bytes_and_a_window_is_hardly_larger_than_a_step(tmp_path: Path) -> None:
    weight = np.random.default_rng(0).integers(-7, 8, (128, 784))
    source = ir.StreamSource("lfsr", 3, (5, 3), 7, "shift")
    network = ir.Network("large", 100, (
        ir.RateEncoder("encoder", 784, ir.StreamSource("counter", 7)),
        ir.StochasticSynapse("synapse", weight, np.zeros(128), 1, source),
        ir.Neuron("neuron", 128, 2, [40] * 128, ir.Leak("shift", 2)),
        ir.Readout("readout", 128, "spike", "argmax_spike_count"),
    ))  # fmt: skip
    backend.export(network, tmp_path / "d", {})
    sizes = [(tmp_path / "d" / f"{form}.onnx").stat().st_size for form in ("step", "window")]
    assert weight.size < sizes[0] < 1.2 * weight.size
    assert sizes[1] < sizes[0] + 4096


@pytest.mark.parametrize("source", [
    *(ir.StreamSource("counter", 3, decorrelator=d) for d in ("shared", "permute")),
    *(ir.StreamSource("lfsr", 3, (5, 3), 9, d) for d in ir.streams.DECORRELATORS["lfsr"]),
], ids=lambda s: f"{s.kind}-{s.decorrelator}")  # fmt: skip
@pytest.mark.parametrize("n", [1, 9, 40])
@pytest.mark.parametrize("ticks", [1, 6, 31, 200])
def test_tables_give_the_source(source: ir.StreamSource, n: int, ticks: int) -> None:
    table = streams.stream_table(source, n, ticks)
    k = np.arange(ticks)[:, None]
    if table.values.ndim == 1:
        k = k + (0 if table.offset is None else table.offset)
        got = np.broadcast_to(table.values[k % len(table.values) if table.wraps else k], (ticks, n))
    else:
        got = table.values[k[:, 0] % len(table.values) if table.wraps else k[:, 0]]
    assert np.array_equal(got, source.values(n, ticks))
    assert len(table.values) <= ticks + n - 1


def test_a_table_too_large_is_refused_by_name_before_anything_is_written(tmp_path: Path) -> None:
    source = ir.StreamSource("lfsr", 8, (24, 23, 22, 17), 5, "independent")
    weight = np.ones((2, 2000))
    layers = (
        ir.EventEncoder("spikes_in", 2000), ir.StochasticSynapse("synapse", weight, [0, 0], 256, source),
        ir.Readout("readout", 2, "membrane", "argmax_membrane", 8),
    )  # fmt: skip
    network = ir.Network("huge", 60000, layers)
    with pytest.raises(UnsupportedError, match="synapse: a table of 29,297 MiB for the decorrelator 'independent'"):
        backend.export(network, tmp_path / "d", {})
    assert list(tmp_path.iterdir()) == []
    small = replace(source, decorrelator="shift")
    backend.check(replace(network, layers=(layers[0], replace(layers[1], source=small), layers[2])), {})


def test_options_forms_and_runtimes_are_checked(cases: list[Case], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="option 'opset' is unknown"):
        sctorch.backends.export_network(cases[0].network, tmp_path / "d", "onnx", {"opset": 12})
    with pytest.raises(ConfigError, match=r"meta 'sctorch.states' begins as the file's own"):
        backend.export(replace(cases[0].network, meta={"sctorch.states": "mine"}), tmp_path / "d", {})
    assert list(tmp_path.iterdir()) == []
    design = backend.export(cases[0].network, tmp_path / "d", {})
    with pytest.raises(ConfigError, match="form = 'steps' is unknown; allowed: window, step"):
        design.using("steps")
    with pytest.raises(ConfigError, match="runtime = 'torch' is unknown"):
        design.using(runtime="torch")


def test_a_moved_design_loads_and_a_damaged_one_says_so(cases: list[Case], tmp_path: Path) -> None:
    made = cases[0]
    backend.export(made.network, tmp_path / "d", {}).folder.rename(tmp_path / "moved")
    design = sctorch.backends.load(tmp_path / "moved")
    assert isinstance(design, backend.OnnxDesign)
    assert_traces_equal(made.expected, design.trace(made.x))
    (tmp_path / "moved" / "window.onnx").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match=r"window\.onnx .*export again"):
        design.trace(made.x)
    model = design.model("step")
    model.graph.node[0].op_type = "Nonesuch"
    onnx.save(model, tmp_path / "moved" / "step.onnx")
    with pytest.raises(ToolFailedError, match="Nonesuch"):
        design.using("step").trace(made.x)


def test_a_file_of_another_network_or_form_is_refused(cases: list[Case], tmp_path: Path) -> None:
    made = cases[0]
    other = backend.export(replace(made.network, name="other"), tmp_path / "other", {}).folder

    def refused(form: str, content: bytes) -> None:
        design = backend.export(made.network, tmp_path / "d", {}).using(form)
        (design.folder / f"{form}.onnx").write_bytes(content)
        for run in (design.trace, design.predict):
            with pytest.raises(ConfigError, match=rf"d/{form}\.onnx is not the {form} of the network .*export again"):
                run(made.x)

    for form, wrong in (("window", "step"), ("step", "window")):
        refused(form, b"")
        refused(form, (other / f"{form}.onnx").read_bytes())  # the same weights under another name
        refused(form, (tmp_path / "d" / f"{wrong}.onnx").read_bytes())
    model = onnx.load(other / "step.onnx")
    del model.metadata_props[:]
    refused("step", model.SerializeToString())
    with pytest.raises(ConfigError, match="form = 'steps' is unknown"):
        backend.load(other).model("steps")


def test_without_onnxruntime_the_error_says_what_to_install(
    cases: list[Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = cases[0]
    design = backend.export(made.network, tmp_path / "d", {})
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ToolNotFoundError, match=r"pip install 'sctorch\[onnx\]'"):
        design.predict(made.x)
    assert_traces_equal(made.expected, design.using(runtime="reference").trace(made.x))


def test_onnxruntime_is_imported_only_to_run() -> None:
    code = "import sys, sctorch.backends.onnx; assert not {'onnxruntime', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
