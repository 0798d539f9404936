"""The folded architecture: the integers of the simulator however the beats come, and what its schedule and its choice
promise."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import builders
import numpy as np
import pytest

import sctorch
from sctorch import ir
from sctorch.backends import check_network, load
from sctorch.backends.verilog import FoldedDesign, VerilogDesign
from sctorch.backends.verilog.backend import choose
from sctorch.backends.verilog.cxxrtl import Stimulus
from sctorch.backends.verilog.folded.design import Beats, window_beats
from sctorch.backends.verilog.folded.emit import emit
from sctorch.backends.verilog.folded.plan import plan
from sctorch.backends.verilog.ports import answer_port
from sctorch.errors import ConfigError, MismatchError, ShapeError, ToolFailedError, UnsupportedError

WINDOWS = 4
Wanted = Callable[[ir.Network, np.ndarray, ir.Trace], bool]


def living(
    seed: int, windows: int, wanted: Wanted | None = None, **fields: object
) -> tuple[ir.Network, np.ndarray, ir.Trace]:
    """A living network of at least six timesteps, and of what is wanted besides."""
    for attempt in range(300):
        found = builders.alive_network(seed + 1000 * attempt, windows, **fields)
        if found[0].num_steps >= 6 and (wanted is None or wanted(*found)):
            return found
    raise AssertionError(f"no network of six timesteps from seed {seed}")


def many_words(network: ir.Network, x: np.ndarray, expected: ir.Trace) -> bool:
    """More groups of two inputs than a scan sees in one clock."""
    return network.encoder.size > 70


def keeps_its_word(network: ir.Network, x: np.ndarray, expected: ir.Trace) -> bool:
    """A class that was first stays, though a lower one reaches the threshold later."""
    readout = dataclasses.replace(network.readout, decision_rule="threshold_then_argmax")
    other = ir.simulate(ir.Network("net", network.num_steps, (*network.layers[:-1], readout)), x)
    return bool((other["readout.decision"] != expected["readout.decision"]).any())


def folded(network: ir.Network, folder: Path, **options: int) -> FoldedDesign:
    builders.require_tool("yosys")
    builders.require_tool("g++")
    design = sctorch.export(network, folder, architecture="folded", **options)
    assert isinstance(design, FoldedDesign)
    return design


# ---------------------------------------------------------------- any order of beats

KINDS = {
    "features": ({"encoder": ("lfsr", "shift"), "source": ("lfsr", "independent"), "hidden": 2,
                  "fields": ("shift", "gt", "subtract", True), "readout": "membrane", "fixed": False}, 3, 1),
    "direct": ({"encoder": "direct", "hidden": 1, "fields": ("multiply", "ge", "subtract", False),
                "readout": "spike"}, 2, 2),
    "levels": ({"encoder": "levels", "source": ("counter", "permute"), "hidden": 1, "fixed": False,
                "fields": ("none", "gt", "zero", True), "readout": "membrane"}, 1, 3),
    "ticks": ({"encoder": "events", "source": ("lfsr", "shift"), "hidden": 1, "lengths": (4,), "fixed": False,
               "fields": ("stochastic", "ge", "subtract", False), "readout": "spike"}, 2, 1),
    "scan": ({"encoder": "events", "hidden": 2, "fixed": True, "fields": ("shift", "gt", "zero", False),
              "readout": "membrane", "max_inputs": 80}, 1, 1),
}  # fmt: skip


@dataclass
class Bench:
    """A design, its windows as beats [windows, beats], and what the simulator says of them."""

    design: FoldedDesign
    x: np.ndarray
    beats: list[Beats]
    expected: ir.Trace


def one_window(network: ir.Network, inputs: np.ndarray, index: int, steps: int | None = None) -> Beats:
    rows = inputs[index : index + 1] if inputs.ndim == 2 else inputs[:, index : index + 1]
    return window_beats(network, rows, None if steps is None else np.array([steps]))


@pytest.fixture(scope="module", params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    fields, lanes, neurons = KINDS[request.param]
    network, x, expected = living(80 + list(KINDS).index(request.param), WINDOWS, **fields)
    folder = tmp_path_factory.mktemp("folded") / "design"
    design = folded(network, folder, inputs_per_clock=lanes, neurons_per_clock=neurons)
    inputs = ir.check_input(network, x)
    return Bench(design, x, [one_window(network, inputs, w) for w in range(WINDOWS)], expected)


@dataclass
class Script:
    """Beats, idle clocks and resets one after another, and the timesteps of whole windows that must come out."""

    bench: Bench
    rnd: Random = field(default_factory=lambda: Random(0))
    data: list[int] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    labels: list[tuple[int, int] | None] = field(default_factory=list)

    def _row(self, data: int, flags: int, steps: int) -> None:
        self.data.append(data)
        self.flags.append(flags)
        self.steps.append(steps)

    def idle(self, count: int) -> None:
        for _ in range(count):
            self._row(self.rnd.randrange(2), self.rnd.choice((0, Stimulus.FIRST, Stimulus.LAST)), 1)

    def window(self, index: int, steps: int | None = None, gaps: int = 0) -> None:
        """A window of `steps` timesteps, all of them by default."""
        network = self.bench.design.network
        inputs = ir.check_input(network, self.bench.x)
        beats = one_window(network, inputs, index, steps)
        for row in range(len(beats.data)):
            self.idle(self.rnd.randint(0, gaps))
            self._row(int(beats.data[row]), int(beats.flags[row]), int(beats.steps[row]))
        self.labels += [(index, t) for t in range(network.num_steps if steps is None else steps)]

    def aborted(self, index: int, count: int) -> None:
        """The first `count` beats of a window: of spikes, every timestep that was whole comes out."""
        network, beats = self.bench.design.network, self.bench.beats[index]
        assert count < len(beats.data)
        for row in range(count):
            self._row(int(beats.data[row]), int(beats.flags[row]) & ~Stimulus.LAST, int(beats.steps[row]))
        if isinstance(network.encoder, ir.EventEncoder):
            whole = count // (self.bench.design.plan.beats * network.encoder_ticks)
            self.labels += [(index, t) for t in range(whole)]

    def stray(self, count: int) -> None:
        """Beats that belong to no window, since one has just ended."""
        for _ in range(count):
            self._row(self.rnd.randrange(2), Stimulus.VALID | self.rnd.choice((0, Stimulus.LAST)), 1)

    def reset(self) -> None:
        """Reset, with a beat on the port that must not be taken; what was on its way is lost."""
        self._row(1, Stimulus.RST | Stimulus.VALID | Stimulus.FIRST | Stimulus.LAST, 1)
        self.labels = []

    def beats(self) -> Beats:
        return Beats(np.array(self.data), np.array(self.flags, dtype=np.uint8), np.array(self.steps, dtype=np.uint32))

    def check(self) -> int:
        """Run it; the timesteps that came out, the last ones all as the simulator says."""
        rows, clocks = self.bench.design.stream(self.beats())
        encoder = self.bench.design.network.encoder.name
        assert (np.diff(clocks) > 0).all()
        for key, values in rows.items():
            if key == encoder:
                continue  # its ticks need not be whole timesteps
            assert len(values) >= len(self.labels), f"{key}: {len(values)} timesteps came out of {len(self.labels)}"
            tail = values[len(values) - len(self.labels) :]
            for position, (window, t) in enumerate(self.labels):
                assert (tail[position] == self.bench.expected[key][t, window]).all(), (key, position, window, t)
        return len(clocks)


def test_whole_windows_are_the_simulators(bench: Bench) -> None:
    assert builders.is_alive(bench.design.network, bench.expected)
    assert builders.assert_traces_equal(bench.expected, bench.design.trace(bench.x)) > 100
    assert sctorch.verify(bench.design.network, bench.design, bench.x).ok


def test_gaps_between_beats_change_nothing(bench: Bench) -> None:
    count = sum(len(b.data) for b in bench.beats)
    for most in (2, 40):
        gaps = np.random.default_rng(most).integers(0, most, count)
        builders.assert_traces_equal(bench.expected, bench.design.trace(bench.x, gaps=gaps))


def test_windows_may_have_fewer_timesteps(bench: Bench) -> None:
    steps = bench.design.network.num_steps
    script = Script(bench)
    for index, length in ((0, 1), (1, steps), (2, steps - 1), (3, 1), (0, steps // 2), (1, 2), (2, steps)):
        script.window(index, length)
    assert script.check() == 1 + steps + steps - 1 + 1 + steps // 2 + 2 + steps


def test_steps_out_of_range_mean_all(bench: Bench) -> None:
    network = bench.design.network
    if isinstance(network.encoder, ir.EventEncoder):
        assert " steps," not in emit(bench.design.plan), "spikes end their window themselves"
        return
    every = []
    for steps in (0, (1 << network.num_steps.bit_length()) - 1):
        beats = bench.beats[0]
        every.append(Beats(beats.data, beats.flags, np.full_like(beats.steps, steps)))
    for beats in every:
        rows, clocks = bench.design.stream(beats)
        assert len(clocks) == network.num_steps
        score = network.readout.name
        assert (rows[score] == bench.expected[score][:, 0]).all()


def test_an_aborted_window_leaves_nothing(bench: Bench) -> None:
    for count in range(1, min(len(bench.beats[0].data), 40)):
        script = Script(bench)
        script.aborted(count % WINDOWS, count)
        script.window((count + 1) % WINDOWS, 2)
        script.aborted((count + 2) % WINDOWS, count)
        script.window((count + 3) % WINDOWS, 2)
        assert script.check() == len(script.labels)


def test_beats_outside_a_window_are_dropped(bench: Bench) -> None:
    script = Script(bench)
    script.stray(5)
    script.window(0, 2)
    script.stray(3)
    script.window(1, 1)
    script.stray(1)
    script.window(2, 3)
    assert script.check() == 6


def test_a_reset_at_any_clock_leaves_nothing(bench: Bench) -> None:
    period = bench.design.cycles_per_inference // bench.design.network.num_steps
    for clocks in range(0, 3 * period + 40, 3):
        script = Script(bench)
        script.window(0, 3)
        script.window(1, 1)
        script.idle(clocks)
        script.reset()
        script.window(2, 2)
        script.window(3, 2)
        assert script.check() >= 4


@pytest.mark.parametrize("seed", range(8))
def test_any_order(bench: Bench, seed: int) -> None:
    rnd = Random(seed)
    script = Script(bench, rnd)
    steps = bench.design.network.num_steps
    for _ in range(12):
        what = rnd.choice(("window", "gappy", "early", "aborted", "idle", "reset"))
        if what in ("window", "gappy"):
            script.window(rnd.randrange(WINDOWS), gaps=4 if what == "gappy" else 0)
        elif what == "early":
            script.window(rnd.randrange(WINDOWS), rnd.randint(1, steps))
        elif what == "aborted" and len(bench.beats[0].data) > 1:
            script.aborted(rnd.randrange(WINDOWS), rnd.randrange(1, len(bench.beats[0].data)))
        elif what == "idle":
            script.idle(rnd.randint(1, 60))
        elif what == "reset":
            script.reset()
    script.window(rnd.randrange(WINDOWS))
    assert script.check() >= len(script.labels) >= steps


def test_gaps_of_the_wrong_size_are_refused(bench: Bench) -> None:
    with pytest.raises(ShapeError, match="one for each beat"):
        bench.design.trace(bench.x, gaps=np.zeros(1))
    count = sum(len(b.data) for b in bench.beats)
    with pytest.raises(ConfigError, match="not be negative"):
        bench.design.trace(bench.x, gaps=np.full(count, -1))


# ---------------------------------------------------------------- the schedule


@pytest.mark.parametrize(("lanes", "neurons"), [(1, 1), (3, 1), (5, 2), (16, 4)])
def test_the_clocks_of_a_window_are_those_computed(lanes: int, neurons: int, tmp_path: Path) -> None:
    network, x, _ = builders.alive_network(
        90,
        5,
        encoder=("counter", "shared"),
        source=("lfsr", "shift"),
        fixed=False,
        hidden=1,
        max_inputs=60,
        max_steps=9,
    )
    design = folded(network, tmp_path / "net", inputs_per_clock=lanes, neurons_per_clock=neurons)
    assert design.measure_cycles(x)[1:].tolist() == [design.cycles_per_inference] * 3


def test_silent_inputs_cost_a_clock_per_word(tmp_path: Path) -> None:
    """70 inputs are three words of 32; after the last one comes a rest."""
    weight = np.ones((2, 70), dtype=np.int64)
    synapse = ir.FixedSynapse("synapse", weight, np.zeros(2), 2, 2)
    readout = ir.Readout("readout", 2, "membrane", "argmax_membrane", 2)
    network = ir.Network("net", 6, (ir.EventEncoder("spikes_in", 70), synapse, readout))
    design = folded(network, tmp_path / "net")
    x = np.zeros((6, 4, 70), dtype=np.int64)
    builders.assert_traces_equal(ir.simulate(network, x), design.trace(x))
    silent = design.measure_cycles(x)[-1]
    x[:, :, ::7] = 1  # five spikes in each of the first two words, none in the third
    builders.assert_traces_equal(ir.simulate(network, x), design.trace(x))
    sparse = design.measure_cycles(x)[-1]
    x[:] = 1
    builders.assert_traces_equal(ir.simulate(network, x), design.trace(x))
    full = design.measure_cycles(x)[-1]
    readout_clocks = 2 + 9  # the classes, one after another, are slower than so few clocks
    assert (silent, sparse, full) == (6 * readout_clocks, 6 * (5 + 5 + 1 + 1), 6 * (70 + 1))
    assert full == design.cycles_per_inference


def test_layers_that_wait_take_fewer_inputs_per_clock() -> None:
    source = ir.StreamSource("lfsr", 3, (5, 3), 1, "shift")
    first = ir.StochasticSynapse("synapse1", np.ones((10, 64)), np.zeros(10), 1, source)
    neuron = ir.Neuron("neuron1", 10, 0, np.full(10, 2), ir.Leak())
    second = ir.StochasticSynapse("synapse2", np.ones((2, 10)), np.zeros(2), 1, source)
    readout = ir.Readout("readout", 2, "membrane", "argmax_membrane", 0)
    encoder = ir.RateEncoder("encoder", 64, ir.StreamSource("counter", 4))
    network = ir.Network("net", 4, (encoder, first, neuron, second, readout))
    assert [s.lanes for s in plan(network, 4).synapses] == [4, 1]
    assert [s.lanes for s in plan(network, 32).synapses] == [32, 5]
    assert [s.lanes for s in plan(network, 64).synapses] == [64, 10]


# ---------------------------------------------------------------- files


def test_a_design_says_what_it_is_and_is_found_again(bench: Bench) -> None:
    design = bench.design
    again = load(design.folder)
    assert isinstance(again, FoldedDesign)
    assert again.options == design.options
    assert {"architecture", "inputs_per_clock", "neurons_per_clock"} <= set(again.options)
    described = json.loads((design.folder / "design.json").read_text())
    assert described["cycles_per_inference"] == design.cycles_per_inference == again.cycles_per_inference
    assert described["memory_bits"] == design.plan.memory_bits
    builders.assert_traces_equal(bench.expected, again.trace(bench.x))


@pytest.mark.parametrize("seed", range(4))
def test_the_same_network_gives_the_same_text(seed: int) -> None:
    first, second = (plan(builders.random_network(Random(seed)), 2, 2) for _ in range(2))
    assert emit(first) == emit(second)


def random_plans() -> Iterator[str]:
    """The texts of designs of every encoder and source."""
    for seed, encoder in enumerate(builders.ENCODERS * 2):
        rnd = Random(seed)
        network = builders.random_network(rnd, encoder=encoder, lengths=(1, 2, 4), hidden=rnd.randint(0, 2))
        yield emit(plan(network, rnd.choice((1, 1, 2, 3, 8)), rnd.choice((1, 2, 3))))


def test_verilator_finds_nothing_to_warn_of(tmp_path: Path) -> None:
    builders.require_program("verilator")
    hdl = Path(__file__).parents[2] / "hdl"
    for number, text in enumerate(random_plans()):
        file = tmp_path / "net.v"
        file.write_text(text)
        for define in ([], ["-DSCTORCH_TRACE"]):
            command = ["verilator", "--lint-only", "-Wall", *define, "--top-module", "net", "-y", str(hdl), str(file)]
            done = subprocess.run(command, capture_output=True, text=True)
            assert (done.returncode, done.stderr) == (0, ""), f"design {number}: {done.stderr}"


@pytest.mark.parametrize("seed", range(6))
def test_registers_that_start_unknown_reach_no_decision(seed: int, tmp_path: Path) -> None:
    """Icarus knows x: after one clock of reset, every decision of two windows is a number, and the right one."""
    builders.require_program("iverilog")
    network, x, expected = builders.alive_network(30 + seed, 2, lengths=(1, 2), hidden=1)
    (tmp_path / "net.v").write_text(emit(plan(network, 1 + seed % 3, 1 + seed % 2)))
    beats = window_beats(network, ir.check_input(network, x))
    rows = zip(beats.steps.tolist(), beats.flags.tolist(), beats.data.tolist(), strict=True)
    (tmp_path / "beats.hex").write_text("".join(f"{s:08x}{f:08x}{d:08x}\n" for s, f, d in [*rows, (0, 0, 0)]))
    clocks = len(beats.data) + 4 * plan(network).most_cycles + 500
    port, _, signed = answer_port(network)
    steps = ".steps(row[64 +: 32])," if not isinstance(network.encoder, ir.EventEncoder) else ""
    (tmp_path / "bench.v").write_text(f"""\
