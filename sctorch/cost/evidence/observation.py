"""One observation: what was decided for a layer or network, and what real tools then said of it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sctorch.cost.evidence.fields import FIELDS, REQUIRED, UNITS, checked
from sctorch.cost.evidence.reports.hls import STAGE as ESTIMATED
from sctorch.errors import ObservationLoadError

__all__ = ["Observation", "normalised"]


@dataclass(frozen=True)
class Observation:
    """A record that has passed every check. What was not measured is None.

    The fields are those of the table in `docs/evidence.md`. energy_nj is per inference: power * latency_cycles /
    clock_mhz / inferences_per_run (mW times us), and None unless both the clock and the inferences are known.
    extra : what else the record held, as it was.
    """

    mac_count: int
    bitstream_length: int
    decorrelator: str
    precision_bits: int
    lfsr_polynomial: str
    luts_used: int
    latency_cycles: int
    accuracy_score: float
    ffs_used: int | None = None
    carries_used: int | None = None
    brams_used: float | None = None
    dsps_used: int | None = None
    urams_used: int | None = None
    power_mw: float | None = None
    static_power_mw: float | None = None
    dynamic_power_mw: float | None = None
    io_power_mw: float | None = None
    fmax_mhz: float | None = None
    wns_ns: float | None = None
    requirement_ns: float | None = None
    clock_mhz: float | None = None
    inferences_per_run: int | None = None
    energy_nj: float | None = None
    name: str | None = None
    mode: str = "SC"
    is_critical_path: bool = False
    target: str | None = None
    device: str | None = None
    tool: str | None = None
    tool_version: str | None = None
    stage: str | None = None
    lut_kind: str | None = None
    power_confidence: str | None = None
    source: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def estimated(self) -> bool:
        """Whether counts, clock and latency are a tool's estimate before logic synthesis, and no measurement.

        Estimated and measured figures in one record are refused where reports become one.
        """
        return self.stage == ESTIMATED

    def energy(self, power_mw: float | None) -> float | None:
        """Energy per inference of a share of the power, nJ; None unless clock and inferences are known."""
        if power_mw is None or self.clock_mhz is None or self.inferences_per_run is None:
            return None
        return power_mw * self.latency_cycles / self.clock_mhz / self.inferences_per_run

    @property
    def static_energy_nj(self) -> float | None:
        """Of energy_nj, what the part draws at rest while it runs."""
        return self.energy(self.static_power_mw)

    @property
    def dynamic_energy_nj(self) -> float | None:
        """Of energy_nj, what switching draws."""
        return self.energy(self.dynamic_power_mw)

    @classmethod
    def from_record(cls, record: Mapping[str, Any], where: str) -> Observation:
        """Of a record whose names are normalised already; ObservationLoadError names what is wrong with which field."""
        missing = [name for name in REQUIRED if name not in record]
        if missing:
            raise ObservationLoadError(_missing(missing, record, where))
        values: dict[str, Any] = {n: checked(FIELDS[n], v, where) for n, v in record.items() if n in FIELDS}
        extra = {name: value for name, value in record.items() if name not in FIELDS}
        observation = cls(**values, extra=extra)
        _check_power(observation, where)
        return _with_energy(observation, values, extra, where)

    def to_record(self) -> dict[str, Any]:
        """The record again, without what was not measured."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "extra"}
        return {**{name: value for name, value in own.items() if value is not None}, **self.extra}


def _missing(missing: list[str], record: Mapping[str, Any], where: str) -> str:
    hints = []
    for name in missing:
        stem = name.partition("_")[0]
        near = [n for n in (name.removesuffix("_used"), stem) if n in record and n not in FIELDS]
        near += difflib.get_close_matches(name, [n for n in record if n not in FIELDS], 1, 0.6)
        if near:
            hints.append(f"{near[0]!r} is no field, {name!r} is")
    hint = f" ({'; '.join(hints)})" if hints else ""
    return f"{where}: {', '.join(missing)} missing{hint}; required: {', '.join(REQUIRED)}"


def _check_power(observation: Observation, where: str) -> None:
    parts = [observation.static_power_mw, observation.dynamic_power_mw, observation.io_power_mw]
    known = sum(part for part in parts if part is not None)
    if observation.power_mw is not None and known > 1.01 * observation.power_mw + 0.05:
        raise ObservationLoadError(
            f"{where}: power_mw = {observation.power_mw:g} is less than its parts, {known:g}; it is the sum of static, "
            "dynamic and io"
        )


def _with_energy(observation: Observation, values: dict[str, Any], extra: dict[str, Any], where: str) -> Observation:
    """With the energy worked out, or the given one compared with it."""
    given = observation.energy_nj
    if given is not None and (observation.clock_mhz is None or observation.inferences_per_run is None):
        raise ObservationLoadError(
            f"{where}: energy_nj = {given:g} without clock_mhz and inferences_per_run cannot be followed; give both, "
            "or leave it out"
        )
    energy = observation.energy(observation.power_mw)
    if energy is None:
        return observation
    if given is not None and not math.isclose(given, energy, rel_tol=0.01, abs_tol=1e-9):
        raise ObservationLoadError(
            f"{where}: energy_nj = {given:g}, and power_mw * latency_cycles / clock_mhz / inferences_per_run is "
            f"{energy:g}"
        )
    return Observation(**{**values, "energy_nj": energy}, extra=extra)


def normalised(record: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The record with every quantity under the name with our unit.

    A quantity is named with its unit (power_w), or is an object of value and unit (power of value 3 and unit "mW").
    An unknown unit is refused, and so is a name that is nearly one of ours; other names are kept as they are.
    """
    found: dict[str, Any] = {}
    for name, value in record.items():
        if not isinstance(name, str):
            raise ObservationLoadError(f"{where}: the name {name!r} must be a text")
        new, scaled = _scaled(name, value, where)
        if new in found:
            raise ObservationLoadError(f"{where}: {new} is given twice, the second time as {name!r}")
        found[new] = scaled
    return found


def _scaled(name: str, value: Any, where: str) -> tuple[str, Any]:
    stem, _, unit = name.rpartition("_")
    if name in FIELDS:
        return name, value
    if name in UNITS:
        if not isinstance(value, Mapping) or set(value) != {"value", "unit"} or not isinstance(value["unit"], str):
            ours = next(iter(UNITS[name]))
            raise ObservationLoadError(
                f"{where}: {name} = {value!r} has no unit; call it {name}_{ours}, or give value and unit"
            )
        stem, unit, value = name, value["unit"].strip().lower(), value["value"]
    if stem in UNITS and len(unit) <= 3:  # power_kw, and not power_report
        if unit not in UNITS[stem]:
            known = ", ".join(f"{stem}_{u}" for u in UNITS[stem])
            raise ObservationLoadError(f"{where}: {name} has the unknown unit {unit!r}; known: {known}")
        ours = next(iter(UNITS[stem]))
        field = FIELDS[f"{stem}_{ours}"]
        return field.name, checked(field, value, f"{where}, {name}") * UNITS[stem][unit]
    near = difflib.get_close_matches(name.lower(), FIELDS, 1, 0.85)
    if near:
        raise ObservationLoadError(f"{where}: {name!r} is no field; did you mean {near[0]!r}?")
    return name, value
