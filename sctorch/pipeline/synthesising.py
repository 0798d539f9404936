"""`sctorch synth`: a design folder through real synthesis for one target or several; a table, and JSON if asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sctorch import backends, ir
from sctorch.backends.design import read_description
from sctorch.backends.hls import HlsDesign
from sctorch.backends.verilog import VerilogDesign
from sctorch.checks import check_number, check_range
from sctorch.cost import figures, nonzero_synapses, synthesize
from sctorch.errors import ConfigError, UnsupportedError
from sctorch.hardware.nextpnr import find_router
from sctorch.hardware.targets import get_target
from sctorch.hardware.tools import find_tool
from sctorch.pipeline import vitis
from sctorch.pipeline.console import grouped
from sctorch.pipeline.results import short_version
from sctorch.pipeline.stamps import write_text
from sctorch.pipeline.version import package_version

__all__ = ["Job", "prepare", "run"]

FORMAT = "sctorch-synth/1"


@dataclass(frozen=True)
class Job:
    """A checked request. json_file : where the figures go; the others are as in `sctorch.cost.synthesize`."""

    design: VerilogDesign
    targets: tuple[str, ...]
    route: bool
    freq_mhz: float
    seed: int
    json_file: Path | None


def prepare(
    folder: Path, targets: Sequence[str] = (), route: bool = False, freq_mhz: float = 100.0, seed: int = 1,
    json_file: Path | None = None, cosim: bool = False, vivado: bool = False,
) -> Job | vitis.HlsJob:  # fmt: skip
    """Check a request before anything runs.

    Parameters
    ----------
    folder : of an exported design. targets : names or aliases; none: the one that the design was exported for.
    cosim, vivado : of a design of the hls backend alone, which has its part and clock from the export and none of
        `targets`, `route`, `freq_mhz` and `seed`.

    Raises
    ------
    ConfigError
        If there is no design, a target is unknown, a number is out of range, or the file's place is a folder.
    UnsupportedError
        For a design of another backend, or a target that cannot be routed.
    ToolNotFoundError
        If a tool is missing.
    """
    for inner in (folder / "verilog", folder / "hls"):
        if not (folder / "design.json").is_file() and (inner / "design.json").is_file():
            raise ConfigError(f"{folder} holds a whole run; its design is {inner}")
    _, description = read_description(folder)
    design = backends.load(folder)
    if json_file is not None and json_file.is_dir():
        raise ConfigError(f"--json {json_file} is a folder; name a file")
    if isinstance(design, HlsDesign):
        if targets or route or (freq_mhz, seed) != (100.0, 1):
            raise ConfigError(
                f"{folder} is of the hls backend: its part and clock are options of the export (part, "
                "clock_period_ns); --target, --route, --freq and --seed belong to Verilog designs"
            )
        return vitis.prepare(design, cosim, vivado, json_file)
    if cosim or vivado:
        raise ConfigError(f"{folder} is no design of the hls backend, to which --cosim and --vivado belong")
    if not isinstance(design, VerilogDesign):
        raise UnsupportedError(
            f"synthesis of what the {design.backend} backend makes",
            "sctorch synth",
            "Export with backend='verilog' or 'hls'.",
        )
    asked = targets or [description.get("target") or "ice40-hx8k"]
    parts = [get_target(name) for name in asked]
    freq_mhz = check_number(freq_mhz, 0, 10_000, "--freq", low_out=True)
    seed = check_range(seed, 0, 2**31 - 1, "--seed")
    find_tool("yosys")
    for part in parts if route else ():
        find_router(part)
    names = tuple(dict.fromkeys(part.name for part in parts))
    return Job(design, names, route, freq_mhz, seed, json_file)


def run(job: Job | vitis.HlsJob, console: Console | None = None) -> dict[str, Any]:
    """Synthesise for every target in turn, print the table, and return (and write) what is in the JSON file."""
    console = console or Console(highlight=False)
    if isinstance(job, vitis.HlsJob):
        return vitis.run(job, console)
    network = job.design.network
    found: dict[str, Any] = {
        "format": FORMAT,
        "sctorch": package_version(),
        "name": network.name,
        "network_sha256": ir.digest(network),
        "options": job.design.options,
        "synapses": sum(s.weight.size for s in network.synapses),
        "nonzero_synapses": nonzero_synapses(network),
        "cycles_per_inference": job.design.cycles_per_inference,
        "latency_cycles": job.design.latency_cycles,
        "targets": {},
    }
    for target in job.targets:
        doing = "synthesis, placing and routing" if job.route else "synthesis"
        with console.status(f"{target}: {doing}"):
            measured = synthesize(job.design, target, route=job.route, freq_mhz=job.freq_mhz, seed=job.seed)
        found["targets"][target] = figures(job.design, measured)
        if job.json_file is not None:  # after every target, since the next one may fail
            write_text(job.json_file, json.dumps(found, indent=1) + "\n")
    title = (
        f"{found['name']}: {found['nonzero_synapses']:,} of {found['synapses']:,} weights are not zero, "
        f"{found['cycles_per_inference']:,} clocks per inference"
    )
    console.print(escape(title), soft_wrap=True)
    console.print(_table(found))
    for text in _notes(found):
        console.print(escape(text), soft_wrap=True)
    return found


def _text(key: str, form: str = "") -> Callable[[Mapping[str, Any]], str]:
    return lambda found: "-" if found[key] is None else format(found[key], form) if form else grouped(found[key])


# Label, text of a target's figures, and the key that must be something in some target for the row to be shown.
_ROWS: Sequence[tuple[str, Callable[[Mapping[str, Any]], str], str]] = (
    ("LUT", _text("luts"), "luts"),
    ("  % of the part", _text("luts_pct", ".1f"), "luts_pct"),
    ("  per nonzero synapse", _text("luts_per_synapse", ".2f"), "luts_per_synapse"),
    ("FF", _text("ffs"), "ffs"),
    ("  % of the part", _text("ffs_pct", ".1f"), "ffs_pct"),
    ("carry cells", _text("carries"), "carries"),
    ("block RAM", _text("brams"), "brams"),
    ("  % of the part", _text("brams_pct", ".1f"), "brams"),
    ("ultra RAM", _text("urams"), "urams"),
    ("DSP", _text("dsps"), "dsps"),
    ("fmax, MHz", _text("fmax_mhz", ".1f"), "fmax_mhz"),
    ("us per inference", _text("us_per_inference", ".3f"), "us_per_inference"),
)


def _table(found: Mapping[str, Any]) -> Table:
    table = Table(pad_edge=False)
    table.add_column("", style="bold")
    for target in found["targets"]:
        table.add_column(escape(target), justify="right")
    for label, text, key in _ROWS:
        if any(values[key] for values in found["targets"].values()):
            table.add_row(label, *(text(values) for values in found["targets"].values()))
    return table


def _notes(found: Mapping[str, Any]) -> list[str]:
    tools: dict[str, str] = {}
    routed = [values["routing"] for values in found["targets"].values() if values["routing"]]
    for used in [*found["targets"].values(), *routed]:
        tools[used["tool"]] = short_version(used["tool_version"])
    notes = ["tools: " + ", ".join(f"{tool} {version}" for tool, version in tools.items())]
    if not routed:
        notes.append("clock: not measured (--route does, for ice40 and ecp5)")
    for target, values in found["targets"].items():
        if values["routing"]:
            by = values["routing"]
            notes.append(
                f"{target}: routed for {by['freq_mhz']:g} MHz from seed {by['seed']}, between {by['harness_ffs']:,} "
                "registers at the pins that are not in the counts"
            )
    return notes
