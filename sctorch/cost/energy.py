"""Energy of an inference: how often a design's registers toggle on real data, times what a target's toggles cost.

A trace holds every register's value that means something (encoder bits, currents, membranes, spikes, scores); between
them lie LUTs, whose toggles no trace shows. They are taken to toggle as often as the registers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sctorch import ir
from sctorch.checks import check_choice, check_instance, check_number
from sctorch.errors import ConfigError
from sctorch.hardware.targets import ENERGY, Target

__all__ = ["Activity", "Energy", "energy_of", "switching_activity"]


@dataclass(frozen=True)
class Activity:
    """Toggles of a network's registers, by layer, over some windows.

    toggles : of all bits of a layer's signals, per inference. registers : their bits. ticks : of one inference.
    """

    toggles: Mapping[str, float]
    registers: Mapping[str, int]
    ticks: int
    windows: int

    @property
    def per_tick(self) -> float:
        """Toggles of a register bit in a tick, on average over all layers."""
        return sum(self.toggles.values()) / max(1, sum(self.registers.values()) * self.ticks)


@dataclass(frozen=True)
class Energy:
    """nJ of one inference. static_nj : at rest while it lasts. clock_nj : of the clock network. switching_nj : of
    toggles. unknown : the coefficients that are missing; what needs them is None."""

    static_nj: float | None
    clock_nj: float | None
    switching_nj: float | None
    bram_nj: float | None
    unknown: tuple[str, ...]

    @property
    def total_nj(self) -> float | None:
        """All of it; None as soon as a part is not known."""
        parts = (self.static_nj, self.clock_nj, self.switching_nj, self.bram_nj)
        return None if any(part is None for part in parts) else float(sum(part or 0.0 for part in parts))


def switching_activity(network: ir.Network, x: np.ndarray) -> Activity:
    """Toggles of a network on data, counted in the traces of the reference simulator.

    Every signal that a layer holds is taken as a register of as many bits as its values need, in two's complement, and
    a toggle is a bit that differs between two successive timesteps (of an encoder: ticks) of a window.

    Parameters
    ----------
    x : as for `ir.simulate`, at least one window.
    """
    check_instance(network, ir.Network, "switching_activity: network", "an integer network")
    trace = ir.simulate(network, x)
    names = {layer.name for layer in network.layers}
    toggles: dict[str, float] = {}
    registers: dict[str, int] = {}
    windows = 0
    for key, values in trace.items():
        layer = key.split(".")[0]
        if layer not in names or values.shape[0] < 1:
            continue
        windows = values.shape[1]
        if windows < 1:
            raise ConfigError("switching_activity: x holds no window; give at least one")
        low, high = int(values.min()), int(values.max())
        bits = ir.signed_width(low, high) if low < 0 else ir.unsigned_width(high)
        flipped = (values[1:] ^ values[:-1]) & ((1 << bits) - 1)
        count = sum(int((flipped >> place & 1).sum()) for place in range(bits))
        toggles[layer] = toggles.get(layer, 0.0) + count / windows
        registers[layer] = registers.get(layer, 0) + bits * int(np.prod(values.shape[2:]))
    return Activity(toggles, registers, network.num_steps * network.ticks_per_step, windows)


def energy_of(
    target: Target,
    cells: float,
    cycles: int,
    clock_mhz: float,
    activity: Activity | None,
    given: Mapping[str, float] | None = None,
    brams: float = 0,
) -> Energy:
    """Energy of one inference from coefficients that have a source, or that are given.

    Parameters
    ----------
    cells : LUTs and flip-flops, each with an output that toggles. cycles : clocks of an inference.
    clock_mhz : its clock. activity : of `switching_activity`; None where no data is at hand.
    given : coefficients by name (`targets.ENERGY`), in their units, which go before the target's own.
    brams : blocks, each taken to be accessed in every clock.
    """
    known = {coefficient.name: coefficient.value for coefficient in target.energy}
    for name, value in (given or {}).items():
        check_choice(name, ENERGY, "energy coefficient")
        known[name] = check_number(value, 0, float("inf"), f"energy coefficient {name}")
    clock_mhz = check_number(clock_mhz, 0, 10_000, "clock_mhz", low_out=True)
    missing = tuple(name for name in ENERGY if name not in known and (name != "bram_pj" or brams))
    static = known["static_mw"] * cycles / clock_mhz if "static_mw" in known else None  # mW times us
    clock = known["clock_pj"] * cycles / 1000 if "clock_pj" in known else None
    switching = None
    if "toggle_pj" in known and activity is not None:
        switching = activity.per_tick * activity.ticks * cells * known["toggle_pj"] / 1000
    bram = known["bram_pj"] * brams * cycles / 1000 if "bram_pj" in known else 0.0 if not brams else None
    return Energy(static, clock, switching, bram, missing + (("activity",) if activity is None else ()))
