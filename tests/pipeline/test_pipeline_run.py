"""Runs of a whole recipe over stand-ins for the hardware: stages, resuming, failures, exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sctorch.cli import main
from sctorch.errors import ToolNotFoundError
from sctorch.pipeline import runner

STAGES = ["train", "lower", "verilog", "verify", "synth ice40-hx8k", "report"]


def run(recipe: Path, out: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, list[str], str]:
    """The exit status, the stages that ran, and everything printed."""
    capsys.readouterr()
    status = main(["run", str(recipe), "--out", str(out), *more])
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    started = [line[2:] for line in lines if line[:2] in ("▸ ", "> ")]
    return status, [s for s in STAGES if any(line.startswith(s) for line in started)], captured.out + captured.err


def results_of(out: Path) -> dict[str, Any]:
    return json.loads((out / "results.json").read_text())


def test_a_first_run_does_every_stage(recipe: Path, out: Path, fakes: Any, capsys: Any) -> None:
    status, ran, text = run(recipe, out, capsys, "--train.epochs", "1")
    assert (status, ran) == (0, STAGES)
    assert fakes.ran == ["export", "verify", "synth"]
    assert "test accuracy" in text
    assert "not measured" in text  # fmax: no place and route ran
    assert (out / "train" / "weights.ckpt").is_file()
    assert not list(out.rglob("*.part"))


def test_the_clock_is_measured_where_a_router_knows_the_target(
    recipe: Path, out: Path, fakes: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCTORCH_NEXTPNR_ICE40", sys.executable)  # any program: the stand-in does its work
    more = ("--synth.route", "true", "--synth.targets", "[ice40-hx8k, artix7-35t]")
    status, _, text = run(recipe, out, capsys, "--train.epochs", "1", *more)
    assert status == 0
    targets = results_of(out)["targets"]
    assert (targets["ice40-hx8k"]["fmax_mhz"], targets["artix7-35t"]["fmax_mhz"]) == (61.5, None)
    assert results_of(out)["fmax_mhz"] == 61.5
    assert "61.5 MHz" in text
    monkeypatch.setenv("SCTORCH_NEXTPNR_ICE40", "/no/such/program")
    status, ran, text = run(recipe, out, capsys, "--train.epochs", "2", *more)
    assert (status != 0, ran) == (True, [])
    assert "nextpnr-ice40 at '/no/such/program'" in text


def test_a_finished_run_is_recognised_without_torch(recipe: Path, finished: Path, fakes: Any, capsys: Any) -> None:
    status, ran, _ = run(recipe, finished, capsys)  # writes the stamp of this very command
    assert (status, ran) == (0, [])
    code = (
        "import sys; from sctorch.cli import main; status = main(sys.argv[1:]); "
        "print([m for m in ('torch', 'lightning') if m in sys.modules]); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", str(recipe), "--out", str(finished)], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(runner.__file__).parents[2])}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert "mismatches" in done.stdout
    assert fakes.ran == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], []),
        (["--train.progress_bar", "false"], []),
        (["--report.window", "3"], ["report"]),
        (["--synth.targets", "[artix7-35t]"], ["synth artix7-35t", "report"]),
        (["--synth.targets", "[]"], ["report"]),
        (["--verify.windows", "2"], ["verify", "report"]),
        (["--exports.0.options.architecture", "unrolled"], ["verilog", "verify", "synth ice40-hx8k", "report"]),
        (["--train.epochs", "1"], STAGES),
        (["--seed", "3"], STAGES),
        (["--force"], STAGES),
    ],
)
def test_only_what_depends_on_a_change_runs_again(
    recipe: Path, finished: Path, fakes: Any, capsys: Any, more: list[str], expected: list[str]
) -> None:
    capsys.readouterr()
    status = main(["run", str(recipe), "--out", str(finished), *more])
    lines = capsys.readouterr().out.splitlines()
    started = [line[2:20].strip() for line in lines if line[:2] in ("▸ ", "> ")]
    assert (status, started) == (0, expected)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("train/weights.ckpt", ["train"]),
        ("lower/network.json", ["lower"]),
        ("verilog/little.v", ["verilog"]),
        ("verify/verify.json", ["verify"]),
        ("results.json", ["report"]),
    ],
)
def test_a_damaged_file_is_made_again(
    recipe: Path, finished: Path, fakes: Any, capsys: Any, file: str, expected: list[str]
) -> None:
    before = (finished / file).read_bytes()
    (finished / file).write_text("{}")
    status, ran, _ = run(recipe, finished, capsys)
    # what comes out is the same again, so that nothing after it has to run, but for the report's times
    assert status == 0
    assert ran[: len(expected)] == expected
    assert set(ran) <= {*expected, "report"}
    if file != "results.json":
        assert (finished / file).read_bytes() == before


def test_a_stage_runs_again_when_its_code_changes(
    recipe: Path, finished: Path, fakes: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = runner.source_digest
    monkeypatch.setattr(
        runner,
        "source_digest",
        lambda names: original(names) + ("changed" if "verification" in names or "." in names else ""),
    )
    status, ran, _ = run(recipe, finished, capsys)
    assert (status, ran) == (0, ["verify", "report"])


def test_a_failed_stage_leaves_no_stamp_and_no_report(recipe: Path, finished: Path, fakes: Any, capsys: Any) -> None:
    fakes.fails = "verify"
    status, ran, text = run(recipe, finished, capsys, "--verify.windows", "2")
    assert (status, ran) == (1, ["verify"])
    assert "command failed: verify" in text
    assert "Traceback" not in text
    assert not (finished / ".stamps" / "verify.json").exists()
    assert not (finished / "results.json").exists()
    assert not (finished / "report.html").exists()
    fakes.fails = ""
    status, ran, _ = run(recipe, finished, capsys, "--verify.windows", "2")
    assert (status, ran) == (0, ["verify", "report"])


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_stage_is_repeated(
    recipe: Path, finished: Path, fakes: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch, signal: type
) -> None:
    import sctorch.pipeline.training

    def interrupt(*_: Any) -> None:
        raise signal

    with monkeypatch.context() as patch:
        patch.setattr(sctorch.pipeline.training, "fit", interrupt)
        status, ran, text = run(recipe, finished, capsys, "--train.epochs", "1")
    assert (status, ran) == (130, ["train"])
    assert "interrupted" in text
    assert not (finished / ".stamps" / "train.json").exists()
    status, ran, _ = run(recipe, finished, capsys)
    assert (status, ran[0]) == (0, "train")


def test_a_mismatch_is_reported_and_ends_with_status_1(recipe: Path, finished: Path, fakes: Any, capsys: Any) -> None:
    fakes.break_hardware()
    status, ran, text = run(recipe, finished, capsys, "--verify.windows", "3")
    assert (status, ran) == (1, ["verify", "report"])
    assert "ir = verilog: first difference in layer 'neuron1', timestep 0" in text
    results = results_of(finished)
    assert results["ok"] is False
    assert results["mismatches"] > 0
    assert "Differs: ir = verilog" in (finished / "report.html").read_text()
    status, ran, _ = run(recipe, finished, capsys, "--verify.windows", "3")
    assert (status, ran) == (1, ["verify", "report"])  # a bad verification is never taken for finished
    fakes.break_hardware(False)
    assert run(recipe, finished, capsys, "--verify.windows", "3")[0] == 0
    assert results_of(finished)["ok"] is True


def test_an_accuracy_that_differs_fails_the_run(
    recipe: Path, finished: Path, fakes: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sctorch.backends.design import Design

    right = Design.predict
    monkeypatch.setattr(Design, "predict", lambda self, x: (right(self, x) + 1) % 10)
    status, _, text = run(recipe, finished, capsys, "--verify.windows", "3")
    assert status == 1
    assert "torch = verilog: test row 0" in text


def test_a_folder_of_other_things_is_left_alone(recipe: Path, out: Path, fakes: Any, capsys: Any) -> None:
    (out / "train").mkdir(parents=True)
    (out / "train" / "precious").write_text("data")
    status, ran, text = run(recipe, out, capsys)
    assert (status, ran) == (1, [])
    assert "holds other things" in text
    assert [p.name for p in out.rglob("*")] == ["train", "precious"]


@pytest.mark.parametrize("below", ["file/out", "file"])
def test_a_folder_that_cannot_be_written_is_reported_first(
    recipe: Path, tmp_path: Path, fakes: Any, capsys: Any, below: str
) -> None:
    (tmp_path / "file").write_text("")
    status, ran, text = run(recipe, tmp_path / below, capsys)
    assert (status, ran) == (1, [])
    assert f"cannot write {tmp_path / below}" in text


def test_a_missing_tool_is_reported_before_training(
    recipe: Path, out: Path, fakes: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(name: str) -> None:
        if name == "yosys":
            raise ToolNotFoundError(name, "Install it.")

    monkeypatch.setattr(runner, "find_tool", find)
    status, ran, text = run(recipe, out, capsys)
    assert (status, ran) == (1, [])
    assert "yosys was not found" in text


def test_a_missing_tool_does_not_matter_to_finished_stages(
    recipe: Path, finished: Path, fakes: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(name: str) -> None:
        raise ToolNotFoundError(name, "Install it.")

    monkeypatch.setattr(runner, "find_tool", find)
    assert run(recipe, finished, capsys, "--report.window", "2")[0] == 0


@pytest.mark.parametrize(
    "more",
    [
        ["--synth.targets", "[nowhere]"],
        ["--exports", "[{backend: verilog}, {backend: vhdl}]"],
        ["--exports.0.options.speed", "1"],
    ],
)
def test_an_unknown_target_or_backend_is_a_bad_recipe(
    recipe: Path, out: Path, fakes: Any, capsys: Any, more: list[str]
) -> None:
    status, ran, text = run(recipe, out, capsys, *more)
    assert (status, ran) == (2, [])
    assert "known: " in text
    assert not out.exists()


@pytest.mark.parametrize("options", ["architecture: folded, inputs_per_clock: 2", "interface: stream, bus_bits: 16"])
def test_every_option_of_a_backend_may_stand_in_a_recipe(
    recipe: Path, out: Path, fakes: Any, capsys: Any, options: str
) -> None:
    status, ran, _ = run(recipe, out, capsys, "--exports", f"[{{backend: verilog, options: {{{options}}}}}]")
    assert status == 0
    assert "verilog" in ran


@pytest.mark.skipif(os.name != "posix", reason="file locks are POSIX's")
def test_two_runs_do_not_share_a_folder(recipe: Path, finished: Path, fakes: Any, capsys: Any) -> None:
    import fcntl

    with (finished / ".stamps" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, _, text = run(recipe, finished, capsys, "--report.window", "1")
    assert status == 1
    assert "another run" in text
