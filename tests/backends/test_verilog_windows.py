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
from sctorch.backends.verilog.unrolled.plan import plan
from sctorch.backends.verilog.unrolled.traces import trace_signals
from sctorch.errors import ConfigError

WINDOWS = 4
KINDS = {
    "delayed": {"encoder": ("lfsr", "shift"), "source": ("counter", "permute"), "hidden": 2,
                "fields": ("shift", "gt", "subtract", True), "readout": "membrane"},
    "at once": {"encoder": "events", "source": ("lfsr", "independent"), "hidden": 1,
                "fields": ("multiply", "ge", "subtract", False), "readout": "spike"},
    "to zero": {"encoder": ("counter", "shared"), "source": ("lfsr", "shift"), "hidden": 1,
                "fields": ("none", "gt", "zero", True), "readout": "membrane"},
}  # fmt: skip


@dataclass
class Bench:
    """A design, its whole windows, and what the simulator says of them."""

    design: VerilogDesign
    data: np.ndarray  # [windows, T, n]
    expected: ir.Trace


@pytest.fixture(scope="module", params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    builders.require_tool("yosys")
    builders.require_tool("g++")
    seed = list(KINDS).index(request.param)
    network, x, expected = builders.alive_network(50 + seed, WINDOWS, fixed=False, **KINDS[request.param])
    design = sctorch.export(network, tmp_path_factory.mktemp("windows") / "design")
    assert isinstance(design, VerilogDesign)
    inputs = ir.check_input(network, x)
    data = np.repeat(inputs[:, None], network.num_steps, axis=1) if inputs.ndim == 2 else inputs.transpose(1, 0, 2)
    return Bench(design, data, expected)


@dataclass
class Script:
    """Clocks one by one, and for each that carries a timestep which one: (window, t), or None if it may be anything."""

    bench: Bench
    data: list[np.ndarray] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    labels: list[tuple[int, int] | None] = field(default_factory=list)
    rnd: Random = field(default_factory=lambda: Random(0))

    def _clock(self, data: np.ndarray, flags: int, label: tuple[int, int] | None) -> None:
        self.data.append(data)
        self.flags.append(flags)
        self.labels.append(label)

    def _garbage(self) -> np.ndarray:
        width = input_width(self.bench.design.network)
        return np.array([self.rnd.randrange(2**width) for _ in range(self.bench.data.shape[2])])

    def window(self, index: int, steps: int | None = None, last: bool = True, gaps: int = 0) -> None:
        """The first `steps` timesteps of a window; `last` marks its end, without it the window is left open."""
        steps = self.bench.design.network.num_steps if steps is None else steps
        for t in range(steps):
            self.idle(self.rnd.randint(0, gaps))
            flags = Stimulus.VALID
            flags |= Stimulus.FIRST if t == 0 else 0
            flags |= Stimulus.LAST if last and t == steps - 1 else 0
            self._clock(self.bench.data[index, t], flags, (index, t))

    def stray(self, count: int) -> None:
        """Timesteps that belong to no window."""
        for _ in range(count):
            self._clock(self._garbage(), Stimulus.VALID | self.rnd.choice((0, Stimulus.LAST)), None)

    def idle(self, count: int) -> None:
        for _ in range(count):
            self._clock(self._garbage(), self.rnd.choice((0, Stimulus.FIRST, Stimulus.LAST)), None)

    def reset(self, count: int = 1) -> None:
        """Reset, with a timestep on the port that must not be taken."""
        for _ in range(count):
            self._clock(self._garbage(), Stimulus.RST | Stimulus.VALID | Stimulus.FIRST, None)

    def stimulus(self) -> Stimulus:
        drain = self.bench.design.latency_cycles + 1
        zeros = [np.zeros_like(self.data[0])] * drain
        width = input_width(self.bench.design.network)
        return Stimulus(pack_rows(np.array(self.data + zeros), width), np.array(self.flags + [0] * drain))

    def taken(self, stage: int) -> list[tuple[int, int] | None]:
        """The timesteps that come out of a stage, in order: a reset in clock r loses what has not come out by r."""
        resets = [c for c, flags in enumerate(self.flags) if flags & Stimulus.RST]
        result = []
        for clock, (flags, label) in enumerate(zip(self.flags, self.labels, strict=True)):
            lost = any(clock < r < clock + stage for r in resets)
            if flags & Stimulus.VALID and not flags & Stimulus.RST and not lost:
                result.append(label)
        return result

    def check(self) -> int:
        """Run it; how many timesteps of known windows came out of the last stage, all of them right."""
        design = self.bench.design
        rows = design.run(self.stimulus())
        known = 0
        for key, _, _, _, stage in trace_signals(plan(design.network)):
            labels = self.taken(stage)
            assert len(rows[key]) == len(labels), f"{key}: {len(rows[key])} timesteps came out of {len(labels)}"
            known = 0
            for position, label in enumerate(labels):
                if label is not None:
                    window, t = label
                    assert (rows[key][position] == self.bench.expected[key][t, window]).all(), (key, position, label)
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
    assert len(script.taken(bench.design.latency_cycles)) < len(script.taken(1)), "the reset lost nothing"


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
    stages = design.latency_cycles
    folder = tmp_path / "wrapped"
    shutil.copytree(design.folder, folder)
    (folder / "sim" / "simulation.so").unlink()
    words = network.encoder.size * input_width(network)
    (folder / "wrapper.v").write_text(f"""\
module wrapper (input clk, input rst, input in_valid, input in_first, input in_last, input [{words - 1}:0] in_data,
    output [{stages}:0] trace_valid, output [2:0] trace_flags);
    wire v, f, l;
    {network.name} dut (.clk(clk), .rst(rst), .in_valid(in_valid), .in_first(in_first), .in_last(in_last),
        .in_data(in_data), .trace_valid(trace_valid), .out_valid(v), .out_first(f), .out_last(l));
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
    sent = [flags for flags in script.flags if flags & Stimulus.VALID]
    assert rows[:, 0].tolist() == sent
