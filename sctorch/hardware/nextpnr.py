"""Place and route with nextpnr: the netlist of yosys in, the clock that it reaches out.

A design's ports are wider than any package (256 bits of features and more). So registers are set at its pins
first: each input bit is driven by one of a shift register that a single pin feeds, and each output bit goes through
one XOR into one of a register chain that a single pin reads. Nothing of the design is left out or changed, and every
path into, through and out of it runs from register to register, so that fmax counts them all. An output that is no
register of the design has that one LUT more on its path.
"""

from __future__ import annotations

import json
import re
import shlex
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sctorch.errors import ConfigError, ToolFailedError, UnsupportedError
from sctorch.hardware.targets import Target
from sctorch.hardware.tools import Tool, find_tool, run_tool, tool_version

__all__ = ["Routing", "add_harness", "find_router", "place_and_route", "router"]

_ROUTERS = {"ice40": "nextpnr-ice40", "ecp5": "nextpnr-ecp5"}
_USED = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", re.MULTILINE)


@dataclass(frozen=True)
class Routing:
    """What a router reached, and how it was run.

    fmax_mhz : the lowest of `clocks_mhz`, the highest frequency of each clock by its pin, register to register.
    used : cells of each kind that the router placed, harness included; available : what the part has of those kinds.
    harness_ffs, harness_luts : what was set at the design's pins, see the module.
    freq_mhz : the frequency that was aimed at. seed : of the placement; another seed gives an fmax some per cent away.
    """

    fmax_mhz: float
    clocks_mhz: Mapping[str, float]
    used: Mapping[str, int]
    available: Mapping[str, int]
    harness_ffs: int
    harness_luts: int
    freq_mhz: float
    seed: int
    command: str
    seconds: float
    tool: str
    tool_version: str


def router(target: Target) -> str | None:
    """The tool that places and routes a target, None where there is none."""
    return _ROUTERS.get(target.family) if target.nextpnr else None


def find_router(target: Target) -> Tool:
    """The tool of `router`; UnsupportedError where there is none, ToolNotFoundError where it is missing."""
    name = router(target)
    if name is None:
        raise UnsupportedError("place and route", f"target {target.name}", "nextpnr is run for ice40 and ecp5.")
    return find_tool(name)


def place_and_route(netlist: Path, top: str, target: Target, freq_mhz: float = 100.0, seed: int = 1) -> Routing:
    """Place and route a synthesised module between registers, in a scratch folder.

    Parameters
    ----------
    netlist : JSON of yosys for the target's family. top : the module; its clock is the port `clk`.
    freq_mhz : aimed at, in MHz; a lower result is no failure. seed : of the placement.

    Raises
    ------
    UnsupportedError
        If nextpnr does not know the target.
    ConfigError
        If the design does not fit the part.
    ToolNotFoundError, ToolFailedError
        When nextpnr is missing or fails.
    """
    tool = find_router(target)
    name = tool.name
    started = time.monotonic()
    design = json.loads(netlist.read_text())
    ffs, luts = add_harness(design["modules"][top], target.family)
    arguments = [
        *target.nextpnr, "--json", "routed.json", "--report", "report.json", "--seed", str(seed),
        "--freq", f"{freq_mhz:g}", "--timing-allow-fail",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="sctorch-route-") as scratch:
        work = Path(scratch)
        (work / "routed.json").write_text(json.dumps(design))
        try:
            log = run_tool(tool, arguments, cwd=work)
        except ToolFailedError as error:
            _check_fits(error.log, top, target, ffs, luts)
            raise
        clocks, used, available = _read_report(work / "report.json", name, log)
    return Routing(
        fmax_mhz=min(clocks.values()),
        clocks_mhz=clocks,
        used=used,
        available=available,
        harness_ffs=ffs,
        harness_luts=luts,
        freq_mhz=freq_mhz,
        seed=seed,
        command=shlex.join([name, *arguments]),
        seconds=round(time.monotonic() - started, 2),
        tool=name,
        tool_version=tool_version(tool),
    )


