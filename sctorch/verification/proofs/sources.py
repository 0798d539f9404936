"""Stream sources: R_j of the exported logic equals `StreamSource.values`, tick by tick, and restarts from any state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import z3

from sctorch import ir
from sctorch.verification.proofs.context import Context, check_ticks
from sctorch.verification.proofs.model import replaced, symbols_in
from sctorch.verification.proofs.prover import Claim, Task
from sctorch.verification.proofs.report import Counterexample

__all__ = ["source_tasks"]

ENTRIES = 200_000  # of R, ticks by inputs: longer periods are proved for the window's ticks alone


def source_tasks(context: Context) -> list[Task]:
    """One part for each stream source of a design."""
    tasks = []
    for layer in context.network.layers:
        if isinstance(layer, ir.RateEncoder):
            tasks.append(_task(context, layer.name, layer.source, layer.size, 0, False))
        elif isinstance(layer, ir.StochasticSynapse):
            stage = context.signals[context.before(layer).name].stage
            tasks.append(_task(context, layer.name, layer.source, layer.n_inputs, stage, True))
        elif isinstance(layer, ir.Neuron) and layer.leak.source is not None:
            stage = context.signals[context.before(layer).name].stage
            tasks.append(_task(context, layer.name, layer.leak.source, layer.size, stage, True))
    return tasks


def _task(context: Context, name: str, source: ir.StreamSource, n: int, stage: int, registered: bool) -> Task:
    """`stage` is the one whose data R is used with; a registered source is stepped one stage earlier."""
    period = 2**source.width - (source.kind == "lfsr")
    window = min(period, context.network.num_steps)
    whole = period * n <= ENTRIES
    ticks = period if whole else window
    reach = f"its whole period of {period} ticks" if whole else f"the window's {window} ticks"
    what = f"R of {n} inputs ({source.kind}, {source.decorrelator}) over {reach}; restart from any state; rest in a gap"
    values = source.values(n, ticks)
    return Task(f"source {name}", what, lambda: _claims(context, name, values, whole, stage, registered))


def _claims(
    context: Context, name: str, values: np.ndarray, whole: bool, stage: int, registered: bool
) -> Iterator[Claim]:
    check_ticks(context)
    wire, n = f"{name}__random", values.shape[1]
    shown = context.model.wire(wire)
    bits = shown.size() // n
    enable, first = context.flag("valid", stage - registered), context.flag("first", stage - registered)
    flags = symbols_in(enable) | symbols_in(first)
    state = _state(context, shown, flags)

    def packed(k: int) -> Any:
        return z3.BitVecVal(sum(int(v) << (bits * j) for j, v in enumerate(values[k % len(values)])), shown.size())

    def differs(k: int, term: Any) -> Claim:
        def replay(model: z3.ModelRef) -> Counterexample:
            number = model.eval(term, model_completion=True).as_long()
            got = [number >> (bits * j) & (2**bits - 1) for j in range(n)]
            want = values[k % len(values)].tolist()
            j = next(i for i in range(n) if got[i] != want[i])
            steps = tuple(f"tick {i}: R[{j}] = {values[i, j]}" for i in range(min(k, len(values) - 1) + 1))
            return Counterexample(wire, k, j, want[j], got[j], steps)

        return Claim(term == packed(k), replay)

    def moved(symbol: str, values_now: dict[str, Any]) -> Any:
        return replaced(context.model.next[symbol], values_now)

    start = _choose(context, enable, first, True)
    # From any state, `first` gives R[0] (here, or one clock later if the source is registered) ...
    yield differs(0, replaced(context.model.after(shown), start) if registered else replaced(shown, start))
    # ... and one state, whatever was before.
    now: dict[str, Any] = {}
    for symbol in state:
        term = moved(symbol, start)
        value = replaced(term, {s: z3.BitVecVal(0, t.size()) for s, t in symbols_in(term).items()})
        now[symbol] = value
        yield Claim(term == value, _unsettled(name, symbol, term, value))
    run = _choose(context, enable, first, False)
    begun, shift = now, int(not registered)  # what an unregistered source holds is a tick ahead
    for k in range(shift, len(values) + shift * whole):
        yield differs(k, replaced(replaced(shown, run), now))
        now = {symbol: replaced(moved(symbol, run), now) for symbol in state}
    if whole:  # the period closes
        for symbol, value in begun.items():
            yield Claim(now[symbol] == value, _unsettled(name, symbol, now[symbol], value))
    for symbol, register in state.items():
        rest = context.model.next[symbol]
        yield Claim(rest == register, _unsettled(name, symbol, rest, register), [enable == 0])


def _state(context: Context, shown: Any, flags: dict[str, Any]) -> dict[str, Any]:
    """The registers that R depends on, now or later, but for the flags; inputs among them are left as they are."""
    found: dict[str, Any] = {}
    queue = [shown]
    while queue:
        for symbol, term in symbols_in(queue.pop()).items():
            if symbol not in flags and symbol not in found and symbol in context.model.next:
                found[symbol] = term
                queue.append(context.model.next[symbol])
    return found


def _choose(context: Context, enable: Any, first: Any, value: bool) -> dict[str, Any]:
    """The flags of an enabled tick, the window's first or not."""
    chosen = {}
    for term, bit in ((enable, 1), (first, int(value))):
        for symbol in symbols_in(term):
            chosen[symbol] = z3.BitVecVal(0 if symbol == str(context.model.inputs["rst"]) else bit, 1)
    return chosen


def _unsettled(name: str, symbol: str, term: Any, value: Any) -> Any:
    def replay(model: z3.ModelRef) -> Counterexample:
        want, got = (model.eval(t, model_completion=True).as_long() for t in (value, term))
        steps = (f"the register {symbol} of the source of {name} keeps something of before, or moves in a gap",)
        return Counterexample(f"{name}__random", 0, 0, want, got, steps)

    return replay
