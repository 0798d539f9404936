"""Reports of the tools, in their own layouts: each figure by hand, and files that are cut off, foreign or damaged."""

from __future__ import annotations

import json
import random
import re
import tracemalloc
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from sctorch.cost import read_report
from sctorch.cost.evidence.reports import Power, Report, Timing, Utilisation
from sctorch.errors import ConfigError, ObservationLoadError

FOLDER = Path(__file__).parent / "reports"


def changed(tmp_path: Path, name: str, old: str, new: str, count: int = -1) -> Path:
    """A copy of a sample with a piece of it replaced."""
    text = (FOLDER / name).read_text()
    assert old in text
    path = tmp_path / name
    path.write_text(text.replace(old, new, count))
    return path


# ---------------------------------------------------------------- utilisation

UTILISATION = {
    "vivado_2013_utilization_routed.rpt": Utilisation(1507, "LUT6", 2364, 96, 3.0, 0, 0),
    "vivado_2019_utilization_synth.rpt": Utilisation(2846, "LUT6", 3152, 0, 0.0, 0, 0),
    "vivado_2021_utilization_placed.rpt": Utilisation(
        2733, "LUT6", 3152, 143, 2.5, 6, 0
    ),  # three latches are no flip-flops
    "vivado_2024_utilization_ultrascale.rpt": Utilisation(118346, "LUT6", 137265, 3170, 204.5, 1126, 23),
    "vivado_hls_2019_csynth.rpt": Utilisation(4127, "LUT6", 1378, None, 2.5, 9, 0),
    "vivado_hls_2019_csynth.xml": Utilisation(4127, "LUT6", 1378, None, 2.5, 9, 0),
    "vitis_hls_2023_csynth.xml": Utilisation(1193, "LUT6", 874, None, 3.0, 5, 3),
    "vitis_hls_2024_csynth.rpt": Utilisation(429, "LUT6", 869, None, 3.0, 5, 0),
    "vitis_hls_2022_summary.rpt": Utilisation(6128, "LUT6", 2963, None, 11.0, 58, 0),
    "quartus_13_cyclone_iv.fit.rpt": Utilisation(5738, "logic element", 3187, None, 31.0, 5, None),
    "quartus_13_cyclone_iv.fit.summary": Utilisation(5738, "logic element", 3187, None, None, 5, None),
    "quartus_21_cyclone_v.fit.rpt": Utilisation(6243, "ALM", 8157, None, 137.0, 7, None),
    "quartus_26_agilex.fit.summary": Utilisation(2617, "ALM", 7043, None, 6.0, 4, None),
    "yosys_0.9.log": Utilisation(16, "LUT4", 17, 6, 1.0, 0, 0),
    "yosys_0.70_ice40.txt": Utilisation(32, "LUT4", 36, 6, 1.0, 0, 0),
    "yosys_0.70_tree.txt": Utilisation(34, "LUT4", 36, 6, 1.0, 0, 0),
    "yosys_0.70_tree.json": Utilisation(34, "LUT4", 36, 6, 1.0, 0, 0),
    "yosys_0.70_xc7.txt": Utilisation(11, "LUT6", 9, 2, 0.5, 0, 0),
    "yosys_0.70_xc7.json": Utilisation(11, "LUT6", 9, 2, 0.5, 0, 0),
    "nextpnr_0.11_ice40.log": Utilisation(60, "logic cell", 36, None, 1.0, 0, 0),
    "nextpnr_0.11_ice40.json": Utilisation(60, "logic cell", None, None, 1.0, 0, 0),  # it counts no flip-flops
    "nextpnr_0.11_ecp5.log": Utilisation(35, "LUT4", 9, None, 1.0, 0, 0),
    "nextpnr_0.11_ecp5.json": Utilisation(35, "LUT4", 9, None, 1.0, 0, 0),
    "nextpnr_2019_ecp5.log": Utilisation(120, "LUT4", 64, None, 2.0, 1, 0),
}


