"""Whole windows of a folded top, from every state in which it rests, against the simulator's own loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import z3

from sctorch import ir
from sctorch.backends.verilog.ports import answer_port
from sctorch.verification.proofs.execution import Execution, Holds
from sctorch.verification.proofs.folded.context import FoldedContext
from sctorch.verification.proofs.folded.schedule import Schedule, beat_ports, schedules
from sctorch.verification.proofs.prover import Claim, Task
from sctorch.verification.proofs.report import Counterexample
from sctorch.verification.proofs.symbols import as_term, extended, symbols

__all__ = ["window_task"]


def window_task(context: FoldedContext, depth: int) -> Task:
    whole = depth == context.network.num_steps
    reach = f"whole windows of {depth} timesteps" if whole else f"windows of {depth} timesteps"
    what = (
        f"{reach}, every layer at every timestep and the answer's ports, for all inputs, after rst and after each other"
    )
    return Task("end to end", what, lambda: _claims(context, depth), "end to end")


def _claims(context: FoldedContext, depth: int) -> Iterator[Claim]:
    for schedule in schedules(context, depth):
        for key, clocks in schedule.clocks.items():
            network = context.network
            rows = depth * (network.encoder_ticks if key == network.encoder.name else 1)
            want, got = z3.BitVecVal(rows, 32), z3.BitVecVal(len(clocks), 32)
            yield Claim(got == want, _rows(key, rows, len(clocks)))
        yield from _FoldedWindow(context, depth, schedule=schedule).run()


def _rows(key: str, want: int, got: int) -> Any:
    line = f"{got} rows of it come in a window, not {want}"
    return lambda model: Counterexample(key, 0, 0, want, got, (line,))


@dataclass(eq=False)
class _FoldedWindow(Execution):
    context: FoldedContext
    schedule: Schedule | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        assert self.schedule is not None
        self.memory |= self.schedule.known
        self.scores: Any = None

    @property
    def timing(self) -> Schedule:
        assert self.schedule is not None
        return self.schedule

    def another(self, sought: tuple[str, int]) -> Execution:
        return _FoldedWindow(self.context, self.depth, sought, schedule=self.schedule)

    def clock(self, key: str, t: int) -> int:
        return self.timing.clocks[key][t]

    def ports(self, clock: int) -> dict[str, Any]:
        quiet = {"rst": z3.BitVecVal(0, 1), "in_valid": z3.BitVecVal(0, 1)}
        if clock not in self.timing.beats:
            return quiet
        beat = self.timing.beats[clock]
        return quiet | beat_ports(self.context, beat, self.depth) | {"in_data": self._data(beat)}

    def _data(self, beat: int) -> Any:
        if not isinstance(self.network.encoder, ir.EventEncoder):
            return self.inputs[0][beat]
        tick, word = divmod(beat, self.context.plan.beats)
        bits = self.context.model.inputs["in_data"].size()
        row = self.inputs[tick][word * bits : (word + 1) * bits]
        value = z3.Concat(*reversed(row)) if len(row) > 1 else row[0]
        return z3.Concat(z3.FreshConst(z3.BitVecSort(bits - len(row))), value) if len(row) < bits else value

    def arrived(self, key: str) -> Any:
        return self.context.arrived(key)

    def is_cut(self, key: str) -> bool:
        layer = next(n for n in self.network.layers if n.name == key.split(".")[0])
        if isinstance(layer, ir.Synapse):
            return True
        return isinstance(layer, ir.Neuron) and (not key.endswith(".mem") or bool(self.holds(layer, key, 0)))

    def holds(self, layer: ir.Layer, key: str, i: int) -> Holds:
        if isinstance(layer, ir.Neuron) and key.endswith(".mem"):
            plan = next(n for n in self.context.plan.neurons if n.layer is layer)
            return _word(self.context, f"{layer.name}__neurons.membranes", i, plan.lanes, plan.width)
        if isinstance(layer, ir.Readout):
            return _word(self.context, f"{layer.name}__readout.scores", i, 1, self.context.plan.readout.width)
        return {}

    def shows(self, key: str) -> bool:
        return not key.endswith(".mem") and key != self.network.readout.name

    def record(self, key: str, value: Any) -> Any:
        """As of every design; but scores are cut only after the decision, which is made on the way to them."""
        value = super().record(key, value)
        name = self.network.readout.name
        if key == f"{name}.decision" and self.sought is None:
            self._answered(key, value)
        if key == name:
            self.scores = value
        elif key == f"{name}.decision" and self.sought is None and self.holds(self.network.readout, name, 0):
            t = self.seen[name] - 1
            flat = [as_term(v, self.context.width) for v in np.asarray(self.scores).reshape(-1)]
            clock, shown = self.clock(name, t), self.context.traced(name)
            new = [self._cut(name, t, i, flat, clock, term) for i, term in enumerate(shown)]
            self.scores[...] = symbols(np.array(new, dtype=object).reshape(np.shape(self.scores)))
        return value

    def _answered(self, key: str, value: Any) -> None:
        """The ports in the clock in which a decision is there."""
        t, model = self.seen[key] - 1, self.context.model
        flat, clock = [as_term(v, self.context.width) for v in np.asarray(value).reshape(-1)], self.clock(key, t)
        answer, _, signed = answer_port(self.network)
        port = extended(model.wire(answer), self.context.width, signed)
        self._claim(key, t, 0, flat, clock, lambda w, flat, clock: (flat[0], w.at(port, clock)))
        for name, on in (("valid", True), ("first", t == 0), ("last", t == self.depth - 1)):
            self._claim(key, t, 0, flat, clock, _marked(model.wire(f"out_{name}"), on))


def _marked(port: Any, on: bool) -> Any:
    return lambda w, flat, clock: (z3.BitVecVal(int(on), 1), w.at(port, clock))


def _word(context: FoldedContext, memory: str, i: int, lanes: int, width: int) -> Holds:
    """The word of a memory that holds entry i, `lanes` of `width` bits each; none where yosys took it apart."""
    place, lane = divmod(i, lanes)
    name = f"{memory}[{place}]"
    register = context.model.registers.get(name)
    if register is None or register.size() != lanes * width:
        return {}

    def content(value: Any, now: Any) -> Any:
        parts = [z3.Extract((k + 1) * width - 1, k * width, now) for k in range(lanes)]
        parts[lane] = z3.Extract(width - 1, 0, value)
        return z3.simplify(z3.Concat(*reversed(parts)) if lanes > 1 else parts[0])

    return {name: content}
