"""From the reports of one synthesis to an observation, and to the file that keeps it."""

from __future__ import annotations

import difflib
import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

from sctorch import ir
from sctorch.backends.design import read_description
from sctorch.checks import check_path
from sctorch.cost.evidence.observation import Observation, normalised
from sctorch.cost.evidence.records import SCHEMA, observations_from_payload
from sctorch.cost.evidence.reports import Report, read_report
from sctorch.cost.evidence.reports.hls import STAGE as ESTIMATED
from sctorch.cost.evidence.reports.text import load_json
from sctorch.errors import ConfigError, ObservationLoadError
from sctorch.hardware.targets import get_target

__all__ = ["build_payload_from_reports", "load_design", "load_synthesis_observation", "write_payload"]

Paths = str | PathLike[str]
KINDS = ("utilisation", "power", "timing")


def load_design(path: Paths) -> dict[str, Any]:
    """What was decided before synthesis: the fields of a JSON object, or of an exported design.

    Parameters
    ----------
    path : a JSON file with `mac_count`, `bitstream_length`, `decorrelator`, `precision_bits` and `lfsr_polynomial`, and
        others of a record if one likes; or the folder of an exported design, whose layers must agree on them.

    Raises
    ------
    ObservationLoadError
        If it cannot be read, or its layers differ.
    """
    check_path(path, "design")
    path = Path(path)
    if not path.is_dir():
        data = load_json(path)
        if not isinstance(data, dict):
            raise ObservationLoadError(f"{path}: {type(data).__name__} where one object must be")
        if "network_sha256" not in data:
            return data
        path = path.parent  # the design.json of an exported design
    try:
        network, description = read_description(path)
    except ConfigError as error:
        raise ObservationLoadError(str(error)) from error
    layers = [s for s in network.synapses if isinstance(s, ir.StochasticSynapse)]
    if not layers:
        raise ObservationLoadError(f"{path}: no layer has stochastic synapses; give the settings as a JSON file")
    found: dict[str, Any] = {
        "name": network.name,
        "mac_count": sum(int((s.weight != 0).sum()) for s in network.synapses),
    }
    if description.get("target"):
        found["target"] = description["target"]
    settings: dict[str, list[int] | list[str]] = {
        "bitstream_length": [s.bitstream_length for s in layers],
        "precision_bits": [s.weight_bits for s in layers],
        "decorrelator": [s.source.decorrelator for s in layers],
        "lfsr_polynomial": [s.source.polynomial if s.source.kind == "lfsr" else "none" for s in layers],
    }
    for key, values in settings.items():
        if len(set(values)) > 1:
            each = ", ".join(f"{s.name} {v}" for s, v in zip(layers, values, strict=True))
            raise ObservationLoadError(f"{path}: the layers differ in {key} ({each}); give the settings as a JSON file")
        found[key] = values[0]
    return found


