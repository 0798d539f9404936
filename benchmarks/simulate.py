"""Exact simulation of one 784-128 stochastic layer with its LIF, 256 ticks: python benchmarks/simulate.py [--json].

"spikes" is a window of 256 timesteps of one tick, "stream" one of a single timestep of 256 ticks.
The input's bits are given. A bit operation is one AND of an input's bit with a weight's, counted.
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

from machine import describe, milliseconds, print_table

INPUTS, NEURONS, TICKS = 784, 128, 256
# Of the fastest published simulator known to us, which has no neuron: batch -> ms on two threads.
PEER = {1: 0.14, 64: 7.1}


def measure(mode: str, batch: int, threads: int, seconds: float) -> float:
    """Milliseconds of one window."""
    import torch

    from sctorch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    length = TICKS if mode == "stream" else 1
    synapse, neuron = nn.SCLinear(INPUTS, NEURONS, bitstream_length=length), nn.LIF(NEURONS)
    bits = torch.randint(0, 2, (TICKS, batch, INPUTS), dtype=torch.uint8)

    @torch.no_grad()
    def window() -> torch.Tensor:
        return neuron(synapse(bits), synapse.frac)

    assert 0 < float(window().mean()) < 1 or mode == "stream"
    return milliseconds(window, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--only", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        mode, batch, threads, seconds = options.only
        print(measure(mode, int(batch), int(threads), float(seconds)))
        return
    results: list[dict[str, Any]] = []
    for mode in ("spikes", "stream"):
        for batch in PEER:
            for threads in options.threads:
                command = [sys.executable, __file__, "--only", mode, str(batch), str(threads), str(options.seconds)]
                done = subprocess.run(
                    command, capture_output=True, text=True, check=True,
                    env={**os.environ, "OMP_NUM_THREADS": str(threads)},
                )  # fmt: skip
                ms = float(done.stdout.splitlines()[-1])
                operations = INPUTS * NEURONS * TICKS * batch / (ms * 1e-3)
                results.append(
                    {
                        "mode": mode,
                        "batch": batch,
                        "threads": threads,
                        "ms": ms,
                        "bit_operations_per_second": operations,
                    }
                )
    if options.json:
        print(json.dumps({"machine": describe(), "results": results, "peer_ms_on_two_threads": PEER}))
        return
    rows = [
        [r["mode"], str(r["batch"]), str(r["threads"]), f"{r['ms']:.3f}", f"{r['bit_operations_per_second']:.2e}",
         f"{PEER[r['batch']]:.2f}"]
        for r in results
    ]  # fmt: skip
    print_table(
        f"{INPUTS}-{NEURONS}, {TICKS} ticks, with LIF",
        ["mode", "batch", "threads", "ms", "bit op/s", "peer ms (2 threads)"],
        rows,
    )  # fmt: skip
    print("\n" + ", ".join(f"{key} {value}" for key, value in describe().items()))


if __name__ == "__main__":
    main()
