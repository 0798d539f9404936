"""How long the reading of long reports takes: samples of the tests, made long where real ones are.

Run: python benchmarks/reports.py [--mb 50]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[1] / "tests" / "cost" / "reports"


def stretched(to: Path, name: str, at: str, piece: str, size: int) -> Path:
    """A sample with a piece of text again and again before one place of it."""
    begin, _, end = (SAMPLES / name).read_text().partition(at)
    with to.open("w") as file:
        file.write(begin)
        for _ in range(size // len(piece) + 1):
            file.write(piece)
        file.write(at + end)
    return to


def long_reports(folder: Path, size: int) -> list[Path]:
    paths = (SAMPLES / "vivado_2021_timing_met.rpt").read_text().partition("Slack (MET)")
    pins = (
        "\n+----+----+\n; All Package Pins ;\n+----+----+\n" + "; net|path[12]~input ; PIN_A1 ; 12 ; LVTTL ;\n" * 1000
    )
    module = "<Module><Name>m</Name><Resources><LUT>3</LUT><FF>4</FF></Resources></Module>\n" * 1000
    log = "Removed unused cell $auto$opt_expr.cc:205 of module sample, and said so at some length.\n" * 1000
    report = json.loads((SAMPLES / "nextpnr_0.11_ice40.json").read_text())
    piece = len(json.dumps(report["critical_paths"]))
    report["detailed_net_timings"] = report["critical_paths"] * (size // piece)
    as_json = folder / "nextpnr.json"
    as_json.write_text(json.dumps(report))
    path = (paths[1] + paths[2]).replace("2.138ns", "3.000ns") * 20
    return [
        stretched(folder / "vivado_timing.rpt", "vivado_2021_timing_met.rpt", "Slack (MET)", path, size),
        stretched(folder / "quartus.fit.rpt", "quartus_13_cyclone_iv.fit.rpt", "\n+-----------", pins, size),
        stretched(folder / "hls_csynth.xml", "vivado_hls_2019_csynth.xml", "\n</profile>", module, size),
        stretched(folder / "yosys.log", "yosys_0.9.log", "3. Printing statistics.", log, size),
        as_json,
    ]


def read(path: str) -> None:
    from sctorch.cost import read_report

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    report = read_report(path)
    seconds = time.process_time() - start
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    size = Path(path).stat().st_size / 1e6
    print(f"{Path(path).name:<20} {size:5.1f} MB {seconds:6.2f} s {more:6.0f} MiB more   {report.holds}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=50, help="size of each report")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.read:
        read(asked.read)
        return
    with tempfile.TemporaryDirectory(prefix="sctorch-reports-") as folder:
        for path in long_reports(Path(folder), asked.mb * 1_000_000):
            subprocess.run([sys.executable, __file__, "--read", str(path)], check=True)


if __name__ == "__main__":
    main()
