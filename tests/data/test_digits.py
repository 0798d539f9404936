import numpy as np
import pytest
import torch

from sctorch.data import ArrayData, Digits, TensorBatches
from sctorch.data.augment import deform_images
from sctorch.errors import ConfigError, ShapeError


def rows(x):
    return {row.tobytes() for row in np.asarray(x)}


def test_split_is_fixed_and_stratified():
    a, b = Digits(seed=0), Digits(seed=7)
    (x, y), (xt, yt) = a.train_arrays(), a.test_arrays()
    assert (x.shape, xt.shape) == ((1437, 64), (360, 64))
    assert x.dtype == np.float32
    assert y.dtype == np.int64
    assert np.array_equal(xt, b.test_arrays()[0])
    assert np.bincount(yt).min() >= 35
    assert np.array_equal(x * 16, np.floor(x * 16))
    assert (a.n_features, a.n_classes, a.class_names) == (64, 10, tuple("0123456789"))


def test_validation_comes_out_of_the_training_rows():
    data = Digits(val_fraction=0.1)
    held = torch.cat([x for x, _ in data.val_dataloader()])
    fitted = torch.cat([x for x, _ in data.train_dataloader()])
    assert len(held) == 144
    assert len(held) + len(fitted) == 1437
    assert rows(held) | rows(fitted) == rows(data.train_arrays()[0])
    assert np.array_equal(held.numpy(), data.val_arrays()[0])
    assert rows(held).isdisjoint(rows(data.test_arrays()[0]))
    assert np.array_equal(Digits(seed=3).val_arrays()[0], data.val_arrays()[0])


def test_no_validation():
    data = Digits(val_fraction=0)
    assert data.val_dataloader() == []
    assert len(data.val_arrays()[0]) == 0
    assert sum(len(y) for _, y in data.train_dataloader()) == 1437


def test_order_depends_on_the_seed_alone():
    def epochs(seed):
        loader = Digits(seed=seed, deform=0.5).train_dataloader()
        return [torch.cat([x for x, _ in loader]) for _ in range(2)]

    first, again, other = epochs(0), epochs(0), epochs(1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[0], other[0])


def test_batches_hold_every_row_once():
    x, y = torch.arange(10.0)[:, None], torch.arange(10)
    loader = TensorBatches(x, y, batch_size=4, shuffle=True)
    batches = list(loader)
    assert len(loader) == len(batches) == 3
    assert [len(b) for _, b in batches] == [4, 4, 2]
    assert sorted(torch.cat([b for _, b in batches]).tolist()) == list(range(10))
    assert all(torch.equal(a[:, 0], b.float()) for a, b in batches)


def test_deform_keeps_the_grid_and_stays_near():
    x = torch.from_numpy(Digits().train_arrays()[0])
    draw = torch.Generator().manual_seed(0)
    moved = deform_images(x, draw, 8, 1.0)
    assert moved.shape == x.shape
    assert torch.equal(moved * 16, torch.floor(moved * 16))
    assert moved.min() == 0
    assert moved.max() == 1
    assert 0.02 < (moved - x).abs().mean() < 0.1
    assert torch.equal(deform_images(x, draw, 8, 0.0), x)
    half = (deform_images(x, draw, 8, 0.5) != x).any(dim=1).float().mean()
    assert 0.4 < half < 0.6


def test_deform_without_amounts_changes_nothing():
    x = torch.from_numpy(Digits().test_arrays()[0])
    assert torch.equal(deform_images(x, torch.Generator(), 8, 1.0, rotation=0, zoom=0, move=0), x)


def test_move_by_one_pixel_brings_in_black():
    image = torch.ones(50, 16)
    moved = deform_images(image, torch.Generator().manual_seed(0), 4, 1.0, rotation=0, zoom=0, move=1.0).view(-1, 4, 4)
    assert torch.equal(moved[:, 1:3, 1:3], torch.ones(50, 2, 2))
    assert moved[:, [0, 0, 3, 3], [0, 3, 0, 3]].amin(dim=1).max() < 1


@pytest.mark.parametrize("bad", [{"batch_size": 0}, {"val_fraction": 1.0}, {"val_fraction": -0.1}, {"deform": 1.5}])
def test_bad_values_are_named(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        Digits(**bad)


def test_bad_arrays():
    x, y = np.zeros((20, 3)), np.arange(20) % 2
    good, names = (x, y), ("a", "b")
    with pytest.raises(ConfigError, match="0 to 1"):
        ArrayData((x + 2, y), good, names)
    with pytest.raises(ConfigError, match="class_names"):
        ArrayData(good, (x, y + 1), names)
    with pytest.raises(ShapeError, match="labels"):
        ArrayData((x, y[:-1]), good, names)
    with pytest.raises(ShapeError, match="numbers of features"):
        ArrayData(good, (x[:, :2], y), names)
    with pytest.raises(ConfigError, match="val_fraction"):
        ArrayData(good, good, names, val_fraction=0.01)
    with pytest.raises(ShapeError, match="labels"):
        TensorBatches(torch.zeros(3, 1), torch.zeros(2), 1)


def test_shown_as_text() -> None:
    assert str(Digits()) == "Digits: 1,293 training, 144 validation, 360 test rows of 64 features, 10 classes"
    assert ", 0 validation," in str(Digits(val_fraction=0.0))
