"""check_equivalence(): the exported RTL, proved equal to the reference simulator run on symbols."""

from __future__ import annotations

from functools import cache

from sctorch.backends import Design
from sctorch.backends.verilog import VerilogDesign
from sctorch.checks import check_instance
from sctorch.errors import ConfigError, UnsupportedError
from sctorch.hardware.tools import Tool, find_tool, tool_version
from sctorch.verification.proofs.context import Context
from sctorch.verification.proofs.flags import flag_task
from sctorch.verification.proofs.layers import decision_task, delay_tasks, encoder_task, synapse_tasks
from sctorch.verification.proofs.model import read_model, write_smt2
from sctorch.verification.proofs.neurons import neuron_tasks, score_tasks
from sctorch.verification.proofs.prover import Task, prover_version, run_task, write_task
from sctorch.verification.proofs.report import ProofReport
from sctorch.verification.proofs.sources import source_tasks
from sctorch.verification.proofs.ticks import tick_tasks
from sctorch.verification.proofs.window import is_small, window_task

__all__ = ["check_equivalence"]


def check_equivalence(design: Design, run: bool = True, depth: int | None = None, timeout: float = 60.0) -> ProofReport:
    """Prove that an exported design computes what the reference simulator computes, for every input.

    The simulator's own functions run on symbolic integers and are compared with the logic that yosys reads from the
    exported files: each layer for all states and inputs, and small networks a whole window end to end. docs/proofs.md
    says what is proved, how the parts make up the whole, and what is assumed.

    Parameters
    ----------
    design : an exported `verilog` design of the unrolled architecture.
    run : False writes the formulas into the design's folder `proof/` and proves none; each file is to be
        unsatisfiable.
    depth : timesteps of the end-to-end part, at most num_steps; 0 leaves it out. By default it covers a whole window
        of a small network (at most 1000 integers in a window and 16 bits that enter a neuron) and is left out else.
    timeout : seconds per part, after which it is UNKNOWN.

    Returns
    -------
    its `status` is PROVED, FAILED (`raise_if_failed()` raises the difference), UNKNOWN or NOT RUN; `parts` say which.

    Raises
    ------
    ConfigError
        For a depth or a timeout out of range.
    UnsupportedError
        For a design that no proof covers: another backend's or another architecture's.
    ToolNotFoundError, ToolFailedError
        When z3 or yosys is missing, or yosys fails.
    """
    check_instance(design, Design, "check_equivalence: design", "an exported design")
    architecture = design.options.get("architecture", "none")
    if not isinstance(design, VerilogDesign) or architecture != "unrolled":
        raise UnsupportedError(
            f"a proof of a {design.backend} design (architecture {architecture})", "check_equivalence",
            "Export with backend='verilog', architecture='unrolled', or compare runs with sctorch.verify.",
        )  # fmt: skip
    steps = design.network.num_steps
    if depth is not None and not 0 <= depth <= steps:
        raise ConfigError(f"check_equivalence: depth = {depth} is outside 0 to {steps}, the window's timesteps")
    if not timeout > 0:
        raise ConfigError(f"check_equivalence: timeout = {timeout} must be more than 0 seconds")
    place = design.folder / "proof"
    text = write_smt2(design.folder, design.network.name, design.sources)
    if not run:
        place.mkdir(exist_ok=True)
        (place / "model.smt2").write_text(text)
    name, encoder = design.network.name, design.network.encoder.name
    context = first = Context(design.plan, read_model(text, name))
    if not design.plan.input_register:
        cut = write_smt2(design.folder, name, design.sources, f"{encoder}__bits")
        first = Context(design.plan, read_model(cut, name))
    tasks = _tasks(context, first)
    depth = (steps if is_small(design.network) else 0) if depth is None else depth
    if depth:
        tasks.append(window_task(context, depth))
    parts = tuple(run_task(task, timeout) if run else write_task(task, place) for task in tasks)
    return ProofReport(name, parts, (_yosys_version(find_tool("yosys")), prover_version()))


@cache
def _yosys_version(tool: Tool) -> str:
    return tool_version(tool)


def _tasks(context: Context, first: Context) -> list[Task]:
    return [
        flag_task(context),
        *tick_tasks(context),
        *source_tasks(context),
        encoder_task(context),
        *synapse_tasks(context, first),
        *neuron_tasks(context),
        *delay_tasks(context),
        *score_tasks(context),
        decision_task(context),
    ]
