"""NIR graphs: exact where NIR can say a network, refused by name where not, and the same spikes in snntorch."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import builders
import nir
import numpy as np
import pytest
import snntorch
import torch
from builders import assert_traces_equal
from snntorch import utils
from snntorch.export_nir import export_to_nir
from snntorch.import_nir import import_from_nir

import sctorch
from sctorch import ir, nn
from sctorch.backends import nir as backend
from sctorch.errors import ConfigError, ShapeError, ToolNotFoundError, UnsupportedError

LEAKS = {"none": ir.Leak(), "shift": ir.Leak("shift", 1), "multiply": ir.Leak("multiply", 8, [192])}


def network(
    seed: int, leak: str = "shift", compare: str = "gt", delayed: bool = True, direct: bool = False,
    delay: int = 0, scores: bool = False, alike: bool = False, steps: int = 8,
) -> ir.Network:  # fmt: skip
    """Two layers whose membranes have the fractional bits that a window of decays needs."""
    rng = np.random.default_rng(seed)
    encoder: ir.Encoder = ir.DirectEncoder("encoder", 6, 3) if direct else ir.EventEncoder("spikes_in", 6)
    layers: list[ir.Layer] = [encoder]
    decay = {"none": 0, "shift": 1, "multiply": 2}[leak]
    for k in (1, 2):
        n, size, bits = layers[-1].size, int(rng.integers(3, 8)), 3 if direct and k == 1 else 0
        bias = rng.integers(-2, 3, size) << bits if k == 1 else np.zeros(size)
        synapse = ir.FixedSynapse(f"synapse{k}", rng.integers(-6, 16, (size, n)), bias, 4, 3, bits)
        frac = synapse.frac + decay * (steps - 1)
        threshold = rng.integers(8, 20, 1 if alike else size) << frac - 3
        threshold = np.broadcast_to(threshold, size)
        layers += [
            synapse, ir.Neuron(f"neuron{k}", size, frac, threshold, LEAKS[leak], compare, "zero", delayed)
        ]  # fmt: skip
        if delay:
            layers.append(ir.Delay(f"delay{k}", size, delay))
    if scores:
        last = ir.FixedSynapse("synapse3", rng.integers(-6, 16, (3, layers[-1].size)), [1, 0, 0], 4, 3)
        frac = last.frac + decay * (steps - 1)
        layers += [last, ir.Readout("readout", 3, "membrane", "argmax_membrane", frac, LEAKS[leak])]
    else:
        layers.append(ir.Readout("readout", layers[-1].size, "spike", "argmax_spike_count"))
    return ir.Network("net", steps, tuple(layers), {"classes": "a b c"})


def living(seed: int, **fields: Any) -> tuple[ir.Network, np.ndarray, ir.Trace]:
    for attempt in range(200):
        net = network(1000 * seed + attempt, **fields)
        x = builders.random_input(net, 40, seed)
        expected = ir.simulate(net, x)
        if builders.is_alive(net, expected):
            return net, x, expected
    raise AssertionError(f"no living network for {fields}")


CASES = [
    {"leak": leak, "compare": compare, "delayed": delayed}
    for leak in LEAKS for compare in ("gt", "ge") for delayed in (True, False)
] + [
    {"direct": True}, {"delay": 2}, {"scores": True}, {"direct": True, "delay": 3, "scores": True, "leak": "multiply"},
]  # fmt: skip


@pytest.mark.parametrize("fields", CASES, ids=lambda f: "-".join(f"{k}={v}" for k, v in f.items()))
def test_the_graph_alone_gives_every_integer_and_comes_back_the_same(tmp_path: Path, fields: dict[str, Any]) -> None:
    net, x, expected = living(1, **fields)
    design = backend.export(net, tmp_path / "d", {})
    assert_traces_equal(expected, design.trace(x), tuple(expected))
    assert np.array_equal(design.predict(x), expected["readout.decision"][..., 0])
    assert ir.digest(backend.read_network(design.path)) == ir.digest(net)
    assert sctorch.verify(net, design, x).ok
    assert design.attached == ()


@pytest.mark.parametrize("leak", LEAKS)
@pytest.mark.parametrize("compare", ["gt", "ge"])
def test_snntorch_reads_the_graph_and_keeps_every_spike(tmp_path: Path, leak: str, compare: str) -> None:
    net, x, expected = living(2, leak=leak, compare=compare, alike=True)  # snntorch's import takes one threshold
    design = backend.export(net, tmp_path / "d", {})
    theirs = import_from_nir(nir.read(design.path))
    with torch.no_grad():
        spikes = torch.stack([theirs(step)[0] for step in torch.from_numpy(x).float()])
    assert np.array_equal(spikes.numpy(), expected["neuron2"])


# As many timesteps as leave float32 room for every decayed sum.
@pytest.mark.parametrize(("beta", "steps"), [(0.5, 9), (0.75, 8), (0.9375, 5), (0.625, 4), (1.0, 12)])
def test_what_snntorch_exports_keeps_every_spike(tmp_path: Path, beta: float, steps: int) -> None:
    def leaky(size: int, threshold: float, **fields: Any) -> torch.nn.Module:
        # snntorch exports a Leaky only if its constants have its layer's size
        return snntorch.Leaky(torch.full((size,), beta), torch.full((size,), threshold), init_hidden=True,
                              reset_mechanism="zero", reset_delay=False, **fields)  # fmt: skip

    torch.manual_seed(4)
    net = torch.nn.Sequential(
        torch.nn.Linear(7, 9), leaky(9, 1.0), torch.nn.Linear(9, 5, bias=False), leaky(5, 0.75, output=True)
    )
    with torch.no_grad():
        for p in (net[0].weight, net[0].bias, net[2].weight):
            p.copy_((p * 24).round() / 8)
    if beta == 1:  # snntorch divides by 0 there; this is what it means
        net[1].beta.fill_(0.5)
        net[3].beta.fill_(0.5)
    graph = export_to_nir(net, torch.zeros(7))
    if beta == 1:
        for module, name in ((net[1], "1"), (net[3], "3")):
            module.beta.fill_(1.0)
            node = graph.nodes[name]
            graph.nodes[name] = nir.IF(r=np.full(node.r.shape, 1e4), v_threshold=node.v_threshold)
    nir.write(tmp_path / "net.nir", graph)
    ours = sctorch.import_nir(tmp_path / "net.nir", num_steps=steps)
    assert ours.conversion.exact
    x = (torch.rand(steps, 60, 7) < 0.4).float()
    utils.reset(net)
    with torch.no_grad():
        spikes = torch.stack([net(step)[0] for step in x])
    trace = ours.trace(x)
    assert 0.01 < float(spikes.mean()) < 0.99
    assert torch.equal(trace["neuron2"].float(), spikes)
    assert sctorch.verify(ours, sctorch.export(ours, tmp_path / "d", backend="onnx"), x).ok


def test_a_graph_of_ours_becomes_a_torch_network(tmp_path: Path) -> None:
    net, x, expected = living(3, leak="multiply", scores=True, steps=6)
    design = backend.export(net, tmp_path / "d", {})
    ours = sctorch.import_nir(design.path)
    assert isinstance(ours, nn.SpikingNetwork)
    assert ours.num_steps == 6
    assert ours.conversion.exact
    trace = ours.trace(torch.from_numpy(x).float())
    for key in ("neuron1", "neuron2", "readout.decision"):
        assert np.array_equal(trace[key].numpy(), expected[key]), key
    direct, x, expected = living(3, direct=True)
    design = backend.export(direct, tmp_path / "direct", {})
    with pytest.raises(ConfigError, match="fed by a direct_encoder; give that encoder"):
        sctorch.import_nir(design.path)
    trace = sctorch.import_nir(design.path, encoder=nn.DirectEncoder(6, bits=3)).trace(torch.from_numpy(x))
    assert np.array_equal(trace["neuron2"].numpy(), expected["neuron2"])


def ruled(rule: str, threshold: int = 1, scores: bool = False) -> ir.Network:
    """Three spikes (or scores) that go straight to a readout."""
    size = 2 if rule == "binary_logit" else 3
    neurons = [ir.Neuron("neuron1", size, 1, [1] * size, ir.Leak(), "gt", "zero")]
    return ir.Network("ruled", 9, (
        ir.EventEncoder("spikes_in", size), ir.FixedSynapse("synapse1", np.eye(size), np.zeros(size), 1),
        *([] if scores else neurons),
        ir.Readout("readout", size, "membrane" if scores else "spike", rule, int(scores), class_threshold=threshold),
    ))  # fmt: skip


RULES = [
    *((rule, 3 if rule in ir.layers.THRESHOLD_RULES else 1, False) for rule in ir.layers.DECISION_RULES["spike"]),
    *((rule, 1, True) for rule in ir.layers.DECISION_RULES["membrane"]),
]


@pytest.mark.parametrize(("rule", "threshold", "scores"), RULES)
def test_a_graph_of_ours_keeps_its_rule(tmp_path: Path, rule: str, threshold: int, scores: bool) -> None:
    net = ruled(rule, threshold, scores)
    path = backend.export(net, tmp_path / "d", {}).path
    x = builders.random_input(net, 200, 3)
    ours = sctorch.import_nir(path)
    expected = ir.simulate(net, x)["readout.decision"]
    assert np.array_equal(ours.trace(torch.from_numpy(x).float())["readout.decision"].numpy(), expected)
    if threshold > 1:  # what a caller says comes first
        readout = list(sctorch.import_nir(path, class_threshold=2).modules())[-1]
        assert (readout.decision_rule, readout.class_threshold) == (rule, 2)
        readout = list(sctorch.import_nir(path, decision_rule="argmax_spike_count").modules())[-1]
        assert (readout.decision_rule, readout.class_threshold) == ("argmax_spike_count", 1)


@pytest.mark.parametrize("names", [
    ("pop", "append"), ("forward", "train"), ("", "training"), ("fc.1", "fc_1"), ("fc_1", "fc.1"), (".", "node"),
])  # fmt: skip
def test_any_names_of_nodes_are_taken(names: tuple[str, str]) -> None:
    """Each Linear counts: the second one swaps the two."""
    first, second = names
    plain = lif_graph()
    linear, lif = plain.nodes["linear"], plain.nodes["lif"]
    swap = nir.Linear(weight=np.eye(2)[::-1].copy())
    nodes = {
        "input": plain.nodes["input"], first: linear, f"{first}.lif": lif, second: swap, f"{second}.lif": lif,
        "output": plain.nodes["output"],
    }  # fmt: skip
    x = (torch.rand(8, 30, 2, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    ordinary = {"input": nodes["input"], "a": linear, "b": lif, "c": swap, "d": lif, "output": nodes["output"]}
    expected, got = (
        sctorch.import_nir(nir.NIRGraph(nodes=each, edges=list(pairwise(each))), 8).trace(x)["neuron2"]
        for each in (ordinary, nodes)
    )
    assert expected.any()
    assert torch.equal(got, expected)


def lif_graph(**changes: Any) -> Any:
    """Two inputs, two neurons, beta = 0.5 at dt = 1e-4; changes are of the LIF, or its node itself."""
    constants = {"tau": np.full(2, 2e-4), "r": np.full(2, 2.0), "v_leak": np.zeros(2), "v_threshold": np.ones(2)}
    node = changes.pop("node", None) or nir.LIF(**(constants | changes))
    return nir.NIRGraph.from_list(nir.Linear(weight=np.array([[1.0, 0.25], [0.5, -1.0]])), node)


def test_a_gain_moves_into_the_threshold() -> None:
    """r = 8 makes every current 4 times as large, which is a threshold of a quarter; and dt is only a unit."""
    x = (torch.rand(8, 30, 2, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    plain = sctorch.import_nir(lif_graph(v_threshold=np.full(2, 0.75)), 8).trace(x)["neuron1"]
    gained = sctorch.import_nir(lif_graph(v_threshold=np.full(2, 3.0), r=np.full(2, 8.0)), 8).trace(x)["neuron1"]
    slower = lif_graph(v_threshold=np.full(2, 0.75), tau=np.full(2, 2.0))
    assert plain.any()
    assert torch.equal(plain, gained)
    assert torch.equal(plain, sctorch.import_nir(slower, 8, dt=1.0).trace(x)["neuron1"])


def test_an_if_counts_its_current_r_dt_times() -> None:
    x = (torch.rand(8, 30, 2, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    plain = lif_graph(node=nir.IF(r=np.full(2, 1e4), v_threshold=np.ones(2)))
    twice = lif_graph(node=nir.IF(r=np.full(2, 2e4), v_threshold=np.full(2, 2.0)))
    in_steps = lif_graph(node=nir.IF(r=np.ones(2), v_threshold=np.ones(2)))
    spikes = [sctorch.import_nir(graph, 8, dt=dt).trace(x)["neuron1"] for graph, dt in (
        (plain, None), (twice, None), (in_steps, 1.0))]  # fmt: skip
    assert spikes[0].any()
    assert torch.equal(spikes[0], spikes[1])
    assert torch.equal(spikes[0], spikes[2])


def test_time_constants_in_float32_give_the_beta_that_was_meant() -> None:
    betas = np.array([*range(255), 255.5, 255.75]) / 256  # the last two are 1 - 2^-9 and 1 - 2^-10
    tau = (1e-4 / (1 - betas)).astype(np.float32)
    for beta, t in zip(betas[[0, 3, 64, 77, 254, 255, 256]], tau[[0, 3, 64, 77, 254, 255, 256]], strict=True):
        constants = np.full(2, t), np.full(2, t / np.float32(1e-4))
        ours = sctorch.import_nir(lif_graph(tau=constants[0], r=constants[1]), 2)
        assert float(ours.conversion.layers[0].beta_error) == 0
        assert sctorch.lower.lower(ours, "net").layers[2].leak.beta[0] == beta


def test_off_the_grid_is_refused_or_rounded_with_the_error_stated() -> None:
    graph = lif_graph(tau=np.full(2, 1e-3))  # beta = 0.9
    with pytest.raises(UnsupportedError, match=r"lif .*: beta = 0.9, off the grid"):
        sctorch.import_nir(graph, 8)
    with pytest.warns(nn.QuantisationWarning):
        ours = sctorch.import_nir(graph, 8, off_grid="round")
    (layer,) = ours.conversion.layers
    assert layer.beta_error == pytest.approx(0.9 - 230 / 256, abs=1e-6)


@pytest.mark.parametrize(("graph", "kind", "message"), [
    (lambda: lif_graph(v_reset=np.full(2, 0.5)), UnsupportedError, "lif: a v_reset other than 0"),
    (lambda: lif_graph(v_leak=np.full(2, 0.5)), UnsupportedError, "lif: a v_leak other than 0"),
    (lambda: lif_graph(tau=np.full(2, 5e-5)), ConfigError, "tau = 5e-05 is below dt"),
    (lambda: lif_graph(r=np.zeros(2)), ConfigError, "r = 0 must be above 0"),
    (lambda: lif_graph(r=np.full(2, np.nan)), ConfigError, "lif: r holds NaN"),
    (lambda: lif_graph(v_threshold=np.zeros(2)), UnsupportedError, "threshold = 0"),
    (lambda: lif_graph(node=nir.Threshold(threshold=np.ones(2))), UnsupportedError, "a node of type Threshold"),
    (lambda: lif_graph(node=nir.CubaLIF(*np.ones((5, 2)))), UnsupportedError, "a node of type CubaLIF"),
    (lambda: nir.NIRGraph.from_list(lif_graph().nodes["lif"]), UnsupportedError, "a LIF node at the beginning"),
    (lambda: biased(3), ShapeError, "affine: bias has 3 entries for 2 neurons"),
    (lambda: biased(2, np.nan), ConfigError, "affine: bias holds NaN"),
    (lambda: recurrent(), UnsupportedError, "a branch at"),
    (lambda: 7, ConfigError, "a int is no NIR graph"),
    (lambda: "nonesuch.nir", ConfigError, "cannot read nonesuch.nir as a NIR graph"),
])  # fmt: skip
def test_what_cannot_be_kept_is_refused_by_name(graph: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        sctorch.import_nir(graph(), 8)


def biased(size: int, value: float = 1.0) -> Any:
    graph = nir.NIRGraph.from_list(nir.Affine(weight=np.eye(2), bias=np.ones(2)), lif_graph().nodes["lif"])
    graph.nodes["affine"].bias = np.full(size, value)
    return graph


@pytest.mark.parametrize("change", [
    {"layers": [7]}, {"layers": [{"kind": "event_encoder"}]}, {"layers": [{"kind": [], "name": "spikes_in"}]},
    {"beyond": 3}, {"beyond": [None]}, {"num_steps": "x"}, {"num_steps": None}, {"dt": "x"}, {"dt": None},
    {"dt": 10**400},
])  # fmt: skip
def test_damaged_metadata_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    graph = nir.read(backend.export(network(3), tmp_path / "d", {}).path)
    sctorch.import_nir(graph)
    graph.metadata["sctorch"] = json.dumps(json.loads(graph.metadata["sctorch"]) | change)
    with pytest.raises(ConfigError):
        sctorch.import_nir(graph)
    if "beyond" not in change:
        with pytest.raises(ConfigError):
            backend.read_network(graph)


def recurrent() -> Any:
    graph = lif_graph()
    graph.nodes["back"] = nir.Linear(weight=np.eye(2))
    graph.edges += [("lif", "back"), ("back", "lif")]
    return graph


def test_arguments_of_the_import_are_checked() -> None:
    with pytest.raises(ConfigError, match="needs num_steps"):
        sctorch.import_nir(lif_graph())
    with pytest.raises(ConfigError, match="import_nir: num_steps = '8' must be an integer"):
        sctorch.import_nir(lif_graph(), "8")
    with pytest.raises(ConfigError, match="import_nir: dt = 0"):
        sctorch.import_nir(lif_graph(), 8, dt=0)
    with pytest.raises(ConfigError, match="import_nir: option 'weight_bit' is unknown; known: weight_bits, frac_bits"):
        sctorch.import_nir(lif_graph(), 8, weight_bit=4)
    with pytest.raises(ShapeError, match="encoder gives 3"):
        sctorch.import_nir(lif_graph(), 8, nn.EventEncoder(3))


BEYOND = {
    "rate": ("encoder: a stream of bits", {"encoder": ("counter", "shared"), "fixed": True}),
    "levels": ("encoder: a thermometer code", {"encoder": "levels", "fixed": True}),
    "stochastic": ("synapse1: a stochastic synapse", {"encoder": "events", "fixed": False}),
    "subtract": ("neuron1: the reset 'subtract'", {"fields": ("none", "gt", "subtract", True), "fixed": True}),
    "snntorch": (
        "neuron1: the reset 'subtract_snntorch'", {"fields": ("none", "gt", "subtract_snntorch", False), "fixed": True},
    ),
    "unreset": ("neuron1: no reset", {"fields": ("none", "ge", "none", True), "fixed": True}),
    "floor": ("neuron1: a leak that floors to", {"fields": ("shift", "gt", "zero", True), "fixed": True}),
    "random": ("neuron1: a stochastic leak", {"fields": ("stochastic", "gt", "zero", True), "fixed": True}),
}  # fmt: skip


@pytest.mark.parametrize("name", BEYOND)
def test_what_nir_cannot_say_is_refused_or_attached(tmp_path: Path, name: str) -> None:
    message, fields = BEYOND[name]
    net, x, _ = builders.alive_network(5, 3, **({"encoder": "events", "hidden": 2, "readout": "membrane"} | fields))
    with pytest.raises(UnsupportedError, match=message):
        backend.export(net, tmp_path / "d", {})
    assert list(tmp_path.iterdir()) == []
    design = backend.export(net, tmp_path / "d", {"attach": True})
    assert any(text.startswith(message) for text in design.attached)
    assert json.loads((tmp_path / "d" / "design.json").read_text())["attached"] == list(design.attached)
    assert ir.digest(backend.read_network(design.path)) == ir.digest(net)  # all of it, streams included
    if any(not text.startswith(net.encoder.name) for text in design.attached):
        with pytest.raises(UnsupportedError, match="NIR cannot say it"):
            design.trace(x)
        with pytest.raises(UnsupportedError, match="holds its network in part alone"):
            sctorch.import_nir(design.path)


def test_one_bit_less_than_a_window_of_decays_needs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And rightly: with it the simulator floors, and the graph does not."""
    neuron = ir.Neuron("neuron1", 1, 10, [900], ir.Leak("shift", 1), reset="zero")
    network = ir.Network("bits", 8, (
        ir.EventEncoder("spikes_in", 1), ir.FixedSynapse("synapse1", [[1]], [0], 1, 3), neuron,
        ir.Readout("readout", 1, "spike", "argmax_spike_count"),
    ))  # fmt: skip
    x = np.zeros((8, 2, 1))
    x[0, 0] = 1
    enough = backend.export(network, tmp_path / "enough", {}).trace(x)
    assert_traces_equal(ir.simulate(network, x), enough, tuple(enough))
    short = replace(network, layers=(*network.layers[:2], replace(neuron, frac=9), network.layers[3]))
    with pytest.raises(UnsupportedError, match=r"floors to 9 fractional bits .* Give it 10 fractional bits"):
        backend.export(short, tmp_path / "short", {})
    monkeypatch.setattr("sctorch.backends.nir.writing._of_leak", lambda *_: [])
    with pytest.raises(ConfigError, match="between the network's integers"):
        backend.export(short, tmp_path / "short", {}).trace(x)


