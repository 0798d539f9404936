"""check_equivalence(): the exported RTL, proved equal to the reference simulator run on symbols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from sctorch.backends import Design
from sctorch.backends.verilog import VerilogDesign
from sctorch.backends.verilog.folded.design import FoldedDesign
from sctorch.checks import check_instance
from sctorch.errors import ConfigError, UnsupportedError
from sctorch.hardware.tools import Tool, find_tool, tool_version
from sctorch.verification.proofs.context import Context, Reading
from sctorch.verification.proofs.flags import flag_task
from sctorch.verification.proofs.folded.tasks import folded_tasks
from sctorch.verification.proofs.layers import decision_task, delay_tasks, encoder_task
from sctorch.verification.proofs.model import write_smt2
from sctorch.verification.proofs.neurons import neuron_tasks, score_tasks
from sctorch.verification.proofs.prover import Known, Task, prover_version, run_task, write_task
from sctorch.verification.proofs.report import ProofReport
from sctorch.verification.proofs.sources import source_tasks
from sctorch.verification.proofs.synapses import synapse_tasks
from sctorch.verification.proofs.ticks import tick_tasks
from sctorch.verification.proofs.window import is_small, window_task

__all__ = ["check_equivalence"]


def check_equivalence(
    design: Design,
    run: bool = True,
    depth: int | None = None,
    timeout: float = 60.0,
    parts: Sequence[str] | None = None,
) -> ProofReport:
    """Prove that an exported design computes what the reference simulator computes, for every input.

    The simulator's own functions run on symbolic integers and are compared with the logic that yosys reads from the
    exported files: each layer for all states and inputs, and small networks a whole window end to end. docs/proofs.md
    says what is proved, how the parts make up the whole, and what is assumed.

    Parameters
    ----------
    design : an exported `verilog` design. Of a folded one the order of work is proved in no part, so that it is
        UNKNOWN at best; its parts say what is proved.
    run : False writes the formulas into the design's folder `proof/` and proves none; each file is to be
        unsatisfiable.
    depth : timesteps of the end-to-end part, at most num_steps; 0 leaves it out. By default it covers a whole window
        of a small network (at most 1000 integers in a window and 16 bits that enter a neuron) and is left out else.
    timeout : seconds per part, after which it is UNKNOWN.
    parts : prove only these, by name ("neuron1", "source encoder") or by kind (flags, ticks, source, encoder, synapse,
        neuron, delay, readout, decision, end to end). Such a report is never PROVED: at best its status is
        ONLY PARTS PROVED. Without synapses among them a large design is read in seconds.

    Returns
    -------
    its `status` is PROVED, FAILED (`raise_if_failed()` raises the difference), UNKNOWN, NOT RUN or ONLY PARTS PROVED;
    `parts` say which.

    Raises
    ------
    ConfigError
        For a depth or a timeout out of range, or for a part that the design does not have.
    UnsupportedError
        For a design that no proof covers: another backend's or another architecture's.
    ToolNotFoundError, ToolFailedError
        When z3 or yosys is missing, or yosys fails.
    """
    check_instance(design, Design, "check_equivalence: design", "an exported design")
    architecture = design.options.get("architecture", "none")
    if not isinstance(design, VerilogDesign) or not (isinstance(design, FoldedDesign) or architecture == "unrolled"):
        raise UnsupportedError(
            f"a proof of a {design.backend} design (architecture {architecture})", "check_equivalence",
            "Export with backend='verilog', or compare runs with sctorch.verify.",
        )  # fmt: skip
    steps = design.network.num_steps
    if depth is not None and not 0 <= depth <= steps:
        raise ConfigError(f"check_equivalence: depth = {depth} is outside 0 to {steps}, the window's timesteps")
    if not timeout > 0:
        raise ConfigError(f"check_equivalence: timeout = {timeout} must be more than 0 seconds")
    depth = (steps if is_small(design.network) else 0) if depth is None else depth
    if isinstance(design, FoldedDesign):
        tasks, readings = folded_tasks(design, depth)
    else:
        tasks, readings = _unrolled_tasks(design, depth, parts)
    if parts is not None:
        _check_parts(parts, tasks)
        tasks = [task for task in tasks if task.name in parts or task.kind in parts]
    used = list(dict.fromkeys(reading for task in tasks for reading in readings.get(task.kind, ())))
    for reading in used:
        _ = reading.model  # read here, so that it counts to no part's time
    place, known = design.folder / "proof", Known()
    if not run:
        place.mkdir(exist_ok=True)
        for i, reading in enumerate(used):
            (place / f"model{i or ''}.smt2").write_text(reading.text)
    proved = tuple(run_task(task, timeout, known) if run else write_task(task, place) for task in tasks)
    tools = _yosys_version(find_tool("yosys")), prover_version()
    return ProofReport(design.network.name, proved, tools, tuple(parts or ()))


@cache
def _yosys_version(tool: Tool) -> str:
    return tool_version(tool)


def _check_parts(parts: Sequence[str], tasks: Sequence[Task]) -> None:
    known = list(dict.fromkeys(name for task in tasks for name in (task.kind, task.name)))
    unknown = [part for part in parts if part not in known]
    if not parts or unknown:
        what = f"part {unknown[0]!r} is unknown" if unknown else "parts is empty"
        raise ConfigError(f"check_equivalence: {what}; this design has: {', '.join(known)}")


LARGE = 5000  # synapses, from which on all other parts are read without them


def _unrolled_tasks(
    design: VerilogDesign, depth: int, parts: Sequence[str] | None
) -> tuple[list[Task], dict[str, list[Reading]]]:
    """All parts of an unrolled design, and what each kind of them reads.

    What is free may be anything, so that a proof about the rest holds of the design too.
    """
    network = design.network

    def read(wires: Sequence[str] = (), cells: Sequence[str] = ()) -> Context:
        return Context(design.plan, lambda: write_smt2(design.folder, network.name, design.sources, wires, cells))

    whole = first = rest = read()
    if not design.plan.input_register:  # the first synapse's spikes are to be free
        first = read(wires=[f"{network.encoder.name}__bits"])
    if parts is not None or sum(int((layer.weight != 0).sum()) for layer in network.synapses) >= LARGE:
        rest = read(cells=[f"{layer.name}__synapse" for layer in network.synapses])
    tasks = [
        flag_task(rest),
        *tick_tasks(rest),
        *source_tasks(rest),
        encoder_task(rest),
        *synapse_tasks(whole, first),
        *neuron_tasks(rest),
        *delay_tasks(rest),
        *score_tasks(rest),
        decision_task(rest),
        *([window_task(whole, depth)] if depth else []),
    ]
    behind = ("source", "encoder", "neuron", "delay", "readout", "decision")  # of the flags, or of the ticks
    tasks = [replace(task, later=rest.later) if task.kind in behind else task for task in tasks]
    readings: dict[str, list[Reading]] = {task.kind: [rest] for task in tasks}
    return tasks, readings | {"synapse": [whole, first], "end to end": [whole]}
