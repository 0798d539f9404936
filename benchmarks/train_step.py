"""Time and memory of one optimiser step against other libraries: python benchmarks/train_step.py [--json].

Every figure is measured in a process of its own. "rounds" passes go over all libraries in turn,
and the fastest step counts, so that other work on the machine hits none of them alone.
Peers that are not installed are left out. On a GPU (--device cuda) a step ends when the device has
finished it, and memory is the device's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from contenders import CONTENDERS, Case
from machine import describe, milliseconds, peak_memory, print_table, reset_peak_memory

CASES = [Case((784, 128, 10), 25, 128), Case((16, 64, 32, 5), 32, 1024)]


def measure(name: str, case: Case, threads: int, seconds: float, device: str) -> dict[str, float]:
    """Milliseconds of a step, and MiB at its peak: network, optimiser, the input that it is given, and the steps."""
    import torch

    torch.set_num_threads(threads)
    torch.set_default_device(device)  # everything that the contenders make lies there
    CONTENDERS[name](Case((2, 2, 2), 2, 2))()  # what a first step loads is no memory of the step
    if device != "cpu":
        return _measure_on_gpu(CONTENDERS[name], case, seconds)
    before = reset_peak_memory()
    step = CONTENDERS[name](case)
    reset_peak_memory()  # drawing the input is no part of a step, holding it is
    step()
    return {"ms": milliseconds(step, seconds), "mib": peak_memory() - before}


def _measure_on_gpu(contender: Callable[[Case], Callable[[], object]], case: Case, seconds: float) -> dict[str, float]:
    import torch

    before = torch.cuda.memory_allocated()
    step = contender(case)

    def synchronised() -> None:
        step()
        torch.cuda.synchronize()

    torch.cuda.reset_peak_memory_stats()
    synchronised()
    ms = milliseconds(synchronised, seconds)
    return {"ms": ms, "mib": (torch.cuda.max_memory_allocated() - before) / 2**20}


def in_own_process(name: str, case: Case, threads: int, seconds: float, device: str) -> dict[str, float] | str:
    """`measure` in a fresh interpreter; the last line of its error if it fails."""
    what = json.dumps([name, case.sizes, case.steps, case.batch, threads, seconds, device])
    command = [sys.executable, __file__, "--only", what]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def compare(case: Case, threads: int, seconds: float, rounds: int, device: str) -> dict[str, Any]:
    """Best figures of every library, and the reasons of those that did not run."""
    best: dict[str, dict[str, float]] = {}
    missing: dict[str, str] = {}
    for _ in range(rounds):
        for name in CONTENDERS:
            if name in missing:
                continue
            figures = in_own_process(name, case, threads, seconds, device)
            if isinstance(figures, str):
                missing[name] = figures
            elif name not in best or figures["ms"] < best[name]["ms"]:
                best[name] = figures
    if "sctorch" not in best:
        raise SystemExit(f"sctorch did not run: {missing['sctorch']}")
    ours = best["sctorch"]
    for figures in best.values():
        figures["times_ours"] = figures["ms"] / ours["ms"]
    return {"case": str(case), "device": device, "threads": threads, "figures": best, "missing": missing}


def show(result: dict[str, Any]) -> None:
    rows = [
        [name, f"{f['ms']:.2f}", f"{f['times_ours']:.2f}", f"{f['mib']:.0f}"] for name, f in result["figures"].items()
    ]
    rows += [[name, "-", "-", why[:60]] for name, why in result["missing"].items()]
    where = f"{result['threads']} thread(s)" if result["device"] == "cpu" else result["device"]
    print_table(f"{result['case']}, {where}", ["one step", "ms", "times ours", "peak MiB"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="on a CPU")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--steps", type=int, help="timesteps, instead of each case's own")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        name, sizes, steps, batch, threads, seconds, device = json.loads(options.only)
        print(json.dumps(measure(name, Case(tuple(sizes), steps, batch), threads, seconds, device)))
        return
    results = []
    for case in CASES:
        if options.steps:
            case = replace(case, steps=options.steps)
        for threads in options.threads if options.device == "cpu" else [1]:
            results.append(compare(case, threads, options.seconds, options.rounds, options.device))
            if not options.json:
                show(results[-1])
    if options.json:
        print(json.dumps({"machine": describe(), "results": results}))
    else:
        print("\n" + ", ".join(f"{key} {value}" for key, value in describe().items()))


if __name__ == "__main__":
    main()
