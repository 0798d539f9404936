"""Wrapped designs for tests: cases, and a script of windows with everything that can go wrong between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import builders
import numpy as np
import pytest

import sctorch
from sctorch import ir
from sctorch.backends.verilog import FoldedDesign, UnrolledDesign, VerilogDesign
from sctorch.backends.verilog.folded.design import OPTIONS as FOLDED_OPTIONS
from sctorch.backends.verilog.interfaces.bench import PAUSE, STEPS, Script
from sctorch.backends.verilog.interfaces.packets import window_packets
from sctorch.backends.verilog.interfaces.plan import WrapperPlan
from sctorch.backends.verilog.unrolled.design import OPTIONS as UNROLLED_OPTIONS

WINDOWS = 12
EVENTS = {"encoder": "events", "hidden": 1}
SLOW = {"encoder": ("lfsr", "shift"), "lengths": (64,), "fixed": False, "hidden": 0, "max_steps": 10}
FOLDED = {"architecture": "folded"}
RATE = {"encoder": ("counter", "shared"), "hidden": 1}


@dataclass(frozen=True)
class Case:
    """A network, how it is wrapped, and what must hold for it to show what it is there for."""

    network: dict[str, object]
    options: dict[str, object]
    need: Callable[[WrapperPlan], bool] = lambda plan: plan.beats >= 3


def _rests(plan: WrapperPlan) -> bool:
    return plan.network.ticks_per_step > plan.ticks > 1 and plan.beats >= 2


CASES = {
    "stream, bytes": Case(RATE, {"interface": "stream"}, lambda plan: plan.beats >= 3 and plan.depth > 1),
    "stream, one answer": Case(RATE, {"interface": "stream"}, lambda plan: plan.beats >= 3 and plan.depth == 1),
    "stream, double buffer": Case({**RATE, "max_steps": 9}, {"interface": "stream", "double_buffer": True}),
    "stream, a beat per image": Case(
        {"encoder": "levels"}, {"interface": "stream", "bus_bits": 64}, lambda plan: plan.beats == 1
    ),
    "stream, ticks": Case(
        {"encoder": ("lfsr", "shift"), "lengths": (2, 4), "fixed": False},
        {"interface": "stream"},
    ),
    "stream, spikes": Case({**EVENTS, "max_inputs": 30}, {"interface": "stream"}),
    "stream, spikes in ticks": Case(
        {**EVENTS, "lengths": (2, 4), "fixed": False, "readout": "membrane", "max_steps": 8, "max_inputs": 20},
        {"interface": "stream"},
        _rests,
    ),
    "stream, spikes, each timestep": Case(
        {**EVENTS, "max_inputs": 20},
        {"interface": "stream", "bus_bits": 16, "every_timestep": True},
        lambda plan: plan.beats == 2,
    ),
    "axi, logit": Case(
        {"encoder": "direct", "rule": "binary_logit", "readout": "membrane"}, {"interface": "axi", "bus_bits": 8}
    ),
    "axi, each timestep": Case(
        {"encoder": "direct"}, {"interface": "axi", "every_timestep": True, "double_buffer": True, "bus_bits": 8}
    ),
    "axi lite": Case(
        {"encoder": "levels", "hidden": 1},
        {"interface": "axi", "axi_lite": True, "bus_bits": 8, "input_register": False},
    ),
    "axi lite, spikes": Case(
        {**EVENTS, "max_inputs": 40}, {"interface": "axi", "axi_lite": True}, lambda plan: plan.beats == 2
    ),
    "uart": Case(RATE, {"interface": "uart"}),
    "uart, each timestep": Case({"encoder": "direct", "max_steps": 6}, {"interface": "uart", "every_timestep": True}),
    "uart, spikes": Case({**EVENTS, "max_inputs": 20, "max_steps": 8}, {"interface": "uart"}),
    "spi": Case(RATE, {"interface": "spi"}),
    "spi, each timestep": Case({"encoder": "levels", "max_steps": 6}, {"interface": "spi", "every_timestep": True}),
    "spi, spikes": Case({**EVENTS, "max_inputs": 20, "max_steps": 8}, {"interface": "spi"}),
    "uart, slow": Case(SLOW, {"interface": "uart"}, lambda plan: plan.core.window_clocks > 400 and plan.beats >= 3),
    "uart, a byte": Case(
        {**SLOW, "max_inputs": 1}, {"interface": "uart"}, lambda plan: plan.core.window_clocks > 300 and plan.beats == 1
    ),
    "spi, slow": Case(SLOW, {"interface": "spi"}, lambda plan: plan.core.window_clocks > 400 and plan.beats >= 3),
    "folded, stream": Case(
        {**RATE, "max_steps": 4},
        {**FOLDED, "interface": "stream"},
        lambda plan: plan.beats >= 3 and plan.core.window_clocks < 60,  # many windows while a taker waits
    ),
    "folded, stream, features across beats": Case(
        {"encoder": "direct", "hidden": 1, "max_inputs": 40},
        {**FOLDED, "interface": "stream", "bus_bits": 16},
        lambda plan: plan.beats >= 3 and 16 % plan.core.word_bits > 0 and len(plan.used) % 16 > 0,
    ),
    "folded, stream, spikes": Case(
        {**EVENTS, "fixed": True, "max_inputs": 80},
        {**FOLDED, "interface": "stream", "inputs_per_clock": 3},
        lambda plan: plan.core.words >= 2 and plan.beats % 4 > 0,
    ),
    "folded, axi, each timestep": Case(
        {"encoder": "levels"}, {**FOLDED, "interface": "axi", "every_timestep": True, "bus_bits": 8}
    ),
    "folded, axi lite, spikes in ticks, each timestep": Case(
        {**EVENTS, "lengths": (2, 4), "fixed": False, "max_steps": 8, "max_inputs": 150},
        {**FOLDED, "interface": "axi", "axi_lite": True, "bus_bits": 64, "every_timestep": True, "inputs_per_clock": 4},
        lambda plan: plan.ticks > 1 and plan.beats >= 2 and plan.core.words % 2 > 0,
    ),
    "folded, axi lite": Case(
        {**RATE, "max_inputs": 24, "max_steps": 9},
        {**FOLDED, "interface": "axi", "axi_lite": True},
        lambda plan: plan.beats >= 2 and plan.network.encoder.size >= 18,  # the first layer is the slowest
    ),
    "folded, uart": Case({"encoder": "direct", "max_steps": 6}, {**FOLDED, "interface": "uart"}),
    "folded, uart, spikes, each timestep": Case(
        {**EVENTS, "max_inputs": 20, "max_steps": 5},
        {**FOLDED, "interface": "uart", "every_timestep": True},
    ),
    "folded, spi": Case({"encoder": "levels", "max_steps": 6}, {**FOLDED, "interface": "spi"}),
    "folded, spi, spikes": Case({**EVENTS, "max_inputs": 20, "max_steps": 8}, {**FOLDED, "interface": "spi"}),
}
VERILATED = (
    "stream, bytes",
    "stream, spikes in ticks",
    "axi, each timestep",
    "axi lite, spikes",
    "uart",
    "spi, spikes",
    "folded, stream, features across beats",
    "folded, axi lite, spikes in ticks, each timestep",
)


def sparse_network() -> ir.Network:
    """Many inputs, most of them without a synapse: lanes that shift at chosen beats alone."""
    rng = np.random.default_rng(3)
    weight = rng.integers(-7, 8, (6, 150)) * (rng.random(150) < 0.3)
    source = ir.StreamSource("lfsr", 3, (5, 3), 7, "shift")
    layers = (
        ir.LevelEncoder("encoder", 150, 1),
        ir.StochasticSynapse("synapse1", weight, np.zeros(6), 1, source),
        ir.Neuron("neuron1", 6, 0, np.full(6, 2), ir.Leak("shift", 1)),
        ir.Readout("readout", 6, "spike", "argmax_spike_count"),
    )
    return ir.Network("net", 7, layers)


@dataclass
class Bench:
    """A design, its windows as packets, and the decisions after every timestep."""

    design: VerilogDesign
    plan: WrapperPlan
    packets: list[list[int]]
    decisions: np.ndarray  # [T, windows]

    def answer(self, script: Script, window: int, steps: int | None = None, last: bool = True) -> None:
        """Expect the answers of the first `steps` timesteps of a window; without `last` it was given up after them."""
        every = self.plan.interface.every_timestep
        values = self.decisions[:steps, window].tolist()
        if last:
            script.expect(values, every)
        elif every:
            script.answers += [(0, value) for value in values]

    def send(self, script: Script, window: int) -> None:
        """A whole window. A line cannot be told to wait, so that its host does."""
        script.packet(self.packets[window])
        self.answer(script, window)
        if self.plan.interface.board:
            script.wait()


def living(case: Case, seed: int) -> tuple[ir.Network, np.ndarray]:
    """A network whose answers differ, among windows and from one timestep to the next, and its windows."""
    while True:
        network, x, trace = builders.alive_network(seed, WINDOWS, **case.network)
        seed += 1
        decisions = trace["readout.decision"][..., 0]
        if (
            network.num_steps < 3
            or len(np.unique(decisions[-1])) < 2
            or (decisions[0, 9:11] == decisions[-1, 9:11]).all()
        ):
            continue
        if case.need(wrapper_of(network, case.options)):
            return network, x


def wrapper_of(network: ir.Network, options: dict[str, object]) -> WrapperPlan:
    """The wrapper of a design that need not be exported."""
    design: VerilogDesign
    if options.get("architecture") == "folded":
        design = FoldedDesign(Path(), network, {**FOLDED_OPTIONS, **options})
    else:
        design = UnrolledDesign(Path(), network, {**UNROLLED_OPTIONS, **options})
    assert design.wrapper is not None
    return design.wrapper


def wide_network() -> ir.Network:
    """Features of more bits than a beat has."""
    weight = np.random.default_rng(5).integers(-7, 8, (4, 5))
    encoder = ir.RateEncoder("encoder", 5, ir.StreamSource("counter", 10))
    synapse = ir.FixedSynapse("synapse", weight, np.zeros(4), 3, 3)
    return ir.Network("net", 9, (encoder, synapse, ir.Readout("readout", 4, "membrane", "argmax_membrane", 3)))


def filled(wrapper: WrapperPlan, packets: list[list[int]]) -> list[list[int]]:
    """Packets whose last beats are filled up with ones, which nobody must look at."""
    bus, beats = wrapper.interface.bus_bits, wrapper.beats
    ones = (1 << bus) - (1 << (len(wrapper.used) - 1) % bus + 1)
    return [[beat | (ones if k % beats == beats - 1 else 0) for k, beat in enumerate(p)] for p in packets]


def make_bench(name: str, folder: Path) -> Bench:
    """A case's design, exported."""
    if name == "sparse":
        network, options = sparse_network(), {"interface": "stream"}
        x = np.random.default_rng(1).random((WINDOWS, 150))
    elif name == "folded, wide":
        network, options = wide_network(), {**FOLDED, "interface": "stream"}
        x = np.random.default_rng(2).random((WINDOWS, 5))
    else:
        network, x = living(CASES[name], 100 + 10 * list(CASES).index(name))
        options = CASES[name].options
    with pytest.MonkeyPatch.context() as patch:  # the benches compile for themselves
        patch.setattr(VerilogDesign, "build", lambda self: None)
        design = sctorch.export(network, folder, **options)
    assert isinstance(design, VerilogDesign)
    assert design.wrapper is not None
    packets = filled(design.wrapper, window_packets(network, x, design.wrapper.interface.bus_bits))
    return Bench(design, design.wrapper, packets, ir.simulate(network, x)["readout.decision"][..., 0])


