"""Finding the records of a payload, and reading files of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from sctorch.checks import check_path
from sctorch.cost.evidence.fields import FIELDS
from sctorch.cost.evidence.observation import Observation, normalised
from sctorch.cost.evidence.reports.text import load_json
from sctorch.errors import ObservationLoadError

__all__ = ["CONTAINERS", "SCHEMA", "load_observations", "observations_from_payload"]

SCHEMA = "sctorch-observations/1"
CONTAINERS = ("observations", "benchmark_observations", "layers", "runs", "results")
_DEEPEST = 8  # containers within containers


def load_observations(path: str | PathLike[str]) -> tuple[Observation, ...]:
    """The observations of a JSON file; see `observations_from_payload`.

    Raises
    ------
    ObservationLoadError
        If the file cannot be read or is no JSON, or for a record that does not pass.
    """
    check_path(path, "load_observations: path")
    return observations_from_payload(load_json(Path(path)), str(path))


def observations_from_payload(payload: Any, source: str = "payload") -> tuple[Observation, ...]:
    """The observations of what a JSON file holds, every one checked.

    Parameters
    ----------
    payload : a record, a list of records, or an object with records under one of `observations`,
        `benchmark_observations`, `layers`, `runs` and `results`: a list, one record, or records by name. What stands
        beside them, or under `defaults`, counts for all of them; a record's own field comes first. A record may hold
        records again.
    source : what errors call it.

    Raises
    ------
    ObservationLoadError
        With the place of the record, the field, its value and what is allowed.
    """
    found = tuple(_observations(payload, {}, source, 0))
    if not found:
        raise ObservationLoadError(f"{source}: no records; looked for a list, one object, or {', '.join(CONTAINERS)}")
    return found


def _observations(data: Any, defaults: Mapping[str, Any], where: str, depth: int) -> Iterator[Observation]:
    if depth > _DEEPEST:
        raise ObservationLoadError(f"{where}: records within records, more than {_DEEPEST} deep")
    if isinstance(data, list | tuple):
        for at, item in enumerate(data):
            if not isinstance(item, Mapping):
                raise ObservationLoadError(f"{where}[{at}]: {type(item).__name__} where a record must be")
            yield from _observations(item, defaults, f"{where}[{at}]", depth + 1)
        return
    if not isinstance(data, Mapping):
        raise ObservationLoadError(f"{where}: {type(data).__name__} where a record or a list of records must be")
    held = [name for name in CONTAINERS if isinstance(data.get(name), list | tuple | Mapping)]
    if len(held) > 1:
        raise ObservationLoadError(f"{where}: records under {' and '.join(held)}; keep them under one of them")
    own = _own(data, held, where)
    if not held:
        yield Observation.from_record({**defaults, **own}, where)
        return
    shared = {**defaults, **{name: value for name, value in own.items() if name in FIELDS}}
    inner = data[held[0]]
    if not inner:
        return
    if isinstance(inner, Mapping) and inner and all(isinstance(value, Mapping) for value in inner.values()):
        for name, record in inner.items():
            yield from _observations(record, {**shared, "name": name}, f"{where}.{held[0]}.{name}", depth + 1)
        return
    yield from _observations(inner, shared, f"{where}.{held[0]}", depth + 1)


def _own(data: Mapping[str, Any], held: list[str], where: str) -> dict[str, Any]:
    """The fields of an object itself: those beside its records, and those under `defaults`."""
    beside = {name: value for name, value in data.items() if name not in (*held, "defaults", "schema")}
    schema = data.get("schema", SCHEMA)
    if schema != SCHEMA:
        raise ObservationLoadError(f"{where}: schema = {schema!r} is unknown; known: {SCHEMA}")
    defaults = data.get("defaults", {})
    if not isinstance(defaults, Mapping):
        raise ObservationLoadError(f"{where}.defaults: {type(defaults).__name__} where an object must be")
    return {**normalised(defaults, f"{where}.defaults"), **normalised(beside, where)}
