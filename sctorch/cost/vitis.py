"""What Vitis and Vivado say of a design of the hls backend: run by us, read from their own reports."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sctorch.backends.hls import HlsDesign
from sctorch.checks import check_flag, check_instance
from sctorch.cost.evidence import Report, read_report
from sctorch.errors import MismatchError, ToolFailedError
from sctorch.hardware.vitis import LOG, TIMING, UTILISATION, find_vitis, find_vivado, run_vitis, run_vivado

__all__ = ["HlsSynthesis", "synthesize_hls"]

_ANSWERS = {"csim": "csim_results.log", "cosim": "rtl_cosim_results.log"}


@dataclass(frozen=True)
class HlsSynthesis:
    """One run of Vitis.

    Attributes
    ----------
    top : the top function. folder : where Vitis worked; its project and log stay there.
    estimate : the report of C synthesis: resources, clock and latency of one timestep, all estimated.
    compared : timesteps of the test bench whose answers were the integer network's, by kind of simulation.
    utilisation, timing : Vivado's reports behind its synthesis; None where it was not run.
    """

    top: str
    folder: Path
    estimate: Report
    compared: Mapping[str, int]
    utilisation: Report | None = None
    timing: Report | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "folder": str(self.folder), "compared": dict(self.compared)}


def synthesize_hls(design: HlsDesign, cosim: bool = False, vivado: bool = False) -> HlsSynthesis:
    """Run Vitis HLS on an exported project as it is, and read its reports.

    It works in the folder `vitis` of the design. The C simulation's answers to the project's vectors are compared with
    the integer network's; so are those of the RTL where that is simulated.

    Parameters
    ----------
    design : a design of the hls backend. cosim : simulate the RTL too. vivado : synthesise it with Vivado too.

    Raises
    ------
    ToolNotFoundError, ToolFailedError
        If Vitis (or Vivado, where it is asked for) is missing, fails, or leaves no report.
    MismatchError
        If an answer of the test bench differs.
    ObservationLoadError
        If a report cannot be read.
    """
    check_instance(design, HlsDesign, "synthesize_hls: design", "a design of the hls backend")
    check_flag(cosim, "synthesize_hls: cosim")
    check_flag(vivado, "synthesize_hls: vivado")
    find_vitis()
    if vivado:
        find_vivado()  # what is missing is told before Vitis works for nothing
    work = design.folder / "vitis"
    kinds = ("csim", "cosim") if cosim else ("csim",)
    try:
        run_vitis(design.folder, work, cosim)
    except ToolFailedError:
        for kind in kinds:  # a test bench that finds a difference ends the run: it is told where
            with suppress(ToolFailedError):
                _compare(design, kind, work)
        raise
    compared = {kind: _compare(design, kind, work) for kind in kinds}
    estimate = _report(next(work.glob(f"*/solution1/syn/report/{design.top}_csynth.xml"), None), work, design.top)
    utilisation = timing = None
    if vivado:
        run_vivado(work, design.options["clock_period_ns"])
        utilisation, timing = (_report(work / name, work, design.top) for name in (UTILISATION, TIMING))
    return HlsSynthesis(design.top, work, estimate, compared, utilisation, timing)


def _report(path: Path | None, work: Path, top: str) -> Report:
    if path is None or not path.is_file():
        name = f"{top}_csynth.xml" if path is None else path.name
        raise ToolFailedError(f"the tool ended well and left no {name} in {work}", _read(work / LOG))
    report = read_report(path)
    if report.origin.design not in (None, top):
        raise ToolFailedError(f"{path.name} is the report of {report.origin.design!r}, not of {top!r}", "")
    return report


def _compare(design: HlsDesign, kind: str, work: Path) -> int:
    """How many timesteps a simulation answered, all as the export's vectors say; MismatchError at the first other."""
    expected, found = (_rows(work / "tb_data" / name) for name in ("tb_output_predictions.dat", _ANSWERS[kind]))
    window = step = 0
    for want, got in zip(expected, found, strict=False):
        if want != got:
            key = f"{design.network.readout.name}.decision"
            raise MismatchError(f"ir = vitis {kind}", key, step, window, 0, want[0], got[0] if got else 0)
        step += 1
        if step == design.network.num_steps or want[1:] == [1]:  # a packet's flag
            window, step = window + 1, 0
    if len(found) != len(expected):
        raise ToolFailedError(
            f"the {kind} answered {len(found)} timesteps where the test bench has {len(expected)}", _read(work / LOG)
        )
    return len(found)


def _rows(path: Path) -> list[list[int]]:
    return [[int(float(value)) for value in line.split()] for line in _read(path).splitlines()]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
