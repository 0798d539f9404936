"""The fields of a record: kinds, ranges and units, in one table that the checks, the schema and the docs share."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from sctorch.checks import is_integer
from sctorch.errors import ObservationLoadError

__all__ = ["FIELDS", "REQUIRED", "UNITS", "Field", "checked", "polynomial"]

LARGEST = 10**15  # of an integer; beyond 2**53 a JSON reader elsewhere may round


@dataclass(frozen=True)
class Field:
    """One field. low, high : the range, both ends included. above : `low` itself is left out."""

    name: str
    kind: str  # integer, number, text or flag
    about: str
    low: float = 0.0
    high: float = math.inf
    above: bool = False
    required: bool = False


_TABLE = (
    # What was decided before synthesis.
    Field("mac_count", "integer", "synapses of the layer or network that are not 0", required=True),
    Field("bitstream_length", "integer", "ticks per timestep", low=1, required=True),
    Field("decorrelator", "text", "how the streams of the inputs differ (shared, shift, permute, ...)", required=True),
    Field("precision_bits", "integer", "bits of a weight's magnitude", low=1, high=64, required=True),
    Field("lfsr_polynomial", "text", "such as x^5 + x^3 + 1; none without an LFSR", required=True),
    # What was measured.
    Field("luts_used", "integer", "look-up tables of the kind of lut_kind", required=True),
    Field("latency_cycles", "integer", "clocks from the first input of a run to its last result", required=True),
    Field("accuracy_score", "number", "share of right answers", high=1.0, required=True),
    Field("ffs_used", "integer", "flip-flops"),
    Field("carries_used", "integer", "carry cells"),
    Field("brams_used", "number", "memory blocks of the part's own size; halves are possible on AMD parts"),
    Field("dsps_used", "integer", "multipliers or DSP blocks"),
    Field("urams_used", "integer", "memory blocks of 288 kbit"),
    Field("power_mw", "number", "power in all, mW"),
    Field("static_power_mw", "number", "of that, what the part draws at rest, mW"),
    Field("dynamic_power_mw", "number", "of that, what switching draws, mW"),
    Field("io_power_mw", "number", "of that, what the pins draw where the tool keeps it apart, mW"),
    Field("fmax_mhz", "number", "highest clock of the slowest clock domain, MHz", above=True),
    Field("wns_ns", "number", "worst setup slack, ns; below 0 where timing is missed", low=-math.inf),
    Field("requirement_ns", "number", "what the path of wns_ns was allowed, ns"),
    Field("clock_mhz", "number", "the clock that it runs at, MHz", above=True),
    Field("inferences_per_run", "integer", "inferences that latency_cycles stands for", low=1),
    Field("energy_nj", "number", "per inference, nJ; only with clock_mhz and inferences_per_run"),
    # What it is of.
    Field("name", "text", "of the layer or run"),
    Field("mode", "text", "of the synapses (SC unless said otherwise)"),
    Field("is_critical_path", "flag", "whether the layer is served first"),
    Field("target", "text", "a name that `sctorch targets` lists"),
    Field("device", "text", "the part, as the tool names it"),
    Field("tool", "text", "the tool that counted"),
    Field("tool_version", "text", "its version"),
    Field("stage", "text", "how far the tool had come; 'HLS estimate' is not measured"),
    Field("lut_kind", "text", "what is counted as a LUT: LUT4, LUT6, ALM, ALUT, logic element, logic cell"),
    Field("power_confidence", "text", "of the power figures, in the tool's own words"),
    Field("source", "text", "where the record comes from"),
)
FIELDS: Mapping[str, Field] = {field.name: field for field in _TABLE}
REQUIRED = tuple(field.name for field in _TABLE if field.required)

# Quantities that have a unit in their name, the unit they are kept in, and the others that are understood.
_POWER = {"mw": 1.0, "w": 1e3, "uw": 1e-3}
_FREQUENCY = {"mhz": 1.0, "ghz": 1e3, "khz": 1e-3, "hz": 1e-6}
_TIME = {"ns": 1.0, "ps": 1e-3, "us": 1e3}
UNITS: Mapping[str, Mapping[str, float]] = {
    "power": _POWER, "static_power": _POWER, "dynamic_power": _POWER, "io_power": _POWER,
    "energy": {"nj": 1.0, "pj": 1e-3, "uj": 1e3, "mj": 1e6},
    "fmax": _FREQUENCY, "clock": _FREQUENCY, "wns": _TIME, "requirement": _TIME,
}  # fmt: skip

_TERM = re.compile(r"x(?:\^?([0-9]{1,9}))?\Z")


def checked(field: Field, value: Any, where: str) -> Any:
    """The value, or ObservationLoadError that names the field, the value and what is allowed."""
    what = f"{where}: {field.name} = {value!r}"
    if field.kind == "flag":
        if not isinstance(value, bool):
            raise ObservationLoadError(f"{what} must be true or false")
        return value
    if field.kind == "text":
        if not isinstance(value, str) or not value.strip():
            raise ObservationLoadError(f"{what} must be a text, and not empty")
        return polynomial(value, where) if field.name == "lfsr_polynomial" else value.strip()
    if field.kind == "integer":
        if not is_integer(value):
            raise ObservationLoadError(f"{what} must be an integer, without a fraction")
        low, high = int(field.low), int(min(field.high, LARGEST))
        if not low <= value <= high:
            raise ObservationLoadError(f"{what} is outside {low} to {high}")
        return int(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ObservationLoadError(f"{what} must be a number")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise ObservationLoadError(f"{what} must be finite")
    if found < field.low or found > field.high or (field.above and found == field.low):
        raise ObservationLoadError(f"{what} must be {_allowed(field)}")
    return found


def _allowed(field: Field) -> str:
    low = f"{'above' if field.above else 'at least'} {field.low:g}"
    return low if field.high == math.inf else f"{field.low:g} to {field.high:g}"


def polynomial(text: str, where: str) -> str:
    """A polynomial as `StreamSource.polynomial` writes it, so that two spellings are equal; "none" without one."""
    terms = [term.strip() for term in text.replace("**", "^").split("+")]
    if text.strip().lower() == "none":
        return "none"
    matches = [_TERM.match(term) for term in terms[:-1]]
    if terms[-1] != "1" or not matches or not all(matches):
        raise ObservationLoadError(
            f"{where}: lfsr_polynomial = {text!r:.99} must be a sum of powers of x and 1, such as 'x^5 + x^3 + 1', or "
            "'none'"
        )
    exponents = sorted({int(match[1] or 1) for match in matches if match}, reverse=True)
    if len(exponents) != len(matches) or exponents[-1] < 1:
        raise ObservationLoadError(f"{where}: lfsr_polynomial = {text!r} has a power twice, or x^0 beside 1")
    return " + ".join(f"x^{e}" for e in exponents) + " + 1"
