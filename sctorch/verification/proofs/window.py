"""One whole window of the exported top, layer by layer and timestep by timestep, against the simulator's own loop.

The window enters without a gap and from any state of the registers, so that whatever came before is covered. The
simulator runs on symbols (`run_window`); each signal that it records is compared with the trace port in the clock in
which that signal's stage is valid. What is equal is cut: both sides go on with a new symbol within the analysed
bounds, so that each claim stays as small as one layer's timestep. Where a claim fails on such symbols it is made
again without any cut, from the window's inputs, which gives a window to replay or shows that none is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise
from typing import Any

import numpy as np
import z3

from sctorch import ir
from sctorch.ir.ranges import growing, growing_scores
from sctorch.ir.simulator import encode, run_window
from sctorch.verification.proofs.context import Context, integer
from sctorch.verification.proofs.neurons import neuron_registers, score_registers
from sctorch.verification.proofs.prover import Claim, Task
from sctorch.verification.proofs.report import Counterexample
from sctorch.verification.proofs.symbols import as_term, symbols
from sctorch.verification.proofs.terms import replaced, symbols_in

__all__ = ["is_small", "window_task"]

SMALL_VALUES, SMALL_FAN_IN = 1000, 16  # integers compared in one window, and bits that enter one neuron


def is_small(network: ir.Network) -> bool:
    """Whether a whole window is proved unless `depth` asks for it."""
    sizes = [layer.size for layer in network.layers[1:]]
    values = network.num_steps * (network.encoder.size * network.encoder_ticks + sum(sizes))
    fan_in = max(int((s.weight != 0).sum(axis=1).max()) * _bits_per_input(s) for s in network.synapses)
    return values <= SMALL_VALUES and fan_in <= SMALL_FAN_IN


def _bits_per_input(synapse: ir.Synapse) -> int:
    """Bits that one input brings in a timestep."""
    return max(1, synapse.input_bits) if isinstance(synapse, ir.FixedSynapse) else synapse.bitstream_length


def window_task(context: Context, depth: int) -> Task:
    whole = depth == context.network.num_steps
    reach = f"a whole window of {depth} timesteps" if whole else f"a window's first {depth} timesteps"
    what = f"{reach}, every layer at every timestep, for all inputs and from any state"
    return Task("end to end", what, lambda: iter(_Window(context, depth).run()), "end to end")


class _Reached(Exception):
    """The signal that was looked for has been recorded."""


# (want, got) of a claim, from a window whose execution has come to the signal, its values, and the clock.
_Pair = Callable[["_Window", list[Any], int], tuple[Any, Any]]


@dataclass(eq=False)
class _Window:
    """The two executions side by side.

    sought : run without cuts, up to this signal and timestep. known : what holds of the symbols that cuts have put in.
    memory : what each register and input holds in each clock.
    """

    context: Context
    depth: int
    sought: tuple[str, int] | None = None
    seen: dict[str, int] = field(default_factory=dict)
    known: dict[str, list[Any]] = field(default_factory=dict)
    made: list[Claim] = field(default_factory=list)
    memory: dict[tuple[str, int], Any] = field(default_factory=dict)
    found: tuple[list[Any], int] = ([], 0)

    def __post_init__(self) -> None:
        context, width = self.context, self.context.width
        self.network = replace(context.network, num_steps=self.depth)
        encoder = self.network.encoder
        events = isinstance(encoder, ir.EventEncoder)
        bits = 1 if isinstance(encoder, ir.EventEncoder) else encoder.bits
        beats = self.depth * self.network.encoder_ticks if events else 1
        names = [[f"x[{t}][{j}]" for j in range(encoder.n_features)] for t in range(beats)]
        self.inputs = [[z3.BitVec(name, bits) for name in row] for row in names]
        wide = symbols([[z3.ZeroExt(width - bits, x) for x in row] for row in self.inputs])
        self.values = wide[:, None, :] if events else wide
        self.bounds = _bounds(context, self.depth)
        if self.network.ticks_per_step > 1:  # a window starts with a timestep of its own
            count = context.register("ticks.count")
            self.memory[str(count), 0] = z3.BitVecVal(0, count.size())

    # ------------------------------------------------------------ the two sides

    def run(self) -> list[Claim]:
        encoder = self.network.encoder.name
        coded = [self.record(encoder, row) for row in encode(self.network, self.values)]
        run_window(self.network, symbols(np.stack([np.asarray(row) for row in coded])), self.record)
        return self.made

    def record(self, key: str, value: Any) -> Any:
        t = self.seen.get(key, 0)
        self.seen[key] = t + 1
        flat = [as_term(v, self.context.width) for v in np.asarray(value).reshape(-1)]
        signal = self.context.signals[key]
        clock = self.clock(key, t)
        if self.sought is not None:
            if self.sought == (key, t):
                self.found = (flat, clock)
                raise _Reached
            return value
        arrived = self.context.flag("trace_valid", signal.stage)
        self._claim(key, t, 0, flat, clock, lambda w, flat, clock: (z3.BitVecVal(1, 1), w.at(arrived, clock)))
        shown = self.context.traced(key)
        for i, term in enumerate(shown):
            self._claim(key, t, i, flat, clock, _entry(key, i, term))
        if key.endswith(".decision") or signal.stage == 0:  # nothing is behind it that could be cut
            return value
        new = [self._cut(key, t, i, flat, clock, term) for i, term in enumerate(shown)]
        return symbols(np.array(new, dtype=object).reshape(np.shape(value)))

    def clock(self, key: str, t: int) -> int:
        """When a signal's t-th row is there; an encoder gives one for each of its ticks, all others for a timestep."""
        network, stage = self.network, self.context.signals[key].stage
        if key == network.encoder.name:
            step, tick = divmod(t, network.encoder_ticks)
            return stage + step * network.ticks_per_step + tick
        names = [layer.name for layer in network.layers]
        reached = network.layers[: names.index(key.split(".")[0]) + 1]
        ticks = sum(layer.bitstream_length - 1 for layer in reached if isinstance(layer, ir.Synapse))
        return stage + ticks + t * network.ticks_per_step

    def at(self, term: Any, clock: int) -> Any:
        """A term of registers and inputs in a clock of the window, as one of the symbols that are left."""
        return replaced(term, {name: self.value(s, clock) for name, s in symbols_in(term).items()})

    def value(self, symbol: Any, clock: int) -> Any:
        name = str(symbol)
        if (name, clock) not in self.memory:
            following = self.context.model.next.get(name)
            if following is None:
                here = self._driven(name, symbol, clock)
            else:
                here = self.at(following, clock - 1) if clock else symbol  # at the start it may hold anything
            self.memory[name, clock] = here
        return self.memory[name, clock]

    def _driven(self, name: str, symbol: Any, clock: int) -> Any:
        """What the window puts on a port; anything where it leaves that open, such as after its end."""
        network, model = self.network, self.context.model
        step, tick = divmod(clock, network.ticks_per_step)
        events = isinstance(network.encoder, ir.EventEncoder)
        ports: dict[str, Any] = {"rst": 0}
        if step < self.depth:
            ports["in_first"] = int(step == 0 and (tick == 0 or not events))
        if step < self.depth and (tick < network.encoder_ticks or not events):
            row = self.inputs[step * network.encoder_ticks + tick if events else 0]
            ports["in_data"] = z3.Concat(*reversed(row)) if len(row) > 1 else row[0]
            ports |= {"in_valid": 1, "in_last": int(step == self.depth - 1)}
        for port, value in ports.items():
            parts = model.driven(port, z3.BitVecVal(value, 1) if isinstance(value, int) else value)
            if name in parts:
                return parts[name]
        return z3.BitVec(f"{name} at {clock}", symbol.size())

    # ------------------------------------------------------------ claims and cuts

    def _claim(self, key: str, t: int, i: int, flat: list[Any], clock: int, pair: _Pair) -> None:
        want, got = pair(self, flat, clock)

        def exact() -> Claim:
            whole = _Window(self.context, self.depth, (key, t))
            with suppress(_Reached):
                whole.run()
            there = pair(whole, *whole.found)
            return Claim(there[1] == there[0], lambda model: whole.replayed(model, key, t, i, *there))

        names = symbols_in(want).keys() | symbols_in(got).keys()
        about = [k for name in sorted(names) for k in self.known.get(name, ())]
        self.made.append(Claim(got == want, _unreplayed(key, t, i), about, exact))

    def _cut(self, key: str, t: int, i: int, flat: list[Any], clock: int, shown: Any) -> Any:
        """A new symbol in the place of an entry, and in that of the registers that hold it."""
        context, value = self.context, z3.simplify(flat[i])
        symbol = value
        if not z3.is_bv_value(value):
            if key in self.bounds:
                low, high = (int(side[i]) for side in (self.bounds[key][t].low, self.bounds[key][t].high))
            else:
                low, high = 0, 2 ** context.signals[key].bits - 1
            true = z3.BitVecVal(1, 1)
            self._claim(key, t, i, flat, clock, lambda w, flat, clock: (true, _inside(flat[i], low, high)))
            symbol, known = context.ranged(f"{key}[{t}][{i}]", low, high)
            self.known |= dict.fromkeys(symbols_in(symbol), known)
        layer = next(n for n in self.network.layers if n.name == key.split(".")[0])
        holds: dict[str, Callable[[Any], Any]] = {}
        if t == self.depth - 1:  # the next window may have begun
            pass
        elif key.endswith(".mem") and isinstance(layer, ir.Neuron):
            holds = neuron_registers(context, layer, i)
        elif isinstance(layer, ir.Readout):
            holds = score_registers(context, i)
        for name, content in holds.items():
            register = context.register(name)
            self._claim(key, t, i, flat, clock, _register(register, i, content))
            self.memory[str(register), clock] = content(symbol)
        if not key.endswith(".mem"):
            for name, content in context.shows(shown, symbol).items():
                now = self.value(symbols_in(shown)[name], clock)
                self._claim(key, t, i, flat, clock, _shown(context, shown, name, i))
                self.memory[name, clock] = replaced(content, {name: now})
        return symbol

    # ------------------------------------------------------------ a counterexample

    def replayed(self, model: z3.ModelRef, key: str, t: int, i: int, want: Any, got: Any) -> Counterexample:
        """The window of a counterexample, run in the simulator."""
        numbers = np.array([[integer(model, x, signed=False) for x in row] for row in self.inputs])
        trace: dict[str, list[list[int]]] = {}

        def record(name: str, value: np.ndarray) -> np.ndarray:
            trace.setdefault(name, []).append(np.asarray(value).astype(int).reshape(-1).tolist())
            return value

        events = isinstance(self.network.encoder, ir.EventEncoder)
        coded = encode(self.network, numbers[:, None, :] if events else numbers)
        for row in coded:
            record(self.network.encoder.name, row)
        run_window(self.network, coded, record)
        lines = [] if events else [f"inputs {numbers[0].tolist()}"]
        encoder, ticks = self.network.encoder.name, self.network.encoder_ticks
        step = t // ticks if key == encoder else t
        for s in range(step + 1):
            shown = {name: [rows[s]] for name, rows in trace.items()}
            shown[encoder] = trace[encoder][s * ticks : (s + 1) * ticks]
            texts = (f"{name} {' '.join(str(row) for row in rows)}" for name, rows in shown.items())
            lines.append(f"timestep {s}: " + ", ".join(texts))
        if want.size() != self.context.width:
            lines.append("what the trace shows is right so far, but a register or flag behind it is not")
        return Counterexample(key, step, i, integer(model, want), integer(model, got), tuple(lines))


