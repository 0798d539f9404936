"""Windows in hardware: however the clocks before it went, a whole window gives what the simulator says."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import builders
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sctorch
from sctorch import ir
from sctorch.backends.verilog import VerilogDesign
from sctorch.backends.verilog.cxxrtl import Stimulus, build, pack_rows, run
from sctorch.backends.verilog.ports import input_width
from sctorch.backends.verilog.unrolled.design import window_beats
from sctorch.backends.verilog.unrolled.traces import trace_signals
from sctorch.errors import ConfigError

WINDOWS = 4
KINDS = {
    "delayed": {
        "encoder": ("lfsr", "shift"),
        "source": ("counter", "permute"),
        "hidden": 2,
        "fields": ("shift", "gt", "subtract", True),
        "readout": "membrane",
    },
    "at once": {
        "encoder": "events",
        "source": ("lfsr", "independent"),
        "hidden": 1,
        "fields": ("multiply", "ge", "subtract", False),
        "readout": "spike",
    },
    "to zero": {
        "encoder": ("counter", "shared"),
        "source": ("lfsr", "shift"),
        "hidden": 1,
        "fields": ("none", "gt", "zero", True),
        "readout": "membrane",
    },
    "ticks, features": {
        "encoder": ("lfsr", "shift"),
        "source": ("counter", "permute"),
        "hidden": 2,
        "fields": ("stochastic", "gt", "subtract", True),
        "readout": "membrane",
        "lengths": (1, 2, 4),
        "max_steps": 8,
    },
    "ticks, spikes": {
        "encoder": "events",
        "source": ("lfsr", "shift"),
        "hidden": 2,
        "fields": ("shift", "ge", "subtract", False),
        "readout": "spike",
        "lengths": (2, 4, 8),
        "max_steps": 8,
    },
}
SEEDS = {"ticks, features": 117, "ticks, spikes": 129}  # networks of the lengths below
LENGTHS = {"ticks, features": [2, 4, 1], "ticks, spikes": [4, 8, 4]}  # fmt: skip


@dataclass
class Bench:
    """A design, its whole windows, and what the simulator says of them."""

    design: VerilogDesign
    data: np.ndarray  # [windows, T, clocks, n]: what the port shows in every clock of every timestep
    expected: ir.Trace


@pytest.fixture(scope="module", params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    builders.require_tool("yosys")
    builders.require_tool("g++")
    seed = SEEDS.get(request.param, 50 + list(KINDS).index(request.param))
    network, x, expected = builders.alive_network(seed, WINDOWS, fixed=False, **KINDS[request.param])
    assert [s.bitstream_length for s in network.synapses] == LENGTHS.get(request.param, [1] * len(network.synapses))
    design = sctorch.export(network, tmp_path_factory.mktemp("windows") / "design")
    assert isinstance(design, VerilogDesign)
    rows, _ = window_beats(network, ir.check_input(network, x))
    data = rows.reshape(WINDOWS, network.num_steps, network.ticks_per_step, -1)
    return Bench(design, data, expected)


Label = tuple[int, int, int]  # window, timestep, tick


@dataclass
class Script:
    """Clocks one by one, and for each tick which one it is, or None if it may be anything."""

    bench: Bench
    data: list[np.ndarray] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    ticks: dict[int, Label | None] = field(default_factory=dict)  # by clock: where the encoder works
    ends: dict[int, Label | None] = field(default_factory=dict)  # by clock: where a whole timestep's last tick is
    rnd: Random = field(default_factory=lambda: Random(0))

    @property
    def network(self) -> ir.Network:
        return self.bench.design.network

    @property
    def spikes(self) -> bool:
        return isinstance(self.network.encoder, ir.EventEncoder)

    def _clock(self, data: np.ndarray, flags: int) -> None:
        self.data.append(data)
        self.flags.append(flags)

    def _garbage(self) -> np.ndarray:
        width = input_width(self.network)
        return np.array([self.rnd.randrange(2**width) for _ in range(self.bench.data.shape[-1])])

    def _step(self, rows: np.ndarray, label: tuple[int, int] | None, first: bool, last: bool, gaps: int) -> None:
        """One timestep's clocks, with pauses between those that carry a beat."""
        active = self.network.encoder_ticks
        for clock, row in enumerate(rows):
            if self.spikes and clock >= active:
                self.idle(1)
                continue
            self.idle(self.rnd.randint(0, gaps))
            flags = Stimulus.VALID
            flags |= Stimulus.FIRST if first and not (self.spikes and clock) else 0
            flags |= Stimulus.LAST if last and not (self.spikes and clock < active - 1) else 0
            self._clock(row, flags)
            now = len(self.flags) - 1
            if clock < active:
                self.ticks[now] = label and (*label, clock)
            if clock == active - 1:
                self.ends[now] = label and (*label, clock)

    def window(self, index: int, steps: int | None = None, last: bool = True, gaps: int = 0) -> None:
        """The first `steps` timesteps of a window; `last` marks its end, without it the window is left open."""
        steps = self.network.num_steps if steps is None else steps
        for t in range(steps):
            self._step(self.bench.data[index, t], (index, t), t == 0, last and t == steps - 1, gaps)

    def begin(self, index: int, clocks: int) -> None:
        """The first clocks of a window's first timestep, and no more."""
        self._step(self.bench.data[index, 0, :clocks], (index, 0), True, False, 0)

    def stray(self, count: int) -> None:
        """Timesteps that belong to no window."""
        for _ in range(count):
            rows = np.stack([self._garbage()] * self.network.ticks_per_step)
            self._step(rows, None, False, self.rnd.random() < 0.5, 0)

    def idle(self, count: int) -> None:
        for _ in range(count):
            self._clock(self._garbage(), self.rnd.choice((0, Stimulus.FIRST, Stimulus.LAST)))

    def reset(self, count: int = 1) -> None:
        """Reset, with a timestep on the port that must not be taken."""
        for _ in range(count):
            self._clock(self._garbage(), Stimulus.RST | Stimulus.VALID | Stimulus.FIRST)

    def stimulus(self) -> Stimulus:
        drain = self.bench.design.latency_cycles + 1
        zeros = [np.zeros_like(self.data[0])] * drain
        width = input_width(self.network)
        return Stimulus(pack_rows(np.array(self.data + zeros), width), np.array(self.flags + [0] * drain))

    def taken(self, stage: int) -> list[Label | None]:
        """What comes out of a stage, in order: a reset in clock r loses what has not come out by r."""
        if stage == 1:  # the encoder's ticks
            return list(self.ticks.values())
        between = [s for s in self.network.synapses[1:] if self.network.layers.index(s) < stage]
        delay = stage + sum(s.bitstream_length - 1 for s in between)
        resets = [c for c, flags in enumerate(self.flags) if flags & Stimulus.RST]
        return [label for clock, label in self.ends.items() if not any(clock < r < clock + delay for r in resets)]

    def check(self) -> int:
        """Run it; how many timesteps of known windows came out of the last stage, all of them right."""
        design, ticks = self.bench.design, self.network.encoder_ticks
        rows = design.run(self.stimulus())
        known = 0
        for key, _, _, _, stage in trace_signals(design.plan):
            labels = self.taken(stage)
            assert len(rows[key]) == len(labels), f"{key}: {len(rows[key])} rows came out of {len(labels)}"
            known = 0
            for position, label in enumerate(labels):
                if label is not None:
                    window, t, tick = label
                    row = t * ticks + tick if stage == 1 else t
                    assert (rows[key][position] == self.bench.expected[key][row, window]).all(), (key, position, label)
                    known += 1
        return known


