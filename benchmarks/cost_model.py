"""How well the cost model predicts networks that it has not seen: python benchmarks/cost_model.py [--plots FOLDER].

Every network of the package's runs (sctorch/cost/data) is predicted by a model that was fitted without it, and the
same networks by two formulas of the field: bit operations (synapses times their weight bits and bitstream length), and
120 LUTs a neuron plus one a synapse. Bit operations count no LUTs; they get the factor that suits the runs best.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from machine import describe, print_table

from sctorch import cost, ir
from sctorch.cost.surrogate.fitting import Held, held_out
from sctorch.cost.surrogate.samples import build
from sctorch.cost.surrogate.table import Run, counted, read_runs
from sctorch.hardware.targets import get_target

SIZES = (200, 500, 1000, 2500, 8000, 50_000)


def bit_operations(network: ir.Network) -> float:
    """Weights that are not 0, times their bits and the ticks of a timestep."""
    return float(sum((s.weight != 0).sum() * s.weight_bits * s.bitstream_length for s in network.synapses))


def per_neuron(network: ir.Network) -> float:
    """120 LUTs a neuron and one a synapse."""
    return float(sum(120 * s.size + (s.weight != 0).sum() for s in network.synapses))


def errors_of(errors: np.ndarray) -> list[str]:
    e = np.abs(errors)
    return [
        f"{100 * e.mean():.1f}",
        f"{100 * np.median(e):.1f}",
        f"{100 * np.quantile(e, 0.9):.0f}",
        f"{100 * e.max():.0f}",
    ]


def formulas(held: Held) -> dict[str, np.ndarray]:
    """Relative errors of the field's formulas on the same runs."""
    networks = [build(run.settings, run.seed) for run in held.runs]
    found = {}
    for name, formula in (("bit operations", bit_operations), ("120 a neuron, 1 a synapse", per_neuron)):
        values = np.array([formula(network) for network in networks])
        factor = np.median(held.measured / values) if formula is bit_operations else 1.0
        found[name] = factor * values / held.measured - 1
    return found


def speed(runs: tuple[Run, ...]) -> list[tuple[float, float]]:
    """(LUTs, ms) of one estimate of every network for one target."""
    found = []
    for run in runs:
        if run.family != "ecp5":
            continue
        network = build(run.settings, run.seed)
        options = {k: v for k, v in run.settings.options.items() if k != "architecture"}
        times = []
        for _ in range(3):
            start = time.perf_counter()
            cost.estimate(network, run.target, run.architecture, **options)
            times.append(time.perf_counter() - start)
        found.append((float(run.luts), 1e3 * min(times)))
    return found


