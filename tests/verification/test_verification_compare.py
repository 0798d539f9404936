"""Comparison: a planted difference is found and named, and a comparison that shows nothing is refused."""

from __future__ import annotations

from pathlib import Path
from random import Random

import builders
import numpy as np
import pytest
import torch

from sctorch import ir, nn
from sctorch.backends import Design
from sctorch.errors import ConfigError, MismatchError, ShapeError
from sctorch.lower import lower
from sctorch.verification import VerifyReport, compare, verify


class Scripted(Design):
    """Answers as the simulator does, but for integers that are changed on the way."""

    backend = "scripted"

    def __init__(self, network: ir.Network, changes: dict[tuple[str, int, int, int], int] | None = None) -> None:
        super().__init__(Path("nowhere"), network, {})
        self.changes = changes or {}

    def trace(self, x: np.ndarray) -> ir.Trace:
        trace = ir.simulate(self.network, x)
        for (key, *place), value in self.changes.items():
            trace[key][tuple(place)] = value
        return trace


@pytest.fixture
def net() -> nn.SpikingNetwork:
    torch.manual_seed(4)
    return nn.SpikingNetwork(
        nn.RateEncoder(5, bits=4), nn.SCLinear(5, 6, weight_bits=3), nn.LIF(6, threshold=0.5),
        nn.SCLinear(6, 3, weight_bits=3, bias=True), nn.SNNReadout(3, output_mode="membrane"), num_steps=12,
    )  # fmt: skip


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(0).random((7, 5)).astype(np.float32)


def test_equal_traces_are_reported_as_such(net: nn.SpikingNetwork, x: np.ndarray) -> None:
    report = verify(net, Scripted(lower(net)), torch.from_numpy(x))
    assert report.ok
    assert report.windows == 7
    assert [pair.name for pair in report.pairs] == ["torch = ir", "ir = scripted"]
    # encoder 5, synapse 6, membranes 6, spikes 6, synapse 3, scores 3, decision 1 for each of 12 * 7 timesteps
    assert [pair.values for pair in report.pairs] == [30 * 12 * 7] * 2
    assert report.values_compared == 2 * 30 * 12 * 7
    trace = ir.simulate(lower(net), x)
    assert report.spikes_compared == 2 * int(trace["encoder"].sum() + trace["neuron1"].sum())
    report.raise_if_failed()
    assert "mismatches" in report.summary()
    assert len(report.summary().splitlines()) == 3
    assert report.to_dict()["ok"] is True


@pytest.mark.parametrize("key", ["encoder", "synapse1", "neuron1", "neuron1.mem", "synapse2", "readout"])
def test_a_planted_difference_is_named_with_its_place(key: str, net: nn.SpikingNetwork, x: np.ndarray) -> None:
    network = lower(net)
    right = int(ir.simulate(network, x)[key][8, 4, 2])
    wrong = 1 - right if key in ("encoder", "neuron1") else right + 1
    report = verify(net, Scripted(network, {(key, 8, 4, 2): wrong}), x)
    assert not report.ok
    assert [pair.mismatches for pair in report.pairs] == [0, 1]
    with pytest.raises(MismatchError) as caught:
        report.raise_if_failed()
    error = caught.value
    assert (error.pair, error.layer, error.timestep, error.window, error.neuron) == ("ir = scripted", key, 8, 4, 2)
    assert (error.expected, error.got) == (right, wrong)
    for part in (repr(key), "timestep 8", "window 4", "neuron 2", f"expected {right}, got {wrong}"):
        assert part in str(error)
    assert str(error) in report.summary()
    assert report.to_dict()["pairs"][1]["first"] == str(error)


def test_the_first_difference_in_time_is_the_one_named(net: nn.SpikingNetwork, x: np.ndarray) -> None:
    """Not the first layer's: what differs later is a consequence, or another fault."""
    network = lower(net)
    changes = {("encoder", 9, 0, 0): 7, ("neuron1", 5, 6, 1): 7, ("readout", 5, 0, 0): 777, ("synapse1", 6, 0, 0): 99}
    report = verify(network, Scripted(network, changes), x)
    first = report.pairs[0].first
    assert report.pairs[0].mismatches == 4
    assert first is not None
    assert (first.layer, first.timestep, first.window, first.neuron) == ("neuron1", 5, 6, 1)


