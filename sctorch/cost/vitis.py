"""What Vitis and Vivado say of a design of the hls backend: run by us, read from their own reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sctorch.backends.hls import HlsDesign
from sctorch.checks import check_flag, check_instance
from sctorch.cost.evidence import Report, read_report
from sctorch.errors import MismatchError, ToolFailedError
from sctorch.hardware.vitis import LOG, TIMING, UTILISATION, find_vitis, find_vivado, run_vitis, run_vivado

__all__ = ["HlsSynthesis", "synthesize_hls"]


@dataclass(frozen=True)
class HlsSynthesis:
    """One run of Vitis.

    Attributes
    ----------
    top : the top function. folder : where Vitis worked; its project and log stay there.
    estimate : the report of C synthesis: resources, clock and latency of one timestep, all estimated.
    compared : answers of the test bench that were equal to the integer network's, by kind of simulation.
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
    run_vitis(design.folder, work, cosim)
    kinds = {"csim": "csim_results.log"} | ({"cosim": "rtl_cosim_results.log"} if cosim else {})
    compared = {kind: _compare(design, kind, work / "tb_data" / name, work) for kind, name in kinds.items()}
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


def _compare(design: HlsDesign, kind: str, path: Path, work: Path) -> int:
    """Hold the answers that a simulation wrote against the vectors of the export; how many there are."""
    expected = _read(work / "tb_data" / "tb_output_predictions.dat").split()
    found = _read(path).split()
    if len(found) != len(expected):
        raise ToolFailedError(
            f"the {kind} wrote {len(found)} answers where the test bench has {len(expected)}", _read(work / LOG)
        )
    steps = design.network.num_steps
    for row, (want, got) in enumerate(zip(expected, found, strict=True)):
        if float(want) != float(got):
            key = f"{design.network.readout.name}.decision"
            raise MismatchError(
                f"ir = vitis {kind}", key, row % steps, row // steps, 0, int(float(want)), int(float(got))
            )
    return len(found)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
