"""The JSON schema of observations, made from the table of fields."""

from __future__ import annotations

import math
from typing import Any

from sctorch.cost.evidence.fields import FIELDS, LARGEST, REQUIRED, Field
from sctorch.cost.evidence.records import CONTAINERS, SCHEMA

__all__ = ["observation_schema"]

_KINDS = {"integer": "integer", "number": "number", "text": "string", "flag": "boolean"}


def _property(field: Field) -> dict[str, Any]:
    found: dict[str, Any] = {"type": _KINDS[field.kind], "description": field.about}
    if field.kind == "text":
        found["minLength"] = 1
    if field.kind in ("integer", "number"):
        whole = field.kind == "integer"
        if field.low > -math.inf:
            found["exclusiveMinimum" if field.above else "minimum"] = int(field.low) if whole else field.low
        if whole or field.high < math.inf:
            found["maximum"] = int(min(field.high, LARGEST)) if whole else field.high
    return found


def observation_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a file that `load_observations` takes.

    It describes the names with our own units. That an energy goes with clock and inferences it says; what it cannot say
    (that defaults and a record together are complete, that the parts of the power add up) the loader checks.
    """
    fields = {"$ref": "#/$defs/fields"}
    inner = {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/part"}}, {"type": "object"}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        "description": "What was decided for stochastic layers or networks, and what real tools then said of them.",
        "anyOf": [
            {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/part"}},
            {"$ref": "#/$defs/observation"},
            {"$ref": "#/$defs/holder"},
        ],
        "$defs": {
            "fields": {
                "type": "object",
                "properties": {name: _property(field) for name, field in FIELDS.items()},
                "dependentRequired": {"energy_nj": ["clock_mhz", "inferences_per_run"]},
            },
            "observation": {"allOf": [fields], "required": list(REQUIRED)},
            "part": {"anyOf": [fields, {"$ref": "#/$defs/holder"}]},
            "holder": {
                "allOf": [fields],
                "properties": {"schema": {"const": SCHEMA}, "defaults": fields} | dict.fromkeys(CONTAINERS, inner),
                "oneOf": [{"required": [name]} for name in CONTAINERS],
            },
        },
    }
