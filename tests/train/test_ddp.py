"""Two processes that train together give what one gives with the doubled batch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import together
import torch

import sctorch
from sctorch.data import TensorBatches
from sctorch.errors import ConfigError

BATCH = 16


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, dict, dict]:  # type: ignore[type-arg]
    """What one process holds, and each of two."""
    if not torch.distributed.is_gloo_available():
        pytest.skip("this torch was built without gloo, the processes' connection on CPUs")
    alone, both = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("both")
    together.run(alone, 1, 2 * BATCH)
    command = [sys.executable, together.__file__, str(both), "2", str(BATCH)]
    root = str(Path(sctorch.__file__).parents[1])
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    files = (alone / "rank0.pt", both / "rank0.pt", both / "rank1.pt")
    one, first, second = (torch.load(file, weights_only=True) for file in files)
    assert first["checkpoint"] == second["checkpoint"] == str(both / "last.ckpt")
    assert (both / "last.ckpt").exists()
    return one, first, second


def test_the_result_is_that_of_the_doubled_batch(answers) -> None:  # type: ignore[no-untyped-def]
    one, first, _ = answers
    assert one["weights"].keys() == first["weights"].keys()
    for name, weight in one["weights"].items():
        torch.testing.assert_close(first["weights"][name], weight, rtol=1e-4, atol=1e-5)
    assert first["history"].keys() == one["history"].keys() >= {"train_loss", "val_loss"}
    for name, values in one["history"].items():
        assert first["history"][name] == pytest.approx(values, rel=1e-4), name
    assert first["test"] == pytest.approx(one["test"], rel=1e-4)


def test_every_process_holds_the_same(answers) -> None:  # type: ignore[no-untyped-def]
    one, first, second = answers
    for name, weight in first["weights"].items():
        assert torch.equal(weight, second["weights"][name])
    assert torch.equal(first["masks"], second["masks"])
    gone = (first["masks"] == 0).sum(dim=1)
    assert 0 < gone[5] < gone[-1] == round(0.6 * (64 * 12 + 12 * 10))
    assert torch.equal(first["masks"], one["masks"])
    for a, b, c in zip(one["streams"], first["streams"], second["streams"], strict=True):
        assert torch.equal(a, b)
        assert torch.equal(a, c)
    assert first["history"] == second["history"]


def test_each_process_took_its_half_of_every_batch(answers) -> None:  # type: ignore[no-untyped-def]
    one, first, second = answers
    assert len(one["rows"]) == len(first["rows"]) == len(second["rows"]) == 2 * 41
    for whole, a, b in zip(one["rows"], first["rows"], second["rows"], strict=True):
        assert (a, b) == (whole[::2], whole[1::2])
        assert a != b


@pytest.mark.parametrize("n", [5, 6, 7, 12, 13])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
@pytest.mark.parametrize("world_size", [2, 3, 5])
def test_shares_of_a_batch(n: int, batch_size: int, world_size: int) -> None:
    """As many batches everywhere; shuffled: as many rows too; in order: every row just once."""
    x, y = torch.arange(n).float()[:, None], torch.arange(n)
    for shuffle in (False, True):
        loaders = [
            TensorBatches(x, y, batch_size, shuffle, seed=3, rank=rank, world_size=world_size)
            for rank in range(world_size)
        ]
        for _ in range(2):  # two epochs
            shares = [[y.tolist() for _, y in loader] for loader in loaders]
            assert {len(share) for share in shares} == {len(loaders[0])}
            seen = [row for share in shares for batch in share for row in batch]
            assert len(set(seen)) == len(seen) == (n - n % world_size if shuffle else n)
            assert all(batch for share in shares for batch in share)
            if shuffle:
                assert len({tuple(len(batch) for batch in share) for share in shares}) == 1


def test_the_processes_augment_differently_and_keep_one_order() -> None:
    def noise(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return torch.rand(x.shape, generator=generator)

    x, y = torch.zeros(12, 3), torch.arange(12)
    loaders = [TensorBatches(x, y, 3, True, 0, noise, rank=rank, world_size=2) for rank in range(2)]
    for _ in range(2):
        (xa, ya), (xb, yb) = (map(torch.cat, zip(*loader, strict=True)) for loader in loaders)
        assert not torch.isin(xa, xb).any()
        assert sorted(torch.cat([ya, yb]).tolist()) == list(range(12))


@pytest.mark.parametrize("place", [{"rank": 2, "world_size": 2}, {"rank": 0, "world_size": 4}, {"world_size": 0}])
def test_a_place_that_cannot_be_is_refused(place: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"rank|processes"):
        TensorBatches(torch.zeros(3, 1), torch.zeros(3), 1, **place)
