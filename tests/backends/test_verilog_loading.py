"""Weights loaded into a folded design over AXI-Lite: the answers are the other network's, and nothing else gets in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import builders
import numpy as np
import pytest
from simulators import SIMULATORS, run_bench

import sctorch
from sctorch import ir
from sctorch.backends.verilog import FoldedDesign, VerilogDesign
from sctorch.backends.verilog.interfaces.bench import Script, windows_script, write_wrapper_bench
from sctorch.errors import ConfigError, UnsupportedError

CONTROL, STATUS, STEPS = 0x08, 0x0C, 0x10
KINDS = {
    "stochastic": {"encoder": ("counter", "shared"), "source": ("lfsr", "shift"), "fixed": False, "hidden": 1,
                   "lengths": (2,), "fields": ("shift", "gt", "subtract", True), "readout": "membrane",
                   "max_inputs": 20},
    "fixed": {"encoder": "events", "fixed": True, "hidden": 1, "fields": ("none", "ge", "subtract", False),
              "readout": "spike", "rule": "argmax_spike_count", "max_inputs": 40, "max_hidden": 12},
}  # fmt: skip
LANES = {"stochastic": 3, "fixed": 2}


def with_other_weights(network: ir.Network, seed: int) -> ir.Network:
    rng = np.random.default_rng(seed)
    layers = []
    for layer in network.layers:
        if isinstance(layer, ir.Synapse):
            most = 2**layer.weight_bits - 1
            weight = rng.integers(-most, most + 1, layer.weight.shape)
            layer = replace(layer, weight=weight, bias=rng.permutation(layer.bias))
        layers.append(layer)
    return replace(network, layers=tuple(layers))


def answers(network: ir.Network, x: np.ndarray) -> list[int]:
    return ir.simulate(network, x)["readout.decision"][-1, :, 0].tolist()  # type: ignore[no-any-return]


Loaded = tuple[FoldedDesign, ir.Network, np.ndarray]


@pytest.fixture(scope="module")
def loadable(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Loaded]:
    """A design, another network of its shapes, and windows that the two answer differently."""
    builders.require_tool("yosys")
    builders.require_tool("g++")
    made: dict[str, Loaded] = {}

    def get(name: str) -> Loaded:
        if name in made:
            return made[name]
        for seed in range(500):
            network, x, _ = builders.alive_network(500 + seed, 6, max_steps=9, **KINDS[name])
            other = with_other_weights(network, seed)
            both = answers(network, x), answers(other, x)
            if network.num_steps < 3 or len(set(both[1])) < 2 or sum(a != b for a, b in zip(*both, strict=True)) < 3:
                continue
            break
        else:
            raise AssertionError(f"no network of kind {name!r} shows its weights")
        with pytest.MonkeyPatch.context() as patch:  # the benches compile for themselves
            patch.setattr(VerilogDesign, "build", lambda self: None)
            design = sctorch.export(
                network, tmp_path_factory.mktemp("loadable") / "design", architecture="folded", interface="axi",
                axi_lite=True, load_weights=True, inputs_per_clock=LANES[name],
                every_timestep=True,  # the first one shows what the sums start from
            )  # fmt: skip
        assert isinstance(design, FoldedDesign)
        made[name] = design, other, x
        return made[name]

    return get


def loading_script(design: FoldedDesign, other: ir.Network, x: np.ndarray) -> Script:
    """Windows of the exported network, the other one's weights, its windows, a reset, which keeps them, and back."""
    assert design.wrapper is not None
    script = windows_script(design.wrapper, x)
    writes = design.weight_writes(other)
    script.write(*writes[0], fails=True)  # while it runs
    script.write(CONTROL, 0)
    for address, value in writes[:2]:
        script.write(address, value, fails=True)  # it holds its input, and is not done
    script.wait()
    script.read(STATUS, 0)
    for address, value in writes:
        script.write(address, value)
    _refused(script, design, writes)
    script.write(CONTROL, 1)
    script.write(*writes[0], fails=True)
    _play(script, design, other, x)
    script.reset()
    _play(script, design, other, x)
    script.write(CONTROL, 2)  # empties all, and holds the input
    script.windows = 0
    for address, value in design.weight_writes(design.network):
        script.write(address, value)
    script.write(CONTROL, 1)
    _play(script, design, design.network, x)
    return script


def _refused(script: Script, design: FoldedDesign, writes: list[tuple[int, int]]) -> None:
    """Places that are not there, and registers that are read in vain; nothing changes."""
    layers, (layer_bits, word_bits, _) = design.plan.synapses, design.plan.place_bits
    missing = [(len(layers), 0), (200, 0), (0, 1 << 20)] + [(k, s.groups + 1) for k, s in enumerate(layers)]
    script.write(0x44, 5, fails=True)  # the last word is whole
    for layer, word in missing:
        script.write(0x40, layer << 24 | word, fails=layer >> layer_bits > 0 or word >> word_bits > 0)
        script.write(0x44, 5, fails=True)
    script.write(*writes[0])
    script.write(*writes[1], fails=True, strobes=7)
    script.write(*writes[1])
    for address in (0x40, 0x44, 0x48):
        script.read(address, fails=True)
    script.write(0x48, 0, fails=True)


def _play(script: Script, design: FoldedDesign, network: ir.Network, x: np.ndarray) -> None:
    assert design.wrapper is not None
    more = windows_script(replace(design.wrapper, network=network), x)
    script.rows += more.rows
    script.answers += more.answers
    script.windows += more.windows
    script.wait()


