"""The dense 784-128-10 MNIST network folded: what it takes of a part, and the clocks of an image, both measured.

    SCTORCH_MNIST=folder python benchmarks/folded.py --lanes 1 2 4 8 --targets ecp5-85k artix7-100t --out folded.json

Trains for half a minute (16 timesteps, 4-bit stochastic weights, nothing pruned), exports with so many inputs per
clock, runs test images through the exported files (every layer compared with the simulator), synthesises with yosys.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import sctorch
from sctorch import cost, ir, nn
from sctorch.backends.verilog import FoldedDesign, cxxrtl
from sctorch.data import MNIST
from sctorch.lower import lower

STEPS = 16


def trained(batches: int, folder: str | None) -> tuple[ir.Network, np.ndarray, np.ndarray]:
    """The network, and the test images and labels."""
    data = MNIST(folder)
    x, y = data.train_arrays()[:2]
    torch.manual_seed(0)
    net = nn.SpikingNetwork(
        nn.RateEncoder(784, bits=8),
        nn.StochasticLIF(784, 128, weight_bits=4, beta=0.75, threshold=1.0),
        nn.SCLinear(128, 10, weight_bits=4),
        nn.SNNReadout(10, output_mode="membrane"),
        num_steps=STEPS,
    )
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-3)
    draw = np.random.default_rng(0)
    for _ in range(batches):
        rows = draw.integers(0, len(x), 128)
        scores = net(torch.from_numpy(x[rows]))
        scores = scores[-1] if scores.ndim == 3 else scores
        loss = torch.nn.functional.cross_entropy(0.1 * scores, torch.from_numpy(y[rows]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return lower(net, "mnist", {}), *data.test_arrays()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of the MNIST files")
    parser.add_argument("--batches", type=int, default=2000)
    parser.add_argument("--lanes", type=int, nargs="+", default=[1], help="inputs per clock")
    parser.add_argument("--targets", nargs="*", default=["ecp5-85k", "artix7-100t"])
    parser.add_argument("--images", type=int, default=3)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    cxxrtl.SMALL = 0  # a few images take less time than a compiler that optimises
    network, x, y = trained(args.batches, args.data)
    trace = ir.simulate(network, x[:1000])
    accuracy = float((trace[f"{network.readout.name}.decision"][-1, :, 0] == y[:1000]).mean())
    print(f"accuracy over 1000 test images: {accuracy:.1%}")
    rows = []
    for lanes in args.lanes:
        with tempfile.TemporaryDirectory() as scratch:
            # So many neurons per clock that the neurons are done before the inputs are.
            options = {"inputs_per_clock": lanes, "neurons_per_clock": -(-128 // max(1, 784 // lanes - 20))}
            design = sctorch.export(network, Path(scratch) / "design", architecture="folded", **options)
            assert isinstance(design, FoldedDesign)
            images = x[: args.images]
            expected, got = ir.simulate(network, images), design.trace(images)
            assert all((expected[key] == got[key]).all() for key in expected), "the files compute something else"
            cycles = int(design.measure_cycles(images)[1:].max())
            row = {**options, "cycles_per_image": cycles, "computed": design.cycles_per_inference}
            print(row, flush=True)
            for target in args.targets:
                started = time.monotonic()
                counted = cost.synthesize(design, target).to_dict()
                row[target] = {
                    k: counted[k] for k in ("luts", "ffs", "carries", "brams", "dsps", "cells", "tool_version")
                }
                shown = {k: v for k, v in row[target].items() if k != "cells"}
                print(f"  {target}: {shown}, {time.monotonic() - started:.0f} s", flush=True)
            rows.append(row)
    if args.out:
        args.out.write_text(json.dumps({"accuracy": accuracy, "num_steps": STEPS, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