def everything(bench: Bench) -> Script:
    """Windows back to back, and each thing that can go wrong between sound ones."""
    wrapper, rnd, script = bench.plan, Random(8), Script()
    for window in range(5):
        bench.send(script, window)
    _wrong(bench, script)
    if not wrapper.interface.board:
        script.wait()
        _lengths(bench, script)
    script.wait()
    if wrapper.core.folded and not wrapper.interface.board and not wrapper.events:
        every = wrapper.interface.every_timestep
        for clocks in (0, 7, 9 * (1 if every else wrapper.network.num_steps - 1)):  # each stage takes more
            script.packet(bench.packets[6])
            script.reset(clocks)
            bench.send(script, 7)
            script.wait()
    step = wrapper.beats * wrapper.ticks  # beats of a timestep; its answer is out `latency` clocks after it
    for clocks in (0, 1, 3, min(17, wrapper.core.latency - 1)):
        at_work = wrapper.events and not wrapper.interface.board  # spikes are, from the first tick on
        answers = wrapper.events and wrapper.interface.every_timestep  # while the packet comes
        some = rnd.randint(1, step if answers else len(bench.packets[6]))
        script.packet(bench.packets[6][:some], last=False)  # on a line the reset meets a byte under way
        script.reset(0 if at_work else clocks)
        bench.send(script, 7)
        script.wait()
    for window in (8, 9, 10, 11):
        bench.send(script, window)
    _wrong(bench, script)  # again, since a reset forgets errors
    for window in range(WINDOWS):
        bench.send(script, window)
    return script


