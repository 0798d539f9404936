"""Running Vitis HLS, and Vivado behind it, on an exported project."""

from __future__ import annotations

import shutil
from pathlib import Path

from sctorch.errors import ConfigError, ToolFailedError
from sctorch.hardware.tools import Tool, find_tool, run_tool

__all__ = ["LOG", "find_vitis", "find_vivado", "run_vitis", "run_vivado"]

LOG = "vitis.log"
UTILISATION, TIMING = "vivado_synth.rpt", "sctorch_timing.rpt"  # the first is the name in the project's own script
# Not of the project: what we compiled, what describes it, and an earlier run.
_LEFT_OUT = shutil.ignore_patterns("sim", "network.json", "design.json", "vitis", "__pycache__")


def find_vitis() -> Tool:
    """`vitis-run` or `vitis_hls`, by SCTORCH_VITIS or on PATH; ToolNotFoundError with what to do."""
    return find_tool("vitis")


def find_vivado() -> Tool:
    """`vivado`, by SCTORCH_VIVADO or on PATH; ToolNotFoundError with what to do."""
    return find_tool("vivado")


def run_vitis(project: Path, work: Path, cosim: bool = False) -> None:
    """Copy an exported project to `work` and run its own script there: C simulation and C synthesis.

    Parameters
    ----------
    project : folder of the export; nothing in it changes. work : what is there already is replaced.
    cosim : simulate the generated RTL too, and compare its answers with those of the C simulation.

    Raises
    ------
    ToolNotFoundError, ToolFailedError
        If Vitis is missing or fails; its whole output is in `work` / vitis.log.
    ConfigError
        If the folder cannot be written.
    """
    tool = find_vitis()
    try:
        if work.exists():
            shutil.rmtree(work)
        shutil.copytree(project, work, ignore=_LEFT_OUT)
        flags = {"csim": 1, "synth": 1, "cosim": int(cosim), "validation": int(cosim)}
        options = {"reset": 1, **flags, "export": 0, "vsynth": 0, "fifo_opt": 0}
        text = "".join(f"    {name:<10} {value}\n" for name, value in options.items())
        (work / "build_opt.tcl").write_text(f"array set opt {{\n{text}}}\n")
    except OSError as error:
        raise ConfigError(f"cannot write {work}: {error.strerror or error}") from error
    # The older program has its own way of being given a script.
    old = "vitis_hls" in Path(tool.command[-1]).name
    _logged(tool, ["-f", "build_prj.tcl"] if old else ["--mode", "hls", "--tcl", "build_prj.tcl"], work)


def run_vivado(work: Path, clock_period_ns: float) -> None:
    """Logic synthesis of what `run_vitis` left in `work`: its utilisation, and its timing at the wished clock.

    The project's own script synthesises; ours goes on from there, since that one asks for no timing.

    Raises
    ------
    ToolNotFoundError, ToolFailedError
        If Vivado is missing or fails; its whole output is in `work` / vitis.log.
    """
    tool = find_vivado()
    (work / "sctorch_vivado.tcl").write_text(
        "source vivado_synth.tcl\n"
        f"create_clock -name ap_clk -period {clock_period_ns:g} [get_ports ap_clk]\n"
        f"report_timing_summary -file {TIMING}\n"
    )
    _logged(tool, ["-mode", "batch", "-nojournal", "-nolog", "-source", "sctorch_vivado.tcl"], work)


def _logged(tool: Tool, arguments: list[str], work: Path) -> None:
    with (work / LOG).open("a") as log:
        try:
            log.write(run_tool(tool, arguments, cwd=work))
        except ToolFailedError as error:
            log.write(error.log)
            raise
