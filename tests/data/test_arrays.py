import json

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer

from sctorch.data import Arrays, LinearScaling, NoScaling, QuantileScaling, from_dict, to_dict
from sctorch.data.scaling import fit_scaling
from sctorch.data.table import read_table
from sctorch.errors import ConfigError, ShapeError


def numbers(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.normal(5, 3, rows), rng.integers(0, 4, rows), rng.exponential(1e-4, rows)])
    return x, (np.arange(rows) % 3).astype(np.int64)


def write_csv(path, x, labels, header="a,b,c,label"):
    rows = [",".join([*(repr(float(v)) for v in row), str(label)]) for row, label in zip(x, labels, strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


@pytest.fixture
def npz(tmp_path):
    x, y = numbers()
    np.savez(tmp_path / "d.npz", x=x, y=y)
    return str(tmp_path / "d.npz")


# ---------------------------------------------------------------- scaling


def test_linear_is_min_max():
    x, _ = numbers()
    scaling = LinearScaling.fit(x)
    assert np.allclose(scaling.transform(x), MinMaxScaler().fit_transform(x), atol=1e-7)
    low, high = np.percentile(x, (5, 95), axis=0)
    robust = LinearScaling.fit(x, (5, 95))
    assert (robust.low, robust.high) == (tuple(low), tuple(high))
    result = robust.transform(x)
    assert result.dtype == np.float32
    assert (result.min(), result.max()) == (0, 1)


def test_quantile_is_scikit_learns():
    x, _ = numbers()
    other = numbers(seed=1)[0] * 1.5
    for n_quantiles in (2, 17, 129, 500):
        theirs = QuantileTransformer(n_quantiles=min(n_quantiles, len(x)), subsample=len(x)).fit(x)
        ours = QuantileScaling.fit(x, n_quantiles)
        for rows in (x, other):
            assert np.allclose(ours.transform(rows), theirs.transform(rows), atol=1e-7)


def test_outside_is_clipped():
    x, _ = numbers()
    for kind in ("linear", "quantile"):
        scaled = fit_scaling(kind, x).transform(np.array([[-1e9, -1e9, -1e9], [1e9, 1e9, 1e9]]))
        assert scaled.tolist() == [[0, 0, 0], [1, 1, 1]]


@pytest.mark.parametrize("kind", ["none", "linear", "quantile"])
def test_scaling_survives_json(kind):
    x, _ = numbers()
    scaling = fit_scaling(kind, x)
    again = from_dict(json.loads(json.dumps(to_dict(scaling))))
    assert again == scaling
    assert np.array_equal(again.transform(x), scaling.transform(x))


def test_constant_feature():
    x = np.ones((10, 1))
    assert (LinearScaling.fit(x).transform(x) == 0).all()
    assert (QuantileScaling.fit(x).transform(x) == 0).all()


@pytest.mark.parametrize(
    "data",
    [{}, {"kind": "cubic"}, {"kind": "linear", "low": [1]}, {"kind": "linear", "low": [1], "high": [0]},
     {"kind": "linear", "low": [1], "high": [2, 3]}, {"kind": "quantile", "quantiles": [[1]]},
     {"kind": "quantile", "quantiles": []}, {"kind": "quantile", "quantiles": [[2, 1]]}],
)  # fmt: skip
def test_bad_dicts(data):
    with pytest.raises(ConfigError, match=r"caling"):
        from_dict(data)


def test_bad_features_for_scaling():
    x, _ = numbers()
    bad = x.copy()
    bad[3, 1] = np.nan
    with pytest.raises(ConfigError, match=r"feature \[3, 1\] = nan"):
        LinearScaling.fit(bad)
    with pytest.raises(ShapeError, match="3 features, got 2"):
        LinearScaling.fit(x).transform(x[:, :2])
    with pytest.raises(ConfigError, match="percentiles"):
        LinearScaling.fit(x, (50, 50))
    with pytest.raises(ConfigError, match="n_quantiles"):
        QuantileScaling.fit(x, 1)
    with pytest.raises(ShapeError, match="at least one row"):
        QuantileScaling.fit(x[:0])


# ---------------------------------------------------------------- Arrays


def test_scaling_is_fitted_to_training_rows_alone(npz):
    data = Arrays(npz, val_fraction=0.2)
    train, test = data.train_arrays()[0], data.test_arrays()[0]
    assert (train.shape, test.shape) == ((160, 3), (40, 3))
    assert (train.min(axis=0) == 0).all()
    assert (train.max(axis=0) == 1).all()
    assert isinstance(data.scaling, LinearScaling)
    raw = np.sort(numbers()[0][:, 0])
    low, high = data.scaling.bounds
    assert low[0] in raw
    assert high[0] in raw
    assert 0 <= data.clipped < 0.1


def test_changed_test_rows_change_no_scaling(tmp_path):
    x, y = numbers()
    test = np.arange(200) % 5 == 0
    np.savez(tmp_path / "a.npz", x=x, y=y, test=test)
    x[test] *= 100
    np.savez(tmp_path / "b.npz", x=x, y=y, test=test)
    for scaling in ("linear", "quantile"):
        a, b = (Arrays(str(tmp_path / f"{n}.npz"), scaling=scaling) for n in "ab")
        assert a.scaling == b.scaling
        assert np.array_equal(a.train_arrays()[0], b.train_arrays()[0])
        assert b.test_arrays()[0].max() == 1
        assert b.clipped > 0.3 > a.clipped
        assert len(a.test_arrays()[0]) == 40


def test_split_depends_on_split_seed_alone(npz):
    a, b, c = Arrays(npz), Arrays(npz, seed=5), Arrays(npz, split_seed=1)
    assert np.array_equal(a.test_arrays()[0], b.test_arrays()[0])
    assert not np.array_equal(a.test_arrays()[0], c.test_arrays()[0])
    assert np.bincount(a.test_arrays()[1]).tolist() == [14, 13, 13]


def test_groups_stay_together(tmp_path):
    rng = np.random.default_rng(0)
    group = rng.permutation(np.repeat(np.arange(100), 2))
    x = np.repeat((group / 100)[:, None], 2, axis=1)
    np.savez(tmp_path / "d.npz", x=x, y=rng.integers(0, 2, 200), group=group)
    data = Arrays(str(tmp_path / "d.npz"), scaling="none", val_fraction=0.25)
    val, test, train = data.val_arrays()[0][:, 0], data.test_arrays()[0][:, 0], data.train_arrays()[0][:, 0]
    fitted = np.concatenate([x[:, 0].numpy() for x, _ in data.train_dataloader()])
    assert (len(test), len(val), len(fitted)) == (40, 40, 120)
    assert set(test).isdisjoint(train)
    assert set(val).isdisjoint(fitted)


def test_csv_and_npz_agree(tmp_path, npz):
    x, y = numbers()
    path = write_csv(tmp_path / "d.csv", x, np.array(["low", "mid", "high"])[y])
    data = Arrays(path, class_names=["low", "mid", "high"])
    reference = Arrays(npz)
    assert np.array_equal(data.test_arrays()[0], reference.test_arrays()[0])
    assert np.array_equal(data.test_arrays()[1], reference.test_arrays()[1])
    assert (data.class_names, data.feature_names) == (("low", "mid", "high"), ("a", "b", "c"))
    assert reference.feature_names == ("x0", "x1", "x2")
    assert read_table(path).class_names == ("high", "low", "mid")
    assert read_table(write_csv(tmp_path / "n.csv", x, y), class_names=["p", "q", "r"]).y.tolist() == y.tolist()
    chosen = read_table(path, features=["c", "a"])
    assert np.array_equal(chosen.x, x[:, [2, 0]])
    assert chosen.feature_names == ("c", "a")


def test_arff(tmp_path):
    text = "% note\n@RELATION r\n@ATTRIBUTE 'one f' REAL\n@attribute two numeric\n@ATTRIBUTE class {g, q}\n\n@DATA\n"
    (tmp_path / "d.arff").write_text(text + "1,2.5,g\n% more\n\n3, -1e3, 'q'\n")
    table = read_table(tmp_path / "d.arff", label="class")
    assert table.x.tolist() == [[1, 2.5], [3, -1000]]
    assert (table.feature_names, table.class_names, table.y.tolist()) == (("one f", "two"), ("g", "q"), [0, 1])


def test_meta_is_text_and_holds_the_scaling(npz):
    data = Arrays(npz, scaling="quantile", class_names=["a", "b", "c"])
    meta = data.meta
    assert all(isinstance(value, str) for value in meta.values())
    assert json.loads(meta["class_names"]) == ["a", "b", "c"]
    assert json.loads(meta["feature_names"]) == ["x0", "x1", "x2"]
    assert from_dict(json.loads(meta["scaling"])) == data.scaling


def test_none_wants_features_in_range(tmp_path, npz):
    with pytest.raises(ConfigError, match="0 to 1"):
        Arrays(npz, scaling="none")
    x, y = numbers()
    np.savez(tmp_path / "u.npz", x=LinearScaling.fit(x).transform(x), y=y)
    assert isinstance(Arrays(str(tmp_path / "u.npz"), scaling="none").scaling, NoScaling)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,label\n1,2,x\n", "no column 'c'"),
        ("a,b,c\n1,2,3\n", "no column 'label'; it has a, b, c"),
        ("a,b,c,label\n1,2,3,x\n1,2,x\n", "data row 1 has 3 values"),
        ("a,b,c,label\n1,2,3,x\n1,two,3,x\n", "data row 1, column 'b': 'two' is no number"),
        ("a,b,c,label\n1,2,3,x\n1,nan,3,x\n", "row 1, feature 'b' is nan"),
        ("a,b,c,label\n1,2,3,x\n1,2,inf,x\n", "row 1, feature 'c' is inf"),
        ("a,b,c,label\n", "no rows"),
        ("", "no column"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    (tmp_path / "d.csv").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_table(tmp_path / "d.csv", features=["a", "b", "c"])


def test_bad_npz(tmp_path, npz):
    x, y = numbers()
    path = tmp_path / "bad.npz"
    for arrays, message in (
        ({"x": x}, "no array 'y'"),
        ({"x": x, "y": y[:-1]}, "one label per row"),
        ({"x": x, "y": y, "test": y[:3] > 0}, "test has the shape"),
        ({"x": x, "y": y, "features": np.array(["a"])}, "1 names for 3"),
        ({"x": x, "y": y, "classes": np.array(["a"])}, "label '1' is none of the classes"),
        ({"x": x.astype(str), "y": y}, "must be numbers"),
        ({"x": x.astype(object), "y": y}, "cannot read"),
        ({"x": x, "y": y, "test": y >= 0}, "test split takes 200 of 200"),
    ):
        np.savez(path, **arrays)
        with pytest.raises((ConfigError, ShapeError), match=message):
            Arrays(str(path))
    path.write_bytes((tmp_path / "d.npz").read_bytes()[:500])
    with pytest.raises(ConfigError, match="no npz file"):
        read_table(path)


def test_bad_arguments(tmp_path, npz):
    with pytest.raises(ConfigError, match=r"ending '\.txt'"):
        Arrays(str(tmp_path / "d.txt"))
    with pytest.raises(ConfigError, match="cannot read"):
        Arrays(str(tmp_path / "none.csv"))
    with pytest.raises(ConfigError, match="cannot read"):
        Arrays(str(tmp_path / "none.npz"))
    (tmp_path / "latin.csv").write_bytes("a,label\n1,é\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="UTF-8"):
        Arrays(str(tmp_path / "latin.csv"))
    with pytest.raises(ConfigError, match="scaling = 'cubic'"):
        Arrays(npz, scaling="cubic")
    for fraction in (0.0, 1.0, 0.001):
        with pytest.raises(ConfigError, match="test_fraction"):
            Arrays(npz, test_fraction=fraction)
