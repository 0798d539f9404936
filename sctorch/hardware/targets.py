"""Targets: what a part holds, read from data files. The one door to them; other packages add theirs by entry points."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from os import PathLike
from pathlib import Path
from typing import Any

from sctorch.checks import check_choice, check_number, check_range, check_texts
from sctorch.errors import ConfigError

__all__ = [
    "ENERGY",
    "FAMILIES",
    "GROUP",
    "Coefficient",
    "Target",
    "all_targets",
    "get_target",
    "target_aliases",
    "target_names",
]

GROUP = "sctorch.targets"  # of entry points
FAMILIES = ("ice40", "ecp5", "xc7", "xcup")
# Energy coefficients that a target may have.
ENERGY = {
    "static_mw": "power at rest, mW",
    "clock_pj": "energy of the clock network in each clock, pJ",
    "toggle_pj": "energy of one toggle of a cell's output, its wires included, pJ",
    "bram_pj": "energy of one access to a block RAM, pJ",
}


@dataclass(frozen=True)
class Coefficient:
    """An energy coefficient: its name in `ENERGY`, its value there, who says so, and how it follows from that."""

    name: str
    value: float
    source: str
    how: str = ""


@dataclass(frozen=True)
class Target:
    """A part and its totals.

    family : of `FAMILIES`, what synthesis maps to. part : as the vendor names it. lut_inputs : inputs of one LUT.
    brams : blocks of bram_kbit each. urams : blocks of 288 kbit. sprams : blocks of 256 kbit.
    nextpnr : the flags that name this part to nextpnr; none where nextpnr does not place and route it.
    aliases : other names. tools : what measures designs on it.
    clock_mhz : a typical clock and clock_source whose it is; None where none is typical.
    data_sheet : where the totals come from. energy : coefficients that have a source; those that are not there are not
    known. package : who brought the target.
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
    sprams: int = 0
    nextpnr: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    tools: tuple[str, ...] = ("yosys",)
    clock_mhz: float | None = None
    clock_source: str = ""
    data_sheet: str = ""
    energy: tuple[Coefficient, ...] = ()
    package: str = "sctorch"

    @property
    def missing_energy(self) -> tuple[str, ...]:
        """The coefficients for which no source is on record."""
        known = {coefficient.name for coefficient in self.energy}
        return tuple(name for name in ENERGY if name not in known)


_COUNTS = {"luts": 1, "lut_inputs": 2, "ffs": 1, "brams": 0, "bram_kbit": 0, "dsps": 0, "urams": 0, "sprams": 0}
_TEXTS = ("part", "clock_source", "data_sheet")
_LISTS = ("nextpnr", "aliases", "tools")
_REQUIRED = ("family", "part", "luts", "lut_inputs", "ffs", "brams", "bram_kbit", "dsps")


def _target(name: str, data: Any, package: str) -> Target:
    """A target of its fields, every one checked."""
    where = f"target {name!r} of {package}"
    if not isinstance(name, str) or not name or not isinstance(data, Mapping):
        raise ConfigError(f"{where}: {data!r} must be an object of fields, under a name")
    known = {field.name for field in fields(Target)} - {"name", "package"}
    for key in data:
        if key not in known:
            raise ConfigError(f"{where}: {key!r} is no field; known: {', '.join(sorted(known))}")
    missing = [key for key in _REQUIRED if key not in data]
    if missing:
        raise ConfigError(f"{where}: {', '.join(missing)} missing")
    found: dict[str, Any] = {"family": check_choice(data["family"], FAMILIES, f"{where}: family")}
    found |= {key: check_range(data[key], low, None, f"{where}: {key}") for key, low in _COUNTS.items() if key in data}
    for key in _TEXTS:
        if not isinstance(data.get(key, ""), str):
            raise ConfigError(f"{where}: {key} = {data[key]!r} must be a text")
    found |= {key: data[key] for key in _TEXTS if key in data}
    found |= {key: check_texts(data[key], f"{where}: {key}") for key in _LISTS if key in data}
    if "clock_mhz" in data:
        found["clock_mhz"] = check_number(data["clock_mhz"], 0, 10_000, f"{where}: clock_mhz", low_out=True)
    return Target(name=name, package=package, energy=_energy(data.get("energy", {}), where), **found)