RUNS = [(s, name) for s in SIMULATORS for name in KINDS if s == "icarus" or (s, name) == ("cxxrtl", "stochastic")]


@pytest.mark.parametrize(("simulator", "name"), RUNS)
def test_the_answers_are_the_other_networks(
    simulator: str, name: str, loadable: Callable[[str], Loaded], tmp_path: Path
) -> None:
    design, other, x = loadable(name)
    assert design.wrapper is not None
    shutil.copytree(design.folder, tmp_path / "copy")
    write_wrapper_bench(tmp_path / "copy", design.wrapper, loading_script(design, other, x))
    assert run_bench(simulator, tmp_path / "copy", design.sources).startswith("PASS")


FAULTS = {
    "weights change while it runs": ("hdl/sct_io_axilite.v", "idle = ~enable & ~busy", "idle = 1'b1"),
    "weights change while it is not done": ("hdl/sct_io_axilite.v", "idle = ~enable & ~busy", "idle = ~enable"),
    "weights change while it takes input": ("hdl/sct_io_axilite.v", "idle = ~enable & ~busy", "idle = ~busy"),
    "all parts go to the first": ("hdl/sct_io_axilite.v", "part <= part + 1'b1", "part <= part"),
    "a new word goes on with the old one's part": ("hdl/sct_io_axilite.v", "part  <= {PW{1'b0}}", "part  <= part"),
    "a place that is not there answers well": ("hdl/sct_io_axilite.v", "(awaddr[7:2] == 6'd17) & there",
                                               "(awaddr[7:2] == 6'd17)"),
    "a place that is too high is cut": ("hdl/sct_io_axilite.v", "& (({8'd0, wdata[23:0]} & ~WORDS) == 32'd0)", ""),
    "half a register is stored": ("hdl/sct_io_axilite.v", "sound & idle & (awaddr[7:2] == 6'd17)",
                                  "idle & (awaddr[7:2] == 6'd17)"),
    "a part of the start values is lost": ("hdl/sct_fold_start.v", "part} == i / 32", "part} == 0 && i < 32"),
    "the start values stay": ("hdl/sct_fold_start.v", "if (store)", "if (1'b0)"),
    "the sums start from the old values once more": ("net.v", " | synapse1__stored", ""),
    "the second layer stays": ("net.v", "synapse2__mine = store_layer == 1'd1", "synapse2__mine = 1'b0"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught(name: str, loadable: Callable[[str], Loaded], tmp_path: Path) -> None:
    design, other, x = loadable("stochastic" if "start" in name else "fixed")  # whose start values differ more
    assert design.wrapper is not None
    shutil.copytree(design.folder, tmp_path / "mutant")
    write_wrapper_bench(tmp_path / "mutant", design.wrapper, loading_script(design, other, x))
    file, old, new = FAULTS[name]
    text = (tmp_path / "mutant" / file).read_text()
    assert old in text, f"{file} no longer holds {old!r}; plant this fault anew"
    (tmp_path / "mutant" / file).write_text(text.replace(old, new))
    assert run_bench("icarus", tmp_path / "mutant", design.sources).startswith("FAIL")


def changed(network: ir.Network, index: int, **values: object) -> ir.Network:
    layers = list(network.layers)
    layers[index] = replace(layers[index], **values)  # type: ignore[type-var]
    return replace(network, layers=tuple(layers))


def test_a_network_that_differs_in_more_is_refused(loadable: Callable[[str], Loaded]) -> None:
    design, other, _ = loadable("stochastic")
    network = design.network
    synapse, neuron, unlike = network.layers[1], network.layers[2], loadable("fixed")[0].network
    assert isinstance(synapse, ir.StochasticSynapse)
    assert isinstance(neuron, ir.Neuron)
    assert design.weight_writes(replace(other, name="another", meta={"about": "retrained"}))
    seed = replace(synapse.source, seed=synapse.source.seed % 3 + 1)
    refused = {
        "num_steps = ": replace(network, num_steps=network.num_steps + 1),
        "neuron1: threshold": changed(network, 2, threshold=neuron.threshold + 1),
        "neuron1: compare = 'ge' and not 'gt'": changed(network, 2, compare="ge"),
        "synapse1: source.seed": changed(network, 1, source=seed),
        "its layers are EventEncoder": replace(unlike, num_steps=network.num_steps),
    }
    for message, given in refused.items():
        with pytest.raises(ConfigError, match=message):
            design.weight_writes(given)
    large = changed(network, 1, bias=synapse.bias + 2**20)
    with pytest.raises(ConfigError, match=r"synapse1: the sum can need \d+ bits, and the design has"):
        design.weight_writes(large)


def test_a_design_that_was_not_made_for_it_says_so(loadable: Callable[[str], Loaded]) -> None:
    design, other, _ = loadable("stochastic")
    bare = FoldedDesign(design.folder, design.network, {**design.options, "load_weights": False})
    with pytest.raises(UnsupportedError, match="load_weights=True"):
        bare.weight_writes(other)
    with pytest.raises(ConfigError, match="load_weights needs interface 'axi' and axi_lite"):
        sctorch.export(design.network, design.folder / "x", architecture="folded", load_weights=True)
    with pytest.raises(ConfigError, match="load_weights"):
        sctorch.export(design.network, design.folder / "x", load_weights=True)
