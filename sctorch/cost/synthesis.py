"""Measured cost: the exported files through real synthesis."""

from __future__ import annotations

from sctorch.backends import Design
from sctorch.backends.verilog import VerilogDesign
from sctorch.checks import check_instance
from sctorch.errors import UnsupportedError
from sctorch.hardware.targets import get_target
from sctorch.hardware.yosys import Synthesis, run_yosys

__all__ = ["synthesize"]


def synthesize(design: Design, target: str = "ice40-hx8k") -> Synthesis:
    """Synthesise an exported design and count what it takes.

    Parameters
    ----------
    design : a design of the verilog backend.
    target : a name or alias of `sctorch.hardware.targets`.

    Raises
    ------
    ConfigError
        For an unknown target, or a design whose files are no longer there.
    ToolNotFoundError, ToolFailedError
        When yosys is missing or fails.
    """
    check_instance(design, Design, "synthesize: design", "an exported design")
    part = get_target(target)
    if not isinstance(design, VerilogDesign):
        raise UnsupportedError(
            f"synthesis of what the {design.backend} backend makes", "cost.synthesize", "Export with backend='verilog'."
        )
    return run_yosys(design.folder, design.network.name, design.sources, part)
