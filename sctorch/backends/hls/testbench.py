"""An exported project's test bench and its vectors: what Vitis runs as C simulation and co-simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sctorch import ir
from sctorch.backends.hls.plan import Plan
from sctorch.backends.resources import resource_folder

__all__ = ["write_test_bench"]

MAX_WINDOWS = 8
MAX_ROWS = 4096  # of the vectors, but for two windows in any case


def write_test_bench(parts: Plan, network: ir.Network, folder: Path) -> None:
    """Our test bench in place of hls4ml's, which compares nothing, and its vectors: a row per timestep.

    With a flag in the packets the windows end early in turn, and every other whole one comes without its flag.
    """
    rng = np.random.default_rng(0)
    x: np.ndarray
    encoder, steps = network.encoder, network.num_steps
    windows = min(MAX_WINDOWS, max(2, MAX_ROWS // steps))
    if not isinstance(encoder, ir.EventEncoder):
        x = rng.random((windows, encoder.n_features), dtype=np.float32)
        rows = np.repeat(ir.check_input(network, x)[:, None], steps, axis=1)
    else:
        x = rng.integers(0, 2, (steps * network.encoder_ticks, windows, encoder.size))
        rows = x.transpose(1, 0, 2).reshape(windows, steps, -1)
    decisions = ir.simulate(network, x)[f"{network.readout.name}.decision"].transpose(1, 0, 2)
    lengths = [steps] * windows
    if parts.has_last:
        lengths = [(steps, (steps + 1) // 2, steps, 1)[w % 4] for w in range(windows)]
        rows, decisions = (np.pad(values, ((0, 0), (0, 0), (0, 1))) for values in (rows, decisions))
        for w, length in enumerate(lengths):
            rows[w, length - 1, -1] = w % 4 != 2  # a window ends by itself too
            decisions[w, length - 1, -1] = 1
    for name, values in (("tb_input_features", rows), ("tb_output_predictions", decisions)):
        lines = [" ".join(str(v) for v in row) for w, n in enumerate(lengths) for row in values[w, :n].tolist()]
        (folder / "tb_data" / f"{name}.dat").write_text("\n".join(lines) + "\n")
    tops = {parts.top: "STREAM" if parts.io_type == "io_stream" else "PARALLEL"}
    if parts.has_last:
        tops[f"{parts.top}_axis"] = "AXIS"
    for top, port in tops.items():
        (folder / f"{top}_test.cpp").write_text(
            f'#include "firmware/{top}.h"\n\n#define SCTORCH_TOP {top}\n#define SCTORCH_{port}\n'
            f"#define SCTORCH_N_IN {rows.shape[2]}\n#define SCTORCH_N_OUT {decisions.shape[2]}\n\n"
            + (resource_folder("hls") / "sctorch_test.cpp").read_text()
        )
