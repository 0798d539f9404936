"""The verify stage: torch, the integer network and every export, bit for bit; and the accuracy of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sctorch import backends, ir
from sctorch.pipeline.recipe import Recipe
from sctorch.pipeline.training import trained_network
from sctorch.verification import verify as compare

__all__ = ["Verification", "verify"]


@dataclass(frozen=True)
class Verification:
    """What was compared and measured.

    Parameters
    ----------
    ok : no mismatch, and every accuracy the same.
    windows : windows compared signal by signal. test_rows : rows that the accuracies speak of.
    accuracy : share of right answers at the window's end, by who answered ("torch", "verilog", ...).
    pairs : per pair its name, values, spikes, mismatches and the first difference.
    first : the first difference of all, in words; None where there is none.
    """

    ok: bool
    windows: int
    test_rows: int
    accuracy: dict[str, float]
    pairs: list[dict[str, Any]] = field(default_factory=list)
    first: str | None = None


def verify(recipe: Recipe, out: Path) -> Verification:
    """Compare the trained network with the exports in the output folder."""
    net = trained_network(recipe, out)
    designs = [backends.load(out / export.backend) for export in recipe.exports]
    x, y = recipe.data.test_arrays()  # type: ignore[attr-defined]
    windows = recipe.verify.windows or len(x)
    report = compare(net, designs, x[:windows])
    answers = {"torch": net.predict(torch.from_numpy(x))[-1].numpy()}
    if not designs:
        network = ir.load(out / "lower" / "network.json")
        answers["ir"] = ir.simulate(network, x)[f"{network.readout.name}.decision"][-1, :, 0]
    answers |= {design.backend: np.asarray(design.predict(x))[-1] for design in designs}
    readout = ir.load(out / "lower" / "network.json").readout
    accuracy = {who: float(np.mean(readout.classes(answer) == y)) for who, answer in answers.items()}
    pairs = [
        {"name": p.name, "values": int(p.values), "spikes": int(p.spikes), "mismatches": int(p.mismatches),
         "first": None if p.first is None else str(p.first), "signals": len(p.keys)}
        for p in report.pairs
    ]  # fmt: skip
    first = next((str(p["first"]) for p in pairs if p["mismatches"]), None)
    if first is None:
        first = _first_answer(answers)
    ok = bool(report.ok) and first is None and not any(p["mismatches"] for p in pairs)
    return Verification(ok, windows, len(x), accuracy, pairs, first)


def _first_answer(answers: dict[str, np.ndarray]) -> str | None:
    """The first test row that someone decides differently from torch."""
    for who, answer in answers.items():
        different = np.flatnonzero(answer != answers["torch"])
        if len(different):
            row = int(different[0])
            return (
                f"torch = {who}: test row {row} is class {answers['torch'][row]} for torch and {answer[row]} for {who}"
            )
    return None
