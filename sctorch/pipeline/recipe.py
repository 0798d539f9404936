"""The recipe: one experiment as typed fields, from the data to the report.

jsonargparse checks a YAML file against these classes, so a field's type here is the law.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from lightning import LightningDataModule

from sctorch.checks import check_number, check_range
from sctorch.compress import PruneConfig
from sctorch.errors import ConfigError
from sctorch.nn import SpikingNetwork
from sctorch.train import TrainConfig

__all__ = ["ExportPart", "NetworkPart", "Recipe", "ReferencePart", "ReportPart", "SynthPart", "VerifyPart"]


@dataclass(frozen=True)
class NetworkPart:
    """The network.

    Parameters
    ----------
    layers : the layers in order, each a class of `sctorch.nn` with its arguments.
    num_steps : timesteps of one window.
    """

    layers: list[torch.nn.Module]
    num_steps: int

    def build(self) -> SpikingNetwork:
        return SpikingNetwork(*self.layers, num_steps=self.num_steps)


@dataclass(frozen=True)
class ReferencePart:
    """A float MLP on the same rows, that the network is held against.

    Parameters
    ----------
    hidden : sizes of the hidden layers.
    epochs : passes over the training rows. lr : the highest learning rate of one cycle.
    seeds : how many trainings, with first weights from the seeds 0, 1, ...
    standardise : give it features of mean 0 and deviation 1 instead of those in [0, 1].
    """

    hidden: list[int]
    epochs: int = 30
    lr: float = 3e-3
    seeds: int = 3
    standardise: bool = False

    def __post_init__(self) -> None:
        for i, size in enumerate(self.hidden):
            check_range(size, 1, None, f"reference.hidden, entry {i}")
        check_range(self.epochs, 1, None, "reference.epochs")
        check_number(self.lr, 0, math.inf, "reference.lr", low_out=True)
        check_range(self.seeds, 1, None, "reference.seeds")


@dataclass(frozen=True)
class ExportPart:
    """One export of the trained network.

    Parameters
    ----------
    backend : "verilog", "hls", "onnx" or "nir".
    target : the part that it is meant for; null: none in particular.
    options : the backend's own options.
    """

    backend: str
    target: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class VerifyPart:
    """The bit-for-bit comparison of torch, the integer network and every export.

    Parameters
    ----------
    windows : how many windows of the test split to compare, signal by signal; null: all of them.
        The accuracy is always that of the whole split.
    """

    windows: int | None = None

    def __post_init__(self) -> None:
        if self.windows is not None and self.windows < 1:
            raise ConfigError(f"verify.windows = {self.windows} must be at least 1, or null for the whole test split")


@dataclass(frozen=True)
class SynthPart:
    """Synthesis of the verilog export by real tools.

    Parameters
    ----------
    targets : parts to synthesise for; the first is the one that the headline numbers speak of.
    route : place and route for those that nextpnr knows (ice40 and ecp5), which measures the clock; synthesis alone
        otherwise. A design that does not fit ends the run.
    """

    targets: list[str] = field(default_factory=list)
    route: bool = False

    def __post_init__(self) -> None:
        if len(set(self.targets)) != len(self.targets):
            raise ConfigError(f"synth.targets names a target twice: {', '.join(self.targets)}")


@dataclass(frozen=True)
class ReportPart:
    """The report.

    Parameters
    ----------
    title : its heading; null: the recipe's name.
    window : the row of the test split whose spikes are drawn.
    """

    title: str | None = None
    window: int = 0

    def __post_init__(self) -> None:
        if self.window < 0:
            raise ConfigError(f"report.window = {self.window} must be at least 0")


@dataclass(frozen=True)
class Recipe:
    """One experiment.

    Parameters
    ----------
    name : identifier; the generated hardware is called after it.
    data : the dataset, a class of `sctorch.data` with its arguments.
    network : see `NetworkPart`.
    train : see `sctorch.train.TrainConfig`.
    seed : of the network's first weights.
    threads : CPU threads of torch while it trains; more than one only wait for each other in a
        network of this size, above all on a busy machine. null: as many as torch likes.
    out : the folder that everything is written to; null: build/<name>.
    prune : see `sctorch.compress.PruneConfig`; null: no pruning.
    reference : see `ReferencePart`; null: none.
    exports : the hardware to generate; none: train only.
    verify : see `VerifyPart`.
    synth : see `SynthPart`.
    report : see `ReportPart`.
    """

    name: str
    data: LightningDataModule
    network: NetworkPart
    train: TrainConfig = field(default_factory=TrainConfig)
    seed: int = 0
    threads: int | None = 1
    out: str | None = None
    prune: PruneConfig | None = None
    reference: ReferencePart | None = None
    exports: list[ExportPart] = field(default_factory=list)
    verify: VerifyPart = field(default_factory=VerifyPart)
    synth: SynthPart = field(default_factory=SynthPart)
    report: ReportPart = field(default_factory=ReportPart)

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"threads = {self.threads} must be at least 1, or null")
        backends = [export.backend for export in self.exports]
        if len(set(backends)) != len(backends):
            raise ConfigError(f"exports names a backend twice: {', '.join(backends)}")
        if self.synth.targets and "verilog" not in backends:
            raise ConfigError("synth.targets needs an export with backend: verilog")
        if self.train.devices * self.train.num_nodes > 1:
            raise ConfigError(
                f"train.devices = {self.train.devices} and train.num_nodes = {self.train.num_nodes} must be 1: one "
                "process runs a recipe; train with several from a script (docs/training.md)"
            )