def test_windows_follow_each_other_without_a_gap(bench: Bench) -> None:
    script = Script(bench)
    for index in (0, 1, 2, 3, 3, 0):
        script.window(index)
    assert script.check() == 6 * bench.design.network.num_steps


def test_gaps_within_and_between_windows_change_nothing(bench: Bench) -> None:
    script = Script(bench)
    for index in (2, 0, 3):
        script.window(index, gaps=3)
        script.idle(index)
    script.idle(10)
    script.window(1)
    assert script.check() == 4 * bench.design.network.num_steps


def test_a_window_may_end_early(bench: Bench) -> None:
    steps = bench.design.network.num_steps
    assert steps >= 3
    script = Script(bench)
    for index, length in ((0, steps - 1), (1, 1), (2, 1), (3, steps // 2), (0, steps)):
        script.window(index, length)
    assert script.check() == steps - 1 + 1 + 1 + steps // 2 + steps


def test_stray_timesteps_before_the_first_window_leave_nothing(bench: Bench) -> None:
    script = Script(bench)
    script.stray(7)
    script.window(0)
    script.stray(2)
    script.window(1)
    assert script.check() == 2 * bench.design.network.num_steps


def test_an_aborted_window_leaves_nothing(bench: Bench) -> None:
    steps = bench.design.network.num_steps
    script = Script(bench)
    for length in range(1, steps):
        script.window(length % WINDOWS, length, last=False)
        script.window((length + 1) % WINDOWS)
    script.check()


def test_a_reset_in_mid_window_leaves_nothing(bench: Bench) -> None:
    steps = bench.design.network.num_steps
    for length in range(1, steps + 1):
        script = Script(bench)
        script.window(0)
        script.window(1, length, last=False)
        script.reset(1 + length % 2)
        script.window(2)
        script.window(3)
        assert script.check() >= 2 * steps
    assert len(script.taken(bench.design.plan.stages)) < len(script.ends), "the reset lost nothing"


def test_a_timestep_cut_off_in_its_middle_leaves_nothing(bench: Bench) -> None:
    """By a reset; where a beat is a tick, by another window's first beat too."""
    for clocks in range(1, bench.design.network.ticks_per_step):
        for reset in (True, False) if isinstance(bench.design.network.encoder, ir.EventEncoder) else (True,):
            script = Script(bench)
            script.window(2)
            script.begin(0, clocks)
            if reset:
                script.reset()
            elif clocks >= bench.design.network.encoder_ticks:
                continue  # taken whole
            script.window(1)
            script.window(3)
            assert script.check() >= 2 * bench.design.network.num_steps


@settings(max_examples=60)
@given(st.randoms(use_true_random=False), st.data())
def test_any_order_of_clocks(bench: Bench, rnd: Random, data: st.DataObject) -> None:
    steps = bench.design.network.num_steps
    script = Script(bench, rnd=rnd)
    for _ in range(data.draw(st.integers(1, 6))):
        what = data.draw(st.sampled_from(("window", "gappy", "early", "aborted", "stray", "idle", "reset")))
        if what in ("window", "gappy"):
            script.window(rnd.randrange(WINDOWS), gaps=2 if what == "gappy" else 0)
        elif what in ("early", "aborted"):
            script.window(rnd.randrange(WINDOWS), rnd.randint(1, steps), last=what == "early")
        else:
            getattr(script, what)(rnd.randint(1, 4))
    script.window(rnd.randrange(WINDOWS))
    assert script.check() >= steps


def test_two_runs_are_the_same_run(bench: Bench) -> None:
    script = Script(bench)
    script.stray(3)
    script.window(1)
    first, second = bench.design.run(script.stimulus()), bench.design.run(script.stimulus())
    builders.assert_traces_equal(first, second)


def test_gaps_of_the_wrong_size_are_refused(bench: Bench) -> None:
    x = builders.random_input(bench.design.network, 2, 0)
    with pytest.raises(ConfigError, match="gaps must hold"):
        bench.design.trace(x, gaps=np.zeros((1, 1)))
    with pytest.raises(ConfigError, match="not negative"):
        bench.design.trace(x, gaps=np.full((2, bench.design.network.num_steps), -1))


def test_first_and_last_leave_beside_the_decision(bench: Bench, tmp_path: Path) -> None:
    """out_valid, out_first and out_last mark the timesteps as they went in, latency_cycles later."""
    design, network = bench.design, bench.design.network
    stages = design.plan.stages
    folder = tmp_path / "wrapped"
    shutil.copytree(design.folder, folder)
    (folder / "sim" / "simulation.so").unlink()
    words = network.encoder.n_features * input_width(network)
    (folder / "wrapper.v").write_text(f"""\
module wrapper (input clk, input rst, input in_valid, input in_first, input in_last, input [{words - 1}:0] in_data,
    output [{stages}:0] trace_valid, output [2:0] trace_flags);
    wire v, f, l, ready;
    {network.name} dut (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(ready), .in_first(in_first),
        .in_last(in_last), .in_data(in_data), .trace_valid(trace_valid), .out_valid(v), .out_first(f), .out_last(l));
    assign trace_flags = {{l, f, v}};
endmodule
""")
    library = build(folder, "wrapper", ["wrapper.v", *design.sources], [("trace_flags", 3, stages)])
    script = Script(bench)
    script.window(0, gaps=2)
    script.window(1)
    script.window(2, 1)
    script.window(3, 2)
    (rows,) = run(library, script.stimulus(), [("trace_flags", 3, stages)])
    ends = {0: network.num_steps, 1: network.num_steps, 2: 1, 3: 2}
    sent = [(f, t, n) for f, n in ends.items() for t in range(n)]
    flags = [Stimulus.VALID | Stimulus.FIRST * (t == 0) | Stimulus.LAST * (t == n - 1) for _, t, n in sent]
    assert rows[:, 0].tolist() == flags