def _wrong(bench: Bench, script: Script) -> None:
    if bench.plan.interface.board:
        _given_up(bench, script)
    elif bench.plan.events:
        _wrong_spikes(bench, script)
    else:
        _wrong_images(bench, script)


def _wrong_images(bench: Bench, script: Script) -> None:
    beats = bench.packets[5]
    for length in {1, len(beats) - 1} - {0, len(beats)}:
        script.packet(beats[:length])  # too short
        script.errors += 1
        bench.send(script, 6)
    for more in (1, 2, len(beats), 3 * len(beats)):
        script.packet(beats + [7] * more)  # too long
        script.errors += 1
        bench.send(script, 5)


def _wrong_spikes(bench: Bench, script: Script) -> None:
    network, beats = bench.plan.network, bench.packets[5]
    step = bench.plan.beats * bench.plan.ticks
    for steps in (1, network.num_steps - 1):  # windows that end early, and soundly
        script.packet(beats[: steps * step])
        bench.answer(script, 5, steps)
    for length in (1, step - 1, step + 1, len(beats) - 1):  # within a timestep
        if length % step:
            script.packet(beats[:length])
            script.errors += 1
            bench.answer(script, 5, length // step, last=False)
            bench.send(script, 6)
    for more in (1, step, 2 * step + 1):
        script.packet(beats + [3] * more)  # too long
        script.errors += 1
        bench.answer(script, 5)
        bench.send(script, 7)


def _lengths(bench: Bench, script: Script) -> None:
    """Windows of other lengths, by `steps`; 0 and too large a number stand for all."""
    network = bench.plan.network
    chosen = [1, 2, network.num_steps - 1, network.num_steps]
    if not bench.plan.interface.axi_lite:
        chosen += [0, (1 << bench.plan.steps_bits) - 1]
    for asked in chosen:
        script.wait()
        script.rows.append((STEPS, asked))
        steps = asked if 1 <= asked <= network.num_steps else network.num_steps
        for window in (9, 10):
            beats = bench.packets[window]
            script.packet(beats)
            script.errors += bench.plan.events and steps < network.num_steps  # its end was expected earlier
            bench.answer(script, window, steps)
        if bench.plan.events:
            script.packet(bench.packets[8] * 3)
            script.errors += 1
            bench.answer(script, 8, steps)
    script.wait()
    script.rows.append((STEPS, network.num_steps))


def _given_up(bench: Bench, script: Script) -> None:
    """On a line silence, or the end of a transfer, gives an incomplete packet up."""
    script.packet(bench.packets[8][:-1], last=False)
    script.rows.append((PAUSE, 900))
    script.errors += 1
    if bench.plan.events:
        bench.answer(script, 8, bench.plan.network.num_steps - 1, last=False)
        script.wait()
    bench.send(script, 9)
