"""The command line itself: help, version, usage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sctorch.cli import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("arguments", [
    ["--help"], ["-h"], ["run", "--help"], ["synth", "--help"], ["estimate", "--help"],
    ["collect-synthesis", "--help"], ["targets", "--help"], ["targets"], ["--version"],
])  # fmt: skip
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from sctorch.cli import main; status = main(sys.argv[1:]); "
        "heavy = [m for m in ('torch', 'lightning', 'matplotlib', 'numpy') if m in sys.modules]; "
        "sys.exit(status or (str(heavy) if heavy else 0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "sctorch" in done.stdout


def test_help_tells_the_verbs_and_run_tells_how_to_override(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    for verb in ("run", "synth", "estimate", "collect-synthesis", "targets"):
        assert f"\n  {verb} " in told
    assert main(["run", "--help"]) == 0
    assert "--train.epochs 5" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["walk"], ["run"], ["--fast"], ["run", "a.yaml", "b.yaml"]])
def test_wrong_usage_ends_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert "sctorch" in captured.out + captured.err