def _entry(key: str, i: int, term: Any) -> _Pair:
    return lambda w, flat, clock: (flat[i], w.context.wide(key, w.at(term, clock)))


def _register(register: Any, i: int, content: Callable[[Any], Any]) -> _Pair:
    return lambda w, flat, clock: (z3.simplify(content(flat[i])), w.value(register, clock))


def _shown(context: Context, shown: Any, name: str, i: int) -> _Pair:
    """The register behind a trace port holds what makes the port show the entry."""

    def pair(w: _Window, flat: list[Any], clock: int) -> tuple[Any, Any]:
        now = w.value(symbols_in(shown)[name], clock)
        return replaced(context.shows(shown, flat[i])[name], {name: now}), now

    return pair


def _inside(value: Any, low: int, high: int) -> Any:
    return z3.If(z3.And(value >= low, value <= high), z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))


def _bounds(context: Context, depth: int) -> dict[str, list[ir.ranges.Interval]]:
    """Bounds after each timestep of what is cut."""
    found: dict[str, list[ir.ranges.Interval]] = {}
    layers = context.network.layers
    for before, layer in pairwise(layers):
        current = context.ranges[before.name].current if isinstance(before, ir.Synapse) else None
        if isinstance(layer, ir.Synapse):
            current = context.ranges[layer.name].current
            assert current is not None
            found[layer.name] = [current] * depth
        elif isinstance(layer, ir.Neuron) and isinstance(before, ir.Synapse) and current is not None:
            grown = (m for _, m in growing(layer, current.shifted(layer.frac - before.frac)))
            found[f"{layer.name}.mem"] = _after(grown, depth)
        elif isinstance(layer, ir.Readout):
            if isinstance(before, ir.Synapse) and current is not None:
                current = current.shifted(layer.frac - before.frac)
            else:
                current = ir.ranges.Interval(np.zeros(layer.size, np.int64), np.ones(layer.size, np.int64))
            found[layer.name] = _after(growing_scores(layer, current), depth)
    return found


def _after(grown: Iterator[ir.ranges.Interval], depth: int) -> list[ir.ranges.Interval]:
    """Bounds after 1 .. depth timesteps; the last ones stay when they stop growing."""
    bounds = list(islice(grown, depth + 1))
    return [bounds[min(t, len(bounds) - 1)] for t in range(1, depth + 1)]


def _unreplayed(key: str, t: int, i: int) -> Callable[[z3.ModelRef], Counterexample]:
    return lambda model: Counterexample(key, t, i, 0, 0, ())