@pytest.mark.parametrize("name", UTILISATION)
def test_utilisation_by_hand(name: str) -> None:
    assert read_report(FOLDER / name).utilisation == UTILISATION[name]


# ---------------------------------------------------------------- timing

TIMING = {
    "vivado_2021_timing_met.rpt": Timing(234.632, {"clk": 234.632}, 2.138, 6.4),  # 1000 / (6.4 - 2.138)
    # From a rising to a falling edge: half a period of 6.4 ns, missed by 0.873. 6.4 (3.2 + 0.873) / 3.2 = 8.146 ns.
    "vivado_2017_timing_violated.rpt": Timing(81.606, {"clk_fold": 122.76, "clk_io": 81.606}, -0.873, 3.2),
    "vivado_2020_report_timing.rpt": Timing(158.328, {"clk": 158.328}, 1.184, 7.5),  # 1000 / (7.5 - 1.184)
    # Worst is a path between the clocks; their own have slacks of 0.902 of 6.4 and 18.965 of 32.
    "vivado_2023_timing_between_clocks.rpt": Timing(76.717, {"clk_fold": 181.884, "clk_io": 76.717}, 0.391, 6.4),
    "vivado_2022_report_timing_between_clocks.rpt": Timing(76.717, {"clk_fold": 181.884, "clk_io": 76.717}, 0.391, 6.4),
    "vivado_hls_2019_csynth.rpt": Timing(155.958, {"ap_clk": 155.958}, None, 8.0),
    "vivado_hls_2019_csynth.xml": Timing(155.958, {"ap_clk": 155.958}, None, 8.0),
    "vitis_hls_2023_csynth.xml": Timing(223.464, {"ap_clk": 223.464}, None, 6.4),
    "vitis_hls_2024_csynth.rpt": Timing(173.611, {"ap_clk": 173.611}, None, 8.0),
    "quartus_18_two_corners.sta.rpt": Timing(83.02, {"clk": 83.02, "fast": 655.31}, 3.954, 16.0),
    "quartus_26_pro.sta.rpt": Timing(297.44, {"clk": 297.44}),
    "nextpnr_0.11_ice40.log": Timing(288.6, {"clk$SB_IO_IN_$glb_clk": 288.6}),  # 277.78 before routing
    "nextpnr_0.11_ice40.json": Timing(288.6, {"clk$SB_IO_IN_$glb_clk": 288.6}),
    "nextpnr_0.11_ecp5.log": Timing(333.89, {"$glbnet$clk$TRELLIS_IO_IN": 333.89}),
    "nextpnr_0.11_ecp5.json": Timing(333.89, {"$glbnet$clk$TRELLIS_IO_IN": 333.89}),
    "nextpnr_2019_ecp5.log": Timing(50.0, {"$glbnet$clk": 50.0, "b": 125.0}),  # missed, and so an error
}


@pytest.mark.parametrize("name", TIMING)
def test_timing_by_hand(name: str) -> None:
    assert read_report(FOLDER / name).timing == TIMING[name]


# ---------------------------------------------------------------- power

LOW = "Low: user provided insufficient toggle rate data"
POWER = {
    "vivado_2018_power_routed.rpt": Power(97.0, 73.0, 24.0, None, "Low"),
    "vivado_2022_power_hbm.rpt": Power(14236.0, 2578.0, 11658.0, None, "Medium"),
    "quartus_13.pow.summary": Power(431.36, 387.62, 37.15, 6.59, LOW),
    "quartus_21.pow.rpt": Power(431.36, 387.62, 37.15, 6.59, LOW),
    "quartus_23_watts.pow.summary": Power(431.36, 387.62, 37.15, 6.59, LOW),
}


@pytest.mark.parametrize("name", POWER)
def test_power_by_hand_with_static_and_dynamic_apart(name: str) -> None:
    assert read_report(FOLDER / name).power == POWER[name]


