"""The parts of a folded design's proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from sctorch.backends.verilog.folded.design import FoldedDesign
from sctorch.verification.proofs.context import Reading
from sctorch.verification.proofs.folded.context import FoldedContext
from sctorch.verification.proofs.folded.sources import source_tasks, token_wires
from sctorch.verification.proofs.folded.synapses import synapse_tasks, synapse_wires
from sctorch.verification.proofs.folded.units import (
    neuron_tasks,
    neuron_wires,
    readout_task,
    readout_wires,
    weight_memories,
)
from sctorch.verification.proofs.folded.window import window_task
from sctorch.verification.proofs.model import write_smt2
from sctorch.verification.proofs.prover import Claim, NotCoveredError, Task

__all__ = ["folded_tasks"]


def folded_tasks(design: FoldedDesign, depth: int) -> tuple[list[Task], dict[str, list[Reading]]]:
    """All parts, and what each kind of them reads. depth : timesteps of the end-to-end part."""

    def read(
        wires: Callable[[FoldedContext], Sequence[str]], cells: Callable[[FoldedContext], Sequence[str]] = lambda _: ()
    ) -> FoldedContext:
        plain = FoldedContext(design.plan, str)
        name, files = design.network.name, design.sources
        return FoldedContext(design.plan, lambda: write_smt2(design.folder, name, files, wires(plain), cells(plain)))

    sources = read(token_wires, weight_memories)
    synapses = read(synapse_wires)
    neurons = read(neuron_wires, weight_memories)
    readout = read(readout_wires, weight_memories)
    whole = read(lambda _: ())
    tasks = [
        *source_tasks(sources),
        *synapse_tasks(synapses),
        *neuron_tasks(neurons),
        readout_task(readout),
        *([window_task(whole, depth)] if depth else []),
        _order(bool(depth)),
    ]
    if design.plan.loadable:
        reason = "other weights may be loaded into its memories than those of the network"
        tasks = [_unproved(task, reason) if task.kind in ("synapse", "end to end") else task for task in tasks]
    readings: dict[str, list[Reading]] = {
        "source": [sources], "synapse": [synapses], "neuron": [neurons], "readout": [readout], "end to end": [whole],
    }  # fmt: skip
    return tasks, readings


def _order(windows: bool) -> Task:
    """What no part proves: named, so that nobody takes the others for the whole."""
    missing = "beats with gaps and windows that overlap or are aborted"
    if windows:
        reason = f"beside what the end-to-end part says, {missing} are compared in runs, not proved"
    else:
        reason = (
            f"the order in which groups are visited, encoder, delays, rst, {missing} are compared in runs, not proved"
        )

    what = "the schedule of a design that works on several timesteps at once"
    return _unproved(Task("order of work", what, lambda: iter(()), "order"), reason)


def _unproved(task: Task, reason: str) -> Task:
    def claims() -> Iterator[Claim]:
        raise NotCoveredError(reason)

    return replace(task, claims=claims)
