"""`sctorch collect-synthesis`: the reports of one synthesis become one record of evidence."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from sctorch.cost import observation_schema, observations_from_payload
from sctorch.cost.evidence import Observation, build_payload_from_reports, write_payload
from sctorch.errors import ConfigError
from sctorch.pipeline.console import grouped

__all__ = ["collect", "print_schema"]


def print_schema() -> None:
    """The JSON schema of what is written, to standard output."""
    print(json.dumps(observation_schema(), indent=2))


def collect(
    design: Path,
    utilisation: Path,
    power: Path | None = None,
    timing: Path | None = None,
    *,
    accuracy_score: float,
    latency_cycles: int | None = None,
    clock_mhz: float | None = None,
    inferences_per_run: int | None = None,
    out: Path | None = None,
    console: Console | None = None,
) -> None:
    """Read the reports, write the record to `out` (None: standard output), and say in a few lines what it holds.

    Raises
    ------
    ConfigError
        If `out` cannot be written.
    ObservationLoadError
        For a report or a figure that does not pass; nothing is written then.
    """
    if out is not None and out.is_dir():
        raise ConfigError(f"--out {out} is a folder; name a file")
    if out is not None and out.exists():
        read = [design, design / "design.json", design / "network.json", utilisation, power, timing]
        for path in read:
            if path is not None and path.exists() and path.samefile(out):
                raise ConfigError(f"--out {out} is {path}, which is read; name another file")
    payload = build_payload_from_reports(
        design, utilisation, power, timing, accuracy_score=accuracy_score, latency_cycles=latency_cycles,
        clock_mhz=clock_mhz, inferences_per_run=inferences_per_run,
    )  # fmt: skip
    write_payload(payload, out)
    if out is None:
        return
    (found,) = observations_from_payload(payload)
    console = console or Console(highlight=False)
    for text in _lines(found, out):
        console.print(escape(text), soft_wrap=True)


def _lines(found: Observation, out: Path) -> list[str]:
    counts = [f"{grouped(found.luts_used)} LUT ({found.lut_kind})"]
    for value, name in ((found.ffs_used, "FF"), (found.brams_used, "block RAM"), (found.dsps_used, "DSP")):
        counts.append(f"{grouped(value)} {name}" if value is not None else f"{name} not in the report")
    by = " ".join(part for part in (found.tool, found.tool_version, found.stage and f"({found.stage})") if part)
    texts = [f"{by}: {', '.join(counts)}"]
    if found.estimated:
        texts.append("these figures are an estimate before logic synthesis, not measured")
    if found.fmax_mhz is not None:
        slack = "" if found.wns_ns is None else f", worst slack {found.wns_ns:g} ns"
        texts.append(f"fmax {found.fmax_mhz:g} MHz{slack}")
    if found.power_mw is not None:
        texts.append(
            f"power {found.power_mw:g} mW: static {found.static_power_mw:g}, dynamic {found.dynamic_power_mw:g}"
            f" (the tool's estimate; confidence: {found.power_confidence or 'not said'})"
        )
    if found.energy_nj is not None:
        texts.append(
            f"energy per inference {found.energy_nj:g} nJ: static {found.static_energy_nj:g}, dynamic "
            f"{found.dynamic_energy_nj:g}"
        )
    elif found.power_mw is not None:
        texts.append("no energy: it takes --clock-mhz and --inferences-per-run")
    return [*texts, f"written: {out}"]
