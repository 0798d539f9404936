"""`sctorch synth` of an HLS design: how Vitis is found, run and read. No Vitis has run: stand-ins write its files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import sctorch
from sctorch import ir
from sctorch.backends import Design
from sctorch.backends.hls import testbench
from sctorch.cli import main
from sctorch.cost import synthesize_hls
from sctorch.errors import MismatchError, ObservationLoadError, ToolFailedError, ToolNotFoundError

REPORTS = Path(__file__).parents[1] / "cost" / "reports"
STEPS = 8
ROWS = testbench.MAX_WINDOWS * STEPS

# What the tools do as far as we see it: they read the project's own scripts, and leave logs and reports.
VITIS = """\
import re, sys
from pathlib import Path
assert sys.argv[1:] == ["--mode", "hls", "--tcl", "build_prj.tcl"] or sys.argv[1:] == ["-f", "build_prj.tcl"], sys.argv
print(Path(sys.argv[0]).name, "was called with", *sys.argv[1:])
top = re.search(r'project_name "(\\w+)"', Path("project.tcl").read_text())[1]
options = dict(re.findall(r"^\\s+(\\w+)\\s+([01])$", Path("build_opt.tcl").read_text(), re.M))
assert options["csim"] == options["synth"] == "1" and options["export"] == "0", options
assert Path(f"firmware/{top}.cpp").is_file() and Path(f"{top}_test.cpp").is_file() and not Path("sim").exists()
answers = Path("tb_data/tb_output_predictions.dat").read_text()
WORSE
Path("tb_data/csim_results.log").write_text(answers)
if options["cosim"] == "1":
    Path("tb_data/rtl_cosim_results.log").write_text(answers)
folder = Path(f"{top}_prj/solution1/syn/report")
folder.mkdir(parents=True)
text = Path("REPORTS/vitis_hls_2023_csynth.xml").read_text().replace("braids", top)
text = text.replace("undef</Worst", "18</Worst").replace("undef</Interval", "4</Interval")
(folder / f"{top}_csynth.xml").write_text(text[: globals().get("CUT")])
"""
VIVADO = """\
import re, sys
from pathlib import Path
assert sys.argv[1:] == ["-mode", "batch", "-nojournal", "-nolog", "-source", "sctorch_vivado.tcl"], sys.argv
script = Path("sctorch_vivado.tcl").read_text()
assert "source vivado_synth.tcl" in script and "-period 5 [get_ports ap_clk]" in script, script
assert Path("vivado_synth.tcl").is_file()
top = re.search(r'project_name "(\\w+)"', Path("project.tcl").read_text())[1]
for name, sample in (("vivado_synth.rpt", "vivado_2019_utilization_synth.rpt"),
                     ("sctorch_timing.rpt", "vivado_2021_timing_met.rpt")):
    Path(name).write_text(Path("REPORTS", sample).read_text().replace("braids_top", top))
