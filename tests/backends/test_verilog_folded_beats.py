"""The folded architecture: the integers of the simulator however the beats come."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import builders
import numpy as np
import pytest
from folding import KINDS, WINDOWS, Bench, Script

import sctorch
from sctorch import ir
from sctorch.backends.verilog.folded.design import Beats
from sctorch.backends.verilog.folded.emit import emit
from sctorch.errors import ConfigError, ShapeError


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest, folded_benches: Callable[[str], Bench]) -> Bench:
    return folded_benches(request.param)


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