# ---------------------------------------------------------------- latency, and who says so


@pytest.mark.parametrize(
    ("name", "latency", "interval"),
    [
        ("vivado_hls_2019_csynth.rpt", 17, 3),
        ("vivado_hls_2019_csynth.xml", 17, 3),
        ("vitis_hls_2022_summary.rpt", 173, 96),
        ("vitis_hls_2023_csynth.xml", None, None),  # undef
        ("vitis_hls_2024_csynth.rpt", None, None),  # ?
    ],
)
def test_latency_of_hls_in_clocks(name: str, latency: int | None, interval: int | None) -> None:
    report = read_report(FOLDER / name)
    assert (report.latency_cycles, report.interval_cycles) == (latency, interval)
    assert report.origin.stage == "HLS estimate"


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("vivado_2013_utilization_routed.rpt", ("Vivado", "2013.3", "braids_top", "xc7a35t", "Fully Placed")),
        ("vivado_2019_utilization_synth.rpt", ("Vivado", "2019.1", "braids_top", "7a35tcpg236-1", "Synthesized")),
        ("vivado_2018_power_routed.rpt", ("Vivado", "2018.1", "braids_top", "xc7a35tcpg236-1", "routed")),
        ("vivado_2021_timing_met.rpt", ("Vivado", "2021.2", "braids_top", "7a35t-cpg236", None)),
        ("vitis_hls_2024_csynth.rpt", ("HLS", "2024.2", "pleat", "xc7z020-clg400-1", "HLS estimate")),
        ("vitis_hls_2023_csynth.xml", ("HLS", "2023.2", "braids", "xcvu13p-flga2577-2-e", "HLS estimate")),
        ("quartus_21_cyclone_v.fit.rpt", ("Quartus", "21.1.0", "braids_top", "5CSEMA5F31C6", "fitted")),
        ("quartus_13_cyclone_iv.fit.summary", ("Quartus", "13.0.1", "braids_top", "EP4CE22F17C6", "fitted")),
        ("quartus_18_two_corners.sta.rpt", ("Quartus", "18.1.0", None, "5CSEMA5F31C6", "timing analysis")),
        ("quartus_26_pro.sta.rpt", ("Quartus", "26.1.0", None, None, "timing analysis")),
        ("quartus_13.pow.summary", ("Quartus", "13.1.0", "braids_top", "5CSEMA5F31C6", "power analysis")),
        ("yosys_0.9.log", ("yosys", "0.9", None, None, "synthesised")),
        ("yosys_0.70_xc7.json", ("yosys", "0.70", "sample", None, "synthesised")),
        ("nextpnr_0.11_ice40.log", ("nextpnr", None, None, None, "routed")),
    ],
)  # fmt: skip
def test_the_tool_its_version_and_the_part_are_kept(name: str, origin: tuple[str | None, ...]) -> None:
    found = read_report(FOLDER / name).origin
    assert (found.tool, found.version, found.design, found.device, found.stage) == origin
    assert found.file == name
    assert re.fullmatch("[0-9a-f]{64}", found.sha256)


def test_every_sample_is_in_a_table() -> None:
    refused = {"yosys_0.70_notop.txt", "yosys_0.70_notop.json"}
    assert {p.name for p in FOLDER.iterdir()} == {*UTILISATION, *TIMING, *POWER} | refused


# ---------------------------------------------------------------- what is refused


def figures(name: str) -> tuple[Utilisation | None, Timing | None, Power | None]:
    return UTILISATION.get(name), TIMING.get(name), POWER.get(name)


