"""Stream sources of a folded design: R_j of every group that is visited equals `StreamSource.values`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import z3

from sctorch import ir
from sctorch.verification.proofs.folded.context import FoldedContext, Machine, constant
from sctorch.verification.proofs.prover import Claim, Task
from sctorch.verification.proofs.report import Counterexample
from sctorch.verification.proofs.terms import replaced, symbols_in

__all__ = ["source_tasks", "token_wires"]

VISITS = 20_000  # of groups: a longer period is proved for the window's ticks alone
TOKENS = ("go", "head", "fresh", "group")


@dataclass(frozen=True)
class _Source:
    """tokens : the wires that say go, head (the tick's first group), fresh (the window's first tick) and group."""

    layer: ir.Layer
    source: ir.StreamSource
    n: int
    lanes: int
    length: int
    tokens: tuple[str, str, str, str]

    @property
    def groups(self) -> int:
        return -(-self.n // self.lanes)


def _sources(context: FoldedContext) -> list[_Source]:
    found, network = [], context.network
    lanes = {s.layer.name: s.lanes for s in context.plan.synapses}
    for layer in network.layers:
        name = network.synapses[0].name if layer is network.encoder else layer.name
        here = f"{name}__go", f"{name}__head", f"{name}__fresh", f"{name}__group"
        if isinstance(layer, ir.RateEncoder):
            found.append(_Source(layer, layer.source, layer.size, lanes[name], network.encoder_ticks, here))
        elif isinstance(layer, ir.StochasticSynapse):
            later = (f"{here[0]}1", f"{here[1]}1", f"{here[2]}1", f"{here[3]}1")
            found.append(_Source(layer, layer.source, layer.n_inputs, lanes[name], layer.bitstream_length, later))
        elif isinstance(layer, ir.Neuron) and layer.leak.source is not None:
            q = next(n.lanes for n in context.plan.neurons if n.layer is layer)
            own = (here[0], here[1], f"{name}__first", here[3])
            found.append(_Source(layer, layer.leak.source, layer.size, q, 1, own))
    return found


def token_wires(context: FoldedContext) -> list[str]:
    """What is free while the sources are proved: the order of work is that of the schedules."""
    return list(dict.fromkeys(wire for source in _sources(context) for wire in source.tokens))


def source_tasks(context: FoldedContext) -> list[Task]:
    """One part for each stream source; `context` is read with the tokens free."""
    tasks = []
    for s in _sources(context):
        period = 2**s.source.width - (s.source.kind == "lfsr")
        window = context.network.num_steps * s.length
        whole = period * s.groups <= VISITS or window > period
        ticks = period + 2 if whole else window  # and the first two of the next period
        reach = f"its whole period of {period} ticks" if whole else f"the window's {window} ticks"
        what = (
            f"R of {s.n} inputs ({s.source.kind}, {s.source.decorrelator}), {s.lanes} per clock, over {reach}; "
            "restart from any state; rest in a gap"
        )
        claims = lambda s=s, ticks=ticks, whole=whole: _claims(context, s, ticks, whole)  # noqa: E731
        tasks.append(Task(f"source {s.layer.name}", what, claims, "source"))
    return tasks


def _claims(context: FoldedContext, s: _Source, ticks: int, whole: bool) -> Iterator[Claim]:
    """R of every tick; where it is a whole period of them, what decides about R is then what it was a period before.

    That is asked after the second tick of each period, when nothing of `fresh` is on its way any more.
    """
    model, name, groups = context.model, s.layer.name, s.groups
    values = s.source.values(s.n, ticks)
    shown = model.wire(f"{name}__random")
    bits = shown.size() // s.lanes
    # A token that nothing reads is gone.
    wires = {what: model.wires[wire] for what, wire in zip(TOKENS, s.tokens, strict=True) if wire in model.wires}
    names = {what: wire.decl().name() for what, wire in wires.items()}

    def tokens(clock: int) -> dict[str, Any]:
        tick, place = divmod(clock, groups + 1)  # one clock rests between two ticks
        group = groups - 1 - place
        now = {"go": place < groups, "head": place == 0, "fresh": tick == 0, "group": max(group, 0)}
        return {names[what]: z3.BitVecVal(int(now[what]), wires[what].size()) for what in wires}

    machine = Machine(model, lambda clock: {})
    for clock in range(ticks * (groups + 1)):
        machine.memory |= {(token, clock): value for token, value in tokens(clock).items()}
        tick, place = divmod(clock, groups + 1)
        if place == groups:
            continue
        first = (groups - 1 - place) * s.lanes
        lanes = min(s.lanes, s.n - first)  # beyond the last input nothing is asked
        want = sum(int(v) << (bits * p) for p, v in enumerate(values[tick, first : first + lanes]))
        machine.memory |= {(token, clock + 1): value for token, value in tokens(clock + 1).items()}
        got = z3.simplify(z3.Extract(lanes * bits - 1, 0, machine.at(shown, clock + 1)))
        right = z3.BoolVal(constant(got) == want) if constant(got) is not None else got == want
        yield Claim(right, _differs(name, values, tick, first, lanes, bits, got))
    state = _state(context, shown, set(names.values()))
    if whole:
        second, again = (tick * (groups + 1) for tick in (2, ticks))
        for register in state:
            then, now = (machine.value(model.symbol(register), clock) for clock in (second, again))
            yield Claim(now == then, _aperiodic(name, register, ticks - 2, then, now))
    kept = [n for n in state if n in symbols_in(model.next[n])]  # the others are written anew in every clock
    gap = {names[what]: z3.BitVecVal(0, 1) for what in names if what == "go"} | {
        n: z3.BitVecVal(0, 1) for n in state if n.split(" ")[0].endswith(".gone")
    }
    for register in kept:
        now, later = model.symbol(register), replaced(model.next[register], gap)
        yield Claim(later == now, _moves(name, register, now, later))


def _state(context: FoldedContext, shown: Any, tokens: set[str]) -> list[str]:
    """The registers that R depends on, now or later."""
    found: dict[str, None] = {}
    queue = [shown]
    while queue:
        for symbol in symbols_in(queue.pop()):
            if symbol not in tokens and symbol not in found and symbol in context.model.next:
                found[symbol] = None
                queue.append(context.model.next[symbol])
    return list(found)


def _differs(name: str, values: np.ndarray, tick: int, first: int, lanes: int, bits: int, term: Any) -> Any:
    def replay(model: z3.ModelRef) -> Counterexample:
        number = model.eval(term, model_completion=True).as_long()
        got = [number >> (bits * p) & (2**bits - 1) for p in range(lanes)]
        want = values[tick, first : first + lanes].tolist()
        p = next((i for i in range(lanes) if got[i] != want[i]), 0)
        steps = tuple(f"tick {k}: R[{first + p}] = {values[k, first + p]}" for k in range(tick + 1))
        return Counterexample(f"{name}__random", tick, first + p, want[p], got[p], steps)

    return replay


def _aperiodic(name: str, register: str, period: int, then: Any, now: Any) -> Any:
    def replay(model: z3.ModelRef) -> Counterexample:
        want, got = (model.eval(t, model_completion=True).as_long() for t in (then, now))
        line = f"the register {register} of the source of {name} is another one after a period of {period} ticks"
        return Counterexample(f"{name}__random", period + 2, 0, want, got, (line,))

    return replay


def _moves(name: str, register: str, now: Any, later: Any) -> Any:
    def replay(model: z3.ModelRef) -> Counterexample:
        want, got = (model.eval(t, model_completion=True).as_long() for t in (now, later))
        line = f"the register {register} of the source of {name} moves while no group is visited"
        return Counterexample(f"{name}__random", 0, 0, want, got, (line,))

    return replay
