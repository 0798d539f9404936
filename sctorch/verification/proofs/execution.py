"""The simulator's own loop on symbols, and the exported logic clock by clock beside it.

The simulator runs on symbols (`run_window`); each signal that it records is compared with the trace port in the clock
in which that signal is valid. What is equal is cut: both sides go on with a new symbol within the analysed bounds, so
that each claim stays as small as one layer's timestep. Where a claim fails on such symbols it is made again without any
cut, from the window's inputs, which gives a window to replay or shows that none is wrong.
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
from sctorch.verification.proofs.context import Reading, integer
from sctorch.verification.proofs.prover import Claim
from sctorch.verification.proofs.report import Counterexample
from sctorch.verification.proofs.symbols import as_term, symbols
from sctorch.verification.proofs.terms import replaced, symbols_in

__all__ = ["Execution", "Holds"]

# What each register of a state holds for a value of the simulator; beside it, what it holds now.
Holds = dict[str, Callable[[Any, Any], Any]]


class _Reached(Exception):
    """The signal that was looked for has been recorded."""


# (want, got) of a claim, from a window whose execution has come to the signal, its values, and the clock.
Pair = Callable[["Execution", list[Any], int], tuple[Any, Any]]


@dataclass(eq=False)
class Execution:
    """The two executions side by side. An architecture says when a signal is there, what the window puts on the ports,
    and which registers hold a layer's state.

    sought : run without cuts, up to this signal and timestep. known : what holds of the symbols that cuts have put in.
    memory : what each register and input holds in each clock.
    """

    context: Reading
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
        self.bounds = bounds_by_step(context, self.depth)

    # ------------------------------------------------------------ of an architecture

    def another(self, sought: tuple[str, int]) -> Execution:
        """The same window without cuts, as far as a signal."""
        return type(self)(self.context, self.depth, sought)

    def clock(self, key: str, t: int) -> int:
        """When a signal's t-th row is there; an encoder gives one for each of its ticks, all others for a timestep."""
        raise NotImplementedError

    def ports(self, clock: int) -> dict[str, Any]:
        """What the window puts on ports; those that it leaves out may hold anything."""
        raise NotImplementedError

    def arrived(self, key: str) -> Any:
        """The bit that says that a signal is there."""
        raise NotImplementedError

    def holds(self, layer: ir.Layer, key: str, i: int) -> Holds:
        """The registers that keep an entry until the next timestep, but for the one behind its trace port."""
        raise NotImplementedError

    def shows(self, key: str) -> bool:
        """Whether the register behind a signal's trace port is the one that the next layer reads."""
        return not key.endswith(".mem")

    def is_cut(self, key: str) -> bool:
        """Whether both sides go on with a new symbol for a signal."""
        raise NotImplementedError

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
        clock = self.clock(key, t)
        if self.sought is not None:
            if self.sought == (key, t):
                self.found = (flat, clock)
                raise _Reached
            return value
        arrived = self.arrived(key)
        self._claim(key, t, 0, flat, clock, lambda w, flat, clock: (z3.BitVecVal(1, 1), w.at(arrived, clock)))
        shown = self.context.traced(key)
        for i, term in enumerate(shown):
            self._claim(key, t, i, flat, clock, _entry(key, i, term))
        if not self.is_cut(key):
            return value
        new = [self._cut(key, t, i, flat, clock, term) for i, term in enumerate(shown)]
        return symbols(np.array(new, dtype=object).reshape(np.shape(value)))

    def at(self, term: Any, clock: int) -> Any:
        """A term of registers and inputs in a clock of the window, as one of the symbols that are left."""
        return replaced(term, {name: self.value(s, clock) for name, s in symbols_in(term).items()})

    def value(self, symbol: Any, clock: int) -> Any:
        name = symbol.decl().name()
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
        for port, value in self.ports(clock).items():
            parts = self.context.model.driven(port, z3.BitVecVal(value, 1) if isinstance(value, int) else value)
            if name in parts:
                return parts[name]
        return z3.BitVec(f"{name} at {clock}", symbol.size())

    # ------------------------------------------------------------ claims and cuts

    def _claim(self, key: str, t: int, i: int, flat: list[Any], clock: int, pair: Pair) -> None:
        want, got = pair(self, flat, clock)

        def exact() -> Claim:
            whole = self.another((key, t))
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
        # After the last timestep the next window may have begun.
        holds = self.holds(layer, key, i) if t < self.depth - 1 else {}
        for name, content in holds.items():
            register = context.register(name)
            self._claim(key, t, i, flat, clock, _register(register, i, content))
            self.memory[str(register), clock] = content(symbol, self.value(register, clock))
        if self.shows(key):
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


def _entry(key: str, i: int, term: Any) -> Pair:
    return lambda w, flat, clock: (flat[i], w.context.wide(key, w.at(term, clock)))


def _register(register: Any, i: int, content: Callable[[Any, Any], Any]) -> Pair:
    def pair(w: Execution, flat: list[Any], clock: int) -> tuple[Any, Any]:
        now = w.value(register, clock)
        return z3.simplify(content(flat[i], now)), now

    return pair


def _shown(context: Reading, shown: Any, name: str, i: int) -> Pair:
    """The register behind a trace port holds what makes the port show the entry."""

    def pair(w: Execution, flat: list[Any], clock: int) -> tuple[Any, Any]:
        now = w.value(symbols_in(shown)[name], clock)
        return replaced(context.shows(shown, flat[i])[name], {name: now}), now

    return pair


def _inside(value: Any, low: int, high: int) -> Any:
    return z3.If(z3.And(value >= low, value <= high), z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))


def bounds_by_step(context: Reading, depth: int) -> dict[str, list[ir.ranges.Interval]]:
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