@pytest.mark.parametrize("name", sorted({*UTILISATION, *POWER, *TIMING}))
def test_a_file_that_is_cut_off_is_refused_or_says_the_same(name: str, tmp_path: Path) -> None:
    """No cut may give other figures; where what is looked for is cut off, the file is refused with that.

    What `stat` printed alone has no end of its own: cut between two modules, it is a whole file of the first. Neither
    has report_timing: cut between two paths, it is one of fewer paths.
    """
    text = (FOLDER / name).read_text()
    found = [(end, read_or_error(tmp_path / name, text[:end])) for end in range(0, len(text), max(1, len(text) // 70))]
    errors = [str(report) for _, report in found if isinstance(report, ObservationLoadError)]
    assert len(errors) >= 3
    for message in errors:
        assert re.search("looked for|empty|cut off|must be|is no |of no known|no total", message), message
    if name in ("yosys_0.70_tree.txt", "vivado_2022_report_timing_between_clocks.rpt"):
        return
    for end, report in found:
        if isinstance(report, Report):
            for got, whole in zip((report.utilisation, report.timing, report.power), figures(name), strict=True):
                assert got is None or completed(got, whole, name) == whole, end


def read_or_error(path: Path, text: str) -> Report | ObservationLoadError:
    path.write_text(text)
    try:
        return read_report(path)
    except ObservationLoadError as error:
        return error


def completed(got: Any, whole: Any, name: str) -> Any:
    """A summary is a list of lines, of which any number may stand; what it lacks is taken from the whole."""
    return replace(whole, **{k: v for k, v in asdict(got).items() if v is not None}) if "summary" in name else got


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("vivado_2021_utilization_placed.rpt", "| Block RAM Tile ", "| Block Tile     ",
         "looked for the row 'Block RAM Tile'"),
        ("vivado_2021_utilization_placed.rpt", "|  2.5 |", "|  2.3 |",
         "Block RAM Tile = 2.3 must be a whole number of halves"),
        ("vivado_2021_utilization_placed.rpt", "| Slice LUTs                 | 2733 |",
         "| Slice LUTs                 | 2.73 |",
         "Slice LUTs = '2.73' must be a whole number"),
        ("vivado_2021_utilization_placed.rpt", "| Slice LUTs                 | 2733 |",
         "| Slice LUTs                 |   -1 |",
         "Slice LUTs = '-1' must be a whole number"),
        ("vivado_2021_utilization_placed.rpt", "4. DSP\n------", "4. Something\n------------",
         "looked for section '4. DSP'"),
        ("vivado_2018_power_routed.rpt", "| Dynamic (W)              | 0.024",
         "| Dynamic (W)              | nan  ", "Dynamic .W. = 'nan' must be at least 0, and finite"),
        ("vivado_2018_power_routed.rpt", "| Dynamic (W)              | 0.024",
         "| Dynamic (W)              | 0.060",
         "Total On-Chip Power 0.097 W is not Dynamic 0.06 W . Device Static 0.073 W"),
        ("vivado_2018_power_routed.rpt", "| Device Static (W)        |", "| Device (W)               |",
         "looked for the row 'Device Static .W.'"),
        ("vivado_2021_timing_met.rpt", "      2.138        0.000", "         NA           NA", "WNS is NA"),
        ("vivado_2021_timing_met.rpt", "clk             {0.000 3.200}", "other           {0.000 3.200}",
         "looked for the period of clock 'clk'"),
        ("vivado_2021_timing_met.rpt", "| Intra Clock Table", "| Some Clock Table",
         "looked for the table 'Intra Clock Table'"),
        ("vivado_2023_timing_between_clocks.rpt", "             1.275ns", "             1.675ns",
         "looked for the path of clock 'clk_fold' to 'clk_io' with slack 1.275"),
        ("vivado_hls_2019_csynth.rpt", "|Total  ", "|Sum    ", "looked for the row 'Total'"),
        ("vivado_hls_2019_csynth.rpt", "+ Timing (ns)", "+ Speed (ns)", "looked for the summary table of 'Timing'"),
        ("vitis_hls_2024_csynth.rpt", "5.760 ns", "5.760 ft", "unknown unit 'ft'; known: ps, ns, us"),
        ("vitis_hls_2023_csynth.xml", "<DSP>5</DSP>", "", "looked for the resource 'DSP' or 'DSP48E'"),
        ("vitis_hls_2023_csynth.xml", "<LUT>1193</LUT>", "<LUT>119.3</LUT>", "LUT = '119.3' must be a whole number"),
        ("vitis_hls_2023_csynth.xml", "4.475", "0", "the estimated clock period is 0.0 ns"),
        ("vitis_hls_2023_csynth.xml", "profile>", "report>", "looked for the root <profile>.*found <report>"),
        ("quartus_21_cyclone_v.fit.rpt", "Successful - ", "Failed - ", "Fitter Status is 'Failed - "),
        ("quartus_21_cyclone_v.fit.rpt", "Logic utilization (in ALMs)", "Logic used in all (in ALMs)",
         "looked for one of the rows"),
        ("quartus_21_cyclone_v.fit.rpt", "6,243 / 32,070 ( 19 % )", "N/A                    ",
         "must be a whole number"),
        ("quartus_21.pow.rpt", "431.36 mW", "431.36 hp", "unknown unit 'hp'; known: W, mW, uW"),
        ("quartus_21.pow.rpt", "431.36 mW", "831.36 mW", "is not the sum of its parts"),
        ("quartus_21.pow.rpt", "; Core Static ", "; Core       ",
         "looked for the row 'Core Static Thermal Power Dissipation'"),
        ("quartus_18_two_corners.sta.rpt", "Fmax Summary", "Speed Summary", "looked for a table 'Fmax Summary'"),
        ("quartus_18_two_corners.sta.rpt", "83.02 MHz", "83.02 rpm", "unknown unit 'rpm'; known: MHz"),
        ("yosys_0.70_ice40.txt", "       36   SB_DFF\n", "", "looked for 77 cells of 'sample', and found 41"),
        ("yosys_0.70_ice40.txt", "SB_", "xx_", "of no known part"),
        ("yosys_0.70_ice40.txt", "SB_LUT4", "$_AND_ ", "mapped to no part"),
        ("yosys_0.70_xc7.json", '"LUT2": 8', '"LUT2": 8.5', "'LUT2' = 8.5 must be a whole number"),
        ("yosys_0.70_xc7.json", '"LUT2": 8', '"LUT2": true', "'LUT2' = True must be a whole number"),
        ("nextpnr_0.11_ice40.log", "Info: Program finished normally.", "", "looked for 'Info: Routing' and"),
        ("nextpnr_0.11_ice40.log", "288.60 MHz", "288.60 GHz", "unknown unit 'GHz'"),
        ("nextpnr_0.11_ice40.json", '"fmax"', '"f"', "looked for 'fmax' and 'utilization'"),
        ("nextpnr_0.11_ice40.json", '"achieved"', '"got"', "looked for 'achieved' in the fmax of clock"),
        ("nextpnr_0.11_ice40.json", '"achieved": 288', '"achieved": NaN, "x": 288', "NaN is no number"),
        ("nextpnr_0.11_ice40.json", "ICESTORM_LC", "GOWIN_LC", "looked for ICESTORM_LC, TRELLIS_COMB"),
    ],
)  # fmt: skip
def test_damage_is_named(name: str, old: str, new: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ObservationLoadError, match=f"(?s){re.escape(name)}: .*{says}"):
        read_report(changed(tmp_path, name, old, new))


@pytest.mark.parametrize("name", ["yosys_0.70_notop.txt", "yosys_0.70_notop.json"])
def test_modules_without_a_total_are_refused(name: str) -> None:
    with pytest.raises(ObservationLoadError, match="2 modules and no total of the design; run `stat"):
        read_report(FOLDER / name)


def test_slices_alone_give_no_luts(tmp_path: Path) -> None:
    path = changed(tmp_path, "nextpnr_0.11_ecp5.json", "TRELLIS_COMB", "TRELLIS_SLICE")
    with pytest.raises(ObservationLoadError, match=r"TRELLIS_SLICE.*no LUTs; give the log"):
        read_report(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (" \n\n", "empty"),
        ("It took 300 LUTs, I think.\n", "looked for Vivado report_utilization .*yosys stat .*HLS csynth XML"),
        ("[1, 2]", "JSON of no tool that is known; looked for yosys stat -json"),
        ('{"modules": {"m": {"cells": {}}}}', "JSON of no tool that is known"),  # a netlist
        ('{"fmax": ', "not valid JSON, or cut off"),
        ("<html><body>404</body></html>", "found <html>"),
        ("<profile><UserAssignments>", "looked for the end of <profile>"),
    ],
)
def test_a_foreign_file_is_told_what_was_looked_for(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "some.rpt"
    path.write_text(text)
    with pytest.raises(ObservationLoadError, match=f"(?s)some.rpt: .*{says}"):
        read_report(path)


def test_whatever_is_damaged_the_error_is_ours(tmp_path: Path) -> None:
    rng = random.Random(3)
    samples = sorted(FOLDER.iterdir())
    refused = 0
    for _ in range(500):
        rows = rng.choice(samples).read_text().split("\n")
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(rows))
            row, place = rows[at], rng.randrange(len(rows[at]) + 1)
            new = rng.choice(["", "9", "-", "x", " ", "|", ";", "+", "nan", "1e999", ".", "{", "\0"])
            rows[at : at + rng.choice([1, 1, 1, 3])] = [
                row[:place] + new + row[place + rng.randint(0, 2) :]
            ] * rng.choice([1, 2])
        refused += isinstance(read_or_error(tmp_path / "damaged", "\n".join(rows)), ObservationLoadError)
    assert 100 < refused < 400


