"""A snntorch network through hls4ml's own spiking layers and through ours: python benchmarks/native_flow.py.

Random 16-32-5 networks of snntorch's default Leaky (compare >, reset one timestep late), on grids where nothing is
rounded. hls4ml takes the same network as it is, and computes compare >= with a reset at once. Where the installed
hls4ml has these layers they run; otherwise an exact integer model of them does, and the first line says so. Ours runs
as C simulation.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import snntorch
import torch

import sctorch
from sctorch import ir, nn
from sctorch.backends.hls.native import check_installed
from sctorch.errors import ToolNotFoundError
from sctorch.lower import lower

sys.path.insert(0, str(Path(__file__).parent))

from machine import print_table

SIZES = (16, 32, 5)
# beta, timesteps and fractional bits of the weights: every decayed sum fits float32 and the membranes.
CASES = ((0.5, 16, 4), (0.75, 8, 3), (0.875, 6, 3))
KEYS = ("neuron1", "neuron2")


@dataclass(frozen=True)
class Share:
    """Fractions of windows with another class, and of spikes and silences that differ, of one network."""

    classes: float
    spikes: float


def network(seed: int, beta: float, frac: int) -> torch.nn.Sequential:
    """Random weights of snntorch's usual size times 3, so that every layer spikes, on the grid of 2**-frac."""
    torch.manual_seed(seed)
    leaky = {"beta": beta, "init_hidden": True}
    net = torch.nn.Sequential(
        torch.nn.Linear(SIZES[0], SIZES[1]), snntorch.Leaky(**leaky),
        torch.nn.Linear(SIZES[1], SIZES[2]), snntorch.Leaky(**leaky),
    )  # fmt: skip
    with torch.no_grad():
        for part in (net[0], net[2]):
            for p in part.parameters():
                p.copy_((p * 3 * 2**frac).round() / 2**frac)
    return net


@torch.no_grad()
def own_spikes(net: torch.nn.Sequential, x: torch.Tensor) -> list[np.ndarray]:
    """Spikes [T, B, n] of both layers by snntorch's own forward."""
    found: list[list[torch.Tensor]] = [[], []]
    for layer in (net[1], net[3]):
        layer.reset_mem()
    for step in x:
        flow = step
        for i in (0, 1):
            flow = net[2 * i + 1](net[2 * i](flow))
            found[i].append(flow)
    return [torch.stack(spikes).numpy().astype(np.int64) for spikes in found]


def as_native(network: ir.Network) -> ir.Network:
    """The network as hls4ml's layers compute it."""
    return replace(network, layers=tuple(
        replace(layer, compare="ge", reset_delay=False) if isinstance(layer, ir.Neuron) else layer
        for layer in network.layers
    ))  # fmt: skip


def has_native() -> bool:
    """Whether the installed hls4ml has the layers."""
    try:
        check_installed([{"class_name": "LIFNeuron"}, {"class_name": "SNNReadout"}])
    except ToolNotFoundError:
        return False
    return True


def compare(trace: ir.Trace, spikes: list[np.ndarray]) -> Share:
    classes = spikes[-1].sum(axis=0).argmax(axis=1)
    differ = [trace[key] != own for key, own in zip(KEYS, spikes, strict=True)]
    return Share(
        float((trace["readout.decision"][-1, :, 0] != classes).mean()),
        sum(int(d.sum()) for d in differ) / sum(d.size for d in differ),
    )


def run(seed: int, case: tuple[float, int, int], windows: int, native: bool, folder: Path) -> tuple[Share, Share]:
    """(hls4ml's layers, ours) beside snntorch's forward, for one random network."""
    beta, steps, frac = case
    net = network(seed, beta, frac)
    converted = nn.from_snntorch(net, steps)
    assert converted.conversion.exact
    x = (torch.rand(steps, windows, SIZES[0]) < 0.5).float()
    spikes = own_spikes(net, x)
    events, theirs = x.numpy().astype(np.int64), as_native(lower(converted))
    if native:
        options = {"backend": "hls", "io_type": "io_stream", "native": True}
        found = sctorch.export(theirs, folder / f"native{seed}-{beta}", **options).trace(events)
    else:
        found = ir.simulate(theirs, events)
    ours = sctorch.export(net, folder / f"ours{seed}-{beta}", backend="hls", num_steps=steps).trace(events)
    return compare(found, spikes), compare(ours, spikes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="random networks of each kind (10)")
    parser.add_argument("--windows", type=int, default=1000, help="windows of each (1000)")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    native = has_native()
    what = "its own layers ran" if native else "it has no spiking layers: an exact integer model of them ran"
    print(f"hls4ml {version('hls4ml')}: {what}")
    rows = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            pairs = [run(seed, case, asked.windows, native, Path(folder)) for seed in range(asked.seeds)]
        theirs, ours = zip(*pairs, strict=True)
        flips = [100 * share.classes for share in theirs]
        rows.append((
            f"beta {case[0]}, {case[1]} timesteps", f"{np.mean(flips):.1f}", f"{min(flips):.1f} to {max(flips):.1f}",
            f"{100 * np.mean([s.spikes for s in theirs]):.1f}",
            f"{100 * max(s.classes for s in ours):g}", f"{100 * max(s.spikes for s in ours):g}",
        ))  # fmt: skip
        print(f"{rows[-1][0]}: classes flipped, % by seed: {', '.join(f'{flip:.1f}' for flip in flips)}")
    print_table(
        f"% that differ from snntorch's forward, {asked.seeds} networks of {asked.windows:,} windows each",
        ("", "hls4ml classes", "by seed", "hls4ml spikes", "ours classes", "ours spikes"), rows,
    )  # fmt: skip


if __name__ == "__main__":
    main()
