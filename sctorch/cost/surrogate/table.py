"""The synthesis runs that the package holds: networks as settings, and what yosys and nextpnr counted for each."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sctorch.backends.verilog.folded.plan import plan as plan_folded
from sctorch.backends.verilog.unrolled.plan import plan as plan_unrolled
from sctorch.cost.structure.folded import count_folded
from sctorch.cost.structure.tally import Tally
from sctorch.cost.structure.unrolled import count_unrolled
from sctorch.cost.surrogate.samples import Settings, build
from sctorch.hardware.targets import get_target

__all__ = ["NETWORKS", "RUNS", "Run", "counted", "read_runs"]

_DATA = Path(__file__).parent.parent / "data"
NETWORKS, RUNS = _DATA / "networks.csv", _DATA / "synthesis_runs.csv"


@dataclass(frozen=True)
class Run:
    """One network on one target. fmax_mhz is None where it was not routed."""

    seed: int
    target: str
    settings: Settings
    luts: int
    ffs: int
    carries: int
    brams: float
    dsps: int
    fmax_mhz: float | None

    @property
    def family(self) -> str:
        return get_target(self.target).family

    @property
    def architecture(self) -> str:
        return str(self.settings.options["architecture"])


@lru_cache(maxsize=1)
def read_runs() -> tuple[Run, ...]:
    """All runs of the package's table, in its order."""
    with NETWORKS.open(newline="") as file:
        settings = {row["seed"]: Settings.from_json(row["settings"]) for row in csv.DictReader(file)}
    with RUNS.open(newline="") as file:
        return tuple(
            Run(
                int(row["seed"]), row["target"], settings[row["seed"]], int(row["luts"]), int(row["ffs"]),
                int(row["carries"]), float(row["brams"]), int(row["dsps"]),
                float(row["fmax_mhz"]) if row["fmax_mhz"] else None,
            )
            for row in csv.DictReader(file)
        )  # fmt: skip


def counted(runs: tuple[Run, ...]) -> list[Tally]:
    """The structural counts of every run, from its network's plan."""
    plans: dict[int, object] = {}
    found = []
    for run in runs:
        options = run.settings.options
        if run.seed not in plans:
            network = build(run.settings, run.seed)
            plans[run.seed] = (
                plan_unrolled(network)
                if run.architecture == "unrolled"
                else plan_folded(network, options["inputs_per_clock"], options["neurons_per_clock"])
            )
        count = count_unrolled if run.architecture == "unrolled" else count_folded
        found.append(count(plans[run.seed], run.family))  # type: ignore[arg-type]
    return found
