"""Folded designs for tests: living networks, their windows as beats, and scripts of beats in any order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import builders
import numpy as np

import sctorch
from sctorch import ir
from sctorch.backends.verilog import FoldedDesign
from sctorch.backends.verilog.cxxrtl import Stimulus
from sctorch.backends.verilog.folded.design import Beats, window_beats

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


def folded(network: ir.Network, folder: Path, **options: int) -> FoldedDesign:
    builders.require_tool("yosys")
    builders.require_tool("g++")
    design = sctorch.export(network, folder, architecture="folded", **options)
    assert isinstance(design, FoldedDesign)
    return design


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


def make_folded(kind: str, folder: Path) -> Bench:
    """The design of one of KINDS, exported."""
    fields, lanes, neurons = KINDS[kind]
    network, x, expected = living(80 + list(KINDS).index(kind), WINDOWS, **fields)
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
