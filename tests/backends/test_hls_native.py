"""hls4ml's own spiking layers: taken where they compute the same, refused elsewhere, and no clash of names.

hls4ml 1.3.0 has none; tests/native_hls4ml.py stands for a version that has, in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from native_run import networks, project_digest

from sctorch import ir
from sctorch.backends import hls
from sctorch.backends.hls.native import refusals
from sctorch.errors import ConfigError, ToolNotFoundError, UnsupportedError

SCRIPT = Path(__file__).parents[1] / "native_run.py"
CHOSEN = {**hls.OPTIONS, "io_type": "io_stream", "native": True}


def in_its_own_process(order: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), order, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, require_tool: Callable[[str], None]) -> dict[str, Any]:
    require_tool("g++")
    return in_its_own_process("before", tmp_path_factory.mktemp("native"))


def test_the_layers_are_hls4mls_and_the_integers_ours(before: dict[str, Any]) -> None:
    found = before["exports"]
    assert found["counts"]["native"] == {"neuron1": "LIFNeuron", "neuron2": "LIFNeuron", "readout": "SNNReadout"}
    assert found["scores"]["native"] == {"neuron1": "LIFNeuron", "neuron2": "IFNeuron", "readout": "SNNReadout"}
    for name, one in found.items():
        shown = {"encoder", "neuron1", "neuron2", "readout.decision"} | {
            layer.name for layer in networks()[name].synapses
        }
        assert set(one["differ"]) == shown, "membranes and scores are not shown, all else is"
        assert not any(one["differ"].values()), one["differ"]
        assert len(one["answers"]) >= 3
        assert all(0.02 < share < 0.98 for share in one["spikes"].values()), one["spikes"]
        assert one["description"] == one["native"]
        for layer, kind in one["native"].items():
            assert f"- {layer}: {kind} of hls4ml" in one["readme"]


def test_names_that_are_taken_change_nothing(before: dict[str, Any], tmp_path: Path) -> None:
    """hls4ml's own names registered before ours and behind them, ours three times and once reloaded: one project."""
    after = in_its_own_process("after", tmp_path / "after")
    assert {*before["digests"], *after["digests"]} == {project_digest(tmp_path / "here")}
    assert len(after["digests"]) == 3


def test_an_hls4ml_without_them_is_told(tmp_path: Path) -> None:
    from hls4ml.model.layers import layer_map

    if "LIFNeuron" in layer_map:
        pytest.skip("the installed hls4ml has spiking layers of its own")
    with pytest.raises(ToolNotFoundError, match=r"LIFNeuron, SNNReadout of hls4ml, for native=True, was not found. The "
                       r"installed hls4ml [\d.]+ has no such layer. .*leave native out"):  # fmt: skip
        hls.check(networks()["counts"], {"io_type": "io_stream", "native": True})  # before a recipe's training
    with pytest.raises(ToolNotFoundError):
        hls.export(networks()["counts"], tmp_path / "d", {"io_type": "io_stream", "native": True})
    assert list(tmp_path.iterdir()) == []


def changed(name: str, layer: str, **fields: Any) -> ir.Network:
    network = networks()[name]
    return replace(network, layers=tuple(replace(x, **fields) if x.name == layer else x for x in network.layers))


MULTIPLY = ir.Leak("multiply", 8, np.array([200]))
REFUSED = [
    (changed("counts", "neuron1", compare="gt"), "neuron1", "spikes at u >= threshold"),
    (changed("counts", "neuron1", reset_delay=True), "neuron1", "resets at once"),
    (changed("counts", "neuron2", reset="none"), "neuron2", "not 'none'"),
    (changed("counts", "neuron2", reset="subtract_snntorch"), "neuron2", "not 'subtract_snntorch'"),
    (changed("counts", "neuron1", leak=ir.Leak("shift", 2)), "neuron1", "leak='multiply' is that rule"),
    (changed("scores", "neuron1", frac=7), "neuron1", "leak='multiply' is that rule"),
    (changed("scores", "neuron1", threshold=np.full(9, 11 * 16)), "neuron1", "leak='multiply' is that rule"),
    (changed("counts", "neuron1", leak=ir.Leak("stochastic", 3, np.array([5]), ir.StreamSource("lfsr", 3, (5, 3), 1))),
     "neuron1", "no stochastic leak"),
    (changed("counts", "readout", decision_rule="first_to_threshold"), "readout", "threshold_then_argmax is that rule"),
    (changed("scores", "readout", frac=4), "readout", "does not|do not hold this one"),
    (changed("scores", "readout", leak=ir.Leak("shift", 3)), "readout", "do not hold this one"),
    (changed("scores", "readout", leak=ir.Leak("shift", 2)), "readout", "leak='multiply' is that rule"),
]  # fmt: skip


@pytest.mark.parametrize(("network", "layer", "says"), REFUSED, ids=range(len(REFUSED)))
def test_what_they_compute_otherwise_is_refused(network: ir.Network, layer: str, says: str, tmp_path: Path) -> None:
    assert list(refusals(network, CHOSEN)) == [layer]
    with pytest.raises(
        UnsupportedError, match=rf"native=True \({layer}: .*({says}).*\) is not supported. Leave native"
    ):
        hls.export(network, tmp_path / "d", {"io_type": "io_stream", "native": True})
    assert list(tmp_path.iterdir()) == []


def test_every_reason_is_named() -> None:
    network = changed("counts", "neuron1", compare="gt")
    stochastic = ir.StochasticSynapse(
        "synapse2", np.ones((4, 9)), np.zeros(4), 1, ir.StreamSource("lfsr", 3, (5, 3), 1)
    )
    layers = [stochastic if x.name == "synapse2" else x for x in network.layers]
    layers.insert(3, ir.Delay("neuron1_delay", 9, 2))
    found = refusals(replace(network, layers=tuple(layers)), {**CHOSEN, "io_type": "io_parallel"})
    assert list(found) == ["io_type", "neuron1", "neuron1_delay", "synapse2"]
    assert "does not compile with io_parallel" in found["io_type"]
    assert list(refusals(networks()["counts"], {**CHOSEN, "window": "last"})) == ["window"]
    logit = replace(networks()["scores"].readout, size=2, decision_rule="binary_logit")
    two = replace(networks()["scores"], layers=(
        *networks()["scores"].layers[:-2], ir.FixedSynapse("synapse3", np.ones((2, 4)), np.zeros(2), 3, 3), logit,
    ))  # fmt: skip
    assert "cut the fraction off the logit" in refusals(two, CHOSEN)["readout"]


def test_a_threshold_that_training_may_move_refuses_nothing_yet() -> None:
    network = changed("scores", "neuron1", threshold=np.full(9, 11 * 16))
    assert list(refusals(network, CHOSEN)) == ["neuron1"]
    assert refusals(network, CHOSEN, trained=False) == {}


def test_both_networks_are_taken_as_they_are() -> None:
    for network in networks().values():
        assert refusals(network, CHOSEN) == {}


def test_native_is_a_flag(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="native = 'yes' must be True or False"):
        hls.export(networks()["counts"], tmp_path / "d", {"native": "yes"})
