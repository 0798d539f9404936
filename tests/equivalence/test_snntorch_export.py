"""A snntorch network straight into hardware: snntorch's own forward, torch, the simulator and the exports agree."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snntorch
import torch
from snntorch_nets import SIZES, Documented, assert_alive, events, on_grid

import sctorch
from sctorch import backends, ir, nn
from sctorch.backends import Design
from sctorch.errors import ConfigError, MismatchError
from sctorch.lower import lower

STEPS = 12


@pytest.mark.parametrize(
    ("reset", "delay"), list(itertools.product(("subtract", "zero", "none"), (True, False)))
)  # fmt: skip
def test_each_reset_through_verilog(reset: str, delay: bool, tmp_path: Path) -> None:
    net = on_grid(Documented({"beta": 0.5, "reset_mechanism": reset, "reset_delay": delay}), 1)
    design = sctorch.export(net, tmp_path / "x", num_steps=STEPS)
    x = events(STEPS)
    report = sctorch.verify(net, design, x)
    report.raise_if_failed()
    assert [pair.name for pair in report.pairs] == ["snntorch = torch", "torch = ir", "ir = verilog"]
    theirs = report.pairs[0]
    assert theirs.keys == ("synapse1", "neuron1", "neuron1.mem", "synapse2", "neuron2", "neuron2.mem")
    assert theirs.values == STEPS * 40 * 3 * (SIZES[1] + SIZES[2])
    with torch.no_grad():
        own = net(x)
    assert theirs.spikes == int(own["neuron1"].sum() + own["neuron2"].sum())
    hardware = design.trace(x.numpy())
    for name in ("neuron1", "neuron2"):
        assert_alive(own[name])
        assert np.array_equal(hardware[name], own[name].numpy())  # snntorch and the Verilog, without a way between
    assert report.notes == ()


def test_a_default_net_through_hls_spike_for_spike(tmp_path: Path) -> None:
    """A plain Leaky, nothing rounded: the C simulation has the spikes of snntorch's own loop, and so its classes."""
    torch.manual_seed(2)
    net = Documented({"beta": 0.5}, sizes=(16, 32, 5))
    with torch.no_grad():
        for p in (*net.fc1.parameters(), *net.fc2.parameters()):
            p.copy_((p * 24).round() / 8)
    design = sctorch.export(net, tmp_path / "x", backend="hls", num_steps=STEPS, io_type="io_stream")
    x = events(STEPS, batch=1000, size=16)
    with torch.no_grad():
        own = net(x)
    hardware = design.trace(x.numpy())
    for name in ("neuron1", "neuron2"):
        assert_alive(own[name])
        assert np.array_equal(hardware[name], own[name].numpy()), name
    counts = own["neuron2"].cumsum(dim=0)
    classes = counts.argmax(dim=2)  # the first of several equal ones, as everywhere here
    assert len(classes[-1].unique()) == 5
    assert np.array_equal(design.predict(x.numpy()), classes.numpy())


def test_a_net_of_mixed_rules_through_hls(tmp_path: Path) -> None:
    net = on_grid(
        Documented(
            {"beta": 0.75, "threshold": torch.linspace(0.5, 2.5, SIZES[1]), "reset_mechanism": "zero"},
            {"beta": 0.25, "reset_delay": False, "init_hidden": True},
        ),
        2,
    )
    with pytest.warns(nn.QuantisationWarning):
        design = sctorch.export(net, tmp_path / "x", backend="hls", num_steps=STEPS)
    report = sctorch.verify(net, design, events(STEPS))
    report.raise_if_failed()
    assert [pair.name for pair in report.pairs][0::2] == ["snntorch = torch", "ir = hls"]


@pytest.mark.parametrize(("reset", "delay"), list(itertools.product(("subtract", "zero", "none"), (True, False))))
@pytest.mark.parametrize("beta", [0.9375, 0.3125])
def test_the_pair_is_exact_where_the_leak_rounds(beta: float, reset: str, delay: bool, tmp_path: Path) -> None:
    """Long windows and few fractional bits: snntorch runs with the same grid, rounded the same way, and agrees."""
    net = on_grid(Documented({"beta": beta, "reset_mechanism": reset, "reset_delay": delay}), 1)
    with pytest.warns(nn.QuantisationWarning, match="largest errors: membrane"):
        converted = nn.from_snntorch(net, 25, frac_bits=5)
    network = lower(converted, meta=converted.converted_meta())
    report = sctorch.verify(net, Simulated(network), events(25))
    report.raise_if_failed()
    assert report.pairs[0].values == 25 * 40 * 3 * (SIZES[1] + SIZES[2])
    (note,) = report.notes
    assert "membranes rounded by at most" in note


class Simulated(Design):
    """A design without hardware, where snntorch is what is under test."""

    backend = "simulated"

    def __init__(self, network: ir.Network) -> None:
        super().__init__(Path("nowhere"), network, {})

    def trace(self, x: np.ndarray) -> ir.Trace:
        return ir.simulate(self.network, x)


