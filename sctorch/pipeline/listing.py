"""`sctorch targets`: the parts as a table, or all that is known of some."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sctorch.hardware.targets import ENERGY, Target, all_targets, get_target
from sctorch.pipeline.console import grouped

__all__ = ["list_targets", "tell_targets"]


def list_targets(console: Console | None = None) -> None:
    """Print a row for each target."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)  # a pipe has no width, and cells are not to be cut for one
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("target", "alias"):
        table.add_column(name, no_wrap=True)
    for name in ("logic", "FF", "DSP", "MHz"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("block RAM, kbit", "measured by"):
        table.add_column(name)
    targets = all_targets()
    for target in targets:
        table.add_row(*(escape(text) for text in _row(target)))
    console.print(table)
    known = ", ".join(target.name for target in targets if target.energy) or "none"
    texts = [
        "MHz: a typical clock, not what a design reaches.",
        f"Energy coefficients with a source are known of {known}.",
        "sctorch targets NAME tells all of a part, with sources.",
    ]
    added = sorted({target.package for target in targets} - {"sctorch"})
    for text in [*texts, *(f"brought by {package}" for package in added)]:
        console.print(escape(text), soft_wrap=True)


def _row(target: Target) -> list[str]:
    clock = "-" if target.clock_mhz is None else f"{target.clock_mhz:g}"
    logic, ffs, dsps = _logic(target), grouped(target.ffs), grouped(target.dsps)
    return [target.name, ", ".join(target.aliases), logic, ffs, dsps, clock, _memory(target), ", ".join(target.tools)]


def _logic(target: Target) -> str:
    return f"{target.luts:,} LUT{target.lut_inputs}"


def _memory(target: Target) -> str:
    blocks = ((target.brams, target.bram_kbit), (target.sprams, 256), (target.urams, 288))
    return " + ".join(f"{count:,} x {kbit}" for count, kbit in blocks if count) or "0"


def tell_targets(names: Sequence[str], console: Console | None = None) -> None:
    """Print all that is known of some targets; ConfigError for an unknown one, before anything is printed."""
    console = console or Console(highlight=False)
    for target in [get_target(name) for name in names]:
        console.print(f"[bold]{escape(target.name)}[/bold]", soft_wrap=True)
        for label, text in _facts(target):
            console.print(escape(f"  {label:<12} {text}"), soft_wrap=True)


def _facts(target: Target) -> list[tuple[str, str]]:
    clock = "no typical one" if target.clock_mhz is None else f"{target.clock_mhz:g} MHz, {target.clock_source}"
    facts = [
        ("alias", ", ".join(target.aliases) or "none"),
        ("part", f"{target.part} (family {target.family})"),
        ("logic", f"{_logic(target)}, {target.ffs:,} FF"),
        ("block RAM", f"{_memory(target)} kbit"),
        ("DSP", grouped(target.dsps)),
        ("clock", clock),
        ("measured by", ", ".join(target.tools)),
        ("totals from", target.data_sheet or "not said"),
        ("brought by", target.package),
    ]
    for known in target.energy:
        how = f": {known.how}" if known.how else ""
        facts.append(("energy", f"{known.name} = {known.value:g} ({ENERGY[known.name]}){how}. Source: {known.source}"))
    for name in target.missing_energy:
        facts.append(("energy", f"{name} is missing ({ENERGY[name]}): no source is on record"))
    return facts