def test_any_network_comes_back_the_same(tmp_path: Path) -> None:
    for seed in range(40):
        net = builders.random_network(Random(seed), lengths=(1, 2, 4))
        design = backend.export(net, tmp_path / str(seed), {"attach": True, "dt": (1e-4, 1e-3, 0.7)[seed % 3]})
        assert ir.digest(backend.read_network(nir.read(design.path))) == ir.digest(net), seed


def test_spikes_of_an_encoder_outside_the_graph_run_it_exactly(tmp_path: Path) -> None:
    net = network(1000)
    rate = ir.RateEncoder("encoder", 6, ir.StreamSource("counter", 3))
    net = replace(net, layers=(rate, *net.layers[1:]))
    x = builders.random_input(net, 30, 1)
    design = backend.export(net, tmp_path / "d", {"attach": True})
    assert sctorch.verify(net, design, x).ok


def test_the_digits_go_through_nir_and_snntorch(tmp_path: Path) -> None:
    """Pixels as a direct encoder's integers: the graph, its import, and snntorch's import of it spike alike."""
    from sklearn.datasets import load_digits

    torch.manual_seed(1)
    net = nn.SpikingNetwork(
        nn.DirectEncoder(64, bits=4), nn.FixedLinear(64, 20, weight_bits=4),
        nn.LIF(20, beta=0.5, threshold=1.0, reset_mechanism="zero", frac_bits=15),
        nn.FixedLinear(20, 10, weight_bits=4),
        nn.LIF(10, beta=0.5, threshold=0.5, reset_mechanism="zero", frac_bits=12), nn.SNNReadout(10), num_steps=8,
    )  # fmt: skip
    with torch.no_grad():
        for synapse in (m for m in net.modules() if isinstance(m, nn.FixedLinear)):
            synapse.weight.uniform_(-0.4, 0.5)
    x = torch.from_numpy(load_digits().data[:200] / 16).float()
    design = sctorch.export(net, tmp_path / "d", backend="nir")
    report = sctorch.verify(net, design, x)
    assert report.ok
    assert report.spikes_compared > 1000
    spikes = net.trace(x)["neuron2"].numpy()
    again = sctorch.import_nir(design.path, encoder=nn.DirectEncoder(64, bits=4))
    assert np.array_equal(again.trace(x)["neuron2"].numpy(), spikes)
    theirs = import_from_nir(nir.read(design.path))
    pixels = torch.from_numpy(ir.check_input(design.network, x.numpy()) / 16).float()
    with torch.no_grad():
        assert np.array_equal(torch.stack([theirs(pixels)[0] for _ in range(8)]).numpy(), spikes)