def test_bytes_that_are_no_text_are_no_report(tmp_path: Path) -> None:
    path = tmp_path / "some.rpt"
    path.write_bytes(bytes(range(256)) * 100)
    with pytest.raises(ObservationLoadError, match="looked for"):
        read_report(path)


def test_a_file_that_is_not_there_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(ObservationLoadError, match=r"none.rpt: cannot be read: No such file"):
        read_report(tmp_path / "none.rpt")
    with pytest.raises(ObservationLoadError, match="cannot be read: Is a directory"):
        read_report(tmp_path)
    with pytest.raises(ConfigError, match="read_report: path = 3 must be a path"):
        read_report(3)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no path holds a NUL"):
        read_report("a\0b")


def test_an_encoding_that_cannot_be_read_is_our_error(tmp_path: Path) -> None:
    path = changed(tmp_path, "vivado_hls_2019_csynth.xml", 'encoding="UTF-8"', 'encoding="shift_jis"')
    with pytest.raises(ObservationLoadError, match="multi-byte encodings are not supported"):
        read_report(path)


@pytest.mark.parametrize(
    ("name", "figure"),
    [("vivado_2021_utilization_placed.rpt", "| 2733 |"), ("yosys_0.70_ice40.txt", "77 cells"),
     ("nextpnr_0.11_ecp5.log", ":       1/    208")],
)  # fmt: skip
def test_a_figure_longer_than_any_is_our_error(name: str, figure: str, tmp_path: Path) -> None:
    """Python itself refuses to read more than 4,300 digits."""
    long = re.sub(r"\d+", "9" * 5000, figure, count=1)
    found = read_or_error(tmp_path / name, (FOLDER / name).read_text().replace(figure, long))
    assert isinstance(found, ObservationLoadError) or found.utilisation != UTILISATION[name]