`timescale 1ns / 1ps
module bench;
    reg clk = 0, rst = 1;
    reg [95:0] rows [0:{len(beats.data)}];
    integer sent = 0, clocks = 0;
    wire [95:0] row = rows[sent];
    wire ready, valid, first, last;
    wire valid_in = !rst && sent < {len(beats.data)};
    wire {"signed" if signed else ""} [31:0] answer;
    net dut (.clk(clk), .rst(rst), .in_valid(valid_in), .in_ready(ready), .in_first(row[33]), .in_last(row[34]),
        .in_data(row[31:0]), {steps} .out_valid(valid), .out_first(first), .out_last(last), .{port}(answer));
    initial $readmemh("beats.hex", rows);
    always #5 clk = ~clk;
    always @(posedge clk) begin
        rst <= 0;
        clocks <= clocks + 1;
        if (valid_in && ready) sent <= sent + 1;
        if (valid !== 0 && !rst) $display("%0d %b %b", answer, first, last);
        if (clocks > {clocks}) $finish;
    end
endmodule
""")
    hdl = Path(__file__).parents[2] / "hdl"
    build = ["iverilog", "-g2005", "-o", "bench", "-s", "bench", "-y", str(hdl), "bench.v", "net.v"]
    subprocess.run(build, cwd=tmp_path, check=True)
    lines = subprocess.run(["./bench"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    right = expected["readout.decision"][..., 0].T.reshape(-1).tolist()
    last = network.num_steps - 1
    ends = [f"{int(t == 0)} {int(t == last)}" for _ in range(2) for t in range(network.num_steps)]
    assert [line for line in lines if "finish" not in line] == [f"{a} {e}" for a, e in zip(right, ends, strict=True)]


@pytest.mark.parametrize("bench", ["features", "scan"], indirect=True)  # synthesis is slow: a walk and a scan
def test_a_netlist_computes_the_same(bench: Bench) -> None:
    gates = bench.design.netlist("ice40-hx8k", traced=True)
    builders.assert_traces_equal(bench.expected, gates.trace(bench.x))
    with pytest.raises(UnsupportedError, match=r"netlist without trace ports.*traced=True"):
        bench.design.netlist("ice40-hx8k")


# ---------------------------------------------------------------- options, and the choice


def tiny() -> ir.Network:
    synapse = ir.FixedSynapse("synapse", np.array([[3, 1], [1, 2]]), np.zeros(2), 2, 2)
    readout = ir.Readout("readout", 2, "membrane", "argmax_membrane", 2)
    return ir.Network("net", 5, (ir.EventEncoder("spikes_in", 2), synapse, readout))


def large(inputs: int = 784, neurons: int = 128) -> ir.Network:
    rng = np.random.default_rng(0)
    source = ir.StreamSource("lfsr", 4, (5, 3), 1, "shift")
    synapse = ir.StochasticSynapse(
        "synapse1", rng.integers(-15, 16, (neurons, inputs)), np.zeros(neurons), 1, source
    )  # fmt: skip
    encoder = ir.RateEncoder("encoder", inputs, ir.StreamSource("counter", 8))
    return ir.Network("net", 16, (encoder, synapse, ir.Readout("readout", neurons, "membrane", "argmax_membrane", 0)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "magic"}, "architecture 'magic' is unknown; known: unrolled, folded, auto"),
        ({"architecture": "folded", "lanes": 2}, "'lanes' is unknown to the folded architecture; known: arch"),
        ({"architecture": "folded", "inputs_per_clock": 0}, "inputs_per_clock = 0"),
        ({"architecture": "folded", "inputs_per_clock": 65}, "inputs_per_clock = 65"),
        ({"architecture": "folded", "neurons_per_clock": 1.5}, "neurons_per_clock = 1.5"),
        ({"architecture": "unrolled", "inputs_per_clock": 2}, "'inputs_per_clock' is unknown"),
        ({"architecture": "auto", "lanes": 2}, "option 'lanes' is unknown"),
        ({"architecture": "auto", "inputs_per_clock": 0}, "inputs_per_clock = 0"),
    ],
)  # fmt: skip
def test_unknown_options_are_refused(options: dict[str, object], message: str, tmp_path: Path) -> None:
    network = large(20, 4)
    if options["architecture"] == "auto" and "inputs_per_clock" in options:
        network = large()
    with pytest.raises(ConfigError, match=message):
        sctorch.export(network, tmp_path / "net", target="ecp5-85k", **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_auto_takes_what_fits_and_says_why(tmp_path: Path) -> None:
    builders.require_tool("yosys")
    builders.require_tool("g++")
    design = sctorch.export(tiny(), tmp_path / "net", architecture="auto", inputs_per_clock=2)
    assert isinstance(design, VerilogDesign)
    assert not isinstance(design, FoldedDesign)
    reason = json.loads((tmp_path / "net" / "design.json").read_text())["architecture_reason"]
    assert "unrolled takes an estimated" in reason
    assert "of ice40-hx8k" in reason
    assert load(tmp_path / "net").options["architecture"] == "unrolled"
    picked, why = choose(large(), {"architecture": "auto"}, "artix7-100t")
    assert picked == "folded"
    assert "unrolled takes an estimated" in why
    assert "too much for artix7-100t; folded takes an estimated" in why


def test_auto_refuses_what_fits_in_no_way(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"too much for ice40-hx8k; folded .* too much for ice40-hx8k.*Prune"):
        sctorch.export(large(), tmp_path / "net", architecture="auto", target="ice40-hx8k")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="'auto' needs a target"):
        check_network(tiny(), "verilog", {"architecture": "auto"})


# ---------------------------------------------------------------- real data


def test_mnist(mnist_folder: str, tmp_path: Path) -> None:
    """A dense 784-128-10 network whose hidden weights are the images' own: all layers, three images."""
    from sctorch.data import MNIST

    x, _ = MNIST(mnist_folder).test_arrays()
    templates = x[100:228] - x[228:356]
    first = np.round(15 * templates / np.abs(templates).max()).astype(np.int64)
    second = np.random.default_rng(0).integers(-15, 16, (10, 128))
    source = ir.StreamSource("lfsr", 4, (5, 3), 1, "shift")
    network = ir.Network("mnist", 8, (
        ir.RateEncoder("encoder", 784, ir.StreamSource("counter", 8)),
        ir.StochasticSynapse("synapse1", first, np.zeros(128), 1, source),
        ir.Neuron("neuron1", 128, 2, np.full(128, 20), ir.Leak("shift", 2)),
        ir.StochasticSynapse("synapse2", second, np.zeros(10), 1, ir.StreamSource("lfsr", 4, (5, 3), 7, "shift")),
        ir.Readout("readout", 10, "membrane", "argmax_membrane", 0),
    ))  # fmt: skip
    expected = ir.simulate(network, x[:4])
    assert builders.is_alive(network, expected)
    design = folded(network, tmp_path / "mnist", inputs_per_clock=4)
    assert builders.assert_traces_equal(expected, design.trace(x[:4])) > 30_000
    assert design.measure_cycles(x[:4])[-1] == 8 * (784 // 4 + 1)


# ---------------------------------------------------------------- the comparison is itself tested


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` in a file of hdl, seen on the design of one of MUTATED."""

    network: str
    file: str
    old: str
    new: str


MUTATED = {
    "shift": ({"encoder": ("lfsr", "shift"), "source": ("lfsr", "shift"), "fixed": False, "hidden": 1,
               "fields": ("shift", "gt", "subtract", True), "readout": "membrane"}, 2, 2),
    "independent": ({"encoder": ("counter", "permute"), "source": ("lfsr", "independent"), "fixed": False, "hidden": 1,
                     "lengths": (2,), "fields": ("multiply", "ge", "subtract_snntorch", False), "readout": "spike",
                     "rule": "first_to_threshold"}, 3, 1),
    "scan": ({"encoder": "events", "fixed": True, "hidden": 1, "fields": ("none", "gt", "zero", False),
              "readout": "membrane", "max_inputs": 60}, 1, 1),
    "ticks": ({"encoder": "events", "source": ("counter", "shared"), "lengths": (4,), "fixed": False, "hidden": 1,
               "fields": ("shift", "ge", "zero", True), "readout": "spike", "rule": "argmax_spike_count"}, 2, 2),
    "words": ({"encoder": "events", "fixed": True, "hidden": 1, "fields": ("none", "gt", "zero", False),
               "readout": "membrane", "max_inputs": 120, "wanted": many_words}, 2, 1),
    "first": ({"encoder": ("counter", "shared"), "source": ("lfsr", "shift"), "fixed": False, "hidden": 1,
               "fields": ("none", "ge", "subtract", False), "readout": "spike", "rule": "first_to_threshold",
               "wanted": keeps_its_word}, 1, 1),
}  # fmt: skip
MUTANTS = {
    "the next tick starts elsewhere": Mutant("shift", "stream", "start <= {now[N-2:0],", "start <= {now[N-1:1],"),
    "one step per clock for two inputs": Mutant("shift", "stream", "ahead[P*N +: N]", "ahead[N +: N]"),
    "the stream runs on into the next window": Mutant("shift", "stream", "fresh ? SEED : start", "start"),
    "groups in the other order": Mutant("shift", "walk", "assign go = valid", "assign go = ~group[0] & valid"),
    "no rest between ticks": Mutant("independent", "walk", "pause <= drop | tail;", "pause <= 1'b0;"),
    "a tick too few": Mutant("independent", "walk", "last_tick = tick == LAST_TICK", "last_tick = 1'b1"),
    "registers keep their last window": Mutant("independent", "independent", "seeded <= fresh;", "seeded <= 1'b0;"),
    "registers stand still": Mutant("independent", "independent", "if (gone) states", "if (1'b0) states"),
    "orders of the bits are lost": Mutant("independent", "permute", "order[i*SW +: SW]", "i % B"),
    "term takes >= for >": Mutant("shift", "sum", "above = 1'b0;", "above = 1'b1;"),
    "a sum starts from nothing": Mutant("shift", "sum", "<= start[i*W +: W];", "<= {W{1'b0}};"),
    "sums add up over timesteps": Mutant("shift", "sum", "if (clear)", "if (1'b0)"),
    "silence is not masked": Mutant("shift", "sum", "| {B{~spikes[p]}}", ""),
    "membranes of the window before": Mutant("shift", "neurons", "first ? {W{1'b0}} : word", "1'b0 ? {W{1'b0}} : word"),
    "neurons in the other order": Mutant("shift", "neurons", "{fired, spike}", "{spike, fired}"),
    "the chain stands still": Mutant("shift", "neurons", "else if (go1) chain", "else if (1'b0) chain"),
    "reset before the leak is lost": Mutant("shift", "lif", "fired ? theta : {W{1'b0}}", "{W{1'b0}}"),
    "compared once only": Mutant("independent", "lif", "RESET == 3 && again2", "RESET == 4"),
    "neuron takes > for >=": Mutant("independent", "lif", "value >= limit", "value > limit"),
    "leak takes one more": Mutant("shift", "leak", "assign leaked = m - part", "assign leaked = m - part - 1"),
    "the first class is forgotten": Mutant("first", "readout", "held & ~first", "1'b0"),
    "a tie goes to the highest class": Mutant("ticks", "readout", "score >= best", "score > best"),
    "scores of the window before": Mutant("shift", "readout", "first ? {W{1'b0}} : word", "word"),
    "a spike is skipped": Mutant("scan", "scan", "now & (now - 1'b1)", "now & (now - 1'b1) & (now - 2'd2)"),
    "the last word is not scanned": Mutant("words", "scan", "[WW-1:0] END = WORDS - 1", "[WW-1:0] END = 0"),
    "weights without sign": Mutant("words", "dot", "reg signed [B:0] weight", "reg [B:0] weight"),
    "beats of spikes in the other order": Mutant("scan", "gather", "{beat, gathered}", "{gathered, beat}"),
    "an image is read while it is written": Mutant("shift", "image", "words[{from, group}]", "words[{to, group}]"),
    "a timestep too many": Mutant("shift", "repeat", "step == wanted - 1'b1", "step == wanted"),
    "the next timestep does not wait": Mutant("shift", "lock", "(on | (held & ~free))", "1'b0 & on & free & held"),
}  # fmt: skip


Sound = tuple[FoldedDesign, np.ndarray, ir.Trace]


@pytest.fixture(scope="module")
def mutated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Sound]:
    """The sound design of a network, exported when first asked for, with windows and what they give."""
    made: dict[str, Sound] = {}

    def sound(name: str) -> Sound:
        if name not in made:
            fields, lanes, neurons = MUTATED[name]
            network, x, expected = living(40 + list(MUTATED).index(name), 8, **fields)
            folder = tmp_path_factory.mktemp("mutated") / "design"
            design = folded(network, folder, inputs_per_clock=lanes, neurons_per_clock=neurons)
            builders.assert_traces_equal(expected, design.trace(x))
            made[name] = (design, x, expected)
        return made[name]

    return sound


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_is_caught(name: str, mutated: Callable[[str], Sound], tmp_path: Path) -> None:
    mutant = MUTANTS[name]
    sound, x, expected = mutated(mutant.network)
    folder = tmp_path / "mutant"
    shutil.copytree(sound.folder, folder)
    (folder / "sim" / "simulation.so").unlink()
    file = folder / "hdl" / f"sct_fold_{mutant.file}.v"
    text = file.read_text()
    assert mutant.old in text, f"{mutant.file} no longer holds {mutant.old!r}; plant this fault anew"
    file.write_text(text.replace(mutant.old, mutant.new))
    design = FoldedDesign(folder, sound.network, sound.options)
    design.build()
    with pytest.raises((MismatchError, ToolFailedError, AssertionError)):
        builders.assert_traces_equal(expected, design.trace(x))
