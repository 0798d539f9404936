"""Exported hls designs as C simulation: time to export, and whole windows a second beside hls4ml's own predict.

    python benchmarks/hls_window.py --windows 1000 --peer --out hls_window.json

Networks with random weights: `jets` 16-64-32-5 and `mnist` 784-128-10, of stochastic or of fixed synapses, 32
timesteps.
Both sides run the same C++: ours through its own bridge (one call for all windows), hls4ml's through that of its
build_lib.sh (--peer; one call per timestep, and one for the rows of ten windows). The answers of both are compared with
the simulator's, and so is what hls4ml's trace gives.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe

from sctorch import ir, nn
from sctorch.backends import hls
from sctorch.backends.hls.plan import plan
from sctorch.backends.hls.project import quiet, write_project
from sctorch.backends.hls.runner import build
from sctorch.lower import lower

SIZES = {"jets": (16, 64, 32, 5), "mnist": (784, 128, 10)}
STEPS = 32
IO_TYPES = ("io_parallel", "io_stream")


def network(name: str, synapses: str) -> ir.Network:
    torch.manual_seed(0)
    inputs, *hidden, classes = SIZES[name]
    layers: list[torch.nn.Module] = [nn.RateEncoder(inputs, bits=8)]
    make = nn.StochasticLIF if synapses == "stochastic" else nn.FixedPointLIF
    linear = nn.SCLinear if synapses == "stochastic" else nn.FixedLinear
    size = inputs
    for n in hidden:
        layers.append(make(size, n, weight_bits=4, beta=0.75, threshold=1.0))
        size = n
    net = nn.SpikingNetwork(
        *layers, linear(size, classes, 4), nn.SNNReadout(classes, output_mode="membrane"), num_steps=STEPS
    )
    return lower(net, name, {})


def best(work: Any, times: int = 3) -> float:
    """Seconds of the fastest of a few runs."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def ours(net: ir.Network, options: dict[str, str], x: np.ndarray, folder: Path) -> tuple[hls.HlsDesign, dict[str, Any]]:
    folder.mkdir()
    chosen = hls.OPTIONS | options
    start = time.perf_counter()
    write_project(plan(net, chosen), net, folder, chosen)
    written = time.perf_counter()
    build(folder)
    row = {"write_s": written - start, "compile_s": time.perf_counter() - written}
    design = hls.HlsDesign(folder, net, options)
    expected = ir.simulate(net, x)["readout.decision"][..., 0]
    assert np.array_equal(design.predict(x), expected), "predict differs from the simulator"
    seconds = best(lambda: design.predict(x)) - best(lambda: design.predict(x[:0]))  # loading the library apart
    traced = best(lambda: design.trace(x), 1)
    timesteps = len(x) * STEPS
    return design, row | {
        "windows_per_s": len(x) / seconds, "ns_per_timestep": 1e9 * seconds / timesteps,
        "traced_ns_per_timestep": 1e9 * traced / timesteps,
    }  # fmt: skip


def theirs(design: hls.HlsDesign, x: np.ndarray, folder: Path) -> dict[str, float]:
    """hls4ml's own library: one predict per timestep, and one for the rows of all windows."""
    net = design.network
    model = design.hls4ml_model(folder)
    start = time.perf_counter()
    with quiet():
        model.compile()
    compiled = time.perf_counter() - start
    rows = np.repeat(ir.check_input(net, x), STEPS, axis=0).astype(np.float32)
    expected = ir.simulate(net, x)
    decisions = expected["readout.decision"].transpose(1, 0, 2).reshape(-1)
    assert np.array_equal(model.predict(rows).reshape(-1), decisions), "hls4ml's predict differs from the simulator"
    calls = best(lambda: [model.predict(row[None]) for row in rows])
    batch = best(lambda: model.predict(rows))
    with quiet():
        _, trace = model.trace(rows)
    for key, values in trace.items():
        wanted = expected[key].transpose(1, 0, 2).reshape(len(rows), -1)
        assert np.array_equal(values, wanted), f"hls4ml's trace of {key} differs from the simulator"
    return {
        "hls4ml_compile_s": compiled,
        "hls4ml_call_ns": 1e9 * calls / len(rows),
        "hls4ml_batch_ns": 1e9 * batch / len(rows),
        "hls4ml_traced_layers": len(trace),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--synapses", nargs="+", default=["stochastic", "fixed"], choices=["stochastic", "fixed"])
    parser.add_argument("--windows", type=int, default=1000)
    parser.add_argument("--peer", action="store_true", help="compile and run hls4ml's own library too (10 windows)")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = []
    for name in arguments.nets:
        for synapses in arguments.synapses:
            net = network(name, synapses)
            x = np.random.default_rng(0).random((arguments.windows, SIZES[name][0]), dtype=np.float32)
            for io_type in IO_TYPES:
                with tempfile.TemporaryDirectory() as work:
                    design, row = ours(net, {"io_type": io_type}, x, Path(work) / "ours")
                    if arguments.peer:
                        row |= theirs(design, x[:10], Path(work) / "theirs")
                rows.append({"net": name, "synapses": synapses, "io_type": io_type, **row})
                print(
                    ", ".join(f"{k} {v:,.1f}" if isinstance(v, float) else f"{v}" for k, v in rows[-1].items()),
                    flush=True,
                )
    if arguments.out:
        arguments.out.write_text(json.dumps({"machine": describe(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