def changed(path: Path, name: str, field: str, value: Callable[[np.ndarray], np.ndarray]) -> None:
    graph = nir.read(path)
    setattr(graph.nodes[name], field, value(getattr(graph.nodes[name], field)))
    nir.write(path, graph)


@pytest.mark.parametrize(("name", "field", "step"), [
    ("synapse1", "weight", -1 / 8), ("synapse1", "bias", 1 / 8), ("neuron1", "v_threshold", 1.0),
    ("synapse2", "weight", -1 / 8),
])  # fmt: skip
def test_a_changed_graph_is_seen(tmp_path: Path, name: str, field: str, step: float) -> None:
    net, x, _ = living(6)
    design = backend.export(net, tmp_path / "d", {})
    assert sctorch.verify(net, design, x).ok
    changed(design.path, name, field, lambda values: values + step)
    report = sctorch.verify(net, design, x)
    assert not report.ok
    assert f"layer '{name}" in str(report.pairs[0].first)
    assert ir.digest(backend.read_network(design.path)) != ir.digest(net)  # the nodes are read, not the metadata


def test_a_graph_of_another_network_or_shape_is_refused(tmp_path: Path) -> None:
    net, x, _ = living(6)
    design = backend.export(net, tmp_path / "d", {})
    written = nir.read(design.path)

    def refused(graph: Any, message: str) -> None:
        nir.write(design.path, graph)
        with pytest.raises(ConfigError, match=message):
            design.trace(x)

    refused(lif_graph(), "d/network.nir is not the graph of the network 'net'; export again")
    other = backend.export(replace(net, name="other"), tmp_path / "other", {}).path
    refused(nir.read(other), "d/network.nir is not the graph of the network 'net'; export again")
    small = lif_graph()
    small.metadata = written.metadata
    refused(small, r"d/network.nir was changed and cannot be run .*export again")
    lif = written.nodes["neuron2"]
    written.nodes["neuron2"] = nir.LI(tau=lif.tau, r=lif.r, v_leak=lif.v_leak)
    refused(written, "d/network.nir: neuron2 is not the network's node; export again")


