"""Synthesised netlists of runs compared with the simulator on their test split: python benchmarks/netlists.py RUN ...

RUN is a recipe's output folder (build/digits by default); a run that exported no Verilog has its network exported, in
the architecture given. For each target: the shipped netlist, its decision after every timestep (unrolled designs); and
the netlist with trace ports, every layer at every timestep. Gates, in CXXRTL, with no tolerance.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from machine import print_table

import sctorch
from sctorch import backends, ir
from sctorch.backends.verilog import FoldedDesign, VerilogDesign
from sctorch.pipeline.checking import check


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", metavar="RUN", nargs="*", type=Path, default=[Path("build/digits")])
    parser.add_argument("--target", action="append", default=[], help="default: ice40-hx8k and artix7-35t")
    parser.add_argument("--windows", type=int, help="of the test split (all of it)")
    parser.add_argument("--architecture", default="unrolled", choices=["unrolled", "folded"])
    options = parser.parse_args()
    rows, good = [], True
    for run in options.runs:
        recipe = check(json.loads((run / "recipe.json").read_text()), run).build()
        x = recipe.data.test_arrays()[0][: options.windows]  # type: ignore[attr-defined]
        folder = run / "verilog"
        if not folder.exists():
            folder = Path(tempfile.mkdtemp(prefix="sctorch-netlists-")) / "verilog"
            sctorch.export(ir.load(run / "lower" / "network.json"), folder, architecture=options.architecture)
        design = backends.load(folder)
        assert isinstance(design, VerilogDesign)
        for target in options.target or ["ice40-hx8k", "artix7-35t"]:
            for traced in (True,) if isinstance(design, FoldedDesign) else (False, True):
                started = time.monotonic()
                report = sctorch.verify(design.network, design.netlist(target, traced), x)
                (pair,) = report.pairs
                good &= report.ok
                rows.append([
                    run.name, target, "every layer" if traced else "decision", f"{report.windows:,}",
                    f"{pair.values:,}", f"{pair.mismatches:,}", f"{time.monotonic() - started:.0f}",
                ])  # fmt: skip
                print(*rows[-1], file=sys.stderr, flush=True)
    print_table(
        "netlist = simulator", ["run", "target", "compared", "windows", "values", "mismatches", "seconds"], rows
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
