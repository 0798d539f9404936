import gzip
import hashlib
import io
import struct
import urllib.error

import numpy as np
import pytest
import torch

from sctorch.data import MNIST
from sctorch.data import mnist as module
from sctorch.data.download import cache_folder, download_gzip
from sctorch.data.idx import read_idx
from sctorch.errors import ConfigError


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def small(seed=0, rows=40):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (rows, 28, 28), dtype=np.uint8), (np.arange(rows) % 10).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Four files of the right form with 40 and 20 images."""
    for part, rows in (("train", 40), ("t10k", 20)):
        images, labels = small(rows, rows)
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch, tmp_path):
    monkeypatch.delenv("SCTORCH_MNIST", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_published_files(mnist_folder):
    data = MNIST(mnist_folder)
    (x, y), (xt, yt) = data.train_arrays(), data.test_arrays()
    assert (x.shape, xt.shape, x.dtype, y.dtype) == ((60000, 784), (10000, 784), np.float32, np.int64)
    assert np.bincount(y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(yt).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert (x.min(), x.max()) == (0, 1)
    assert xt[0].sum() == pytest.approx(18454 / 255)
    assert len(data.val_arrays()[0]) == 6000
    assert len(data.train_dataloader()) == -(-54000 // 128)


def test_bytes_become_features_batch_by_batch(folder):
    data = MNIST(str(folder), batch_size=7, val_fraction=0.25)
    images, labels = small(20, 20)
    x, y = data.test_arrays()
    assert np.array_equal(x, images.reshape(20, -1).astype(np.float32) / 255)
    assert np.array_equal(y, labels)
    assert data.train_dataloader().x.dtype == torch.uint8
    batches = [*data.train_dataloader(), *data.val_dataloader()]
    rows = torch.cat([x for x, _ in batches])
    assert all(x.dtype == torch.float32 for x, _ in batches)
    assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, data.train_arrays()[0].tolist()))
    assert len(data.val_arrays()[0]) == 10


def test_split_and_order_are_fixed(folder):
    one, other = (MNIST(str(folder), seed=s, val_fraction=0.25) for s in (0, 1))
    assert np.array_equal(one.val_arrays()[0], other.val_arrays()[0])
    first, again, third = (torch.cat([x for x, _ in d.train_dataloader()]) for d in (one, one, other))
    assert torch.equal(first, again)
    assert not torch.equal(first, third)


def test_deform_is_off_until_asked_for(folder):
    plain, bent = MNIST(str(folder), val_fraction=0), MNIST(str(folder), val_fraction=0, deform=1.0)
    (a, _), (b, _) = next(iter(plain.train_dataloader())), next(iter(bent.train_dataloader()))
    assert not torch.equal(a, b)
    assert b.min() >= 0
    assert b.max() <= 1
    assert np.array_equal(plain.test_arrays()[0], bent.test_arrays()[0])


@pytest.mark.parametrize("pool", [2, 4, 7, 14])
def test_pooled_features_are_means_of_blocks(folder, pool):
    whole, pooled = (MNIST(str(folder), val_fraction=0.0, pool=p).test_arrays()[0] for p in (1, pool))
    side = 28 // pool
    assert pooled.shape == (len(whole), side**2)
    means = 255 * whole.astype(np.float64).reshape(-1, side, pool, side, pool).mean(axis=(2, 4)).reshape(len(whole), -1)
    assert np.abs(255 * pooled.astype(np.float64) - means).max() <= 0.5 + 1e-4
    assert means.std() > 1


@pytest.mark.parametrize("pool", [0, 3, 2.5, True, "2"])
def test_a_pool_that_does_not_divide_the_image_is_named(folder, pool):
    with pytest.raises(ConfigError, match=r"MNIST: pool = .* must be one of 1, 2, 4, 7, 14"):
        MNIST(str(folder), pool=pool)


def test_variable_names_the_folder(folder, monkeypatch):
    monkeypatch.setenv("SCTORCH_MNIST", str(folder))
    assert len(MNIST(val_fraction=0).train_arrays()[0]) == 40


def test_missing_files_name_the_three_ways(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"lacks train-images.*folder=.*SCTORCH_MNIST.*download"):
        MNIST(str(tmp_path))
    monkeypatch.setenv("SCTORCH_MNIST", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="environment variable SCTORCH_MNIST"):
        MNIST()


def test_offline_names_the_three_ways(monkeypatch):
    def offline(address, timeout):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    with pytest.raises(ConfigError, match=r"no route to host.*folder=.*SCTORCH_MNIST.*download"):
        MNIST()


def test_download_is_checked_and_kept(tmp_path, monkeypatch):
    files = {}
    for part, rows in (("train", 40), ("t10k", 20)):
        images, labels = small(rows, rows)
        files |= {f"{part}-images-idx3-ubyte": idx(images), f"{part}-labels-idx1-ubyte": idx(labels)}
    asked = []

    def mirror(address, timeout):
        asked.append(address)
        if address.startswith("bad"):
            return io.BytesIO(gzip.compress(b"something else"))
        return io.BytesIO(gzip.compress(files[address.removeprefix("good/").removesuffix(".gz")]))

    monkeypatch.setattr("urllib.request.urlopen", mirror)
    monkeypatch.setattr(module, "FILES", {name: hashlib.md5(data).hexdigest() for name, data in files.items()})
    monkeypatch.setattr(module, "MIRRORS", ("bad/", "good/"))
    assert len(MNIST(val_fraction=0).train_arrays()[0]) == 40
    assert len(asked) == 8
    assert sorted(p.name for p in cache_folder("mnist").iterdir()) == sorted(files)
    MNIST(val_fraction=0)
    assert len(asked) == 8


def test_wrong_md5_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("urllib.request.urlopen", lambda address, timeout: io.BytesIO(gzip.compress(b"x")))
    with pytest.raises(ConfigError, match=r"md5 is \w+ and should be abc.*ADVICE"):
        download_gzip(tmp_path / "d", {"f": "abc"}, ["m/"], "ADVICE")
    monkeypatch.setattr("urllib.request.urlopen", lambda address, timeout: io.BytesIO(b"no gzip"))
    with pytest.raises(ConfigError, match="cannot download f"):
        download_gzip(tmp_path / "d", {"f": "abc"}, ["m/"], "ADVICE")
    assert not (tmp_path / "d").exists()


def test_damaged_files(tmp_path):
    images, labels = small()
    good = idx(images)
    path = tmp_path / "file"
    for data, text in (
        (good[:-1], "damaged"),
        (good + b"x", "damaged"),
        (good[:7], "no IDX file"),
        (idx(labels), "no IDX file"),
        (b"", "no IDX file"),
    ):
        path.write_bytes(data)
        with pytest.raises(ConfigError, match=text):
            read_idx(path, 3)
    packed = tmp_path / "file.gz"
    packed.write_bytes(gzip.compress(good)[:-20])
    with pytest.raises(ConfigError, match="cannot read"):
        read_idx(packed, 3)
    packed.write_bytes(good)
    with pytest.raises(ConfigError, match="cannot read"):
        read_idx(packed, 3)
    with pytest.raises(ConfigError, match="cannot read"):
        read_idx(tmp_path / "none", 3)


def test_files_that_do_not_belong_together(folder):
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(3, np.uint8)))
    with pytest.raises(ConfigError, match="as many labels as images"):
        MNIST(str(folder))


@pytest.mark.parametrize("bad", [{"deform": 1.5}, {"rotation": -1.0}, {"zoom": float("nan")}, {"batch_size": 0}])
def test_bad_values_are_named(folder, bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        MNIST(str(folder), **bad)
