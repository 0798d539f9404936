"""A small recipe, and stand-ins for the parts that need compilers, so that the pipeline's own logic is tested alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from sctorch import ir
from sctorch.backends.design import Design, read_description, write_description, writing_folder
from sctorch.cli import main
from sctorch.errors import MismatchError, ToolFailedError

RECIPE = """\
name: little
data:
  class_path: sctorch.data.Digits
network:
  num_steps: 8
  layers:
    - class_path: sctorch.nn.RateEncoder
      init_args: {size: 64, bits: 4}
    - class_path: sctorch.nn.SCLinear
      init_args: {in_features: 64, out_features: 12, weight_bits: 3}
    - class_path: sctorch.nn.LIF
      init_args: {size: 12}
    - class_path: sctorch.nn.SCLinear
      init_args: {in_features: 12, out_features: 10, weight_bits: 3}
    - class_path: sctorch.nn.SNNReadout
      init_args: {n_classes: 10, output_mode: membrane}
train: {epochs: 2}
prune: {sparsity: 0.5}
exports:
  - backend: verilog
verify: {windows: 4}
synth: {targets: [ice40-hx8k]}
"""


class FakeDesign(Design):
    """Answers as the integer network does, but for a bit that may be flipped."""

    backend = "verilog"

    def trace(self, x: np.ndarray) -> ir.Trace:
        trace = ir.simulate(self.network, x)
        if FakeDesign.broken:
            trace["neuron1"] = 1 - trace["neuron1"]
        return trace

    broken: ClassVar[bool] = False


@dataclass(frozen=True)
class FakePair:
    name: str
    values: int
    spikes: int
    mismatches: int
    first: MismatchError | None
    keys: tuple[str, ...] = ("encoder", "neuron1")


@dataclass(frozen=True)
class FakeSynthesis:
    target: str
    luts: int = 1234
    ffs: int = 567
    brams: float = 0.0
    dsps: int = 0
    urams: int = 0
    carries: int = 3
    cells: dict[str, int] = field(default_factory=lambda: {"SB_LUT4": 1234})
    fmax_mhz: float | None = None
    seconds: float = 1.0
    tool: str = "yosys"
    tool_version: str = "0.70"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def _fake_export(
    network: ir.Network, folder: Path, backend: str, target: str | None = None, **options: Any
) -> FakeDesign:
    with writing_folder(folder) as part:
        write_description(part, backend, network, options, latency_cycles=4, cycles_per_inference=11)
        (part / "little.v").write_text("module little; endmodule\n")
    return FakeDesign(folder, network, options)


def _fake_load(folder: Path) -> FakeDesign:
    network, description = read_description(folder)
    return FakeDesign(folder, network, description["options"])


def _fake_verify(net: Any, designs: list[FakeDesign], x: np.ndarray) -> SimpleNamespace:
    pairs = [FakePair("torch = ir", 100 * len(x), 10, 0, None)]
    for design in designs:
        right, got = ir.simulate(design.network, x)["neuron1"], design.trace(x)["neuron1"]
        count = int((right != got).sum())
        first = MismatchError("ir = verilog", "neuron1", 0, 0, 0, 0, 1) if count else None
        pairs.append(FakePair("ir = verilog", 100 * len(x), 10, count, first))
    return SimpleNamespace(ok=not any(p.mismatches for p in pairs), pairs=pairs)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """The networks here are so small that threads would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture(scope="session")
def small_recipe() -> str:
    return RECIPE


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(RECIPE)
    return path


@dataclass
class Fakes:
    """What ran, and what is to go wrong: a part's name in `fails`, or a design that computes something else."""

    ran: list[str] = field(default_factory=list)
    fails: str = ""

    def break_hardware(self, broken: bool = True) -> None:
        FakeDesign.broken = broken


def _install(monkeypatch: pytest.MonkeyPatch) -> Fakes:
    import sctorch.backends
    import sctorch.cost
    import sctorch.exporting
    import sctorch.pipeline.verifying

    made = Fakes()

    def noting(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            made.ran.append(name)
            if name == made.fails:
                raise ToolFailedError(name, "as told")
            return work(*args, **kwargs)

        return call

    monkeypatch.setattr(sctorch.exporting, "export", noting("export", _fake_export))
    monkeypatch.setattr(sctorch.pipeline.verifying, "compare", noting("verify", _fake_verify))
    monkeypatch.setattr(sctorch.backends, "load", _fake_load)
    monkeypatch.setattr(
        sctorch.cost,
        "synthesize",
        noting("synth", lambda design, target, route: FakeSynthesis(target, fmax_mhz=61.5 if route else None)),
    )
    monkeypatch.setattr(FakeDesign, "broken", False)
    return made


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Fakes:
    """Export, verify and synthesis replaced."""
    return _install(monkeypatch)


@pytest.fixture(scope="session")
def _finished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    (folder / "small.yaml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as monkeypatch:
        _install(monkeypatch)
        assert main(["run", str(folder / "small.yaml"), "--out", str(folder / "out")]) == 0
    return folder / "out"


@pytest.fixture
def finished(_finished_once: Path, out: Path) -> Path:
    """The output folder of a run that is finished, a copy of one's own."""
    shutil.copytree(_finished_once, out)
    return out
