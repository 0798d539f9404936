"""Ways of pruning at equal training: python benchmarks/pruning.py [--data digits|mnist] [--sparsity 0.9 0.95].

Dense training, one-shot (train, prune once, train on), gradual (the cubic schedule of `MagnitudePruning`), iterative,
and iterative with a return to early weights: the same network, data, epochs and seeds. The accuracy is that on the
test split after the last epoch; nothing is chosen by it. The sparsity that is shown counts the integer weights that
are 0, which is what hardware leaves out. SCTORCH_MNIST=folder says where MNIST is.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import torch
from lightning import Callback, LightningDataModule
from machine import describe, print_table

from sctorch import nn, train
from sctorch.compress import IterativePruneConfig, IterativePruning, MagnitudePruning, PruneConfig, sparsity
from sctorch.data import MNIST, Digits

EPOCHS = {"digits": 300, "mnist": 12}


def network(data: str, seed: int) -> nn.SpikingNetwork:
    torch.manual_seed(seed)
    inputs, hidden, bits, steps = (64, 32, 3, 32) if data == "digits" else (784, 128, 4, 16)
    return nn.SpikingNetwork(
        nn.RateEncoder(inputs, bits=4),
        nn.SCLinear(inputs, hidden, weight_bits=bits),
        nn.LIF(hidden, beta=0.75, frac_bits=1, compare="ge", reset_delay=False),
        nn.SCLinear(hidden, 10, weight_bits=bits),
        nn.SNNReadout(10, output_mode="membrane"),
        num_steps=steps,
    )


def ways(level: float) -> dict[str, list[Callback]]:
    """The callbacks of each way to a sparsity."""
    halves = [1 - (1 - level) ** (k / 4) for k in (1, 2, 3)]  # the same share of what is left goes in each round
    levels = [*halves, level]
    return {
        "one-shot": [IterativePruning(IterativePruneConfig([level], dense=0.5))],
        "gradual": [MagnitudePruning(PruneConfig(level))],
        "iterative": [IterativePruning(IterativePruneConfig(levels, dense=0.2))],
        "iterative, rewound": [IterativePruning(IterativePruneConfig(levels, dense=0.2, rewind=0.02))],
    }


def measure(
    data: str, module: LightningDataModule, callbacks: list[Callback], seed: int, epochs: int
) -> dict[str, float]:
    net = network(data, seed)
    started = time.monotonic()
    scale = 0.1 if data == "digits" else 0.06
    train.fit(net, module, train.TrainConfig(epochs, score_scale=scale, seed=seed, progress_bar=False), callbacks)
    seconds = time.monotonic() - started
    return {"accuracy": train.evaluate(net, module)["test_acc"], "zeros": sparsity(net), "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits", choices=list(EPOCHS))
    parser.add_argument("--sparsity", type=float, nargs="+", default=[0.8, 0.9, 0.95])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="default: 300 on the digits, 12 on MNIST")
    parser.add_argument("--json", type=Path, help="keep the figures")
    parser.add_argument("--plot", type=Path, help="a picture of accuracy against sparsity")
    options = parser.parse_args()
    epochs = options.epochs or EPOCHS[options.data]
    module = Digits(val_fraction=0.0, deform=0.8) if options.data == "digits" else MNIST(val_fraction=0.0)
    records: list[dict[str, Any]] = []
    for level in (0.0, *options.sparsity):
        for way, callbacks in (ways(level) if level else {"dense": []}).items():
            for seed in range(options.seeds):
                found = measure(options.data, module, callbacks, seed, epochs)
                records.append({"way": way, "sparsity": level, "seed": seed, **found})
                print(records[-1], file=sys.stderr, flush=True)
    rows = [
        [way, f"{100 * level:g} %", f"{100 * mean(group, 'accuracy'):.2f}", f"{100 * spread(group):.2f}",
         f"{100 * mean(group, 'zeros'):.1f} %", f"{mean(group, 'seconds'):.0f}"]
        for (way, level), group in grouped(records).items()
    ]  # fmt: skip
    head = ["way", "pruned", "accuracy, %", "half the spread", "zeros", "seconds"]
    print_table(f"{options.data}, {epochs} epochs, {options.seeds} seeds: test accuracy", head, rows)
    if options.json:
        options.json.write_text(json.dumps({"machine": describe(), "epochs": epochs, "runs": records}, indent=1))
    if options.plot:
        plot(records, options.plot, options.data)


def grouped(records: list[dict[str, Any]]) -> dict[tuple[str, float], list[dict[str, Any]]]:
    groups: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["way"], record["sparsity"]), []).append(record)
    return groups


def mean(group: list[dict[str, Any]], key: str) -> float:
    return sum(record[key] for record in group) / len(group)


def spread(group: list[dict[str, Any]]) -> float:
    values = [record["accuracy"] for record in group]
    return (max(values) - min(values)) / 2


def plot(records: list[dict[str, Any]], path: Path, data: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    groups = grouped(records)
    for way in dict.fromkeys(way for way, _ in groups if way != "dense"):
        levels = [level for w, level in groups if w == way]
        means = [100 * mean(groups[way, level], "accuracy") for level in levels]
        bars = [100 * spread(groups[way, level]) for level in levels]
        axes.errorbar([100 * level for level in levels], means, yerr=bars, marker="o", capsize=3, label=way)
    axes.axhline(100 * mean(groups["dense", 0.0], "accuracy"), color="grey", linestyle=":", label="dense")
    axes.set(xlabel="synapses pruned, %", ylabel="test accuracy, %", title=f"{data}: pruning at equal training")
    axes.margins(y=0.1)  # else the dense line lies on the frame
    axes.legend()
    figure.savefig(path)


if __name__ == "__main__":
    main()
