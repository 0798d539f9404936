"""`sctorch estimate`: what a network would take of some targets, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sctorch import cost, ir
from sctorch.backends.design import read_description
from sctorch.cost import Estimate, Figure
from sctorch.errors import ConfigError, UnsupportedError
from sctorch.hardware.targets import get_target

__all__ = ["read_network", "tell_estimates"]

_OPTIONS = ("architecture", "logic_depth", "input_register", "inputs_per_clock", "neurons_per_clock")
_ROWS = {
    "luts": "LUT", "ffs": "FF", "carry": "carry cells", "brams": "block RAM", "dsps": "DSP", "fmax": "fmax, MHz",
    "latency_cycles": "latency, clocks", "cycles_per_inference": "clocks per inference", "energy_nj": "energy, nJ",
}  # fmt: skip


def read_network(path: Path) -> tuple[ir.Network, dict[str, Any]]:
    """The integer network of a file or folder, and the options of its Verilog design where the folder is one.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if not (path / "design.json").is_file():
        return ir.load(path / "network.json" if path.is_dir() else path), {}
    network, description = read_description(path)
    options = description["options"] if description["backend"] == "verilog" else {}
    return network, {name: options[name] for name in _OPTIONS if name in options}


def tell_estimates(
    path: Path, targets: Sequence[str], architecture: str = "auto", console: Console | None = None
) -> None:
    """Print a column of figures for each target, every one checked before the first is printed.

    architecture : "auto" is that of the design, where the path is one, and of each target otherwise.
    """
    console = console or Console(highlight=False)
    network, options = read_network(path)
    if architecture != "auto":
        options = {"architecture": architecture}
    if not targets:
        raise ConfigError("estimate: no target; name one with --target")
    for target in targets:
        get_target(target)
    found: list[Estimate | str] = []
    for target in targets:
        try:
            found.append(cost.estimate(network, target, **options))
        except UnsupportedError as error:
            found.append(str(error))
    shown = [each for each in found if isinstance(each, Estimate)]
    if shown:
        _print_table(console, shown)
    for each in found:
        if isinstance(each, str):
            console.print(escape(each), soft_wrap=True)


def _print_table(console: Console, found: list[Estimate]) -> None:
    if not console.is_terminal:
        console.width = max(console.width, 24 + 20 * len(found))  # a pipe has no width
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for each in found:
        table.add_column(f"{each.target}\n{each.architecture}", justify="right", no_wrap=True)
    for name, label in _ROWS.items():
        table.add_row(label, *(_text(getattr(each, name)) for each in found))
    console.print(table)
    console.print("+-: nine of ten networks outside the fit were within; docs/cost.md says more.", soft_wrap=True)
    for each in found:
        notes = [f"{name}: {f.note}" for name, f in each.figures().items() if f.value is None and f.note]
        notes += each.outside
        if not each.fits:
            notes.append("does not fit")
        for note in notes:
            console.print(escape(f"{each.target}: {note}"), soft_wrap=True)


def _text(figure: Figure) -> str:
    if figure.value is None:
        return "unknown"
    number = f"{figure.value:,.1f}".removesuffix(".0")
    return f"{number} +-{100 * figure.within:.0f} %" if figure.within else number
