"""One whole window of an unrolled top, layer by layer and timestep by timestep, against the simulator's own loop.

The window enters without a gap and from any state of the registers, so that whatever came before is covered; each
signal is compared in the clock in which its stage is valid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import z3

from sctorch import ir
from sctorch.verification.proofs.context import Context
from sctorch.verification.proofs.execution import Execution, Holds
from sctorch.verification.proofs.neurons import neuron_registers, score_registers
from sctorch.verification.proofs.prover import Task

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


@dataclass(eq=False)
class _Window(Execution):
    context: Context

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.network.ticks_per_step > 1:  # a window starts with a timestep of its own
            count = self.context.register("ticks.count")
            self.memory[str(count), 0] = z3.BitVecVal(0, count.size())

    def clock(self, key: str, t: int) -> int:
        network, stage = self.network, self.context.signals[key].stage
        if key == network.encoder.name:
            step, tick = divmod(t, network.encoder_ticks)
            return stage + step * network.ticks_per_step + tick
        names = [layer.name for layer in network.layers]
        reached = network.layers[: names.index(key.split(".")[0]) + 1]
        ticks = sum(layer.bitstream_length - 1 for layer in reached if isinstance(layer, ir.Synapse))
        return stage + ticks + t * network.ticks_per_step

    def ports(self, clock: int) -> dict[str, Any]:
        network = self.network
        step, tick = divmod(clock, network.ticks_per_step)
        events = isinstance(network.encoder, ir.EventEncoder)
        ports: dict[str, Any] = {"rst": 0}
        if step < self.depth:
            ports["in_first"] = int(step == 0 and (tick == 0 or not events))
        if step < self.depth and (tick < network.encoder_ticks or not events):
            row = self.inputs[step * network.encoder_ticks + tick if events else 0]
            ports["in_data"] = z3.Concat(*reversed(row)) if len(row) > 1 else row[0]
            ports |= {"in_valid": 1, "in_last": int(step == self.depth - 1)}
        return ports

    def arrived(self, key: str) -> Any:
        return self.context.flag("trace_valid", self.context.signals[key].stage)

    def is_cut(self, key: str) -> bool:
        return not key.endswith(".decision") and self.context.signals[key].stage > 0  # else nothing is behind it

    def holds(self, layer: ir.Layer, key: str, i: int) -> Holds:
        held: dict[str, Callable[[Any], Any]] = {}
        if key.endswith(".mem") and isinstance(layer, ir.Neuron):
            held = neuron_registers(self.context, layer, i)
        elif isinstance(layer, ir.Readout):
            held = score_registers(self.context, i)
        return {name: lambda value, _, content=content: content(value) for name, content in held.items()}  # type: ignore[misc]
