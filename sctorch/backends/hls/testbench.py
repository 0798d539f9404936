"""Vectors of an exported project's test bench."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sctorch import ir

__all__ = ["write_test_bench"]

TEST_BENCH_WINDOWS = 2


def write_test_bench(network: ir.Network, folder: Path) -> None:
    """Vectors for hls4ml's test bench, a row per timestep: random windows and their decisions."""
    rng = np.random.default_rng(0)
    x: np.ndarray
    encoder, windows, steps = network.encoder, TEST_BENCH_WINDOWS, network.num_steps
    if not isinstance(encoder, ir.EventEncoder):
        x = rng.random((windows, encoder.n_features), dtype=np.float32)
        rows = np.repeat(ir.check_input(network, x), steps, axis=0)
    else:
        x = rng.integers(0, 2, (steps * network.encoder_ticks, windows, encoder.size))
        rows = x.transpose(1, 0, 2).reshape(windows * steps, -1)
    decisions = ir.simulate(network, x)[f"{network.readout.name}.decision"].transpose(1, 0, 2).reshape(-1, 1)
    for name, values in (("tb_input_features", rows), ("tb_output_predictions", decisions)):
        lines = [" ".join(str(v) for v in row) + "\n" for row in values.tolist()]
        (folder / "tb_data" / f"{name}.dat").write_text("".join(lines))