def load_synthesis_observation(
    report_paths: Mapping[str, Paths],
    *,
    design: Mapping[str, Any],
    accuracy_score: float,
    latency_cycles: int | None = None,
    clock_mhz: float | None = None,
    inferences_per_run: int | None = None,
) -> Observation:
    """One observation from the reports of a synthesis.

    Parameters
    ----------
    report_paths : by kind: `utilisation` (needed), `power`, `timing`; any tool that `read_report` knows.
    design : what was decided before, see `load_design`. No report knows it.
    accuracy_score : measured, 0 to 1.
    latency_cycles : of one run, clocks; by default that of `design`, or else of an HLS report.
    clock_mhz, inferences_per_run : the clock that it runs at and the inferences of a run; energy is given with both.

    Raises
    ------
    ObservationLoadError
        For a report that does not fit its kind, reports of different designs or parts, estimated figures beside
        measured ones, or a field that does not pass.
    """
    for name, given_as in (("design", design), ("report_paths", report_paths)):
        if not isinstance(given_as, Mapping):
            raise ObservationLoadError(f"{name}: {type(given_as).__name__} where an object must be")
    record, evidence = _measured(report_paths)
    own = normalised(design, "design")
    if "accuracy_score" in own:
        raise ObservationLoadError("design: accuracy_score is given apart; leave it out")
    measured = sorted(set(own) & (set(record) - {"latency_cycles", "device"}))
    if measured:
        raise ObservationLoadError(f"design: {', '.join(measured)} come from the reports; leave them out")
    if isinstance(own.get("device"), str) and not _same_device(own["device"], record.get("device", own["device"])):
        raise ObservationLoadError(f"design: device {own['device']!r}, and the reports are of {record['device']!r}")
    given = {"latency_cycles": latency_cycles, "clock_mhz": clock_mhz, "inferences_per_run": inferences_per_run}
    record = {**record, **own, **{name: value for name, value in given.items() if value is not None}}
    record["accuracy_score"] = accuracy_score
    if isinstance(record.get("target"), str):
        record["target"] = _target(record["target"], evidence)
    if {"clock_mhz", "inferences_per_run"} <= record.keys() and not {"power_mw", "energy_nj"} & record.keys():
        raise ObservationLoadError(
            "clock_mhz and inferences_per_run give an energy, and there is no power report; give one, or leave one out"
        )
    where = f"{', '.join(str(path) for path in report_paths.values())} with the design"
    return Observation.from_record({**record, "evidence": evidence}, where)


def _target(name: str, evidence: Mapping[str, Mapping[str, Any]]) -> str:
    """The target's own name; refuses one that is not the part that the reports name."""
    try:
        target = get_target(name)
    except ConfigError as error:
        raise ObservationLoadError(f"design: {error}") from error
    family = "AMD" if target.family.startswith("xc") else target.family
    for kind, origin in evidence.items():
        if origin.get("family", family) != family:
            raise ObservationLoadError(
                f"design: target {name!r} is of family {family}, and the report of {kind} is of {origin['family']}"
            )
        if "device" in origin and not _same_device(origin["device"], target.part):
            raise ObservationLoadError(
                f"design: target {name!r} is {target.part}, and the report of {kind} is of {origin['device']!r}; "
                "leave the target out if the part is none of those that `sctorch targets` lists"
            )
    return target.name


