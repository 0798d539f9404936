"""When a folded design does what: its control, run by itself.

Behind rst every register that decides about a clock holds a number, and where no spike decides about the order of work
it is a number in every clock of a window. So one run of the control alone tells in which clock each signal is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import z3

from sctorch import ir
from sctorch.verification.proofs.folded.context import FoldedContext, Machine, constant
from sctorch.verification.proofs.prover import NotCoveredError

__all__ = ["Control", "Schedule", "after_reset", "schedules"]

MOST_RESTS = 4  # the states in which a design may wait for a window: its two images take turns

# Registers by their symbols' names, and their bits, the highest first: 0, 1, or x where it may be either.
Control = dict[str, str]


@dataclass(frozen=True)
class Schedule:
    """One window from a state of rest, no beat late.

    rest, after : the control before and after. beats : clock -> beat that is taken. clocks : of each signal's rows.
    known : registers in clocks, where they are numbers.
    """

    rest: Control
    after: Control
    beats: dict[int, int]
    clocks: dict[str, list[int]]
    known: dict[tuple[str, int], Any]


def after_reset(context: FoldedContext) -> Control:
    """What registers hold while the design rests behind rst, whatever they held before."""
    machine = Machine(context.model, lambda clock: {"rst": z3.BitVecVal(1, 1)})
    found = {str(s): bits_of(machine.value(s, 1)) for s in context.model.registers.values()}
    return _resting(context, {name: bits for name, bits in found.items() if set(bits) != {"x"}})


def held(control: Control) -> dict[str, Any]:
    """The registers of a control as terms, their x as free bits."""
    return {
        name: _joined(
            [z3.BitVec(f"{name} {i}", 1) if b == "x" else z3.BitVecVal(int(b), 1) for i, b in enumerate(bits)]
        )
        for name, bits in control.items()
    }


def _tracked(bits: str, rest: str) -> str:
    """The bits that are known at rest."""
    return "".join("x" if r == "x" else b for b, r in zip(bits, rest, strict=True))


def _joined(bits: list[Any]) -> Any:
    return z3.simplify(z3.Concat(*bits) if len(bits) > 1 else bits[0])


def bits_of(term: Any) -> str:
    if (value := constant(term)) is not None:
        return format(value, f"0{term.size()}b")
    found = (constant(z3.simplify(z3.Extract(i, i, term))) for i in reversed(range(term.size())))
    return "".join("x" if bit is None else str(bit) for bit in found)


def _resting(context: FoldedContext, control: Control) -> Control:
    """What of it stays as it is while nothing comes: the most that implies itself a clock later."""
    quiet = {"rst": z3.BitVecVal(0, 1), "in_valid": z3.BitVecVal(0, 1)}
    while True:
        memory = {(name, 0): term for name, term in held(control).items()}
        machine = Machine(context.model, lambda clock: quiet, memory)
        later = {name: bits_of(machine.value(context.model.symbol(name), 1)) for name in control}
        kept = {
            name: "".join(b if b == after else "x" for b, after in zip(bits, later[name], strict=True))
            for name, bits in control.items()
        }
        if kept == control:
            return control
        control = kept


def schedules(context: FoldedContext, depth: int) -> list[Schedule]:
    """The windows from every state of rest that there is, that after rst first."""
    found: list[Schedule] = []
    rest = after_reset(context)
    while all(rest != known.rest for known in found):
        if len(found) == MOST_RESTS:
            raise NotCoveredError(f"it rests in more than {MOST_RESTS} states")
        found.append(_schedule(context, rest, depth))
        rest = found[-1].after
    return found


def beat_ports(context: FoldedContext, beat: int, depth: int) -> dict[str, Any]:
    """What marks a beat of a window of `depth` timesteps, its data apart."""
    events = isinstance(context.network.encoder, ir.EventEncoder)
    total = beats_of(context, depth)
    last = total - context.plan.beats * (context.network.encoder_ticks if events else 0)
    ends = beat >= last if events else beat == total - 1
    ports = {"in_valid": 1, "in_first": int(beat == 0), "in_last": int(ends)}
    marks: dict[str, Any] = {name: z3.BitVecVal(value, 1) for name, value in ports.items()}
    if not events:
        marks["steps"] = z3.BitVecVal(depth, context.model.inputs["steps"].size())
    return marks


def beats_of(context: FoldedContext, depth: int) -> int:
    events = isinstance(context.network.encoder, ir.EventEncoder)
    return context.plan.beats * (depth * context.network.encoder_ticks if events else 1)


def _schedule(context: FoldedContext, rest: Control, depth: int) -> Schedule:
    model, network = context.model, context.network
    total = beats_of(context, depth)
    rows = {key: depth * (network.encoder_ticks if key == network.encoder.name else 1) for key in context.signals}
    beats: dict[int, int] = {}
    clocks: dict[str, list[int]] = {key: [] for key in rows}
    offered: dict[int, int] = {}

    def ports(clock: int) -> dict[str, Any]:
        quiet = {"rst": z3.BitVecVal(0, 1), "in_valid": z3.BitVecVal(0, 1)}
        return quiet | (beat_ports(context, offered[clock], depth) if clock in offered else {})

    start = {(name, 0): term for name, term in held(rest).items()}
    machine = Machine(model, ports, dict(start))

    def number(term: Any, clock: int, what: str) -> int:
        value = constant(machine.at(term, clock))
        if value is None:
            raise NotCoveredError(f"{what} depends on the spikes, so that no clock is that of one timestep")
        return value

    most = 64 + 2 * (sum(context.plan.stages) + context.plan.most_cycles)
    for clock in range(most):
        if len(beats) < total:
            offered[clock] = len(beats)
            if number(model.wire("in_ready"), clock, "whether a beat is taken"):
                beats[clock] = len(beats)
        for key in rows:
            if number(context.arrived(key), clock, f"when {key} is there"):
                clocks[key].append(clock)
        if len(beats) == total and all(len(clocks[key]) >= n for key, n in rows.items()):
            now = {name: _tracked(bits_of(machine.value(model.symbol(name), clock)), rest[name]) for name in rest}
            if all(b.count("x") == rest[name].count("x") for name, b in now.items()) and _resting(context, now) == now:
                known = {place: value for place, value in machine.memory.items() if constant(value) is not None}
                return Schedule(rest, now, beats, clocks, known | start)
    if all(len(clocks[key]) >= n for key, n in rows.items()):
        raise NotCoveredError(f"no rest after {most} clocks")
    return Schedule(rest, rest, beats, clocks, start)  # too few rows, which is a difference of its own
