"""Whatever is put into a field of a dataset, the answer is an error of ours that names the field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import junk
import numpy as np
import pytest
import torch
from junk import JUNK

from sctorch.data import ArrayData, Arrays, Digits, Jets, LinearScaling, QuantileScaling, TensorBatches, from_dict
from sctorch.data.files import TableData
from sctorch.data.mnist import MNIST
from sctorch.data.scaling import fit_scaling
from sctorch.data.table import make_table, read_table
from sctorch.errors import ConfigError, SctorchError, ShapeError

X, Y = np.linspace(0, 1, 80).reshape(40, 2), np.arange(40) % 2
TABLE = make_table(X, Y, None, None, "here")

SHARED = {"batch_size": (), "seed": {"zero"}, "val_fraction": {"zero"}}
OF_A_TABLE = {
    "scaling": (), "percentiles": (), "n_quantiles": {"huge"}, "test_fraction": (), "split_seed": {"zero"}, **SHARED,
}  # fmt: skip
CLASSES: junk.Table = {
    "ArrayData": (
        ArrayData, {"train": (X, Y), "test": (X, Y), "class_names": ("a", "b")},
        {
            "train": (), "test": (), "class_names": (), "augment": {"None"}, "groups": {"None"},
            "feature_names": {"None", "empty list"}, "scaling": {"None"}, **SHARED,
        },
    ),
    "Digits": (Digits, {}, {"deform": {"zero"}, **SHARED}),
    "TableData": (TableData, {"table": TABLE}, {"table": (), **OF_A_TABLE}),
    "TableData by quantiles": (
        TableData, {"table": TABLE, "scaling": "quantile", "n_quantiles": 4}, {"n_quantiles": {"huge"}},
    ),
    "TensorBatches": (
        TensorBatches, {"x": torch.zeros(4, 2), "y": torch.zeros(4), "batch_size": 2},
        {"x": (), "y": (), "batch_size": (), "shuffle": {"true"}, "seed": {"zero"}, "augment": {"None"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "field", "value"), junk.cases(CLASSES))
def test_no_field_takes_junk(kind: str, field: str, value: str) -> None:
    message = junk.check(CLASSES, kind, field, value)
    names = {"train": ("train", "features", "labels"), "test": ("test", "features", "labels")}.get(field, (field,))
    assert any(name in message for name in names), message


@pytest.mark.parametrize("field", ["path", "label", "features", "class_names", "scaling"])
@pytest.mark.parametrize("value", JUNK)
def test_no_field_of_a_file_takes_junk(tmp_path: Path, field: str, value: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b,label\n" + "".join(f"{i},{i + 1},{i % 2}\n" for i in range(40)))
    good: dict[str, Any] = {"path": str(path)}
    Arrays(**good)
    if (field, value) in {("features", "None"), ("class_names", "None")}:
        return
    with pytest.raises(SctorchError):
        Arrays(**{**good, field: JUNK[value]})


@pytest.mark.parametrize("value", JUNK)
def test_no_field_of_the_larger_sets_takes_junk(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    with pytest.raises(ConfigError, match="source"):
        Jets(source=JUNK[value])
    monkeypatch.delenv("SCTORCH_MNIST", raising=False)
    fields = ["folder", "deform", "rotation", "zoom", "move"]
    for field in fields:
        good = {"folder": {"None", "empty text"}, "deform": {"zero"}}.get(
            field, {"half", "whole float", "zero", "huge"}
        )
        if value not in good:
            with pytest.raises(ConfigError, match=f"MNIST: {field}"):
                MNIST(**{"folder": "/nonesuch", field: JUNK[value]})


@pytest.mark.parametrize("value", JUNK)
def test_scalings_take_their_numbers_alone(value: str) -> None:
    bad = JUNK[value]
    for make in (lambda: LinearScaling(bad, bad), lambda: QuantileScaling(bad), lambda: from_dict(bad)):
        try:
            made = make()
        except SctorchError:
            continue
        assert isinstance(made, LinearScaling)
        assert value in ("list", "empty list")
    with pytest.raises(SctorchError):
        fit_scaling("linear", bad)


def test_labels_are_class_numbers() -> None:
    for labels in (Y + 0.5, np.full(40, np.nan), Y.astype(str), Y - 1, Y + 1):
        with pytest.raises(ConfigError, match="ArrayData: labels"):
            ArrayData((X, labels), (X, Y), ("a", "b"))
    with pytest.raises(ShapeError, match="expected features"):
        ArrayData((X[:0], Y[:0]), (X, Y), ("a", "b"))
    with pytest.raises(ShapeError, match="groups has the shape"):
        ArrayData((X, Y), (X, Y), ("a", "b"), groups=np.arange(39))
    ArrayData((X.tolist(), Y.tolist()), (X, Y.astype(float)), ["a", "b"])  # type: ignore[arg-type]


def test_a_path_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="path = None must be a path"):
        read_table(None)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="features = 'a' must be a list of texts"):
        read_table(tmp_path / "x.csv", features="a")


def test_a_column_twice(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("u,u,v,label\n" + "1,2,3,a\n2,3,4,b\n" * 10)
    for features in (None, ["u"], ["v", "v"]):
        with pytest.raises(ConfigError, match="more than once"):
            read_table(tmp_path / "x.csv", features=features)
    assert read_table(tmp_path / "x.csv", features=["v"]).x.shape == (20, 1)


def test_row_numbers_are_no_test_split(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=X, y=Y, test=np.arange(40))
    with pytest.raises(ConfigError, match="test must say True or False for every row"):
        read_table(tmp_path / "x.npz")