def _energy(data: Any, where: str) -> tuple[Coefficient, ...]:
    if not isinstance(data, Mapping):
        raise ConfigError(f"{where}: energy = {data!r} must be an object of coefficients")
    found = []
    for name, of in data.items():
        check_choice(name, ENERGY, f"{where}: energy")
        if not isinstance(of, Mapping) or set(of) - {"value", "source", "how"} or not str(of.get("source", "")).strip():
            raise ConfigError(f"{where}: energy {name} = {of!r} must have a value and a source, and may have how")
        value = check_number(of.get("value"), 0, float("inf"), f"{where}: energy {name}")
        found.append(Coefficient(name, value, str(of["source"]), str(of.get("how", ""))))
    return tuple(found)


@lru_cache(maxsize=1)
def _own() -> dict[str, Target]:
    data = json.loads((Path(__file__).parent / "data" / "targets.json").read_text())
    return {name: _target(name, of, "sctorch") for name, of in data.items()}


@lru_cache(maxsize=1)
def _added() -> dict[str, Target]:
    """The targets that other packages bring: an entry point gives {name: fields}, or the path of a JSON file of it."""
    found: dict[str, Target] = {}
    taken = {name for target in _own().values() for name in (target.name, *target.aliases)}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        package = f"entry point {point.name!r} ({point.value})"
        for name, of in _loaded(point, package).items():
            target = _target(name, of, package)
            for used in (target.name, *target.aliases):
                if used in taken:
                    raise ConfigError(f"target {name!r} of {package}: the name {used!r} is taken; choose another")
                taken.add(used)
            found[name] = target
    return found


def _loaded(point: EntryPoint, package: str) -> Mapping[str, Any]:
    try:
        data = point.load()
        if isinstance(data, str | PathLike):
            data = json.loads(Path(data).read_text(encoding="utf-8"))
    except Exception as error:  # whatever the code of another package raises
        what = f"{type(error).__name__}: {error}"
        raise ConfigError(f"{package} cannot be loaded: {what}; remove or mend it") from error
    if not isinstance(data, Mapping):
        what = type(data).__name__
        raise ConfigError(f"{package} gives {what}, where targets by name, or the path of a file of them, must be")
    return data


def all_targets() -> list[Target]:
    """All targets, those of other packages last."""
    return [*_own().values(), *_added().values()]


def target_names() -> list[str]:
    """The names of all targets, without aliases."""
    return [target.name for target in all_targets()]


def target_aliases() -> dict[str, str]:
    """Alias -> name."""
    return {alias: target.name for target in all_targets() for alias in target.aliases}


def get_target(name: str) -> Target:
    """The target of a name or alias; ConfigError with the nearest and all known ones.

    Packages that bring targets are asked only for a name that is none of our own.
    """
    for targets in (_own, _added):
        for target in targets().values():
            if name == target.name or name in target.aliases:
                return target
    known = [*target_names(), *target_aliases()]
    raise ConfigError(f"target {name!r} is unknown{_nearest(name, known)}; known: {', '.join(known)}")


def _nearest(name: object, known: list[str]) -> str:
    """What may have been meant: a name or alias that is nearly this one, or the target of a vendor's part."""
    if not isinstance(name, str):
        return ""
    plain = name.lower().replace("_", "-").replace(" ", "-").strip("-")
    parts = {target.part.lower(): target.name for target in all_targets()}
    of_part = [
        target for part, target in parts.items() if len(plain) >= 4 and (part.startswith(plain) or plain in part)
    ]
    near = [n for n in known if n == plain] or of_part or difflib.get_close_matches(plain, [*known, *parts], 3, 0.6)
    meant = list(dict.fromkeys(parts.get(n, n) for n in near))[:3]
    return f"; did you mean {' or '.join(map(repr, meant))}?" if meant else ""
