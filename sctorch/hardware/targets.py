"""Targets: what a part holds, read from a data file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sctorch.errors import ConfigError

__all__ = ["ALIASES", "Target", "get_target", "target_names"]

ALIASES = {"ice40": "ice40-hx8k", "ecp5": "ecp5-85k", "artix7": "artix7-100t", "zynq": "zynq-7020"}


@dataclass(frozen=True)
class Target:
    """A part and its totals.

    family : "ice40", "ecp5", "xc7" or "xcup", the family that synthesis maps to. lut_inputs : inputs of one LUT.
    brams : blocks of bram_kbit each. urams : blocks of 288 kbit.
    nextpnr : the flags that name this part to nextpnr; none where nextpnr does not place and route it.
    """

    name: str
    family: str
    part: str
    luts: int
    lut_inputs: int
    ffs: int
    brams: int
    bram_kbit: int
    dsps: int
    urams: int = 0
    nextpnr: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def _targets() -> dict[str, Target]:
    data = json.loads((Path(__file__).parent / "data" / "targets.json").read_text())
    return {
        name: Target(name=name, **fields | {"nextpnr": tuple(fields.get("nextpnr", ()))})
        for name, fields in data.items()
    }


def target_names() -> list[str]:
    """All targets, without aliases."""
    return list(_targets())


def get_target(name: str) -> Target:
    """The target of a name or alias; ConfigError listing the known ones."""
    found = _targets().get(ALIASES.get(name, name))
    if found is None:
        raise ConfigError(f"target {name!r} is unknown; known: {', '.join([*target_names(), *ALIASES])}")
    return found
