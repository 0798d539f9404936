"""report.html: one page that stands alone, with no script and no file or address outside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.pipeline.console import duration, grouped, percent, reference_label
from sctorch.pipeline.plots import raster, training_curve, weight_histogram
from sctorch.pipeline.results import read_json, short_version
from sctorch.pipeline.stages import Context
from sctorch.pipeline.stamps import write_text

__all__ = ["page", "write_report"]

_RESOURCES = (("luts", "LUT"), ("ffs", "FF"), ("brams", "BRAM"), ("dsps", "DSP"), ("urams", "URAM"))


def write_report(context: Context, results: Mapping[str, Any]) -> Path:
    """Draw what lies in the output folder and write report.html there, whole or not at all."""
    network = ir.load(context.network_file)
    history = read_json(context.out / "train" / "history.json")
    x, y = _window(context)
    path = context.out / "report.html"
    write_text(path, page(results, network, history, x, y))
    return path


def _window(context: Context) -> tuple[np.ndarray, int]:
    """The features [1, n] and the label of the test row that the recipe wants drawn."""
    x, y = context.recipe.build().data.test_arrays()  # type: ignore[attr-defined]
    row = context.recipe.plain["report"]["window"]
    return x[row : row + 1], int(y[row])


def page(
    results: Mapping[str, Any], network: ir.Network, history: Mapping[str, Sequence[float]], x: np.ndarray, label: int
) -> str:
    """The whole page.

    Parameters
    ----------
    results : see `results.collect`. history : per epoch, see `training.train`.
    x : features [1, n] of the window to draw. label : its class.
    """
    trace = ir.simulate(network, x)
    curves = "".join(f"<figure>{svg}</figure>" for svg in training_curve(history))
    weights = "".join(f"<figure>{weight_histogram(s)}</figure>" for s in network.synapses)
    sections = (
        _section(
            "Training", f'<div class="figures">{curves}</div>', "Every forward pass computes the hardware's integers."
        ),
        _section(
            "One test window", f'<figure class="wide">{raster(network, trace)}</figure>',
            f"A test row of class {label}, from its input bits to the decision, in the hardware's integers.",
        ),
        _section("Integer weights", f'<div class="figures two">{weights}</div>', "A zero weight is no synapse."),
        *_reference(results),
        _section("Resources", _resources(results), _resources_note(results)),
        _section("Verification", _verification(results), _verification_note(results)),
        _section("Network", _table(("layer", "kind", "size", "fields"), _layers(network)), _network_note(results)),
        _section("How this was made", _origin(results)),
    )  # fmt: skip
    css = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    title = escape(str(results["title"]))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title} - sctorch report</title>\n<style>\n{css}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n{_lead(results)}\n{_verdict(results)}\n{_cards(results)}\n"
        + "\n".join(sections)
        + "\n</main>\n</body>\n</html>\n"
    )


def _section(title: str, body: str, note: str = "") -> str:
    under = f'<p class="soft">{note}</p>' if note else ""
    return f"<section>\n<h2>{escape(title)}</h2>\n{under}\n{body}\n</section>"


def _lead(results: Mapping[str, Any]) -> str:
    version, day = results["versions"]["sctorch"], results["finished"][:10]
    return (
        f'<p class="soft">A stochastic-computing spiking network of {results["num_steps"]} timesteps: trained, '
        f"exported and compared by sctorch {escape(version)} on {escape(day)}.</p>"
    )


def _verdict(results: Mapping[str, Any]) -> str:
    if not results["ok"]:
        return f'<div class="verdict bad">Differs: {escape(str(results["first_difference"]))}</div>'
    names = " = ".join(dict.fromkeys(part for p in results["pairs"] for part in p["name"].split(" = ")))
    return f'<div class="verdict">{escape(names)}, bit for bit</div>'


def _cards(results: Mapping[str, Any]) -> str:
    target = results["target"] or "no synthesis"
    fmax, us = results["fmax_mhz"], results["us_per_inference"]
    cards = [
        (percent(results["accuracy"]), f"test accuracy, {results['accuracy_of']}, {results['test_rows']:,} rows"),
        (grouped(results["luts"]), f"LUT, {target}"),
        (grouped(results["ffs"]), f"flip-flops, {target}"),
        ("not measured" if fmax is None else f"{fmax:.0f} MHz", f"fmax, {target}"),
        (grouped(results["cycles_per_inference"]), "cycles per inference"),
        ("not measured" if us is None else f"{us:.2f} µs", "per inference at fmax"),
        (f"{100 * results['sparsity']:.0f} %", "of the weights are zero"),
        (grouped(results["values_compared"]), "values compared"),
        (grouped(results["mismatches"]), "mismatches"),
    ]
    if results["reference"]:
        cards.insert(
            1, (percent(results["reference"]["accuracy"]), f"its reference, {reference_label(results['reference'])}")
        )
    cells = []
    for value, label in cards:
        bad = ' class="card bad"' if label == "mismatches" and results["mismatches"] else ' class="card"'
        small = ' class="small"' if value == "not measured" else ""
        cells.append(f"<div{bad}><b{small}>{escape(value)}</b><span>{escape(label)}</span></div>")
    return f'<div class="cards">{"".join(cells)}</div>'


def _reference(results: Mapping[str, Any]) -> list[str]:
    found = results["reference"]
    if not found:
        return []
    rows = [(f"float MLP, seed {seed}", percent(share)) for seed, share in enumerate(found["accuracies"])]
    rows += [("their mean", percent(found["accuracy"])), ("this network", percent(results["accuracy"]))]
    note = (
        f"A float MLP of {'-'.join(map(str, found['layers']))}, {grouped(found['parameters'])} parameters, trained on "
        f"the same rows in {duration(found['seconds'])}, tested on the same {grouped(found['test_rows'])}."
    )
    table = _table(("who decides", "test accuracy"), rows, numbers=(1,))
    return [_section("Reference", f'<div style="max-width:24rem">{table}</div>', note)]


def _resources(results: Mapping[str, Any]) -> str:
    parts = []
    for name, found in results["targets"].items():
        bars = []
        for key, label in _RESOURCES:
            used, has, share = found.get(key), found.get(f"{key}_available"), found.get(f"{key}_pct")
            if used is None or (not used and key in ("brams", "dsps", "urams")):
                continue
            bad = ' class="bad"' if share is not None and share > 100 else ""
            track = "" if share is None else f'<i><u{bad} style="width:{min(share, 100):.2f}%"></u></i>'
            text = grouped(used) if not has else f"{grouped(used)} of {has:,} ({share:.1f} %)"
            bars.append(f'<div class="bar"><span>{label}</span>{track or "<i></i>"}<em>{text}</em></div>')
        tools = [found, found["routing"]] if found.get("routing") else [found]
        tool = " and ".join(f"{used['tool']} {short_version(used['tool_version'])}" for used in tools)
        parts.append(
            f'<div class="part"><h3>{escape(name)}</h3>{"".join(bars)}'
            f'<p class="soft">{escape(_fmax(found))}; measured by {escape(tool)}.</p></div>'
        )
    return "".join(parts) or '<p class="soft">Not measured: the recipe names no target to synthesise for.</p>'


def _fmax(found: Mapping[str, Any]) -> str:
    fmax = found.get("fmax_mhz")
    return "fmax not measured (no place and route was run)" if fmax is None else f"fmax {fmax:.1f} MHz"


def _resources_note(results: Mapping[str, Any]) -> str:
    latency = results["latency_cycles"]
    text = "What the exported Verilog needs, as synthesised, and its share of the part."
    return text if latency is None else f"{text} A timestep's decision comes {latency} cycles after its input."


def _verification(results: Mapping[str, Any]) -> str:
    rows = [
        (
            p["name"],
            p["signals"],
            grouped(p["values"]),
            grouped(p["spikes"]),
            grouped(p["mismatches"]),
            p["first"] or "none",
        )
        for p in results["pairs"]
    ]
    pairs = _table(
        ("pair", "signals", "values", "spikes", "mismatches", "first difference"), rows, numbers=(1, 2, 3, 4)
    )
    accuracy = _table(
        ("who decides", "test accuracy"), [(who, percent(a)) for who, a in results["accuracies"].items()], numbers=(1,)
    )
    return f'{pairs}<div class="part" style="max-width:24rem"><h3>Accuracy, each on its own</h3>{accuracy}</div>'


def _verification_note(results: Mapping[str, Any]) -> str:
    rest = "" if results["windows_compared"] == results["test_rows"] else f" of {results['test_rows']:,}"
    return (
        f"{results['windows_compared']:,}{rest} test windows, every signal at every timestep, with no tolerance. "
        "The exports are run from the files on disk."
    )


def _network_note(results: Mapping[str, Any]) -> str:
    return f"SHA-256 of the integer network: <code>{results['network_sha256'][:16]}</code>"


def _layers(network: ir.Network) -> list[tuple[str, str, str, str]]:
    rows = []
    for layer in network.layers:
        if isinstance(layer, ir.RateEncoder):
            fields = f"{layer.bits} bits, {layer.source.kind}, {layer.source.decorrelator}"
        elif isinstance(layer, ir.Synapse):
            kept = int((layer.weight != 0).sum())
            fields = f"{kept:,} of {layer.weight.size:,} synapses, {layer.weight_bits}-bit weights"
            if isinstance(layer, ir.StochasticSynapse):
                fields += (
                    f", {_ticks(layer.bitstream_length)} per timestep, {layer.source.kind}, {layer.source.decorrelator}"
                )
        elif isinstance(layer, ir.Neuron):
            reset = "no reset" if layer.reset == "none" else f"reset {layer.reset} {_when(layer)}"
            fields = f"beta {_range(layer.leak.beta)}, threshold {_range(layer.threshold / 2**layer.frac)}, "
            fields += f"{'>' if layer.compare == 'gt' else '>='}, {reset}, {layer.frac} fractional bits"
        elif isinstance(layer, ir.Readout):
            fields = f"{layer.output_mode}, {layer.decision_rule}, beta {_range(layer.leak.beta)}"
        else:
            fields = ""
        rows.append((layer.name, layer.KIND.replace("_", " "), str(layer.size), fields))
    return rows


def _ticks(count: int) -> str:
    return "1 tick" if count == 1 else f"{count} ticks"


def _when(layer: ir.Neuron) -> str:
    return "at the next timestep" if layer.reset_delay else "at once"


def _range(values: np.ndarray) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _origin(results: Mapping[str, Any]) -> str:
    seconds = results["seconds"]
    stages = _table(("stage", "time"), [(name, duration(value)) for name, value in seconds.items()], numbers=(1,))
    versions = _table(("software", "version"), list(results["versions"].items()))
    return (
        f'<pre>{escape(results["command"])}</pre><div class="figures two" style="margin-top:1rem">'
        f"<div>{stages}</div><div>{versions}</div></div>"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Sequence[int] = ()) -> str:
    def cell(tag: str, i: int, value: Any) -> str:
        kind = ' class="n"' if i in numbers else ' class="key"' if i == 0 and tag == "td" else ""
        return f"<{tag}{kind}>{escape(str(value))}</{tag}>"

    top = "".join(cell("th", i, value) for i, value in enumerate(head))
    body = "".join(f"<tr>{''.join(cell('td', i, value) for i, value in enumerate(row))}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{top}</tr>{body}</table></div>'
