"""check_equivalence(): the exported RTL, proved equal to the reference simulator run on symbols."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sctorch.backends import Design
from sctorch.backends.verilog import VerilogDesign
from sctorch.backends.verilog.unrolled.plan import plan
from sctorch.checks import check_instance
from sctorch.hardware.tools import find_tool, tool_version
from sctorch.verification.proofs.context import Context
from sctorch.verification.proofs.flags import flag_task
from sctorch.verification.proofs.layers import decision_task, delay_tasks, encoder_task, synapse_tasks
from sctorch.verification.proofs.model import read_model, write_smt2
from sctorch.verification.proofs.neurons import neuron_tasks, score_tasks
from sctorch.verification.proofs.prover import Task, prover_version, run_task
from sctorch.verification.proofs.report import ProofReport
from sctorch.verification.proofs.sources import source_tasks
from sctorch.verification.proofs.window import is_small, window_task

__all__ = ["check_equivalence"]


def module_tasks(context: Context) -> list[Task]:
    return [
        flag_task(context),
        *source_tasks(context),
        encoder_task(context),
        *synapse_tasks(context),
        *neuron_tasks(context),
        *delay_tasks(context),
        *score_tasks(context),
        decision_task(context),
    ]


def check_equivalence(design: Design, run: bool = True, depth: int | None = None, timeout: float = 60.0) -> ProofReport:
    check_instance(design, Design, "check_equivalence: design", "an exported design")
    assert isinstance(design, VerilogDesign)
    with tempfile.TemporaryDirectory(prefix="sctorch-proof-") as scratch:
        path = Path(scratch) / "model.smt2"
        write_smt2(design.folder, design.network.name, design.sources, path)
        text = path.read_text()
    model = read_model(text, design.network.name)
    context = Context(plan(design.network), model)
    tasks = module_tasks(context)
    if depth is not None or is_small(design.network):
        tasks.append(window_task(context, min(depth or design.network.num_steps, design.network.num_steps)))
    parts = tuple(run_task(task, timeout) for task in tasks)
    return ProofReport(design.network.name, parts, (tool_version(find_tool("yosys")), prover_version()))
