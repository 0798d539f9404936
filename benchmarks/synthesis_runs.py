"""Synthesis runs that the cost model is fitted to: python benchmarks/synthesis_runs.py --networks 210 [--workers 2].

Random networks of both architectures (sctorch/cost/surrogate/samples.py), one a seed, each synthesised with yosys for
an ice40, an ecp5 and an xc7. One line of JSON is added to --out for each. What is there already, or in the package's
table, is not run again: the same command goes on after it was stopped, and more --networks add to it. (After a change
of the generated hardware remove the table, or it mixes old and new.) Small designs of every fourth network are placed
and routed as well, for ice40 and ecp5. A run of yosys starts slowly, so that eight networks share one, each a module
that is kept apart. --table adds what was run to the package's table.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from sctorch import ir
from sctorch.backends.resources import resource_folder
from sctorch.backends.verilog.folded import emit as folded
from sctorch.backends.verilog.folded.plan import plan as plan_folded
from sctorch.backends.verilog.unrolled import emit as unrolled
from sctorch.backends.verilog.unrolled.plan import plan as plan_unrolled
from sctorch.cost.surrogate.samples import Settings, build, draw
from sctorch.cost.surrogate.table import NETWORKS, RUNS
from sctorch.errors import SctorchError
from sctorch.hardware.nextpnr import place_and_route
from sctorch.hardware.targets import get_target
from sctorch.hardware.yosys import COMMANDS, DEFINES, count_cells, run_yosys

TARGETS = ("ice40-hx8k", "ecp5-85k", "artix7-100t")
ROUTED = ("ice40-hx8k", "ecp5-85k")
ROUTED_LUTS = 1500
TOGETHER = 8


KNOWN: dict[int, Settings] = {}  # of networks that have runs already


def sizes_of(seed: int) -> tuple[float, float]:
    """Smallest and largest size of a network, in LUTs of an ice40: most are small, and one in 200 goes up to 30,000."""
    for every, place, low, high in ((200, 57, 20_000, 30_000), (50, 7, 6000, 12_000), (20, 3, 2500, 6000)):
        if seed % every == place:
            return low, high
    if seed % 8 == 5:
        return 1000, 2500
    return (700, 1300) if seed % 3 == 2 else (200, 1000)


@lru_cache(maxsize=4096)
def settings_of(seed: int) -> Settings:
    """Every third network is folded, and sizes are log-uniform within `sizes_of`."""
    if seed in KNOWN:
        return KNOWN[seed]
    rnd = Random(seed)
    low, high = sizes_of(seed)
    return draw(rnd, "folded" if seed % 3 == 2 else "unrolled", low * (high / low) ** rnd.random())


def text_of(network: ir.Network, options: dict[str, Any]) -> str:
    """The generated file of a design."""
    if options["architecture"] == "unrolled":
        return unrolled.emit(plan_unrolled(network))
    return folded.emit(plan_folded(network, options["inputs_per_clock"], options["neurons_per_clock"]))


def library(folder: Path) -> list[str]:
    """The library's files in a folder, without those of interfaces: their names."""
    files = [p for p in sorted(resource_folder("hdl").glob("*.v")) if not p.name.startswith("sct_io_")]
    for path in files:
        (folder / path.name).write_text(path.read_text())
    return [path.name for path in files]