def test_an_hls_file_needs_no_version(tmp_path: Path) -> None:
    text = (FOLDER / "vivado_hls_2019_csynth.xml").read_text()
    path = tmp_path / "csynth.xml"
    path.write_text(re.sub("(?s)<ReportVersion>.*</ReportVersion>", "", text))
    report = read_report(path)
    assert report.origin.version is None
    assert report.utilisation == UTILISATION["vivado_hls_2019_csynth.xml"]


def test_what_follows_the_figures_must_be_there_too(tmp_path: Path) -> None:
    text = (FOLDER / "vivado_hls_2019_csynth.xml").read_text()
    path = tmp_path / "csynth.xml"
    path.write_text(text[: text.index("<RtlPorts>")])
    with pytest.raises(ObservationLoadError, match="looked for the end of <profile>"):
        read_report(path)


def test_a_table_without_its_last_border_is_refused(tmp_path: Path) -> None:
    rows = (FOLDER / "vivado_2021_utilization_placed.rpt").read_text().splitlines(keepends=True)
    at = next(i for i, row in enumerate(rows) if row.startswith("| F8 Muxes"))
    path = tmp_path / "utilization.rpt"
    path.write_text("".join(rows[: at + 1] + rows[at + 2 :]))
    with pytest.raises(ObservationLoadError, match="looked for the end of the table in section 'Slice Logic'"):
        read_report(path)


