import numpy as np
import pytest
import torch

from sctorch.data import ArrayData, Digits, TensorBatches
from sctorch.data.digits import shift_images
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
        loader = Digits(seed=seed, shift=0.5).train_dataloader()
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


def test_shift_moves_by_one_pixel_and_brings_in_black():
    image = torch.arange(1.0, 17.0).view(1, 4, 4).repeat(400, 1, 1)
    moved = shift_images(image.reshape(400, 16), torch.Generator().manual_seed(0), 4, 1.0).view(400, 4, 4)
    padded = torch.nn.functional.pad(image[0], (1, 1, 1, 1))
    allowed = {padded[r : r + 4, c : c + 4].numpy().tobytes() for r in range(3) for c in range(3)}
    assert rows(moved) == allowed
    still = shift_images(image.reshape(400, 16), torch.Generator().manual_seed(0), 4, 0.0)
    assert torch.equal(still, image.reshape(400, 16))


@pytest.mark.parametrize("bad", [{"batch_size": 0}, {"val_fraction": 1.0}, {"val_fraction": -0.1}, {"shift": 1.5}])
def test_bad_values_are_named(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        Digits(**bad)


def test_bad_arrays():
    x, y = np.zeros((20, 3)), np.arange(20) % 2
    good = (x, y)
    with pytest.raises(ConfigError, match="0 to 1"):
        ArrayData((x + 2, y), good, "ab")
    with pytest.raises(ConfigError, match="class names"):
        ArrayData(good, (x, y + 1), "ab")
    with pytest.raises(ShapeError, match="labels"):
        ArrayData((x, y[:-1]), good, "ab")
    with pytest.raises(ShapeError, match="numbers of features"):
        ArrayData(good, (x[:, :2], y), "ab")
    with pytest.raises(ConfigError, match="val_fraction"):
        ArrayData(good, good, "ab", val_fraction=0.01)
    with pytest.raises(ShapeError, match="labels"):
        TensorBatches(torch.zeros(3, 1), torch.zeros(2), 1)
