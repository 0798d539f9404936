"""What a synthesis means for its network: shares of the part, LUTs per synapse, time per inference."""

from __future__ import annotations

from typing import Any

from sctorch import ir
from sctorch.backends.verilog import VerilogDesign
from sctorch.hardware.targets import get_target
from sctorch.hardware.yosys import Synthesis

__all__ = ["figures", "nonzero_synapses"]

KINDS = ("luts", "ffs", "brams", "dsps", "urams")


def nonzero_synapses(network: ir.Network) -> int:
    """Weights that are not 0, over all layers; biases are none of them."""
    return sum(int((s.weight != 0).sum()) for s in network.synapses)


def figures(design: VerilogDesign, synthesis: Synthesis) -> dict[str, Any]:
    """`Synthesis.to_dict()` and what follows from it, for JSON.

    Beside the counts: `luts_available`, `luts_pct` (and so on) of the target; `luts_per_synapse`, all LUTs of the
    design, encoder, neurons and readout included, over `nonzero_synapses` (None without any); with a clock
    `us_per_inference`, microseconds from one window's start to the next one's.
    """
    part = get_target(synthesis.target)
    found = synthesis.to_dict()
    for kind in KINDS:
        has = getattr(part, kind)
        found[f"{kind}_available"] = has
        found[f"{kind}_pct"] = round(100 * found[kind] / has, 2) if has else None
    synapses = nonzero_synapses(design.network)
    found["luts_per_synapse"] = round(synthesis.luts / synapses, 3) if synapses else None
    mhz = synthesis.fmax_mhz
    found["us_per_inference"] = None if mhz is None else round(design.cycles_per_inference / mhz, 4)
    return found
