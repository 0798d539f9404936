"""A 784-128-10 network of 32 timesteps as ONNX, its bytes and time beside torch: python benchmarks/onnx_window.py.

One thread each. Both compute the same integers, which is asserted first.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch

import sctorch
from sctorch import nn

sys.path.insert(0, str(Path(__file__).parent))

from machine import describe, milliseconds, print_table

STEPS, BATCHES = 32, (1, 64, 500)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = nn.SpikingNetwork(
        nn.RateEncoder(784, bits=7), nn.SCLinear(784, 128, weight_bits=3), nn.LIF(128, beta=0.9375),
        nn.SCLinear(128, 10, weight_bits=3), nn.SNNReadout(output_mode="membrane"), num_steps=STEPS,
    ).eval()  # fmt: skip
    x = np.random.default_rng(0).random((max(BATCHES), 784), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        design = sctorch.export(net, Path(folder) / "net", backend="onnx")
        sctorch.verify(net, design, x[:50]).raise_if_failed()
        path = design.folder / "window.onnx"
        print(describe(), f"\nwindow.onnx: {path.stat().st_size:,} bytes")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), options)
        rows = []
        for batch in BATCHES:
            part, tensor = x[:batch], torch.from_numpy(x[:batch])
            own = milliseconds(lambda part=part: session.run(["class"], {"features": part}))
            with torch.no_grad():
                peer = milliseconds(lambda tensor=tensor: net(tensor))
            rows.append((str(batch), f"{own:.1f}", f"{peer:.1f}", f"{own / peer:.2f}"))
    print_table("ms for a batch", ("windows", "onnxruntime", "torch", "ratio"), rows)


if __name__ == "__main__":
    main()
