import urllib.error
from types import SimpleNamespace

import numpy as np
import pytest

from sctorch.data import Jets, QuantileScaling
from sctorch.data import jets as module
from sctorch.data.jets import JET_CLASSES, JET_FEATURES
from sctorch.errors import ConfigError


@pytest.fixture(scope="module")
def sample():
    return Jets()


def rows(x):
    return {row.tobytes() for row in x}


def public_like(seed=0, n=300):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 16)), np.array(JET_CLASSES)[rng.integers(0, 5, n)]


def write(path, x, y):
    lines = [",".join([*map(repr, map(float, row)), label]) for row, label in zip(x, y, strict=True)]
    path.write_text(",".join([*JET_FEATURES, "class"]) + "\n" + "\n".join(lines) + "\n")
    return str(path)


def test_sample(sample):
    (x, y), (xt, yt) = sample.train_arrays(), sample.test_arrays()
    assert len(y) + len(yt) == 50_000
    assert (np.bincount(y) + np.bincount(yt)).tolist() == [10_000] * 5
    assert 0.19 < len(yt) / 50_000 < 0.21
    assert (sample.class_names, sample.feature_names) == (JET_CLASSES, JET_FEATURES)
    assert x.dtype == np.float32
    assert isinstance(sample.scaling, QuantileScaling)
    assert np.abs(np.median(x, axis=0) - 0.5).max() < 0.02
    assert sample.clipped < 0.001
    assert np.array_equal(Jets(seed=3).test_arrays()[0], xt)


def test_sample_has_the_masses_of_its_particles():
    table = module._table("sample", "class")
    mass = table.x[:, JET_FEATURES.index("mass_mmdt")]
    for name, expected in (("w", 80), ("z", 91), ("t", 174)):
        counts, edges = np.histogram(mass[table.y == JET_CLASSES.index(name)], bins=80, range=(40, 200))
        assert abs(edges[counts.argmax()] + 1 - expected) <= 3
    column = {name: table.x[:, i] for i, name in enumerate(JET_FEATURES)}
    assert np.array_equal(column["d2_b1_mmdt"], column["d2_a1_b1_mmdt"])


def test_jets_of_one_event_stay_on_one_side():
    table = module._table("sample", "class")
    assert set(table.group[table.test]).isdisjoint(table.group[~table.test])
    assert np.bincount(table.group).max() == 2
    sides = [set(np.bincount(table.group[table.y == c], minlength=1).nonzero()[0]) for c in range(5)]
    assert all(sides[a].isdisjoint(sides[b]) for a in range(5) for b in range(a))


def test_local_file_of_the_public_set(tmp_path):
    x, y = public_like()
    data = Jets(write(tmp_path / "jets.csv", x, y), val_fraction=0)
    assert (len(data.train_arrays()[0]), len(data.test_arrays()[0])) == (240, 60)
    again = Jets(write(tmp_path / "again.csv", x, y), val_fraction=0)
    assert rows(again.test_arrays()[0]) == rows(data.test_arrays()[0])
    x[0, 0] = np.nan
    with pytest.raises(ConfigError, match="'zlogz' is nan"):
        Jets(write(tmp_path / "nan.csv", x, y))
    (tmp_path / "few.csv").write_text("zlogz,class\n1,g\n")
    with pytest.raises(ConfigError, match="no column 'c1_b0_mmdt'"):
        Jets(str(tmp_path / "few.csv"))
    with pytest.raises(ConfigError, match="'x' is none of the classes g, q, w, z, t"):
        Jets(write(tmp_path / "odd.csv", *(public_like()[0], np.full(300, "x"))))


def test_openml(monkeypatch):
    x, y = public_like()
    names = [*JET_FEATURES[::-1], "more"]
    answer = SimpleNamespace(data=np.column_stack([x[:, ::-1], x[:, 0]]), target=y.astype(object), feature_names=names)
    monkeypatch.setattr(module, "fetch_openml", lambda *args, **kwargs: answer)
    table = module._table("openml", "class")
    assert np.array_equal(table.x, x)
    assert [JET_CLASSES[c] for c in table.y] == y.tolist()
    answer.feature_names = ["a"] * 17
    with pytest.raises(ConfigError, match="lacks zlogz"):
        Jets("openml")


def test_offline_names_the_three_ways(monkeypatch):
    def offline(*args, **kwargs):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(module, "fetch_openml", offline)
    with pytest.raises(ConfigError, match=r"no route to host.*'sample'.*file.*'openml'"):
        Jets("openml")
    with pytest.raises(ConfigError, match=r"no file.*'sample'.*file.*'openml'"):
        Jets("nowhere.csv")
