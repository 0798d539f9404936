"""The report's figures, as SVG text that stands in the page and takes its colours and fonts."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from sctorch import ir

__all__ = ["raster", "training_curve", "weight_histogram"]

# Stands for the page's text colour in the SVG, so that one figure suits light and dark pages.
_INK = "#012345"
_BLUE, _ORANGE, _GREY = "#2f6fdf", "#e07b2c", "#8a94a6"
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "sctorch", "font.size": 10,
    "text.color": _INK, "axes.edgecolor": _INK, "axes.labelcolor": _INK, "xtick.color": _INK, "ytick.color": _INK,
    "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "figure.constrained_layout.use": True, "axes.facecolor": "none",
}  # fmt: skip


def _svg(figure: Figure, label: str) -> str:
    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(_INK, "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', rf'<svg viewBox="\1" role="img" aria-label="{label}">', text)
    # Identifiers are those of the figure's own numbering; several figures share one page.
    prefix = re.sub(r"\W+", "-", label.lower())
    text = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r'xlink:href="#', rf'href="#{prefix}-', text)
    return re.sub(r"url\(#", f"url(#{prefix}-", text)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height))
    figure.patch.set_alpha(0)
    return figure


def training_curve(history: Mapping[str, Sequence[float]]) -> list[str]:
    """Loss, accuracy and sparsity over the epochs, one figure each."""
    panels = (
        ("Loss", (("train_loss", "epoch", "training"), ("val_loss", "val_epoch", "validation")), False),
        ("Accuracy", (("train_acc", "epoch", "training"), ("val_acc", "val_epoch", "validation")), True),
        ("Zero weights", (("sparsity", "epoch", "zero weights"),), True),
    )
    figures = []
    with rc_context(_STYLE):
        for title, lines, share in panels:
            figure = _figure(3.3, 2.4)
            axes = figure.add_subplot()
            for (key, epochs, label), colour in zip(lines, (_BLUE, _ORANGE), strict=False):
                if history.get(key):
                    few = "o" if len(history[key]) < 3 else None
                    axes.plot(history[epochs], history[key], color=colour, lw=1.5, marker=few, ms=4, label=label)
            axes.set_title(title)
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_axisbelow(True)
            axes.grid(axis="y", color=_GREY, alpha=0.25, lw=0.6)
            if share:
                axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
            if title == "Zero weights":
                axes.set_ylim(0, 1)
            if len(lines) > 1:
                axes.legend(handlelength=1.2)
            figures.append(_svg(figure, f"{title} over the epochs"))
    return figures


def raster(network: ir.Network, trace: ir.Trace) -> str:
    """One window: the bits of the encoder, the spikes of every neuron layer, the readout's scores.

    Parameters
    ----------
    trace : of `ir.simulate` for one window, B = 1.
    """
    rows: list[tuple[str, np.ndarray, float]] = []  # title, bits [K, n], ticks per timestep
    for layer in network.layers:
        if isinstance(layer, ir.Encoder):
            rows.append((f"{layer.name}: {layer.size} inputs", trace[layer.name][:, 0], network.encoder_ticks))
        elif isinstance(layer, ir.Neuron):
            rows.append((f"{layer.name}: {layer.size} neurons", trace[layer.name][:, 0], 1))
    heights = [min(3.0, max(1.1, 0.035 * bits.shape[1])) for _, bits, _ in rows] + [2.2]
    with rc_context(_STYLE):
        figure = _figure(9.4, sum(heights) + 0.45 * len(heights))
        every = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        for axes, (title, bits, ticks) in zip(every[:-1], rows, strict=True):
            _spikes(axes, bits, ticks)
            axes.set_title(f"{title}, {100 * bits.mean():.0f} % of all bits set")
        _scores(every[-1], network, trace)
        every[-1].set_xlim(-0.5, network.num_steps - 0.5)
        every[-1].set_xlabel("timestep")
        every[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        return _svg(figure, "Spikes of one test window")


def _spikes(axes: Axes, bits: np.ndarray, ticks: float) -> None:
    times, neurons = np.nonzero(bits)
    places = (times + 0.5) / ticks - 0.5  # the ticks of one timestep lie around its number
    # marks as wide as a third of a tick, in points: the axes are some 600 of them wide
    axes.vlines(places, neurons - 0.38, neurons + 0.38, color=_BLUE, lw=max(0.5, min(7.0, 200 / len(bits))))
    axes.set_ylim(bits.shape[1] - 0.5, -0.5)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_ylabel("index")


def _scores(axes: Axes, network: ir.Network, trace: ir.Trace) -> None:
    readout = network.readout
    scores = trace[readout.name][:, 0]  # [T, n]
    decisions = readout.classes(trace[f"{readout.name}.decision"][:, 0, 0])
    winner = int(decisions[-1])
    steps = np.arange(len(scores))
    for index in range(scores.shape[1]):
        if index != winner:
            axes.plot(steps, scores[:, index], color=_GREY, lw=0.9, alpha=0.8)
    axes.plot(steps, scores[:, winner], color=_ORANGE, lw=2)
    axes.annotate(
        f" class {winner}", (steps[-1], scores[-1, winner]), color=_ORANGE, weight="bold", ha="right", va="bottom",
        xytext=(-4, 4), textcoords="offset points",
    )  # fmt: skip
    settled = int(np.flatnonzero(decisions != winner).max(initial=-1)) + 1
    axes.axvline(settled, color=_ORANGE, lw=0.8, ls=(0, (4, 3)))
    what = "membranes" if readout.output_mode == "membrane" else "spike counts"
    axes.set_title(f"{readout.name}: {what}; the decision stays at class {winner} from timestep {settled} on")
    axes.set_ylabel("integer")
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.margins(y=0.12)
    axes.grid(axis="y", color=_GREY, alpha=0.25, lw=0.6)


def weight_histogram(synapse: ir.Synapse) -> str:
    """How often each integer weight occurs; zeros are told in the title, since they would hide the rest."""
    weight = synapse.weight
    limit = max(2**synapse.weight_bits - 1, 1)
    values = np.arange(-limit, limit + 1)
    counts = np.array([int((weight == value).sum()) if value else 0 for value in values])
    with rc_context(_STYLE):
        figure = _figure(4.6, 2.6)
        axes = figure.add_subplot()
        axes.bar(values, counts, width=0.85, color=np.where(values < 0, _ORANGE, _BLUE).tolist())
        zeros = float((weight == 0).mean())
        axes.set_title(f"{synapse.name}: {weight.size:,} weights, {100 * zeros:.0f} % zero")
        axes.set_xlabel("integer weight")
        axes.set_ylabel("synapses")
        axes.set_xlim(-limit - 0.7, limit + 0.7)
        axes.xaxis.set_major_locator(MaxNLocator(9, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        return _svg(figure, f"Weights of {synapse.name}")