def test_off_the_grid_the_difference_is_stated_and_no_verdict(tmp_path: Path) -> None:
    """Everything is off its grid, and few bits make it show; the pair itself is exact, with the rounded numbers."""
    torch.manual_seed(2)
    net = Documented({"beta": 0.9, "threshold": 0.3}, {"beta": 0.8, "threshold": torch.rand(SIZES[2]) / 2 + 0.1})
    with pytest.warns(nn.QuantisationWarning):
        converted = nn.from_snntorch(net, 25, weight_bits=3, off_grid="round")
    design = sctorch.export(converted, tmp_path / "x")
    assert design.network.meta["snntorch"] == converted.conversion.summary()
    assert "largest errors: weight" in design.network.meta["snntorch"]
    x = events(25)
    report = sctorch.verify(net, backends.load(tmp_path / "x"), x)
    report.raise_if_failed()
    assert [pair.mismatches for pair in report.pairs] == [0, 0, 0]
    trace = converted.trace(x)
    with torch.no_grad():
        own = net(x)
    different = sum(int((trace[name] != own[name]).sum()) for name in ("neuron1", "neuron2"))
    total = 25 * 40 * (SIZES[1] + SIZES[2])
    assert 0 < different < total / 4
    (note,) = report.notes
    assert f"{different:,} of {total:,} spikes and silences differ" in note
    assert f"largest parameter error {converted.conversion.parameter_error:.3g}" in note
    assert note in report.summary()
    assert report.to_dict()["notes"] == [note]
    assert report.ok


@pytest.mark.parametrize("mode", ["linear", "leaky"])
def test_scores_that_are_membranes(mode: str, tmp_path: Path) -> None:
    net = on_grid(Documented({"beta": 0.5}, {"beta": 0.75, "reset_mechanism": "none"}), 1).sequential()
    x = torch.randint(0, 16, (30, SIZES[0])).float() / 16
    if mode == "linear":
        net = net[:3]
        design = sctorch.export(net, tmp_path / "x", num_steps=6, encoder=nn.DirectEncoder(SIZES[0], bits=4))
    else:
        net = net[:2] + on_grid(torch.nn.Sequential(torch.nn.Linear(SIZES[1], 2), net[3]), 2)
        encoder = nn.DirectEncoder(SIZES[0], bits=4)
        converted = nn.from_snntorch(net, 6, encoder, output_mode="membrane", decision_rule="binary_logit")
        design = sctorch.export(converted, tmp_path / "x")
    report = sctorch.verify(net, design, x)
    report.raise_if_failed()
    assert ("readout" in report.pairs[0].keys) == (mode == "leaky")


@pytest.mark.parametrize(
    "encoder",
    [nn.RateEncoder(3, bits=4), nn.RateEncoder(3, bits=5, source="lfsr", seed=3, decorrelator="shift"),
     nn.LevelEncoder(1, levels=3)],
)  # fmt: skip
def test_verify_finds_the_encoder_in_the_design(encoder: Any, tmp_path: Path) -> None:
    linear = torch.nn.Linear(3, 4)
    net = on_grid(torch.nn.Sequential(linear, Documented({"beta": 0.5}).lif1), 0)
    design = sctorch.export(net, tmp_path / "x", num_steps=STEPS, encoder=encoder)
    report = sctorch.verify(net, design, torch.rand(30, encoder.n_features))
    report.raise_if_failed()
    assert len(report.pairs) == 3


# ---------------------------------------------------------------- and it can fail


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Documented, Any]:
    net = on_grid(Documented({"beta": 0.5}), 1)
    return net, sctorch.export(net, tmp_path_factory.mktemp("snntorch") / "x", num_steps=STEPS)


@pytest.mark.parametrize("key", ["synapse1", "neuron1", "neuron1.mem", "neuron2"])
def test_a_difference_from_snntorch_is_found(
    key: str, exported: tuple[Documented, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    net, design = exported
    trace = nn.SpikingNetwork.trace

    def wrong(self: nn.SpikingNetwork, x: torch.Tensor) -> dict[str, torch.Tensor]:
        result = trace(self, x)
        result[key] = result[key].clone()
        result[key][5, 3, 2] = 1 - result[key][5, 3, 2]
        return result

    monkeypatch.setattr(nn.SpikingNetwork, "trace", wrong)
    report = sctorch.verify(net, design, events(STEPS))
    assert not report.ok
    assert report.pairs[0].mismatches == 1
    with pytest.raises(MismatchError, match=rf"snntorch = torch: .*'{key}', timestep 5, window 3, neuron 2"):
        report.raise_if_failed()


def test_another_rule_of_snntorch_is_found(exported: tuple[Documented, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is snntorch's code that runs: were its rule to change, the pair would show it."""
    net, design = exported
    base = snntorch.Leaky._base_state_function
    monkeypatch.setattr(snntorch.Leaky, "_base_state_function", lambda self, x: base(self, x) - 0.125 * self.reset)
    assert sctorch.verify(net, design, events(STEPS)).pairs[0].mismatches > 0


def test_a_changed_network_is_another_one(exported: tuple[Documented, Any]) -> None:
    _, design = exported
    with pytest.raises(ConfigError, match="was exported from another network"):
        sctorch.verify(on_grid(Documented({"beta": 0.5}), 5), design, events(STEPS))


def test_arguments_of_export_and_verify(exported: tuple[Documented, Any], tmp_path: Path) -> None:
    net, _ = exported
    with pytest.raises(ConfigError, match="a snntorch network needs num_steps"):
        sctorch.export(net, tmp_path / "x")
    converted = nn.from_snntorch(net, STEPS)
    with pytest.raises(ConfigError, match="has its num_steps and encoder already; leave both out"):
        sctorch.export(converted, tmp_path / "x", num_steps=STEPS)
    with pytest.raises(ConfigError, match="needs a design, which has its num_steps and encoder"):
        sctorch.verify(net, [], events(STEPS))
    assert not list(tmp_path.iterdir())