def test_ticks_of_the_encoder_are_told_in_timesteps() -> None:
    torch.manual_seed(1)
    net = nn.SpikingNetwork(
        nn.RateEncoder(3, bits=4),
        nn.SCLinear(3, 2, bitstream_length=4),
        nn.SNNReadout(2, output_mode="membrane"),
        num_steps=5,
    )
    network = lower(net)
    x = np.full((2, 3), 0.4, dtype=np.float32)
    right = int(ir.simulate(network, x)["encoder"][14, 1, 2])
    report = verify(net, Scripted(network, {("encoder", 14, 1, 2): 1 - right, ("readout", 4, 0, 0): 999}), x)
    assert report.pairs[1].first is not None
    assert (report.pairs[1].first.layer, report.pairs[1].first.timestep) == ("encoder", 3)  # tick 14 of 4 a timestep


def test_torch_itself_is_under_test(net: nn.SpikingNetwork, x: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = nn.SpikingNetwork.trace

    def wrong(self: nn.SpikingNetwork, x: torch.Tensor) -> dict[str, torch.Tensor]:
        result = trace(self, x)
        result["neuron1.mem"] = result["neuron1.mem"].clone()
        result["neuron1.mem"][3, 2, 1] += 1
        return result

    monkeypatch.setattr(nn.SpikingNetwork, "trace", wrong)
    with pytest.raises(
        MismatchError, match=r"torch = ir: first difference in layer 'neuron1.mem', timestep 3, window 2"
    ):
        verify(net, [], x).raise_if_failed()


# ---------------------------------------------------------------- what shows nothing is refused


def sample() -> tuple[ir.Network, ir.Trace]:
    network, _, trace = builders.alive_network(3, 4, encoder=("counter", "shared"), hidden=1, readout="membrane")
    return network, trace


@pytest.mark.parametrize("cut", ["timestep", "window", "neuron"])
def test_another_shape_is_an_error_and_not_a_shorter_comparison(cut: str) -> None:
    network, trace = sample()
    place = {"timestep": np.s_[:-1], "window": np.s_[:, :-1], "neuron": np.s_[..., :0]}[cut]
    for key in trace:
        with pytest.raises(ShapeError, match=f"{key} has shape"):
            compare("a = b", network, trace, trace | {key: trace[key][place]})


def test_an_execution_without_a_decision_is_refused() -> None:
    network, trace = sample()
    without = {key: values for key, values in trace.items() if key != "readout.decision"}
    for pair in ((trace, without), (without, trace), ({}, {})):
        with pytest.raises(ShapeError, match=r"an execution gives no readout\.decision"):
            compare("a = b", network, *pair)


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("layer", ["encoder", "neuron1"])
def test_a_layer_that_never_changes_is_refused(layer: str, level: int) -> None:
    network, trace = sample()
    still = trace | {layer: np.full_like(trace[layer], level)}
    with pytest.raises(ConfigError, match=f"{layer}.*equality there means nothing; give other inputs"):
        compare("a = b", network, still, still)


def test_no_window_at_all_is_refused(net: nn.SpikingNetwork) -> None:
    with pytest.raises(ConfigError, match="there is no window in x"):
        verify(net, [], np.zeros((0, 5), dtype=np.float32))


def test_an_integer_network_alone_is_refused(net: nn.SpikingNetwork, x: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="nothing to be compared with"):
        verify(lower(net), [], x)


def test_a_design_of_another_network_is_refused(net: nn.SpikingNetwork, x: np.ndarray) -> None:
    design = Scripted(lower(net))
    with torch.no_grad():
        net.synapse1.weight[0, 0] += 0.5
    with pytest.raises(
        ConfigError, match=r"was exported from another network .or an earlier state of it.; export again"
    ):
        verify(net, design, x)
    other = builders.random_network(Random(0))
    with pytest.raises(ConfigError, match="was exported from another network"):
        verify(lower(net), [Scripted(lower(net)), Scripted(other)], x)


def test_name_and_meta_of_the_design_are_its_own(net: nn.SpikingNetwork, x: np.ndarray) -> None:
    assert verify(net, Scripted(lower(net, "digits", {"classes": "a b c"})), x).ok


def test_several_designs_in_one_report(net: nn.SpikingNetwork, x: np.ndarray) -> None:
    network = lower(net)
    decision = int(ir.simulate(network, x)["readout.decision"][0, 0, 0])
    broken = Scripted(network, {("readout.decision", 0, 0, 0): (decision + 1) % 3})
    report = verify(net, [Scripted(network), broken, Scripted(network)], x)
    assert [pair.mismatches for pair in report.pairs] == [0, 0, 1, 0]
    assert not report.ok
    assert isinstance(report, VerifyReport)


@pytest.mark.parametrize("junk", [None, 3, "design", [None]])
def test_what_is_no_design(net: nn.SpikingNetwork, x: np.ndarray, junk: object) -> None:
    with pytest.raises(ConfigError, match="verify: design must be an exported design"):
        verify(net, junk, x)  # type: ignore[arg-type]