def run(seeds: tuple[int, ...], target: str) -> list[dict[str, Any]]:
    """One run of yosys, as lines of the file of runs, one for each network."""
    part = get_target(target)
    networks = [replace(build(settings_of(seed), seed), name=f"net{seed}") for seed in seeds]
    texts = [text_of(n, settings_of(seed).options) for n, seed in zip(networks, seeds, strict=True)]
    with tempfile.TemporaryDirectory(prefix="sctorch-runs-") as scratch:
        folder = Path(scratch)
        files = library(folder)
        shared = "\n".join(
            (COMMANDS[part.family], *DEFINES[part.family], *((folder / name).read_text() for name in files))
        )
        for network, text in zip(networks, texts, strict=True):
            module = f"module {network.name} ("
            kept = text.replace(module, f"(* keep_hierarchy *) {module}") if len(seeds) > 1 else text
            (folder / f"{network.name}.v").write_text(kept)
        files = [f"{network.name}.v" for network in networks] + files
        top = networks[0].name
        if len(seeds) > 1:
            inside = "".join(f"    (* keep *) {n.name} {n.name}_it ();\n" for n in networks)
            (folder / "top.v").write_text(f"module top;\n{inside}endmodule\n")
            top, files = "top", ["top.v", *files]
        netlist = folder / "netlist.json"
        found = run_yosys(folder, top, files, part, netlist)
        modules = json.loads(netlist.read_text())["modules"]
        rows = []
        for seed, network, text in zip(seeds, networks, texts, strict=True):
            cells = Counter(cell["type"] for cell in modules[network.name]["cells"].values())
            counts = count_cells(part.family, cells)
            line: dict[str, Any] = {"seed": seed, "target": target, "settings": settings_of(seed).to_json()}
            line |= {"sources": hashlib.sha256((shared + text).encode()).hexdigest()[:12], "together": len(seeds)}
            line |= {key: counts[key] for key in ("luts", "ffs", "carries", "brams", "dsps")} | {"cells": dict(cells)}
            line |= {"seconds": found.seconds, "tool_version": found.tool_version}
            if target in ROUTED and seed % 4 == 0 and counts["luts"] <= ROUTED_LUTS:
                module = modules[network.name] | {"attributes": {"top": "1"}}
                netlist.write_text(json.dumps({"modules": {network.name: module}}))
                with contextlib.suppress(SctorchError):  # one that does not fit has no clock
                    routing = place_and_route(netlist, network.name, part)
                    line |= {"fmax_mhz": routing.fmax_mhz, "router": routing.tool_version}
            rows.append(line)
    return rows


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The runs in a file; a last line that was cut off is none."""
    for text in path.read_text().splitlines() if path.is_file() else []:
        try:
            yield json.loads(text)
        except ValueError:
            continue


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of one of the package's tables; none where there is no table."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_table(path: Path) -> None:
    """Add the runs of a file to the package's tables (sctorch/cost/data): networks by seed, and their figures."""
    settings = {int(row["seed"]): row["settings"] for row in rows_of(NETWORKS)}
    rows: dict[tuple[int, str], dict[str, Any]] = {(int(row["seed"]), row["target"]): row for row in rows_of(RUNS)}
    for line in lines(path):
        if "luts" in line:
            settings[line["seed"]] = line["settings"]
            rows[line["seed"], line["target"]] = {**line, "tool": " ".join(line["tool_version"].split()[:2])}
    with NETWORKS.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("seed", "settings"), *sorted(settings.items())])
    columns = ("seed", "target", "luts", "ffs", "carries", "brams", "dsps", "fmax_mhz", "sources", "tool", "router")
    with RUNS.open("w", newline="") as file:
        table = csv.DictWriter(file, columns, extrasaction="ignore", restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(row for _, row in sorted(rows.items()))
    print(f"{len(rows)} runs of {len(settings)} networks")


def wanted(networks: int, done: set[tuple[int, str]]) -> list[tuple[tuple[int, ...], str]]:
    """The runs that are missing: a few networks for all targets, then the next ones, large ones last."""
    missing = [seed for seed in range(networks) if any((seed, target) not in done for target in TARGETS)]
    missing.sort(key=lambda seed: sizes_of(seed)[1] > 1300)
    jobs: list[tuple[tuple[int, ...], str]] = []
    for start in range(0, len(missing), TOGETHER):
        for target in TARGETS:
            seeds = tuple(seed for seed in missing[start : start + TOGETHER] if (seed, target) not in done)
            jobs += [(seeds, target)] if seeds else []
    return jobs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=210, metavar="N", help="seeds 0 to N - 1 (210)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="runs at a time (1)")
    parser.add_argument("--out", type=Path, default=Path("build/synthesis_runs.jsonl"), metavar="FILE")
    parser.add_argument("--table", action="store_true", help="run nothing; add what --out holds to the package's table")
    options = parser.parse_args()
    if options.table:
        write_table(options.out)
        return
    options.out.parent.mkdir(parents=True, exist_ok=True)
    done = [*rows_of(RUNS), *lines(options.out)]
    for line in [*rows_of(NETWORKS), *lines(options.out)]:
        if "settings" in line:
            KNOWN[int(line["seed"])] = Settings.from_json(line["settings"])
    jobs = wanted(options.networks, {(int(line["seed"]), line["target"]) for line in done})
    started = time.monotonic()
    with options.out.open("a") as out, ThreadPoolExecutor(options.workers) as pool:
        futures = {pool.submit(run, *job): job for job in jobs}
        for count, future in enumerate(as_completed(futures), start=1):
            seeds, target = futures[future]
            try:
                rows = future.result()
            except SctorchError as error:
                rows = [{"seed": seed, "target": target, "failed": str(error)[-300:]} for seed in seeds]
            out.write("".join(json.dumps(row) + "\n" for row in rows))
            out.flush()
            minutes = (time.monotonic() - started) / 60
            for row in rows:
                told = row.get("failed") or f"{row['luts']} LUTs, {row['seconds']} s, {row.get('fmax_mhz')} MHz"
                print(f"{count}/{len(jobs)} seed {row['seed']} {target}: {told} ({minutes:.1f} min)", file=sys.stderr)


if __name__ == "__main__":
    main()
