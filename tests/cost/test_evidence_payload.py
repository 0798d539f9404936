"""From reports to a record and its file, in Python and on the command line."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sctorch import ir
from sctorch.backends.design import write_description
from sctorch.cli import main
from sctorch.cost import (
    build_payload_from_reports,
    load_observations,
    load_synthesis_observation,
    observation_schema,
    write_payload,
)
from sctorch.cost.evidence import load_design
from sctorch.errors import ConfigError, ObservationLoadError

FOLDER = Path(__file__).parent / "reports"
PLACED, ROUTED = FOLDER / "vivado_2021_utilization_placed.rpt", FOLDER / "vivado_2021_timing_met.rpt"
POWER = FOLDER / "vivado_2018_power_routed.rpt"
DESIGN: dict[str, Any] = {
    "mac_count": 700, "bitstream_length": 8, "decorrelator": "shift", "precision_bits": 4, "lfsr_polynomial": "x5+x3+1",
}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(DESIGN))
    return path


def payload(settings: Path, **changes: Any) -> dict[str, Any]:
    given = {"accuracy_score": 0.972, "latency_cycles": 64, "power_path": POWER, "timing_path": ROUTED, **changes}
    return build_payload_from_reports(settings, PLACED, **given)


def test_three_reports_and_a_design_make_one_record(settings: Path, tmp_path: Path) -> None:
    made = payload(settings, clock_mhz=100.0, inferences_per_run=2)
    record = dict(made["observations"][0])
    evidence = record.pop("evidence")
    assert record == {
        **DESIGN, "lfsr_polynomial": "x^5 + x^3 + 1", "accuracy_score": 0.972, "latency_cycles": 64, "luts_used": 2733,
        "lut_kind": "LUT6", "ffs_used": 3152, "carries_used": 143, "brams_used": 2.5, "dsps_used": 6, "urams_used": 0,
        "power_mw": 97.0, "static_power_mw": 73.0, "dynamic_power_mw": 24.0, "power_confidence": "Low",
        "fmax_mhz": 234.632, "wns_ns": 2.138, "requirement_ns": 6.4, "clock_mhz": 100.0, "inferences_per_run": 2,
        "energy_nj": 31.04, "mode": "SC", "is_critical_path": False, "device": "7a35tcpg236-1", "tool": "Vivado",
        "tool_version": "2021.1", "stage": "Fully Placed",
    }  # fmt: skip
    assert set(evidence) == {"utilisation", "power", "timing"}
    assert evidence["power"]["sha256"] == hashlib.sha256(POWER.read_bytes()).hexdigest()
    assert evidence["power"]["file"] == POWER.name  # and no path of this machine
    out = tmp_path / "evidence.json"
    write_payload(made, out)
    (found,) = load_observations(out)
    assert found.to_record() == {**record, "evidence": evidence}
    assert (found.static_energy_nj, found.dynamic_energy_nj) == (73 * 0.64 / 2, 24 * 0.64 / 2)
    assert not found.estimated


@pytest.mark.parametrize("given", [{"clock_mhz": 100.0}, {"inferences_per_run": 2}, {}])
def test_no_energy_unless_clock_and_inferences_are_both_given(given: dict[str, Any], settings: Path) -> None:
    (record,) = payload(settings, **given)["observations"]
    assert "energy_nj" not in record
    assert {k: record[k] for k in given} == given


def test_an_energy_without_power_is_refused(settings: Path) -> None:
    with pytest.raises(ObservationLoadError, match="and there is no power report"):
        payload(settings, power_path=None, clock_mhz=100.0, inferences_per_run=1)


def test_one_report_may_hold_the_timing_too(settings: Path) -> None:
    made = build_payload_from_reports(settings, FOLDER / "nextpnr_0.11_ice40.log", accuracy_score=0.9, latency_cycles=7)
    (record,) = made["observations"]
    assert (record["luts_used"], record["lut_kind"], record["fmax_mhz"]) == (60, "logic cell", 288.6)
    assert "power_mw" not in record


def test_the_latency_of_hls_stands_in_and_its_counts_are_called_estimates(settings: Path) -> None:
    reports = {"utilisation": FOLDER / "vivado_hls_2019_csynth.xml"}
    found = load_synthesis_observation(reports, design=DESIGN, accuracy_score=1)
    assert (found.latency_cycles, found.estimated) == (17, True)
    given = load_synthesis_observation(reports, design=DESIGN, accuracy_score=1, latency_cycles=3)
    assert given.latency_cycles == 3
    with pytest.raises(ObservationLoadError, match="latency_cycles missing"):
        load_synthesis_observation({"utilisation": PLACED}, design=DESIGN, accuracy_score=1)


@pytest.mark.parametrize(
    ("reports", "design", "changes", "says"),
    [
        ({}, {}, {}, "utilisation is missing; it is the report that counts the LUTs"),
        ({"utilisation": POWER}, {}, {}, "a report of power, where one of utilisation must be"),
        ({"utilisation": PLACED, "timing": POWER}, {}, {}, "a report of power, where one of timing must be"),
        ({"utilisation": PLACED, "power": FOLDER / "nextpnr_0.11_ice40.log"}, {}, {},
         "a report of utilisation and timing, where one of power must be"),
        ({"utilisation": PLACED, "powr": POWER}, {}, {},
         "'powr' is unknown; known: utilisation, power, timing; did you mean 'power'"),
        ({"utilisation": PLACED, "power": FOLDER / "vivado_2022_power_hbm.rpt"}, {}, {},
         "different devices: utilisation of '7a35tcpg236-1', power of 'xcu280"),
        ({"utilisation": FOLDER / "vivado_2024_utilization_ultrascale.rpt", "power": POWER}, {}, {},
         "different designs: utilisation of 'wide_top', power of 'braids_top'"),
        ({"utilisation": PLACED, "timing": FOLDER / "quartus_26_pro.sta.rpt"}, {}, {},
         "different families of parts: utilisation of 'AMD', timing of 'Altera'"),
        ({"utilisation": FOLDER / "yosys_0.70_ice40.txt", "timing": FOLDER / "nextpnr_0.11_ecp5.log"}, {}, {},
         "different families of parts: utilisation of 'ice40', timing of 'ecp5'"),
        ({"utilisation": PLACED}, {"target": "ice40-hx8k"}, {},
         "target 'ice40-hx8k' is of family ice40, and the report of utilisation is of AMD"),
        ({"utilisation": PLACED}, {"target": "artix7"}, {},
         "target 'artix7' is xc7a100tcsg324-1, and the report of utilisation is of '7a35tcpg236-1'"),
        ({"utilisation": PLACED}, {"device": "xc7z020clg400-1"}, {},
         "device 'xc7z020clg400-1', and the reports are of '7a35tcpg236-1'"),
        ({"utilisation": FOLDER / "vivado_hls_2019_csynth.xml", "timing": FOLDER / "quartus_26_pro.sta.rpt"}, {}, {},
         "different families of parts"),
        ({"utilisation": PLACED}, {"accuracy_score": 0.5}, {}, "accuracy_score is given apart; leave it out"),
        ({"utilisation": PLACED}, {"clock_mhz": 1.0, "inferences_per_run": 1}, {}, "and there is no power report"),
        ({"utilisation": PLACED}, {"luts_used": 3}, {}, "design: luts_used come from the reports"),
        ({"utilisation": PLACED}, {"target": "artix-7"}, {}, "target 'artix-7' is unknown"),
        ({"utilisation": PLACED}, {"mac_count": 1.5}, {}, "mac_count = 1.5 must be an integer"),
        ({"utilisation": PLACED}, {"mac_count": None}, {}, "mac_count = None must be an integer"),
        ({"utilisation": PLACED}, {"bitstream_lenght": 8}, {}, "did you mean 'bitstream_length'"),
        ({"utilisation": PLACED}, {}, {"accuracy_score": 97.2}, "accuracy_score = 97.2 must be 0 to 1"),
        ({"utilisation": PLACED}, {}, {"accuracy_score": float("nan")}, "accuracy_score = nan must be finite"),
        ({"utilisation": PLACED}, {}, {"latency_cycles": True}, "latency_cycles = True must be an integer"),
        ({"utilisation": PLACED}, {}, {"inferences_per_run": 0}, "inferences_per_run = 0 is outside 1 to"),
        ({"utilisation": PLACED}, {}, {"clock_mhz": 0.0}, "clock_mhz = 0.0 must be above 0"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(
    reports: dict[str, Path], design: dict[str, Any], changes: dict[str, Any], says: str
) -> None:
    given = {"accuracy_score": 0.9, "latency_cycles": 64, **changes}
    with pytest.raises(ObservationLoadError, match=says):
        load_synthesis_observation(reports, design={**DESIGN, **design}, **given)


@pytest.mark.parametrize("estimated", ["utilisation", "timing"])
def test_estimates_and_measured_figures_make_no_one_record(estimated: str, tmp_path: Path) -> None:
    """Latency of HLS comes with its report, and so an estimate never stands in for a measurement."""
    reports = {"utilisation": PLACED, "timing": ROUTED}
    reports[estimated] = tmp_path / "csynth.xml"
    text = (FOLDER / "vivado_hls_2019_csynth.xml").read_text()
    reports[estimated].write_text(text.replace("<TopModelName>braids<", "<TopModelName>braids_top<"))
    with pytest.raises(ObservationLoadError, match=f"the report of {estimated} is an estimate of HLS, and that of"):
        load_synthesis_observation(reports, design=DESIGN, accuracy_score=1, latency_cycles=3)
    same = dict.fromkeys(reports, reports[estimated])
    assert load_synthesis_observation(same, design=DESIGN, accuracy_score=1).estimated


def test_what_is_no_mapping_is_refused() -> None:
    with pytest.raises(ObservationLoadError, match="design: str where an object must be"):
        load_synthesis_observation({"utilisation": PLACED}, design="settings.json", accuracy_score=1)  # type: ignore[arg-type]
    with pytest.raises(ObservationLoadError, match="report_paths: PosixPath where an object must be"):
        load_synthesis_observation(PLACED, design=DESIGN, accuracy_score=1)  # type: ignore[arg-type]


def test_an_alias_of_a_target_becomes_its_name() -> None:
    design = {**DESIGN, "target": "ecp5"}
    reports = {"utilisation": FOLDER / "nextpnr_0.11_ecp5.log"}
    found = load_synthesis_observation(reports, design=design, accuracy_score=0, latency_cycles=0)
    assert found.target == "ecp5-85k"
    found = load_synthesis_observation(
        {"utilisation": PLACED, "timing": ROUTED}, design={**DESIGN, "target": "artix7-35t"}, accuracy_score=0,
        latency_cycles=0,
    )  # fmt: skip
    assert found.target == "artix7-35t"


def test_yosys_counts_and_a_clock_of_the_same_family_make_one_record() -> None:
    reports = {"utilisation": FOLDER / "yosys_0.70_ice40.txt", "timing": FOLDER / "nextpnr_0.11_ice40.log"}
    design = {**DESIGN, "target": "ice40-hx8k"}
    found = load_synthesis_observation(reports, design=design, accuracy_score=0, latency_cycles=1)
    assert (found.luts_used, found.fmax_mhz) == (32, 288.6)


# ---------------------------------------------------------------- designs


def exported(folder: Path, *lengths: int) -> Path:
    """The folder of a design as export leaves it, of a layer for each of the bitstream lengths."""
    layers: list[Any] = [ir.RateEncoder("encoder", 3, ir.StreamSource("counter", 4))]
    for at, length in enumerate(lengths, 1):
        source = ir.StreamSource("lfsr", 3, (5, 3), at, "shift")
        layers += [
            ir.StochasticSynapse(
                f"synapse{at}", np.array([[1, 0, -3], [2, 2, 0], [0, 0, 7]]), np.zeros(3), length, source
            ),
            ir.Neuron(f"neuron{at}", 3, 8, np.full(3, 100), ir.Leak("shift", 3)),
        ]
    network = ir.Network("net", 16, (*layers, ir.Readout("readout", 3, "spike", "argmax_spike_count")))
    folder.mkdir()
    write_description(folder, "verilog", network, {}, target="ice40-hx8k", latency_cycles=4)
    return folder


def test_the_settings_of_an_exported_design(tmp_path: Path) -> None:
    folder = exported(tmp_path / "verilog", 4)
    expected = {
        "name": "net", "mac_count": 5, "target": "ice40-hx8k", "bitstream_length": 4, "precision_bits": 3,
        "decorrelator": "shift", "lfsr_polynomial": "x^5 + x^3 + 1",
    }  # fmt: skip
    assert load_design(folder) == expected
    assert load_design(folder / "design.json") == expected


def test_layers_that_differ_have_no_common_settings(tmp_path: Path) -> None:
    with pytest.raises(ObservationLoadError, match=r"differ in bitstream_length .synapse1 4, synapse2 8."):
        load_design(exported(tmp_path / "verilog", 4, 8))


@pytest.mark.parametrize(("text", "says"), [("[]", "list where one object must be"), ("{", "not valid JSON")])
def test_settings_that_cannot_be_read_are_refused(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text)
    with pytest.raises(ObservationLoadError, match=says):
        load_design(path)
    with pytest.raises(ObservationLoadError, match="holds no design of sctorch"):
        load_design(tmp_path)


# ---------------------------------------------------------------- writing


def test_nothing_is_written_unless_every_record_passes(settings: Path, tmp_path: Path) -> None:
    out = tmp_path / "evidence.json"
    made = payload(settings)
    made["observations"].append({**made["observations"][0], "luts_used": 1.5})
    with pytest.raises(ObservationLoadError, match=r"observations\[1\]: luts_used = 1.5"):
        write_payload(made, out)
    made["observations"][1] = {**made["observations"][0], "note": object()}
    with pytest.raises(ObservationLoadError, match="cannot be written as JSON"):
        write_payload(made, out)
    assert not out.exists()
    with pytest.raises(ConfigError, match=r"cannot write .*none/evidence.json: No such file"):
        write_payload(payload(settings), tmp_path / "none" / "evidence.json")
    assert [p.name for p in tmp_path.iterdir()] == ["settings.json"]


def test_an_interrupt_leaves_no_part_of_a_file(settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sctorch.cost.evidence.payload.os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_payload(payload(settings), tmp_path / "evidence.json")
    assert [p.name for p in tmp_path.iterdir()] == ["settings.json"]


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_who_may_read_the_file_is_for_the_umask_to_say(mask: int, settings: Path, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        write_payload(payload(settings), tmp_path / "evidence.json")
    finally:
        os.umask(before)
    assert (tmp_path / "evidence.json").stat().st_mode & 0o777 == 0o666 & ~mask


def test_without_a_file_it_goes_to_standard_output(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = payload(settings)
    write_payload(made)
    assert json.loads(capsys.readouterr().out) == made


# ---------------------------------------------------------------- the command


def arguments(settings: Path, **changes: Any) -> list[str]:
    given = {
        "design": settings, "utilisation": PLACED, "power": POWER, "timing": ROUTED, "accuracy-score": 0.972,
        "latency-cycles": 64, "clock-mhz": 100, "inferences-per-run": 2, **changes,
    }  # fmt: skip
    return ["collect-synthesis", *(str(t) for k, v in given.items() if v is not None for t in (f"--{k}", v))]


def test_the_command_writes_the_record_and_tells_of_it(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "evidence.json"
    assert main(arguments(settings, out=out)) == 0
    assert json.loads(out.read_text()) == payload(settings, clock_mhz=100.0, inferences_per_run=2)
    said = capsys.readouterr().out
    assert "Vivado 2021.1 (Fully Placed): 2,733 LUT (LUT6), 3,152 FF, 2.5 block RAM, 6 DSP" in said
    assert "power 97 mW: static 73, dynamic 24 (the tool's estimate; confidence: Low)" in said
    assert "energy per inference 31.04 nJ: static 23.36, dynamic 7.68" in said
    assert main(arguments(settings)) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(out.read_text())


def test_the_command_without_power_or_with_hls(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, bare = (
        tmp_path / "evidence.json",
        {"power": None, "timing": None, "clock-mhz": None, "inferences-per-run": None},
    )
    assert main(arguments(settings, **{**bare, "power": POWER}, out=out)) == 0
    assert "no energy: it takes --clock-mhz and --inferences-per-run" in capsys.readouterr().out
    report = FOLDER / "vitis_hls_2023_csynth.xml"
    assert main(arguments(settings, **bare, utilisation=report, out=out)) == 0
    assert "an estimate before logic synthesis, not measured" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"design": None}, 2, "--design"),
        ({"utilisation": None}, 2, "--utilisation"),
        ({"accuracy-score": None}, 2, "--accuracy-score"),
        ({"accuracy-score": "much"}, 2, "invalid float value"),
        ({"latency-cycles": 1.5}, 2, "invalid int value"),
        ({"accuracy-score": 97.2}, 1, "accuracy_score = 97.2 must be 0 to 1"),
        ({"accuracy-score": "nan"}, 1, "must be finite"),
        ({"utilisation": POWER}, 1, "a report of power, where one of utilisation must be"),
        ({"power": "none.rpt"}, 1, "none.rpt: cannot be read"),
        ({"power": None}, 1, "there is no power report"),
        ({"out": "."}, 2, "--out . is a folder; name a file"),
        ({"out": "/none/evidence.json"}, 2, "cannot write /none/evidence.json"),
    ],
)
def test_the_command_fails_with_a_status_and_writes_nothing(
    changes: dict[str, Any], status: int, says: str, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "evidence.json"
    assert main(arguments(settings, **{"out": out, **changes})) == status
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""
    assert not out.exists()


@pytest.mark.parametrize("name", ["design", "utilisation", "power", "timing"])
def test_the_command_never_writes_over_what_it_reads(
    name: str, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"design": settings, "utilisation": PLACED, "power": POWER, "timing": ROUTED}
    copy, out = tmp_path / "copy", tmp_path / "out"
    copy.write_bytes(given[name].read_bytes())
    out.symlink_to(copy)
    assert main(arguments(settings, **{name: copy, "out": out})) == 2
    assert f"--out {out} is {copy}, which is read; name another file" in capsys.readouterr().err
    assert copy.read_bytes() == given[name].read_bytes()
    other = tmp_path / "evidence.json"
    assert main(arguments(settings, out=other)) == main(arguments(settings, out=other)) == 0  # twice is all right


def test_the_command_never_writes_over_the_design_of_a_folder(tmp_path: Path) -> None:
    folder = exported(tmp_path / "verilog", 4)
    before = (folder / "network.json").read_bytes()
    assert main(arguments(folder, out=folder / "network.json")) == 2
    assert (folder / "network.json").read_bytes() == before


@pytest.mark.parametrize("verb", [["collect-synthesis", "--schema"], ["targets"]])
def test_a_reader_that_goes_and_a_full_disk_are_no_traceback(verb: list[str]) -> None:
    command = [sys.executable, "-m", "sctorch.cli", *verb]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, env=environment)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")
    full = Path("/dev/full")
    if full.exists():
        with full.open("w") as file:
            done = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, text=True, env=environment)
        assert (done.returncode, done.stderr) == (1, "sctorch: error: No space left on device\n")


def test_the_command_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["collect-synthesis", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out) == observation_schema()
