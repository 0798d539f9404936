"""What designs take in hardware, one flow for all: python benchmarks/hardware.py [FOLDER ...] [--target ...] [--json].

FOLDER is a recipe's output folder (build/digits), whose test accuracy is shown too, or an exported Verilog design; by
default every run below build/ that has one. yosys counts cells for each target, nextpnr places and routes where it can
(ice40 and ecp5), registers at the design's pins. An image takes the clocks of one window at the clock reached.

The published figures beside them are their authors', from other tools and parts: for scale, not measured here.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from machine import describe, print_table

from sctorch import backends, ir
from sctorch.backends.verilog import VerilogDesign
from sctorch.cost import figures, nonzero_synapses, synthesize
from sctorch.errors import ConfigError
from sctorch.hardware.nextpnr import router
from sctorch.hardware.targets import get_target

TARGETS = ("ice40-hx8k", "ecp5-85k", "artix7-35t", "zcu102")
PUBLISHED = (
    {"name": "Spiker+", "data": "MNIST", "accuracy": 0.9385, "logic": "7,612 logic cells", "brams": 18, "us": 780.0},
    {"name": "ReSCom (stochastic)", "data": "MNIST", "accuracy": 0.928, "logic": "Artix-7", "brams": None, "us": None},
    {"name": "snn-fpga", "data": "MNIST", "accuracy": None, "logic": "6,358 LUT", "brams": 40.5, "us": 520.0},
)


def designs(folders: list[Path]) -> list[tuple[Path, Path | None]]:
    """(design's folder, its run's results.json or None)."""
    found: list[tuple[Path, Path | None]] = []
    for folder in folders or sorted(path.parent for path in Path("build").glob("*/verilog")):
        results = folder / "results.json"
        inner = folder / "verilog"
        found.append((inner if inner.is_dir() else folder, results if results.is_file() else None))
    return found


def measure(folder: Path, results: Path | None, target: str, freq: float, seed: int) -> dict[str, Any]:
    """One row: the design's facts and its figures for a target."""
    design = backends.load(folder)
    assert isinstance(design, VerilogDesign), f"{folder} is no Verilog design"
    run = json.loads(results.read_text()) if results else {}
    if run and run["network_sha256"] != ir.digest(design.network):
        run = {}  # of another state of the network
    row: dict[str, Any] = {
        "name": design.network.name,
        "options": design.options,
        "accuracy": run.get("accuracy"),
        "accuracy_of": run.get("accuracy_of"),
        "nonzero_synapses": nonzero_synapses(design.network),
        "cycles_per_inference": design.cycles_per_inference,
        "fits": True,
    }
    try:
        measured = synthesize(design, target, router(get_target(target)) is not None, freq, seed)
    except ConfigError as error:
        if "does not fit" not in str(error):
            raise
        row["fits"] = False
        measured = synthesize(design, target)
    part = get_target(target)
    row["fits"] &= measured.luts <= part.luts and measured.ffs <= part.ffs and measured.brams <= part.brams
    return row | figures(design, measured)


def text(row: dict[str, Any]) -> list[str]:
    accuracy = "-" if row["accuracy"] is None else f"{100 * row['accuracy']:.2f} %"
    clock = "-" if row["fmax_mhz"] is None else f"{row['fmax_mhz']:.1f}"
    time = "-" if row["us_per_inference"] is None else f"{row['us_per_inference']:.2f}"
    lut = f"{row['luts']:,} ({row['luts_pct']:.1f} %)" + ("" if row["fits"] else " too many")
    return [
        row["name"], row["target"], accuracy, lut, f"{row['ffs']:,}", f"{row['brams']:g}", f"{row['dsps']}",
        f"{row['luts_per_synapse']:.2f}", clock, f"{row['cycles_per_inference']:,}", time,
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", metavar="FOLDER", nargs="*", type=Path)
    parser.add_argument("--target", action="append", default=[], help=f"default: {', '.join(TARGETS)}")
    parser.add_argument("--freq", type=float, default=100.0, help="what the router aims at, MHz")
    parser.add_argument("--seed", type=int, default=1, help="of the placement")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    chosen = designs(options.folders)
    if not chosen:
        parser.error("no design below build/; name a run's folder, or run a recipe first")
    rows = []
    for folder, results in chosen:
        for target in options.target or TARGETS:
            rows.append(measure(folder, results, target, options.freq, options.seed))
            print(f"{folder} {target}: {rows[-1]['luts']} LUT", file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps({"machine": describe(), "results": rows, "published": PUBLISHED}))
        return
    head = ["design", "target", "accuracy", "LUT", "FF", "BRAM", "DSP", "LUT/synapse", "MHz", "clocks", "us/image"]
    print_table("measured: yosys, and nextpnr where it knows the part", head, [text(row) for row in rows])
    published = [
        [p["name"], p["data"], f"{100 * p['accuracy']:.2f} %" if p["accuracy"] else "-", p["logic"],
         f"{p['brams']:g}" if p["brams"] else "-", f"{p['us']:g}" if p["us"] else "-"]
        for p in PUBLISHED
    ]  # fmt: skip
    print_table("published by their authors", ["design", "data", "accuracy", "logic", "BRAM", "us/image"], published)
    versions = {row["tool_version"] for row in rows}
    versions |= {row["routing"]["tool_version"] for row in rows if row["routing"]}
    print("\n" + ", ".join([*sorted(versions), *(f"{key} {value}" for key, value in describe().items())]))


if __name__ == "__main__":
    main()