def plot(held: dict[str, dict[str, Held]], folder: Path) -> None:
    """Predicted against measured, errors by size, and what one design takes of its target."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullFormatter

    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6))
    for group, one in held["luts"].items():
        marker = "o" if group.endswith("unrolled") else "^"
        axes[0].plot(one.measured, one.predicted, marker, ms=4, alpha=0.7, label=group)
        axes[1].plot(one.measured, 100 * one.errors, marker, ms=4, alpha=0.7, label=group)
    span = [min(h.measured.min() for h in held["luts"].values()), max(h.measured.max() for h in held["luts"].values())]
    axes[0].plot(span, span, "k-", lw=0.8)
    axes[0].set(xscale="log", yscale="log", xlabel="LUTs, yosys", ylabel="LUTs, predicted", title="networks held out")
    axes[1].axhspan(-15, 15, color="0.92", zorder=0)
    axes[1].axhline(0, color="k", lw=0.8)
    axes[1].set(
        xscale="log",
        xlabel="LUTs, yosys",
        ylabel="error, %",
        ylim=(-60, 60),
        title="error by size (beyond 60 %: at the edge)",
    )
    for one in held["luts"].values():
        far = np.abs(one.errors) > 0.6
        axes[1].plot(one.measured[far], np.clip(100 * one.errors[far], -59, 59), "kx", ms=6)
    ticks = (200, 500, 1000, 2000, 5000)
    for axis, which in ((axes[0], "xy"), (axes[1], "x")):
        for name in which:
            getattr(axis, f"set_{name}ticks")(ticks, [f"{tick:,}" for tick in ticks])
            getattr(axis, f"{name}axis").set_minor_formatter(NullFormatter())
    axes[0].legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(folder / "predicted.png", dpi=110)
    plt.close(figure)

    run = max((r for r in read_runs() if r.family == "ecp5" and r.luts < 8000), key=lambda r: r.luts)
    resources(run, folder / "resources.png")


def resources(run: Run, to: Path) -> None:
    """Shares of the target that a design takes, estimated, with what yosys counted."""
    import matplotlib.pyplot as plt

    part = get_target(run.target)
    options = {k: v for k, v in run.settings.options.items() if k != "architecture"}
    found = cost.estimate(build(run.settings, run.seed), run.target, run.architecture, **options)
    kinds = [kind for kind in ("luts", "ffs", "brams", "dsps") if getattr(part, kind)]
    share = [100 * (getattr(found, kind).value or 0) / getattr(part, kind) for kind in kinds]
    within = [
        100 * (getattr(found, kind).value or 0) * getattr(found, kind).within / getattr(part, kind) for kind in kinds
    ]
    counts = [100 * getattr(run, kind) / getattr(part, kind) for kind in kinds]
    figure, axis = plt.subplots(figsize=(7, 2.8))
    places = np.arange(len(kinds))
    axis.barh(places, share, xerr=within, color="#4477aa", height=0.55, capsize=3, label="estimate, nine of ten within")
    axis.plot(counts, places, "k|", ms=16, mew=2, label="yosys")
    axis.set_yticks(places, [f"{kind} of {getattr(part, kind):,}" for kind in kinds])
    axis.set(xlabel=f"% of {part.name}", xlim=(0, max(1.3 * max([*share, *counts]), 1)))
    axis.invert_yaxis()
    axis.legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(to, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw predicted against measured, and more")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    options = parser.parse_args()
    runs = read_runs()
    tallies = counted(runs)
    held = held_out(runs, tallies)
    rows: list[list[str]] = []
    for what, groups in held.items():
        rows += [[what, group, str(len(one.errors)), *errors_of(one.errors)] for group, one in groups.items()]
    others: list[list[str]] = []
    for group, one in held["luts"].items():
        others.append([group, "this model", *errors_of(one.errors)])
        others += [[group, name, *errors_of(errors)] for name, errors in formulas(one).items()]
    sizes: list[list[str]] = []
    for low, high in pairwise(SIZES):
        errors = np.concatenate([h.errors[(h.measured >= low) & (h.measured < high)] for h in held["luts"].values()])
        if len(errors):
            sizes.append([f"{low:,} to {high:,}", str(len(errors)), *errors_of(errors)])
    exact = {
        kind: sum(value == measured for value, measured in pairs)
        for kind, pairs in {
            "brams": [
                (t["block_cells"] / (2 if r.family == "xc7" else 1), r.brams)
                for r, t in zip(runs, tallies, strict=True)
            ],
            "dsps": [(t["dsps"], r.dsps) for r, t in zip(runs, tallies, strict=True)],
        }.items()
    }
    times = speed(runs)
    small = [ms for luts, ms in times if luts < 3000]
    slow = max(times, key=lambda each: each[1])
    if options.json:
        found: dict[str, Any] = {"machine": describe(), "held_out": rows, "formulas": others, "by_size": sizes}
        print(json.dumps(found | {"exact": exact, "ms": times, "runs": len(runs)}))
    else:
        columns = ["mean %", "median %", "90 % within", "worst %"]
        networks = len({run.seed for run in runs})
        print_table(f"held-out networks ({len(runs)} runs of {networks})", ["figure", "of", "runs", *columns], rows)
        print_table("LUTs by size, all families", ["LUTs", "runs", *columns], sizes)
        print_table("LUTs by this model and by formulas", ["of", "by", *columns], others)
        print(f"of {len(runs)} runs, block RAM as counted in {exact['brams']} and DSP in {exact['dsps']}")
        print(f"one estimate: median {np.median(small):.1f} ms below 3,000 LUTs; {slow[1]:.0f} ms with {slow[0]:,.0f}")
    if options.plots:
        plot(held, options.plots)


if __name__ == "__main__":
    main()
