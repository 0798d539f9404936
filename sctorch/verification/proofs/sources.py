"""Stream sources: R_j of the exported logic equals `StreamSource.values`, tick by tick, and restarts from any state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import z3

from sctorch import ir
from sctorch.verification.proofs.context import Context
from sctorch.verification.proofs.prover import Claim, NotCoveredError, Task
from sctorch.verification.proofs.report import Counterexample
from sctorch.verification.proofs.terms import replaced, symbols_in

__all__ = ["source_tasks"]

ENTRIES = 200_000  # of R, ticks by inputs: longer periods are proved for the window's ticks alone


def source_tasks(context: Context) -> list[Task]:
    """One part for each stream source of a design."""
    tasks = []
    for layer in context.network.layers:
        if isinstance(layer, ir.RateEncoder):
            tasks.append(_task(context, layer, layer.source, layer.size, context.network.encoder_ticks))
        elif isinstance(layer, ir.StochasticSynapse):
            tasks.append(_task(context, layer, layer.source, layer.n_inputs, layer.bitstream_length))
        elif isinstance(layer, ir.Neuron) and layer.leak.source is not None:
            tasks.append(_task(context, layer, layer.leak.source, layer.size, 1))
    return tasks


def _task(context: Context, layer: ir.Layer, source: ir.StreamSource, n: int, length: int) -> Task:
    period = 2**source.width - (source.kind == "lfsr")
    window = context.network.num_steps * length
    whole = period * n <= ENTRIES or window > period
    ticks = period if whole else window
    reach = f"its whole period of {period} ticks" if whole else f"the window's {window} ticks"
    what = f"R of {n} inputs ({source.kind}, {source.decorrelator}) over {reach}; restart from any state; rest in a gap"
    values = source.values(n, ticks)
    return Task(f"source {layer.name}", what, lambda: _claims(context, layer, values, whole), "source")


def _control(context: Context, layer: ir.Layer) -> tuple[Any, Any, bool]:
    """(step, restart, registered): what moves a layer's source, and whether R comes one clock after it."""
    stage = context.plan.place(layer)
    if stage == 0:
        return context.flag("valid", 0), context.flag("first", 0), False
    valid, first = context.done(stage - 1)
    if isinstance(layer, ir.Synapse) and layer.bitstream_length > 1 and layer is not context.network.synapses[0]:
        return context.model.wire(f"{layer.name}__next"), z3.simplify(valid & first), True
    return valid, first, True


def _claims(context: Context, layer: ir.Layer, values: np.ndarray, whole: bool) -> Iterator[Claim]:
    name, n = layer.name, values.shape[1]
    wire = f"{name}__random"
    shown = context.model.wire(wire)
    bits = shown.size() // n
    enable, first, registered = _control(context, layer)
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

    start, run = (_chosen(enable, first, value, flags) for value in (1, 0))
    # What is said of one choice of the flags holds of all that step the source.
    for choice, value in ((start, 1), (run, 0)):
        stepping = [enable == 1, first == value]
        for symbol in state:
            term, same = context.model.next[symbol], moved(symbol, choice)
            yield Claim(term == same, _unsettled(name, symbol, term, same), stepping)
        if not registered:
            same = replaced(shown, choice)
            yield Claim(shown == same, _unsettled(name, wire, shown, same), stepping)
    # From any state, `first` gives R[0] (here, or one clock later if the source is registered) ...
    yield differs(0, replaced(context.model.after(shown), start) if registered else replaced(shown, start))
    # ... and one state, whatever was before.
    now: dict[str, Any] = {}
    for symbol in state:
        term = moved(symbol, start)
        value = replaced(term, {s: z3.BitVecVal(0, t.size()) for s, t in symbols_in(term).items()})
        now[symbol] = value
        yield Claim(term == value, _unsettled(name, symbol, term, value))
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


def _chosen(enable: Any, first: Any, value: int, flags: dict[str, Any]) -> dict[str, Any]:
    """Flags with which a source is stepped, restarting or not."""
    solver = z3.Solver()
    solver.add(enable == 1, first == value)
    if solver.check() != z3.sat:
        raise NotCoveredError("nothing steps it" if not value else "nothing restarts it")
    model = solver.model()
    return {symbol: model.eval(term, model_completion=True) for symbol, term in flags.items()}


def _unsettled(name: str, symbol: str, term: Any, value: Any) -> Any:
    def replay(model: z3.ModelRef) -> Counterexample:
        want, got = (model.eval(t, model_completion=True).as_long() for t in (value, term))
        steps = (f"the register {symbol} of the source of {name} keeps something of before, or moves in a gap",)
        return Counterexample(f"{name}__random", 0, 0, want, got, steps)

    return replay
