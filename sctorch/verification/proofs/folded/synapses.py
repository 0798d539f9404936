"""Synapses of a folded design: what the visit of each group adds to every neuron's sum, weight memory included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import z3

from sctorch import ir
from sctorch.backends.verilog.folded.plan import SynapsePlan
from sctorch.ir.simulator import current_of
from sctorch.verification.proofs.context import integer
from sctorch.verification.proofs.folded.context import FoldedContext, Machine
from sctorch.verification.proofs.prover import Claim, Task
from sctorch.verification.proofs.report import Counterexample
from sctorch.verification.proofs.symbols import as_term, symbols

__all__ = ["synapse_tasks", "synapse_wires"]


def _given(context: FoldedContext, layer: ir.Synapse) -> str:
    """The wire with a group's spikes or integers."""
    encoder = context.network.encoder
    first = layer is context.network.synapses[0]
    made = first and isinstance(encoder, ir.RateEncoder | ir.DirectEncoder)
    return f"{encoder.name}__bits" if made else f"{layer.name}__spikes"


def synapse_wires(context: FoldedContext) -> list[str]:
    """What is free while synapses are proved: which group is visited, its spikes and its random numbers."""
    wires = []
    for layer in context.network.synapses:
        wires += [f"{layer.name}__{what}" for what in ("group1", "add", "clear")] + [_given(context, layer)]
        wires += [f"{layer.name}__random"] if isinstance(layer, ir.StochasticSynapse) else []
    return wires


def synapse_tasks(context: FoldedContext) -> list[Task]:
    """One part for each synapse layer; `context` is read with those wires free."""
    tasks = []
    for plan in context.plan.synapses:
        layer = plan.layer
        what = (
            f"{layer.size} sums of {int((layer.weight != 0).sum())} synapses: what each of {plan.groups} groups adds, "
            "for all spikes and random numbers; the start of a sum; no sum leaves the analysed bounds"
        )
        tasks.append(Task(layer.name, what, lambda plan=plan: _claims(context, plan), "synapse"))  # type: ignore[misc]
    return tasks


def _claims(context: FoldedContext, plan: SynapsePlan) -> Iterator[Claim]:
    """A group named in clock 0 has its weights, spikes and random numbers in clock 1 and is in the sum in clock 3."""
    layer, model, name = plan.layer, context.model, plan.layer.name
    stochastic = isinstance(layer, ir.StochasticSynapse)
    wires = {
        what: model.wire(f"{name}__{what}") for what in ("group1", "add", "clear") if f"{name}__{what}" in model.wires
    }
    sums = context.traced(name)
    bounds = context.ranges[name].current
    assert bounds is not None
    inside = bounds.width <= plan.width  # and below: the sums within the bounds
    told = z3.BitVecVal(bounds.width, 8), z3.BitVecVal(plan.width, 8)
    yield Claim(z3.BoolVal(inside), _replay(name, 0, *told, "bits of a sum"))

    def machine(group: int, add: int, clear: int) -> Machine:
        made = Machine(model, lambda clock: {"rst": z3.BitVecVal(0, 1)})
        for what, at, value in (("group1", 0, group), ("add", 1, add), ("clear", 2, clear)):
            if what in wires:
                made.memory[wires[what].decl().name(), at] = z3.BitVecVal(value, wires[what].size())
        return made

    start = layer.bias
    if stochastic:
        start = start - layer.bitstream_length * (layer.weight < 0).sum(axis=1)
    cleared, quiet = machine(0, 0, 1), machine(0, 0, 0)
    for i, term in enumerate(sums):
        want, got = z3.BitVecVal(int(start[i]), plan.width), cleared.at(term, 3)
        yield Claim(got == want, _replay(name, i, want, got, "a sum's start"))
        want, got = quiet.at(term, 2), quiet.at(term, 3)
        yield Claim(got == want, _replay(name, i, want, got, "a clock without a visit"))
    lowest, highest = np.array(start), np.array(start)
    for group in range(plan.groups):
        run = machine(group, 1, 0)
        added = _added(context, plan, group, run)
        low, high = _reach(context, plan, group)
        lowest, highest = lowest + layer.bitstream_length * low, highest + layer.bitstream_length * high
        for i, term in enumerate(sums):
            reached = z3.And(added[i] >= int(low[i]), added[i] <= int(high[i]))
            most = z3.BitVecVal(int(high[i]), context.width)
            yield Claim(reached, _replay(name, i, most, added[i], f"more or less than group {group} can add"))
            want = z3.simplify(run.at(term, 2) + z3.Extract(plan.width - 1, 0, added[i]))
            got = run.at(term, 3)
            yield Claim(got == want, _replay(name, i, want, got, f"after group {group}"))
    for i in range(layer.size):  # what the neurons behind take for granted
        for reached, bound, right in (
            (lowest, bounds.low, lowest[i] >= bounds.low[i]), (highest, bounds.high, highest[i] <= bounds.high[i]),
        ):  # fmt: skip
            want, got = (z3.BitVecVal(int(side[i]), context.width) for side in (bound, reached))
            yield Claim(z3.BoolVal(bool(right)), _replay(name, i, want, got, "a sum leaves the analysed bounds"))


def _reach(context: FoldedContext, plan: SynapsePlan, group: int) -> tuple[np.ndarray, np.ndarray]:
    """The least and the most that the visit of a group can add to each sum in a tick, by the weights' signs."""
    layer = plan.layer
    weight = layer.weight[:, group * plan.lanes : (group + 1) * plan.lanes]
    if isinstance(layer, ir.StochasticSynapse):  # an inhibitory input counts its inverted term
        return np.zeros(layer.size, np.int64), (weight != 0).sum(axis=1)
    most = 2 ** (context.model.wire(_given(context, layer)).size() // plan.lanes) - 1
    return most * np.minimum(weight, 0).sum(axis=1), most * np.maximum(weight, 0).sum(axis=1)


def _added(context: FoldedContext, plan: SynapsePlan, group: int, run: Machine) -> list[Any]:
    """What the simulator says that a group adds; an inhibitory input counts its inverted term, one too many."""
    layer, width = plan.layer, context.width
    first = group * plan.lanes
    lanes = min(plan.lanes, layer.n_inputs - first)
    given = run.at(context.model.wire(_given(context, layer)), 1)
    each = given.size() // plan.lanes
    spikes = [z3.Extract((p + 1) * each - 1, p * each, given) for p in range(lanes)]
    inputs = symbols([[z3.ZeroExt(width - each, s) for s in spikes]])
    weight = layer.weight[:, first : first + lanes]
    none = np.zeros(layer.size, np.int64)
    part: ir.Synapse = replace(layer, weight=weight, bias=none)
    random, inverted = None, none
    if isinstance(layer, ir.StochasticSynapse):
        part = replace(layer, weight=weight, bias=none, bitstream_length=1)
        inverted = (weight < 0).sum(axis=1)
        shown = run.at(context.model.wire(f"{layer.name}__random"), 1)
        bits = layer.weight_bits
        numbers = [z3.Extract((p + 1) * bits - 1, p * bits, shown) for p in range(lanes)]
        random = symbols([[z3.ZeroExt(width - bits, r) for r in numbers]])
    sums = np.asarray(current_of(part, inputs[None], 0, random))[0]
    return [as_term(total, width) + int(extra) for total, extra in zip(sums, inverted, strict=True)]


def _replay(key: str, i: int, want: Any, got: Any, when: str) -> Callable[[z3.ModelRef], Counterexample]:
    return lambda model: Counterexample(key, 0, i, integer(model, want), integer(model, got), (when,))