def test_values_off_the_grid_are_refused(tmp_path: Path) -> None:
    net, x, _ = living(6)
    design = backend.export(net, tmp_path / "d", {})
    changed(design.path, "synapse1", "weight", lambda values: values + 0.01)
    with pytest.raises(ConfigError, match=r"synapse1: weight = .* is off the grid of 1 / 8"):
        backend.read_network(design.path)
    with pytest.raises(ConfigError, match="synapse1: the graph gives values between the network's integers"):
        design.trace(x)
    changed(design.path, "synapse1", "weight", lambda values: values - 0.01)
    for field, value in (("tau", 1e-3), ("v_leak", 1.0), ("v_reset", 0.5), ("r", 7.0)):
        backend.export(net, tmp_path / "d", {})
        changed(design.path, "neuron1", field, lambda values, value=value: np.full_like(values, value))
        with pytest.raises(ConfigError, match=r"neuron1: .* is not the"):
            backend.read_network(design.path)


def test_files_are_the_same_each_time_and_hold_no_path(tmp_path: Path) -> None:
    net = network(3)
    first, second = (backend.export(net, tmp_path / name, {}).path.read_bytes() for name in ("a", "b"))
    assert first == second
    assert str(tmp_path).encode() not in first


def test_options_are_checked_and_a_damaged_file_says_so(tmp_path: Path) -> None:
    for options, message in (
        ({"speed": 1}, "option 'speed' is unknown; known: dt, attach"),
        ({"dt": 0}, "dt = 0"), ({"dt": 1e300}, r"dt = 1e\+300 is outside 1e-12 to 1e\+12"),
        ({"dt": "fast"}, "dt = 'fast'"), ({"attach": 1}, "attach = 1 must be True or False"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=message):
            sctorch.backends.export_network(network(3), tmp_path / "d", "nir", options)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="has no metadata of sctorch"):
        backend.read_network(lif_graph())
    backend.export(network(3), tmp_path / "d", {})
    design = sctorch.backends.load(tmp_path / "d")
    assert isinstance(design, backend.NirDesign)
    design.path.write_bytes(b"nothing")
    with pytest.raises(ConfigError, match=r"network\.nir as a NIR graph"):
        design.trace(builders.random_input(design.network, 2, 0))


@pytest.mark.parametrize("dt", [1e-12, 1e12])
def test_any_timestep_that_is_allowed_runs(tmp_path: Path, dt: float) -> None:
    for leak in LEAKS:
        net, x, expected = living(1, leak=leak, delay=2)
        design = backend.export(net, tmp_path / leak, {"dt": dt})
        assert_traces_equal(expected, design.trace(x), tuple(expected))
        assert ir.digest(backend.read_network(design.path)) == ir.digest(net)


def test_without_nir_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(ToolNotFoundError, match=r"pip install 'sctorch\[nir\]'"):
        backend.export(network(3), tmp_path / "d", {})
    assert list(tmp_path.iterdir()) == []


def test_nir_is_imported_only_to_write_or_read() -> None:
    code = "import sys, sctorch.backends.nir; assert not {'nir', 'h5py', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