def _measured(report_paths: Mapping[str, Paths]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that the reports give, and where each comes from."""
    for kind in report_paths:
        if kind not in KINDS:
            near = difflib.get_close_matches(str(kind), KINDS, 1, 0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ObservationLoadError(f"report_paths: {kind!r} is unknown; known: {', '.join(KINDS)}{hint}")
    if "utilisation" not in report_paths:
        raise ObservationLoadError("report_paths: utilisation is missing; it is the report that counts the LUTs")
    reports = {kind: read_report(report_paths[kind]) for kind in KINDS if kind in report_paths}
    for kind, report in reports.items():
        if getattr(report, kind) is None:
            raise ObservationLoadError(
                f"{report_paths[kind]}: a report of {report.holds}, where one of {kind} must be ({report.origin.tool})"
            )
    _check_same(reports, "design", "designs", str.__eq__)
    _check_same(reports, "device", "devices", _same_device)
    _check_same(reports, "family", "families of parts", str.__eq__)
    estimated = [kind for kind, report in reports.items() if report.origin.stage == ESTIMATED]
    if estimated and len(estimated) < len(reports):
        others = ", ".join(kind for kind in reports if kind not in estimated)
        raise ObservationLoadError(
            f"the report of {', '.join(estimated)} is an estimate of HLS, and that of {others} is not; one record "
            "holds either estimated or measured figures"
        )
    first = reports["utilisation"]
    timing = reports.get("timing", first).timing
    power = reports["power"].power if "power" in reports else None
    used = first.utilisation
    assert used is not None
    hls = [r.latency_cycles for r in reports.values() if r.latency_cycles is not None]
    record = {
        "luts_used": used.luts, "lut_kind": used.lut_kind, "ffs_used": used.ffs, "carries_used": used.carries,
        "brams_used": used.brams, "dsps_used": used.dsps, "urams_used": used.urams,
        "tool": first.origin.tool, "tool_version": first.origin.version, "stage": first.origin.stage,
        "device": next((r.origin.device for r in reports.values() if r.origin.device), None),
        "latency_cycles": hls[0] if hls else None,
    }  # fmt: skip
    if timing is not None:
        record |= {"fmax_mhz": timing.fmax_mhz, "wns_ns": timing.wns_ns, "requirement_ns": timing.requirement_ns}
    if power is not None:
        record |= {
            "power_mw": power.total_mw, "static_power_mw": power.static_mw, "dynamic_power_mw": power.dynamic_mw,
            "io_power_mw": power.io_mw, "power_confidence": power.confidence,
        }  # fmt: skip
    evidence = {kind: {k: v for k, v in asdict(r.origin).items() if v is not None} for kind, r in reports.items()}
    return {name: value for name, value in record.items() if value is not None}, evidence


def _check_same(reports: Mapping[str, Report], what: str, many: str, same: Callable[[str, str], bool]) -> None:
    """Refuse reports that name different designs or parts."""
    named = [(kind, getattr(report.origin, what)) for kind, report in reports.items() if getattr(report.origin, what)]
    for kind, name in named[1:]:
        if not same(named[0][1], name):
            raise ObservationLoadError(
                f"the reports are of different {many}: {named[0][0]} of {named[0][1]!r}, {kind} of {name!r}"
            )


def _same_device(one: str, other: str) -> bool:
    """Whether both may be the same part; some reports leave its package or grade out."""
    short, long = sorted((_plain_device(one), _plain_device(other)), key=len)
    return long.startswith(short)


def _plain_device(text: str) -> str:
    """xc7a35tcpg236-1, 7a35tcpg236-1 and 7a35t-cpg236 begin alike after this."""
    return re.sub(r"[^a-z0-9]", "", text.lower()).removeprefix("xc")


def build_payload_from_reports(
    design_path: Paths,
    utilisation_path: Paths,
    power_path: Paths | None = None,
    timing_path: Paths | None = None,
    *,
    accuracy_score: float,
    latency_cycles: int | None = None,
    clock_mhz: float | None = None,
    inferences_per_run: int | None = None,
) -> dict[str, Any]:
    """What `load_synthesis_observation` gives, as a payload for `write_payload`: one record and where it comes from.

    Parameters
    ----------
    design_path : see `load_design`. utilisation_path, power_path, timing_path : reports; the others as there.
    """
    given = {"utilisation": utilisation_path, "power": power_path, "timing": timing_path}
    observation = load_synthesis_observation(
        {kind: path for kind, path in given.items() if path is not None},
        design=load_design(design_path), accuracy_score=accuracy_score, latency_cycles=latency_cycles,
        clock_mhz=clock_mhz, inferences_per_run=inferences_per_run,
    )  # fmt: skip
    return {"schema": SCHEMA, "observations": [observation.to_record()]}


def write_payload(payload: Any, out: Paths | None = None) -> None:
    """Write a payload as JSON, to a file or (None) to standard output; nothing is written if a record does not pass.

    Raises
    ------
    ObservationLoadError
        For a record that does not pass. ConfigError : if the file cannot be written.
    """
    observations_from_payload(payload)
    try:
        text = json.dumps(payload, indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise ObservationLoadError(f"payload: it cannot be written as JSON: {error}") from error
    if out is None:
        sys.stdout.write(text)
        return
    check_path(out, "write_payload: out")
    out = Path(out)
    part = out.parent / f".{out.name}.{secrets.token_hex(4)}.part"
    try:
        try:
            with part.open("x", encoding="utf-8") as file:  # as the umask says
                file.write(text)
            os.replace(part, out)
        finally:
            part.unlink(missing_ok=True)  # an interrupt leaves none either
    except OSError as error:
        raise ConfigError(
            f"cannot write {out}: {error.strerror or error}; choose a file that can be written"
        ) from error
