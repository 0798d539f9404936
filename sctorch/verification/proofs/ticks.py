"""Timesteps of several clocks: which clock is which tick, for the encoder and for every layer that repeats.

The claims are the state machines of docs/semantics.md, section 1: the number of the timestep's clock on the port, and
the ticks that a layer has still to come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import z3

from sctorch import ir
from sctorch.verification.proofs.context import Context, integer
from sctorch.verification.proofs.prover import Claim, Task
from sctorch.verification.proofs.report import Counterexample

__all__ = ["tick_tasks"]


def tick_tasks(context: Context) -> list[Task]:
    """One part, where a timestep takes several clocks."""
    ticks = context.network.ticks_per_step
    if ticks == 1:
        return []
    what = f"which of a timestep's {ticks} clocks is which layer's tick, from any state, pauses and resets included"
    return [Task("ticks", what, lambda: _claims(context), "ticks")]


def _claims(context: Context) -> Iterator[Claim]:
    yield from _port(context)
    for layer in context.network.synapses:
        if layer.bitstream_length > 1 and layer is not context.network.synapses[0]:
            yield from _repeated(context, layer)
    first = context.network.synapses[0]
    if first.bitstream_length > 1:
        names = {"open": "step_open", "first": "step_first"}
        for flag, step in names.items():
            shown, taken = context.model.wire(f"{first.name}__{flag}"), context.model.wire(step)
            later = context.model.after(shown) if context.plan.input_register else shown
            yield _claim(f"{first.name}__{flag}", later, taken)
        valid, close = context.flag("valid", context.plan.place(first)), context.model.wire("step_close")
        done = context.model.wire(f"{first.name}__done")
        if context.plan.input_register:
            done, valid = context.model.after(done), context.model.after(valid)
        yield _claim(f"{first.name}__done", done, valid & close)
        tick = context.model.wire(f"{first.name}__tick")
        yield _claim(f"{first.name}__tick", tick, context.flag("valid", context.plan.place(first)))


def _bit(test: Any) -> Any:
    return z3.If(test, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))


def _port(context: Context) -> Iterator[Claim]:
    """The clocks of a timestep on the port."""
    network, model = context.network, context.model
    events = isinstance(network.encoder, ir.EventEncoder)
    rst, valid, first = (model.inputs[n] == 1 for n in ("rst", "in_valid", "in_first"))
    count = context.register("ticks.count")
    active = (
        z3.ULT(count, network.encoder_ticks) if network.encoder_ticks < network.ticks_per_step else z3.BoolVal(True)
    )
    # Of an event encoder a window's first beat begins a timestep, whatever was left of the one before.
    now = z3.If(z3.And(valid, first, active), count * 0, count) if events else count
    moves = z3.Or(valid, z3.Not(active)) if events else valid
    yield _claim("valid", context.flag("valid", 0), _bit(z3.And(valid, active, z3.Not(rst))))
    yield _claim("first", context.flag("first", 0), _bit(z3.And(first, now == 0)), [context.on("valid", 0)])
    ready = active if events else count == network.ticks_per_step - 1
    yield _claim("in_ready", model.wire("in_ready"), _bit(ready))
    following = z3.If(rst, count * 0, z3.If(moves, now + 1, count))
    yield _claim("ticks.count", model.next[str(count)], following)
    if network.encoder_ticks > 1:
        yield _claim("step_open", model.wire("step_open"), _bit(now == 0))
        yield _claim("step_close", model.wire("step_close"), _bit(now == network.encoder_ticks - 1))
        opens = _bit(first)
        if events:
            held = context.register("ticks.per_tick.held")
            tick = z3.And(context.on("valid", 0), now == 0)
            yield _claim("ticks.held", model.next[str(held)], z3.If(tick, opens, held))
            opens = z3.If(now == 0, opens, held)
        yield _claim("step_first", model.wire("step_first"), opens)


def _repeated(context: Context, layer: ir.Synapse) -> Iterator[Claim]:
    """A layer that holds a timestep's spikes for its own ticks."""
    model, name, stage = context.model, layer.name, context.plan.place(layer)
    left = context.register(f"{name}__ticks.left")
    held = context.register(f"{name}__ticks.first_q")
    rst, valid, first = model.inputs["rst"] == 1, context.on("valid", stage), context.flag("first", stage)
    last = layer.bitstream_length - 1
    wanted = {
        "tick": _bit(z3.Or(valid, left != 0)),
        "open": _bit(valid),
        "done": _bit(z3.And(z3.Not(valid), left == 1)),
        "first": z3.If(valid, first, held),
        "next": context.done(stage - 1)[0] | _bit(z3.And(z3.Or(valid, left != 0), z3.Or(valid, left != 1))),
    }
    if not isinstance(layer, ir.StochasticSynapse):
        del wanted["next"]
    for flag, want in wanted.items():
        yield _claim(f"{name}__{flag}", model.wire(f"{name}__{flag}"), want)
    following = z3.If(valid, z3.BitVecVal(last, left.size()), z3.If(left != 0, left - 1, left))
    yield _claim(f"{name}.left", model.next[str(left)], z3.If(rst, left * 0, following))
    yield _claim(f"{name}.first", model.next[str(held)], z3.If(valid, first, held))


def _claim(name: str, got: Any, want: Any, given: list[Any] | None = None) -> Claim:
    return Claim(got == want, _replay(name, want, got), given or [])


def _replay(name: str, want: Any, got: Any) -> Callable[[z3.ModelRef], Counterexample]:
    def example(model: z3.ModelRef) -> Counterexample:
        return Counterexample(name, 0, 0, integer(model, want, signed=False), integer(model, got, signed=False), ())

    return example
