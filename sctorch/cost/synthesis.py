"""Measured cost: the exported files through real synthesis."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from sctorch.backends import Design
from sctorch.backends.verilog import VerilogDesign
from sctorch.checks import check_flag, check_instance, check_number, check_range
from sctorch.errors import UnsupportedError
from sctorch.hardware.nextpnr import find_router, place_and_route
from sctorch.hardware.targets import get_target
from sctorch.hardware.yosys import Synthesis, run_yosys

__all__ = ["synthesize"]


def synthesize(
    design: Design, target: str = "ice40-hx8k", route: bool = False, freq_mhz: float = 100.0, seed: int = 1
) -> Synthesis:
    """Synthesise an exported design with yosys and count what it takes; measure its clock with nextpnr if asked.

    The clock is that of the design between registers at all its pins, which routing adds since no package has as many
    pins as a design has port bits; `Synthesis.routing` says how many they are. The counts are the design's alone.

    Parameters
    ----------
    design : a design of the verilog backend.
    target : a name or alias of `sctorch.hardware.targets`.
    route : place and route as well (ice40 and ecp5). Some ten times slower than synthesis alone.
    freq_mhz : what the router aims at, in MHz. seed : of the placement, 0 or more.

    Returns
    -------
    Synthesis
        With `to_dict()` for JSON. `fmax_mhz` and `routing` are None without `route`.

    Raises
    ------
    ConfigError
        For an unknown target, a design whose files are no longer there, or one to be routed that does not fit.
    UnsupportedError
        For a design of another backend, or routing for a target that nextpnr does not know.
    ToolNotFoundError, ToolFailedError
        When yosys or nextpnr is missing or fails.
    """
    check_instance(design, Design, "synthesize: design", "an exported design")
    part = get_target(target)
    if not isinstance(design, VerilogDesign):
        raise UnsupportedError(
            f"synthesis of what the {design.backend} backend makes", "cost.synthesize", "Export with backend='verilog'."
        )
    check_flag(route, "synthesize: route")
    freq_mhz = check_number(freq_mhz, 0, 10_000, "synthesize: freq_mhz", low_out=True)
    seed = check_range(seed, 0, 2**31 - 1, "synthesize: seed")
    top = design.top
    if not route:
        return run_yosys(design.folder, top, design.sources, part)
    find_router(part)  # what cannot be routed is refused before yosys works for nothing
    with tempfile.TemporaryDirectory(prefix="sctorch-netlist-") as scratch:
        netlist = Path(scratch) / "netlist.json"
        counted = run_yosys(design.folder, top, design.sources, part, netlist)
        routing = place_and_route(netlist, top, part, freq_mhz, seed)
    return replace(counted, fmax_mhz=routing.fmax_mhz, routing=routing)