def add_harness(module: dict[str, Any], family: str) -> tuple[int, int]:
    """Set registers at the pins of a module (in place) and return how many flip-flops and LUTs they are.

    The module is left with the pins clk, shift_in and fold_out. It is made in the netlist and not in Verilog, so that
    no optimisation can reach from the harness into the design.
    """
    ports = module["ports"]
    (clk,) = ports["clk"]["bits"]
    inputs = [b for name, p in ports.items() if p["direction"] == "input" and name != "clk" for b in p["bits"]]
    # A constant output (a string) has no logic, and nothing to fold.
    outputs = [b for p in ports.values() if p["direction"] == "output" for b in p["bits"] if isinstance(b, int)]
    bits = [b for kind in ("ports", "netnames") for n in module[kind].values() for b in n["bits"] if isinstance(b, int)]
    fresh = iter(range(max(bits) + 1, max(bits) + 3 + 2 * len(outputs)))
    cells = module["cells"]

    shift_in = at = next(fresh)
    for i, bit in enumerate(inputs):
        cells[f"sct_feed{i}"] = _flip_flop(family, clk, at, bit)
        at = bit
    fold: int | str = "0"
    for i, bit in enumerate(outputs):
        mixed, held = next(fresh), next(fresh)
        cells[f"sct_mix{i}"] = _xor(family, bit, fold, mixed)
        cells[f"sct_fold{i}"] = _flip_flop(family, clk, mixed, held)
        fold = held
    module["ports"] = {
        "clk": ports["clk"],
        "shift_in": {"direction": "input", "bits": [shift_in]},
        "fold_out": {"direction": "output", "bits": [fold]},
    }
    return len(inputs) + len(outputs), len(outputs)


def _flip_flop(family: str, clk: int, d: int, q: int) -> dict[str, Any]:
    if family == "ice40":
        return _cell("SB_DFF", {}, {"C": clk, "D": d}, {"Q": q})
    # "1 ": yosys sets a space behind a text that would read as a number.
    parameters = {"GSR": "DISABLED", "CEMUX": "1 ", "CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET"}
    return _cell("TRELLIS_FF", parameters, {"CLK": clk, "DI": d, "LSR": "0"}, {"Q": q})


def _xor(family: str, a: int, b: int | str, out: int) -> dict[str, Any]:
    table = "0110" * 4  # of the first two inputs, whatever the other two are
    if family == "ice40":
        return _cell("SB_LUT4", {"LUT_INIT": table}, {"I0": a, "I1": b, "I2": "0", "I3": "0"}, {"O": out})
    return _cell("LUT4", {"INIT": table}, {"A": a, "B": b, "C": "0", "D": "0"}, {"Z": out})


def _cell(
    kind: str, parameters: Mapping[str, str], inputs: Mapping[str, int | str], outputs: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "hide_name": 0,
        "type": kind,
        "parameters": dict(parameters),
        "attributes": {},
        "port_directions": dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output"),
        "connections": {pin: [net] for pin, net in [*inputs.items(), *outputs.items()]},
    }


def _check_fits(log: str, top: str, target: Target, ffs: int, luts: int) -> None:
    """ConfigError if the log says that more is asked for than there is."""
    over = [
        f"{int(used):,} {kind}, and the part has {int(has):,}"
        for kind, used, has in _USED.findall(log)
        if int(used) > int(has)
    ]
    if over:
        raise ConfigError(
            f"{top!r} does not fit {target.name}: it takes {'; '.join(over)} ({ffs:,} flip-flops and {luts:,} LUTs of "
            "it are the registers at its pins that routing needs). Prune or shrink the network, or take a larger target"
        )


def _read_report(path: Path, name: str, log: str) -> tuple[dict[str, float], dict[str, int], dict[str, int]]:
    """Of nextpnr's report: MHz by clock, cells used and available by kind."""
    try:
        report = json.loads(path.read_text())
        clocks: dict[str, float] = {}
        for net, found in report["fmax"].items():
            # clk$SB_IO_IN_$glb_clk and $glbnet$clk$TRELLIS_IO_IN are the pin clk.
            clock = net.removeprefix("$glbnet$").split("$")[0] or net
            clocks[clock] = min(round(float(found["achieved"]), 3), clocks.get(clock, float("inf")))
        taken = {kind: count for kind, count in report["utilization"].items() if count["used"]}
        used = {kind: int(count["used"]) for kind, count in taken.items()}
        available = {kind: int(count["available"]) for kind, count in taken.items()}
    except (OSError, ValueError, KeyError) as error:
        raise ToolFailedError(f"{name} (its report cannot be read: {error})", log) from error
    if not clocks:
        raise ToolFailedError(f"{name} (its report has no clock)", log)
    return clocks, used, available
