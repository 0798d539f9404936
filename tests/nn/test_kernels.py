"""The compiled kernels equal the torch functions: integers bit for bit, gradients to float tolerance."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sctorch import ir
from sctorch.nn import kernels
from sctorch.nn.functional import NeuronRule, integrate, lif, stochastic_current
from sctorch.nn.kernels import calls, loader

pytestmark = pytest.mark.skipif(not kernels.available(), reason="no C++ compiler, or SCTORCH_KERNELS=0")

SHAPES = [  # T, L, B, n_in, n_out
    (1, 1, 1, 1, 1),
    (25, 1, 7, 100, 33),
    (6, 1, 9, 64, 8),
    (11, 1, 3, 65, 70),
    (3, 4, 5, 130, 17),
    (1, 256, 2, 20, 9),
    (2, 1, 70, 3, 2),
]
RULES = list(
    itertools.product(
        ("none", "shift", "multiply"),
        ir.layers.COMPARES,
        ("subtract", "zero", "none"),
        (True, False),
        ((), (1,), (21,)),
    )
)


def both(function, inputs: list[Tensor | None], outputs: int) -> tuple[list[Tensor], list[Tensor]]:  # type: ignore[no-untyped-def]
    """(results and gradients) of a function of tensors with the kernels and without."""
    answers = []
    for compiled in (True, False):
        leaves = [None if x is None else x.detach().clone().requires_grad_(x.is_floating_point()) for x in inputs]
        if compiled:
            results = function(*leaves)
        else:
            with kernels.disabled():
                results = function(*leaves)
        results = results if isinstance(results, tuple) else (results,)
        torch.manual_seed(9)
        loss = (results[0] * torch.randn_like(results[0])).sum()
        wished = [x for x in leaves if x is not None and x.requires_grad]
        if compiled:
            grads = torch.autograd.grad(loss, wished)
        else:
            with kernels.disabled():
                grads = torch.autograd.grad(loss, wished)
        assert len(results) == outputs
        answers.append(([x.detach() for x in results], list(grads)))
    (mine, my_grads), (theirs, their_grads) = answers
    for a, b in zip(mine, theirs, strict=True):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)
    for a, b in zip(my_grads, their_grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
    return mine, my_grads


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["random", "ones", "zeros"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8], ids=str)
def test_currents(shape: tuple[int, ...], kind: str, dtype: torch.dtype) -> None:
    steps, length, batch, n_in, n_out = shape
    torch.manual_seed(sum(shape))
    bits = {"random": torch.randint(0, 2, (steps * length, batch, n_in)).to(dtype)}.get(kind)
    if bits is None:
        bits = torch.full((steps * length, batch, n_in), int(kind == "ones"), dtype=dtype)
    weight = torch.randint(-255, 256, (n_out, n_in)).float()
    weight[0, 0] = 255 if kind == "ones" else 0
    random = torch.randint(0, 256, (steps * length, n_in)).float()
    if kind == "ones":
        random.zero_()  # every weight but 0 is on at every tick
    (current,), grads = both(lambda b, w: stochastic_current(b, w, random, length, 8), [bits, weight], 1)
    if kind == "ones":
        assert torch.equal(current, (weight.sign().sum(dim=1) * length).expand_as(current))
    if kind == "zeros":
        assert not current.any()
        assert not grads[-1].any()


@pytest.mark.parametrize(("period", "steps"), [(1, 9), (3, 20), (7, 14), (5, 6)], ids=str)
def test_currents_where_the_source_starts_again(period: int, steps: int) -> None:
    torch.manual_seed(0)
    random = torch.randint(0, 8, (period, 30)).float().repeat(steps, 1)[:steps].contiguous()
    bits, weight = torch.randint(0, 2, (steps, 4, 30)).float(), torch.randint(-7, 8, (9, 30)).float()
    both(lambda b, w: stochastic_current(b, w, random, 1, 3), [bits, weight], 1)
    random[-1, -1] = 7 - random[-1, -1]  # it looks as if it did, and does not
    both(lambda b, w: stochastic_current(b, w, random, 1, 3), [bits, weight], 1)


def test_currents_of_bits_that_are_not_contiguous() -> None:
    torch.manual_seed(1)
    bits = torch.randint(0, 2, (40, 5, 12)).float().transpose(0, 2).contiguous().transpose(0, 2)
    expanded = torch.randint(0, 2, (5, 12), dtype=torch.uint8).expand(40, -1, -1)
    weight, random = torch.randint(-7, 8, (6, 12)).float(), torch.randint(0, 8, (40, 12)).float()
    for x in (bits, expanded):
        both(lambda b, w: stochastic_current(b, w, random, 1, 3), [x, weight], 1)


def test_a_weight_that_is_no_number_weighs_nothing_and_ends() -> None:
    """After a training that diverged; counting the bits of such a weight once had no end."""
    torch.manual_seed(2)
    bits, random = torch.randint(0, 2, (6, 3, 70)).float(), torch.randint(0, 8, (6, 70)).float()
    weight = torch.randint(-7, 8, (9, 70)).float()
    without = weight.clone()
    for i, j in ((0, 0), (4, 69)):
        weight[i, j], without[i, j] = float("nan"), 0.0
    current = stochastic_current(bits, weight, random, 1, 3)
    assert torch.equal(current, stochastic_current(bits, without, random, 1, 3))
    with kernels.disabled():
        assert torch.equal(current, stochastic_current(bits, weight, random, 1, 3))


@pytest.mark.parametrize("fields", RULES, ids=str)
def test_lif(fields: tuple[str, str, str, bool, tuple[int, ...]]) -> None:
    leak, compare, reset, delay, shape = fields
    torch.manual_seed(0)
    rule = NeuronRule(leak, {"none": 0, "shift": 3, "multiply": 8}[leak], 2, compare, reset, delay, gain=4.0)
    current = torch.randint(-5, 8, (13, 31, 21)).float()
    threshold = torch.randint(1, 40, shape).float()
    factor = torch.randint(0, 257, shape).float() if leak == "multiply" else None
    (spikes, _), _ = both(lambda c, t, f: lif(c, rule, t, f), [current, threshold, factor], 2)
    assert 0.02 < float(spikes.mean()) < 0.98


@pytest.mark.parametrize("batch", [1, 300], ids=str)
def test_lif_with_another_surrogate_and_extreme_currents(batch: int) -> None:
    torch.manual_seed(0)
    rule = NeuronRule("shift", 1, 0)
    current = torch.randint(-(2**20), 2**20, (5, batch, 1)).float()
    both(lambda c, t: lif(c, rule, t, None, torch.tanh), [current, torch.tensor(3.0)], 2)
    both(lambda c, t: lif(c, rule, t), [torch.zeros(1, batch, 1), torch.tensor(1.0)], 2)


@pytest.mark.parametrize("leak", ["none", "shift", "multiply"])
@pytest.mark.parametrize("shape", [(), (5,)], ids=str)
def test_integrate(leak: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    rule = NeuronRule(leak, 8 if leak == "multiply" else 2, 0, gain=2.0)
    factor = torch.randint(0, 257, shape).float() if leak == "multiply" else None
    both(lambda c, f: integrate(c, rule, f), [torch.randint(-9, 9, (12, 70, 5)).float(), factor], 1)


def test_the_number_of_threads_changes_no_bit() -> None:
    torch.manual_seed(0)
    bits, grad = torch.randint(0, 2, (12, 40, 200), dtype=torch.uint8), torch.randn(12, 40, 70)
    weight, random = torch.randint(-7, 8, (70, 200)).float(), torch.randint(0, 8, (12, 200)).float()
    answers = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        answers.append((calls.currents(bits, weight, random, 1), calls.weight_gradient(grad, calls.group_bits(bits))))
    torch.set_num_threads(1)
    for current, gradient in answers[1:]:
        assert torch.equal(current, answers[0][0])
        assert torch.equal(gradient, answers[0][1])


def test_what_the_kernels_cannot_take_goes_to_torch() -> None:
    weight = torch.ones(2, 3)
    assert calls.fits(weight, None, bits=torch.ones(1, 1, 3, dtype=torch.uint8))
    assert not calls.fits(weight.double())
    assert not calls.fits(weight[:0])
    assert not calls.fits(weight, bits=torch.ones(1, 1, 3, dtype=torch.int64))
    assert not calls.fits(torch.ones(2, device="meta"))
    with kernels.disabled():
        assert not calls.fits(weight)
    empty = stochastic_current(torch.ones(2, 0, 3), weight, torch.zeros(2, 3), 1, 4)
    assert empty.shape == (2, 0, 2)


def test_without_a_compiler_or_when_told_so_there_are_no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    load = loader.library.__wrapped__
    monkeypatch.setenv("SCTORCH_KERNELS", "0")
    assert load() is None
    monkeypatch.delenv("SCTORCH_KERNELS")
    monkeypatch.setenv("PATH", "")
    assert load() is None


def test_a_compiler_that_fails_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "g++"
    broken.parent.mkdir()
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo 1\n[ "$1" = --version ]\n')
    broken.chmod(0o755)
    monkeypatch.delenv("SCTORCH_KERNELS", raising=False)
    monkeypatch.setenv("CXX", str(broken))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert loader.library.__wrapped__() is None
    assert not list(tmp_path.rglob("*.so"))


def test_plain_code_equals_the_vector_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a CPU without AVX-512 runs, compiled here without it."""
    import ctypes

    plain = ctypes.CDLL(str(loader.build("g++", ("-O1",), tmp_path)))
    torch.manual_seed(0)
    bits, random = torch.randint(0, 2, (6, 11, 90)).float(), torch.randint(0, 16, (6, 90)).float()
    weight, grad = torch.randint(-15, 16, (19, 90)).float(), torch.randn(6, 11, 19)

    def results() -> list[Tensor]:
        return [
            *(calls.currents(x, weight, random, length) for x in (bits, bits.byte()) for length in (1, 3)),
            calls.weight_gradient(grad, calls.group_bits(bits)),
        ]

    fast = results()
    monkeypatch.setattr(calls, "library", lambda: plain)
    for a, b in zip(fast, results(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-5)
        assert a.abs().sum() > 0
