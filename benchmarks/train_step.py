"""Time and memory of one optimiser step against other libraries: python benchmarks/train_step.py [--json].

Every figure is measured in a process of its own. "rounds" passes go over all libraries in turn,
and the fastest step counts, so that other work on the machine hits none of them alone.
Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from contenders import CONTENDERS, Case
from machine import describe, milliseconds, peak_memory, print_table, reset_peak_memory

CASES = [Case((784, 128, 10), 25, 128), Case((16, 64, 32, 5), 32, 1024)]


def measure(name: str, case: Case, threads: int, seconds: float) -> dict[str, float]:
    """Milliseconds of a step, and MiB that the steps needed over what was there before the first."""
    import torch

    torch.set_num_threads(threads)
    CONTENDERS[name](Case((2, 2, 2), 2, 2))()  # what a first step loads is no memory of the step
    step = CONTENDERS[name](case)
    before = reset_peak_memory()
    step()
    return {"ms": milliseconds(step, seconds), "mib": peak_memory() - before}


def in_own_process(name: str, case: int, threads: int, seconds: float) -> dict[str, float] | str:
    """`measure` in a fresh interpreter; the last line of its error if it fails."""
    command = [sys.executable, __file__, "--only", name, str(case), str(threads), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def compare(case: int, threads: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Best figures of every library, and the reasons of those that did not run."""
    best: dict[str, dict[str, float]] = {}
    missing: dict[str, str] = {}
    for _ in range(rounds):
        for name in CONTENDERS:
            if name in missing:
                continue
            figures = in_own_process(name, case, threads, seconds)
            if isinstance(figures, str):
                missing[name] = figures
            elif name not in best or figures["ms"] < best[name]["ms"]:
                best[name] = figures
    ours = best["sctorch"]
    for figures in best.values():
        figures["times_ours"] = figures["ms"] / ours["ms"]
    return {"case": str(CASES[case]), "threads": threads, "figures": best, "missing": missing}


def show(result: dict[str, Any]) -> None:
    rows = [
        [name, f"{f['ms']:.2f}", f"{f['times_ours']:.2f}", f"{f['mib']:.0f}"] for name, f in result["figures"].items()
    ]
    rows += [[name, "-", "-", why[:60]] for name, why in result["missing"].items()]
    print_table(f"{result['case']}, {result['threads']} thread(s)", ["one step", "ms", "times ours", "peak MiB"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        name, case, threads, seconds = options.only
        print(json.dumps(measure(name, CASES[int(case)], int(threads), float(seconds))))
        return
    results = []
    for case in range(len(CASES)):
        for threads in options.threads:
            results.append(compare(case, threads, options.seconds, options.rounds))
            if not options.json:
                show(results[-1])
    if options.json:
        print(json.dumps({"machine": describe(), "results": results}))
    else:
        print("\n" + ", ".join(f"{key} {value}" for key, value in describe().items()))


if __name__ == "__main__":
    main()