"""


def network() -> ir.Network:
    return ir.Network("net", STEPS, (
        ir.RateEncoder("encoder", 4, ir.StreamSource("counter", 3)),
        ir.StochasticSynapse("synapse1", np.array([[7, -3, 0, 2], [0, 6, -5, 4]]), np.array([1, 0]), 1,
                             ir.StreamSource("lfsr", 3, (5, 3), 1)),
        ir.Readout("readout", 2, "membrane", "argmax_membrane"),
    ))  # fmt: skip


@pytest.fixture
def design(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Design:
    """A project as exported; a compiler that compiles nothing makes it quick, and nothing here runs its simulation."""
    program(tmp_path / "g++", "import sys; open(sys.argv[sys.argv.index('-o') + 1], 'w').close()")
    monkeypatch.setenv("SCTORCH_GXX", str(tmp_path / "g++"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("SCTORCH_VITIS", "SCTORCH_VIVADO"):
        monkeypatch.delenv(name, raising=False)
    return sctorch.export(network(), tmp_path / "design", backend="hls")


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return path


def vitis(folder: Path, name: str = "vitis-run", worse: str = "") -> Path:
    return program(folder / "bin" / name, VITIS.replace("REPORTS", str(REPORTS)).replace("WORSE", worse))


def files(folder: Path) -> dict[str, bytes]:
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return {name: data for name, data in found.items() if not name.startswith("vitis/")}


@pytest.mark.parametrize("name", ["vitis-run", "vitis_hls"])
def test_c_synthesis_is_run_and_read(
    name: str, design: Design, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vitis(tmp_path, name)
    before = files(design.folder)
    assert main(["synth", str(design.folder), "--json", str(tmp_path / "cost.json")]) == 0
    assert files(design.folder) == before, "the export itself was changed"
    found = json.loads((tmp_path / "cost.json").read_text())
    assert (found["format"], found["name"], found["top"]) == ("sctorch-synth-hls/1", "net", "net_hls")
    assert found["network_sha256"] == ir.digest(design.network)
    used = found["estimate"]["utilisation"]
    assert [used[key] for key in ("luts", "ffs", "brams", "dsps", "urams")] == [1193, 874, 3, 5, 3]
    assert found["estimate"]["timing"]["fmax_mhz"] == pytest.approx(1e3 / 4.475, abs=1e-3)
    assert (found["estimate"]["latency_cycles"], found["estimate"]["interval_cycles"]) == (18, 4)
    assert found["compared"] == {"csim": ROWS}
    assert found["utilisation"] is None
    shown = capsys.readouterr().out
    for text in ("1,193", "223.5", "HLS 2023.2", f"csim: {ROWS} timesteps", "estimates of C synthesis", "design/vitis"):
        assert text in shown.replace("\n", ""), text
    assert f"{name} was called with" in (design.folder / "vitis" / "vitis.log").read_text()


def test_the_rtl_is_simulated_and_synthesised_when_asked(
    design: Design, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    vitis(tmp_path)
    monkeypatch.setenv("SCTORCH_VIVADO", str(program(tmp_path / "v", VIVADO.replace("REPORTS", str(REPORTS)))))
    for _ in range(2):  # a second run replaces the first one's folder
        synthesis = synthesize_hls(design, cosim=True, vivado=True)
    assert synthesis.compared == {"csim": ROWS, "cosim": ROWS}
    assert synthesis.utilisation.utilisation.luts == 2846
    assert synthesis.utilisation.origin.stage == "Synthesized"
    assert synthesis.timing.timing.fmax_mhz > 0
    assert main(["synth", str(design.folder), "--vivado"]) == 0
    shown = capsys.readouterr().out
    for text in ("Vivado, synthesised", "2,846", "Vivado 2019.1"):
        assert text in shown, text
    assert "estimates of C synthesis" not in shown


def test_without_vitis_it_is_said_and_nothing_is_written(design: Design, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["synth", str(design.folder)]) == 1
    said = capsys.readouterr().err
    for text in ("vitis was not found", "SCTORCH_VITIS", "settings64.sh", "vitis-run --mode hls --tcl build_prj.tcl"):
        assert text in said
    assert not (design.folder / "vitis").exists()


def test_without_vivado_vitis_is_not_started(
    design: Design, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vitis(tmp_path)
    assert main(["synth", str(design.folder), "--vivado"]) == 1
    assert "vivado was not found. Install AMD Vivado" in capsys.readouterr().err
    assert not (design.folder / "vitis").exists()


def test_the_environment_comes_before_the_path(design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vitis(tmp_path, worse="raise SystemExit('of the path')")
    monkeypatch.setenv("SCTORCH_VITIS", str(vitis(tmp_path / "other")))
    assert synthesize_hls(design).estimate.utilisation.luts == 1193
    monkeypatch.setenv("SCTORCH_VITIS", str(tmp_path / "nowhere"))
    with pytest.raises(ToolNotFoundError, match="from SCTORCH_VITIS"):
        synthesize_hls(design)


@pytest.mark.parametrize(
    ("worse", "error", "says"),
    [
        ("print('ERROR: [HLS 200-1] a licence'); sys.exit(1)", ToolFailedError, "a licence"),
        ("print('all well'); sys.exit(0)", ToolFailedError, "the csim answered 0 timesteps where"),
        ("answers = answers[:-2]", ToolFailedError, f"the csim answered {ROWS - 1} timesteps"),
        ("top = 'other'", ToolFailedError, "left no net_hls_csynth.xml"),
        ("CUT = 700", ObservationLoadError, "truncated or incomplete"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told(
    worse: str, error: type[Exception], says: str, design: Design, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vitis(tmp_path, worse=worse)
    with pytest.raises(error, match=says):
        synthesize_hls(design)
    assert main(["synth", str(design.folder), "--json", str(tmp_path / "cost.json")]) == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "cost.json").exists()
    assert (design.folder / "vitis" / "vitis.log").is_file()


@pytest.mark.parametrize(
    "end", ["", "; Path('tb_data/csim_results.log').write_text(answers); sys.exit('row 11 is wrong')"]
)
@pytest.mark.parametrize("window", ["fixed", "last"])
def test_an_answer_that_differs_is_found(window: str, end: str, design: Design, tmp_path: Path) -> None:
    """Also where Vitis ends with it, as with the test bench's own status; windows of `last` end early in turn."""
    io_type = "io_parallel" if window == "fixed" else "io_stream"
    design = sctorch.export(network(), design.folder, backend="hls", window=window, io_type=io_type)
    rows = (design.folder / "tb_data" / "tb_output_predictions.dat").read_text().splitlines()
    row = STEPS + 3 if window == "fixed" else STEPS + STEPS // 2 + 3  # the second window is half as long
    wrong = 1 - int(rows[row].split()[0])
    change = f"rows[{row}] = rows[{row}].replace('{1 - wrong}', '{wrong}', 1)"
    vitis(tmp_path, worse=f"rows = answers.splitlines(); {change}; answers = '\\n'.join(rows) + '\\n'{end}")
    where = "timestep 3, window 1" if window == "fixed" else "timestep 3, window 2"
    with pytest.raises(MismatchError, match=rf"vitis csim: .*'readout.decision', {where}, .*got {wrong}"):
        synthesize_hls(design)


def test_a_report_of_another_top_is_refused(design: Design, tmp_path: Path) -> None:
    path = vitis(tmp_path)
    path.write_text(path.read_text().replace('"braids", top', '"braids", "other"'))
    with pytest.raises(ToolFailedError, match="is the report of 'other', not of 'net_hls'"):
        synthesize_hls(design)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--target", "artix7"], "its part and clock are options of the export"),
        (["--route"], "--target, --route, --freq and --seed belong to Verilog designs"),
        (["--freq", "50"], "belong to Verilog designs"),
        (["--json", "."], "--json . is a folder"),
    ],
)
def test_options_of_verilog_are_refused(
    options: list[str], says: str, design: Design, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["synth", str(design.folder), *options]) == 2
    assert says in capsys.readouterr().err


def test_a_whole_run_is_told_from_its_design(
    design: Design, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    design.folder.rename(run / "hls")
    assert main(["synth", str(run)]) == 2
    assert f"holds a whole run; its design is {run / 'hls'}" in capsys.readouterr().err


def test_options_of_hls_are_refused_for_verilog(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verilog = sctorch.export(network(), tmp_path / "verilog")
    for option in ("--cosim", "--vivado"):
        assert main(["synth", str(verilog.folder), option]) == 2
        assert "is no design of the hls backend, to which --cosim and --vivado belong" in capsys.readouterr().err
