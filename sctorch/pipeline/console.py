"""What a run prints: a line per stage, and the table at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

__all__ = ["Printer", "duration", "grouped", "headline_rows", "percent", "reference_label"]


def duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 90 else f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


def grouped(value: float | None) -> str:
    if value is None:
        return "not measured"
    return f"{int(value):,}" if value == int(value) else f"{value:,.1f}"  # half a block RAM is possible


def percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def reference_label(reference: Mapping[str, Any]) -> str:
    """What the reference's accuracy is that of."""
    seeds = len(reference["accuracies"])
    mean = "" if seeds == 1 else f", mean of {seeds}"
    return f"float MLP {'-'.join(map(str, reference['layers']))}{mean}"


class Printer:
    """Writes to the terminal with whatever signs its encoding has."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        unicode = (self.console.encoding or "").lower().startswith("utf")
        self.start_sign, self.end_sign, self.kept_sign = ("▸", "✓", "=") if unicode else (">", "+", "=")
        self.fail_sign = "✗" if unicode else "x"

    def line(self, text: str, style: str = "") -> None:
        self.console.print(escape(text), style=style, soft_wrap=True)

    def started(self, stage: str, note: str) -> None:
        self.console.print(f"[bold]{self.start_sign} {escape(stage):<18}[/bold] {escape(note)}", soft_wrap=True)

    def ended(self, stage: str, seconds: float, good: bool) -> None:
        sign, style = (self.end_sign, "green") if good else (self.fail_sign, "red")
        self.console.print(f"[{style}]{sign} {escape(stage):<18}[/{style}] {duration(seconds)}", soft_wrap=True)

    def resumed(self, stage: str, seconds: float) -> None:
        self.console.print(
            f"[dim]{self.kept_sign} {escape(stage):<18} unchanged, kept (took {duration(seconds)})[/dim]",
            soft_wrap=True,
        )

    def table(self, results: Mapping[str, Any]) -> None:
        table = Table(title=f"{results['name']}", title_justify="left", show_header=False, pad_edge=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(justify="right", overflow="fold")
        for label, value in headline_rows(results):
            bad = label == "mismatches" and not results["ok"]
            table.add_row(escape(label), f"[red]{escape(value)}[/red]" if bad else escape(value))
        self.console.print(table)


def headline_rows(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The results that a reader looks for first, as label and text."""
    rows = [(f"test accuracy ({results['accuracy_of']})", percent(results["accuracy"]))]
    if results["reference"]:
        rows.append((reference_label(results["reference"]), percent(results["reference"]["accuracy"])))
    for name, found in results["targets"].items():
        for key, label in (("luts", "LUT"), ("ffs", "FF"), ("brams", "BRAM"), ("dsps", "DSP"), ("urams", "URAM")):
            has = found.get(f"{key}_available")
            if key in ("luts", "ffs") or found.get(key):
                share = f" of {has:,} ({found[f'{key}_pct']:.1f} %)" if has else ""
                rows.append((f"{label}, {name}", f"{grouped(found.get(key))}{share}"))
        fmax = found.get("fmax_mhz")
        rows.append((f"fmax, {name}", "not measured" if fmax is None else f"{fmax:.1f} MHz"))
    if not results["targets"]:
        rows += [("LUT, FF, fmax", "not measured")]
    rows.append(("cycles per inference", grouped(results["cycles_per_inference"])))
    if results["us_per_inference"] is not None:
        rows.append(("time per inference", f"{results['us_per_inference']:.2f} us at {results['fmax_mhz']:.1f} MHz"))
    if results["latency_cycles"] is not None:
        rows.append(("latency", f"{results['latency_cycles']:,} cycles"))
    return [
        *rows,
        ("values compared", grouped(results["values_compared"])),
        ("spikes compared", grouped(results["spikes_compared"])),
        ("mismatches", grouped(results["mismatches"])),
    ]
