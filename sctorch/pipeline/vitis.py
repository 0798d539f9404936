"""`sctorch synth` of a design of the hls backend: Vitis where there is one, its figures as a table and as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sctorch import ir
from sctorch.backends.hls import HlsDesign
from sctorch.cost.evidence import Report
from sctorch.cost.vitis import HlsSynthesis, synthesize_hls
from sctorch.hardware.vitis import find_vitis, find_vivado
from sctorch.pipeline.console import grouped
from sctorch.pipeline.stamps import write_text
from sctorch.pipeline.version import package_version

__all__ = ["HlsJob", "prepare", "run"]

FORMAT = "sctorch-synth-hls/1"


@dataclass(frozen=True)
class HlsJob:
    """A checked request; see `sctorch.cost.vitis.synthesize_hls`."""

    design: HlsDesign
    cosim: bool
    vivado: bool
    json_file: Path | None


def prepare(design: HlsDesign, cosim: bool, vivado: bool, json_file: Path | None) -> HlsJob:
    """ToolNotFoundError before anything runs, if a tool is missing."""
    find_vitis()
    if vivado:
        find_vivado()
    return HlsJob(design, cosim, vivado, json_file)


def run(job: HlsJob, console: Console) -> dict[str, Any]:
    """Run Vitis, print the table, and return (and write) what is in the JSON file."""
    design = job.design
    with console.status(f"{design.top}: Vitis HLS" + (", then Vivado" if job.vivado else "")):
        synthesis = synthesize_hls(design, job.cosim, job.vivado)
    found = {
        "format": FORMAT,
        "sctorch": package_version(),
        "name": design.network.name,
        "network_sha256": ir.digest(design.network),
        "options": design.options,
        "num_steps": design.network.num_steps,
        **synthesis.to_dict(),
    }
    if job.json_file is not None:
        write_text(job.json_file, json.dumps(found, indent=1) + "\n")
    console.print(escape(f"{design.network.name}: {design.top} for {design.options['part']}"), soft_wrap=True)
    console.print(_table(synthesis))
    for kind, rows in synthesis.compared.items():
        console.print(f"{kind}: {rows:,} timesteps of the test bench, all answered as the integer network does")
    tools = [r.origin for r in (synthesis.estimate, synthesis.utilisation) if r is not None]
    console.print(escape("tools: " + ", ".join(f"{o.tool} {o.version}" for o in tools)), soft_wrap=True)
    if not job.vivado:
        console.print("all figures are estimates of C synthesis (--vivado synthesises)")
    console.print(escape(f"the project of Vitis is in {synthesis.folder}"), soft_wrap=True)
    return found


def _table(synthesis: HlsSynthesis) -> Table:
    table = Table(pad_edge=False)
    table.add_column("", style="bold")
    table.add_column("HLS estimate", justify="right")
    columns: list[tuple[Report, Report]] = [(synthesis.estimate, synthesis.estimate)]
    if synthesis.utilisation is not None and synthesis.timing is not None:
        table.add_column("Vivado, synthesised", justify="right")
        columns.append((synthesis.utilisation, synthesis.timing))
    kinds = {"LUT": "luts", "FF": "ffs", "block RAM": "brams", "DSP": "dsps", "ultra RAM": "urams"}
    rows = {label: [_number(getattr(used.utilisation, key)) for used, _ in columns] for label, key in kinds.items()}
    rows["fmax, MHz"] = ["-" if t.timing is None else f"{t.timing.fmax_mhz:.1f}" for _, t in columns]
    for label, key in (("clocks to an answer", "latency_cycles"), ("clocks between timesteps", "interval_cycles")):
        rows[label] = [_number(getattr(used, key)) for used, _ in columns]
    for label, cells in rows.items():
        table.add_row(label, *cells)
    return table


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return grouped(int(value)) if value == int(value) else f"{value:g}"
