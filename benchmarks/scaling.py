"""How time and memory of one training step grow with synapses, timesteps and batch.

    python benchmarks/scaling.py [--json] [--plot FILE]

One stochastic layer of n inputs and n neurons with its LIF and a readout; the step is that of train_step.py.
Every point is measured in a process of its own, in processor time (all threads together), which other work
disturbs least. An exponent of 1 is linear growth; it is fitted over the larger half of the points, where the
fixed cost of a step counts little. --plot draws the figure of docs/speed.md.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from contenders import CONTENDERS, Case
from machine import describe, milliseconds, peak_memory, print_table, reset_peak_memory

SYNAPSES = [1_000, 3_200, 10_000, 32_000, 100_000, 320_000, 1_000_000, 3_200_000, 10_000_000]
# What is swept: (axis, points, the other sizes)
SWEEPS: dict[str, list[Case]] = {
    "synapses": [Case((math.isqrt(count),) * 2, 16, 32) for count in SYNAPSES],
    "timesteps": [Case((256, 256), steps, 32) for steps in (8, 16, 32, 64, 128, 256, 512, 1024)],
    "rows": [Case((256, 256), 16, batch) for batch in (16, 32, 64, 128, 256, 512, 1024, 2048)],
}


def size(axis: str, case: Case) -> int:
    return {"synapses": case.sizes[0] * case.sizes[1], "timesteps": case.steps, "rows": case.batch}[axis]


def measure(axis: str, point: int, threads: int, seconds: float) -> dict[str, float]:
    """Milliseconds of a step, and MiB that the network and its steps needed over what was there before."""
    import torch

    torch.set_num_threads(threads)
    CONTENDERS["sctorch"](Case((2, 2), 2, 2))()  # what a first step loads is no memory of the step
    before = reset_peak_memory()
    step = CONTENDERS["sctorch"](SWEEPS[axis][point])
    step()
    step()
    return {"ms": milliseconds(step, seconds, time.process_time), "mib": peak_memory() - before}


def in_own_process(axis: str, point: int, threads: int, seconds: float) -> dict[str, float]:
    command = [sys.executable, __file__, "--only", axis, str(point), str(threads), str(seconds)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)}
    )
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def exponent(points: list[dict[str, float]], what: str) -> float:
    """The slope of the line through the larger half of the points, both axes logarithmic."""
    large = points[len(points) // 2 :]
    x, y = ([math.log(point[key]) for point in large] for key in ("size", what))
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True)) / sum((a - middle_x) ** 2 for a in x)


def sweep(axis: str, threads: int, seconds: float, rounds: int) -> dict[str, Any]:
    """The points of one axis, the best of the rounds for each, and the two exponents."""
    best: list[dict[str, float]] = []
    for k in range(rounds):
        for point, case in enumerate(SWEEPS[axis]):
            figures = {"size": size(axis, case), **in_own_process(axis, point, threads, seconds)}
            if k == 0:
                best.append(figures)
            else:
                best[point] = {key: min(figures[key], best[point][key]) for key in figures}
    return {
        "axis": axis,
        "case": [str(case) for case in SWEEPS[axis]],
        "points": best,
        "exponent_ms": exponent(best, "ms"),
        "exponent_mib": exponent(best, "mib"),
    }


def show(result: dict[str, Any]) -> None:
    rows = [
        [case, f"{p['size']:,}", f"{p['ms']:.2f}", f"{p['mib']:.1f}"]
        for case, p in zip(result["case"], result["points"], strict=True)
    ]
    rows.append(["exponent, larger half", "", f"{result['exponent_ms']:.2f}", f"{result['exponent_mib']:.2f}"])
    print_table(f"one step over {result['axis']}", ["layer", result["axis"], "processor ms", "peak MiB"], rows)


def plot(results: list[dict[str, Any]], file: str) -> None:
    import matplotlib.pyplot as plt

    plt.rcParams["svg.fonttype"] = "none"  # letters as text: a tenth of the size
    plt.rcParams["svg.hashsalt"] = "sctorch"
    figure, axes = plt.subplots(2, len(results), figsize=(3 * len(results), 4.6), sharex="col", squeeze=False)
    for column, result in enumerate(results):
        x = [p["size"] for p in result["points"]]
        for row, (what, label) in enumerate((("ms", "processor ms per step"), ("mib", "peak MiB"))):
            ax, y = axes[row][column], [p[what] for p in result["points"]]
            ax.loglog(x, y, "o-", color="#1f5fa8", markersize=4, linewidth=1)
            ax.loglog(x, [y[-1] * a / x[-1] for a in x], "--", color="#999999", linewidth=0.8)
            ax.set_ylim(min(y) / 2, max(y) * 2)
            ax.set_title(f"exponent {result[f'exponent_{what}']:.2f}", fontsize=9)
            ax.tick_params(labelsize=8)
            ax.minorticks_off()
            if column == 0:
                ax.set_ylabel(label, fontsize=9)
        axes[1][column].set_xlabel(result["axis"], fontsize=9)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None} if file.endswith(".svg") else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--plot", metavar="FILE", help="draw the figure, .svg or .png")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--axes", nargs="+", choices=list(SWEEPS), default=list(SWEEPS))
    parser.add_argument("--only", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        axis, point, threads, seconds = options.only
        print(json.dumps(measure(axis, int(point), int(threads), float(seconds))))
        return
    results = []
    for axis in options.axes:
        results.append(sweep(axis, options.threads, options.seconds, options.rounds))
        if not options.json:
            show(results[-1])
    if options.plot:
        plot(results, options.plot)
    if options.json:
        print(json.dumps({"machine": describe(), "threads": options.threads, "results": results}))
    else:
        print("\n" + ", ".join(f"{key} {value}" for key, value in describe().items()))


if __name__ == "__main__":
    main()
