"""The reference stage: what it trains, what it writes, where it is shown, and when it runs again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sctorch.cli import main
from sctorch.pipeline.checking import check
from sctorch.pipeline.overrides import read_plain, with_overrides
from sctorch.pipeline.reference import train_reference
from sctorch.pipeline.stages import Context, plan

FIELDS = "{hidden: [9], epochs: 2, lr: 0.02, seeds: 2}"


@pytest.fixture
def with_reference(recipe: Path) -> Path:
    recipe.write_text(recipe.read_text() + f"reference: {FIELDS}\n")
    return recipe


def started(recipe: Path, out: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, list[str], str]:
    """The exit status, the stages that ran, and everything printed."""
    capsys.readouterr()
    status = main(["run", str(recipe), "--out", str(out), *more])
    text = capsys.readouterr().out
    return status, [line[2:20].strip() for line in text.splitlines() if line[:2] in ("▸ ", "> ")], text


def reference_of(recipe: Path, *overrides: tuple[str, str]) -> Any:
    return train_reference(check(with_overrides(read_plain(recipe), list(overrides)), recipe).build())


def test_it_is_trained_tested_and_shown(
    with_reference: Path, finished: Path, fakes: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    status, ran, text = started(with_reference, finished, capsys)
    assert (status, ran) == (0, ["reference", "report"])
    written = json.loads((finished / "reference" / "reference.json").read_text())
    assert written["layers"] == [64, 9, 10]
    assert written["parameters"] == 64 * 9 + 9 + 9 * 10 + 10
    assert written["test_rows"] == 360
    assert len(written["accuracies"]) == 2
    assert written["accuracies"][0] != written["accuracies"][1]
    assert written["accuracy"] == pytest.approx(sum(written["accuracies"]) / 2)
    assert written["seconds"] > 0
    results = json.loads((finished / "results.json").read_text())
    assert results["reference"] == written
    assert list(results["seconds"])[:3] == ["train", "reference", "lower"]
    shown = f"{100 * written['accuracy']:.2f} %"
    (row,) = [line for line in text.splitlines() if "float MLP 64-9-10, mean of 2" in line]
    assert shown in row
    page = (finished / "report.html").read_text()
    assert page.count(shown) == 2
    assert "float MLP 64-9-10, mean of 2" in page
    assert f"{written['parameters']} parameters" in page


def test_a_recipe_without_one_has_none(finished: Path) -> None:
    assert not (finished / "reference").exists()
    assert json.loads((finished / "results.json").read_text())["reference"] is None
    assert "float MLP" not in (finished / "report.html").read_text()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], []),
        (["--reference.epochs", "1"], ["reference", "report"]),
        (["--reference", "null"], ["report"]),
        (["--verify.windows", "2"], ["verify", "report"]),
        (["--prune.sparsity", "0.4"], ["train", "lower", "verilog", "verify", "synth ice40-hx8k", "report"]),
    ],
)
def test_it_runs_again_when_its_fields_change_and_only_then(
    with_reference: Path,
    finished: Path,
    fakes: Any,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    expected: list[str],
) -> None:
    assert started(with_reference, finished, capsys)[0] == 0
    status, ran, _ = started(with_reference, finished, capsys, *more)
    assert (status, ran) == (0, expected)


def test_a_damaged_file_is_made_again(
    with_reference: Path, finished: Path, fakes: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert started(with_reference, finished, capsys)[0] == 0
    file = finished / "reference" / "reference.json"
    before = json.loads(file.read_text())
    file.write_text("{}")
    status, ran, _ = started(with_reference, finished, capsys)
    assert (status, ran) == (0, ["reference", "report"])
    assert {**json.loads(file.read_text()), "seconds": 0} == {**before, "seconds": 0}


def test_it_learns_and_leaves_the_generator_alone(with_reference: Path) -> None:
    more = [("reference.epochs", "30"), ("reference.hidden", "[32]"), ("reference.standardise", "true")]
    made = check(with_overrides(read_plain(with_reference), more), with_reference).build()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert train_reference(made).accuracy > 0.9
    assert (torch.rand(3) == expected).all()


def test_more_seeds_only_add_to_the_first(with_reference: Path) -> None:
    one, two = (reference_of(with_reference, ("reference.seeds", count)) for count in "12")
    assert two.accuracies[:1] == one.accuracies
    assert one.layers == two.layers == (64, 9, 10)


def test_it_runs_again_when_the_data_changes(with_reference: Path) -> None:
    def part(*overrides: tuple[str, str]) -> Any:
        checked = check(with_overrides(read_plain(with_reference), list(overrides)), with_reference)
        (stage,) = [s for s in plan(Context(checked, Path("out"))) if s.name == "reference"]
        return stage.part, stage.after

    assert part() == part(("train.epochs", "9"), ("network.num_steps", "4"), ("name", "other"))
    assert part() != part(("data.batch_size", "64"))


def test_held_out_rows_stay_held_out(with_reference: Path) -> None:
    checked = check(read_plain(with_reference), with_reference).build()
    data: Any = checked.data
    seen: list[int] = []
    loader = data.train_dataloader

    def counting() -> Any:
        batches = loader()
        seen.append(len(batches.x))
        return batches

    data.train_dataloader = counting
    train_reference(checked)
    assert set(seen) == {len(data.train_arrays()[0]) - len(data.val_arrays()[0])}


def test_standardised_features_have_mean_0_and_deviation_1() -> None:
    from sctorch.pipeline.reference import _Standardise

    x = torch.from_numpy(np.random.default_rng(0).uniform(3, 9, (200, 4)).astype(np.float32))
    x[:, 2] = 0.5  # never changes
    scaled = _Standardise(x)(x)
    assert torch.isfinite(scaled).all()
    torch.testing.assert_close(scaled.mean(dim=0), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(dim=0, correction=0), torch.tensor([1.0, 1.0, 0.0, 1.0]))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (("reference", "5"), ["reference", "hidden, epochs", "null", "'5'"]),
        (("reference", "{epochs: 3}"), ["reference", "hidden"]),
        (("reference.hidden", "3"), ["reference.hidden", "list"]),
        (("reference.hidden", "[3, x]"), ["reference.hidden", "int", "x"]),
        (("reference.hidden", "[3, 0]"), ["reference.hidden", "entry 1", "= 0", "at least 1"]),
        (("reference.epochs", "0"), ["reference.epochs = 0", "at least 1"]),
        (("reference.seeds", "0"), ["reference.seeds = 0", "at least 1"]),
        (("reference.lr", "0"), ["reference.lr = 0.0", "above 0"]),
        (("reference.lr", "inf"), ["reference.lr", "inf"]),
        (("reference.epoch", "3"), ["reference", "'epoch'", "did you mean 'epochs'"]),
        (("reference.standardise", "perhaps"), ["reference.standardise", "bool"]),
    ],
)
def test_a_wrong_field_is_refused_before_any_work(
    with_reference: Path,
    out: Path,
    fakes: Any,
    capsys: pytest.CaptureFixture[str],
    override: tuple[str, str],
    words: list[str],
) -> None:
    assert main(["run", str(with_reference), "--out", str(out), f"--{override[0]}={override[1]}"]) == 2
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert all(word in text for word in words), text
    assert not out.exists()
