"""The examples of README and docs run as they stand."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def python_blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", path.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda p: p.name)
def test_doctests_of_docs(path: Path) -> None:
    failed, run = doctest.testfile(str(path), module_relative=False)
    assert failed == 0
    assert run > 0 or ">>>" not in path.read_text()


def test_the_worked_example_is_there_to_be_run() -> None:
    parsed = doctest.DocTestParser().get_examples((ROOT / "docs" / "semantics.md").read_text())
    assert len(parsed) > 8


def test_readme_example_runs(tmp_path: Path) -> None:
    (block,) = python_blocks(ROOT / "README.md")
    script = tmp_path / "example.py"
    script.write_text(block)
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if " = " in line]
    assert [row[-1] for row in rows] == ["0", "0"], done.stdout
    accuracy = float(re.search(r"accuracy of the Verilog: ([\d.]+)", done.stdout)[1])  # type: ignore[index]
    assert 0.5 < accuracy <= 1


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text()))
def test_links_of_readme_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