# ---------------------------------------------------------------- other forms of the same


@pytest.mark.parametrize("name", ["yosys_0.70_tree.txt", "yosys_0.70_tree.json"])
def test_modules_with_parameters_are_no_cells(name: str, tmp_path: Path) -> None:
    text = (FOLDER / name).read_text()
    made = "$paramod\\part\\W=s32'00000000000000000000000000000100"
    for old, new in {
        '"\\\\part"': json.dumps(made), '"part"': json.dumps(made),
        "=== part ===": f"=== {made} ===", "   part\n": f"   {made}\n",
    }.items():  # fmt: skip
        text = text.replace(old, new)
    assert text.count("paramod") >= 3
    (tmp_path / name).write_text(text)
    assert read_report(tmp_path / name).utilisation == UTILISATION[name]


@pytest.mark.parametrize("name", sorted({*UTILISATION, *TIMING, *POWER}))
def test_the_ends_of_lines_and_the_name_of_the_file_do_not_matter(name: str, tmp_path: Path) -> None:
    path = tmp_path / "renamed"
    path.write_bytes(b"\xef\xbb\xbf" + (FOLDER / name).read_bytes().replace(b"\n", b"\r\n"))
    report = read_report(path)
    assert (report.utilisation, report.timing, report.power) == figures(name)


def test_the_last_stat_of_a_log_counts(tmp_path: Path) -> None:
    text = (FOLDER / "yosys_0.70_ice40.txt").read_text()
    path = tmp_path / "log"
    path.write_text(
        text.replace("32   SB_LUT4", "30   SB_LUT4").replace("77 cells", "75 cells")
        + text
        + "\n9. Printing statistics.\n"
    )
    assert read_report(path).utilisation == UTILISATION["yosys_0.70_ice40.txt"]


def test_a_long_report_is_read_to_its_end_and_never_held_as_a_whole(tmp_path: Path) -> None:
    """16,000 lines, 1 MB: what a file is known by is its largest piece in memory."""
    text = (FOLDER / "vivado_2021_timing_met.rpt").read_text()
    at = text.index("Slack (MET)")
    path = tmp_path / "timing.rpt"
    with path.open("w") as file:
        file.write(text[:at])
        for _ in range(400):
            file.write(text[at:].replace("2.138ns", "3.000ns"))
        file.write(text[at:])
    read_report(path)  # what is loaded and compiled once does not count
    tracemalloc.start()
    try:
        report = read_report(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert report.timing == TIMING["vivado_2021_timing_met.rpt"]
    assert peak < 800_000 < path.stat().st_size


def test_json_keeps_what_it_does_not_know(tmp_path: Path) -> None:
    data = json.loads((FOLDER / "nextpnr_0.11_ecp5.json").read_text())
    data["detailed_net_timings"] = [{"net": "fmax", "fmax": 1}]
    path = tmp_path / "report.json"
    path.write_text(json.dumps(data))
    assert read_report(path).timing == TIMING["nextpnr_0.11_ecp5.json"]
