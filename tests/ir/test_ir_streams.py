"""Stream sources: vectors worked out by hand, periods by brute force, and the fields that are refused."""

from __future__ import annotations

from math import factorial

import numpy as np
import pytest

from sctorch.errors import ConfigError
from sctorch.ir import StreamSource
from sctorch.ir.streams import MAXIMAL_TAPS, is_maximal, lfsr_bits

# x^3 + x^2 + 1, seed 1. The seed's bits are b[0] = 1, b[-1] = 0, b[-2] = 0; then b[n] = b[n-3] ^ b[n-2]:
#   b[1] = b[-2]^b[-1] = 0   b[2] = b[-1]^b[0] = 1   b[3] = b[0]^b[1] = 1   b[4] = b[1]^b[2] = 1
#   b[5] = b[2]^b[3]   = 0   b[6] = b[3]^b[4]  = 0   b[7] = b[4]^b[5] = 1 = b[0]: the period is 7.
BITS = [1, 0, 1, 1, 1, 0, 0]
# R[k] = b[k] + 2 b[k-1] + 4 b[k-2]
R3 = [1, 2, 5, 3, 7, 6, 4]
# R[k] = b[k] + 2 b[k-1]
R2 = [1, 2, 1, 3, 3, 2, 0]


def lfsr(bits: int, decorrelator: str = "shared", seed: int = 1, taps: tuple[int, ...] = (3, 2)) -> StreamSource:
    return StreamSource("lfsr", bits, taps, seed, decorrelator)


def counter(bits: int, decorrelator: str = "shared") -> StreamSource:
    return StreamSource("counter", bits, decorrelator=decorrelator)


# ---------------------------------------------------------------- vectors by hand


def test_the_bit_stream_by_hand_forwards_and_backwards() -> None:
    assert lfsr_bits((3, 2), 1, 0, 14).tolist() == BITS * 2
    assert lfsr_bits((3, 2), 1, 7, 7).tolist() == BITS * 2  # before tick 0 the same period
    assert lfsr_bits((3, 2), 1, 9, 1).tolist() == [0, 0, *BITS, 1]


def test_a_window_of_the_stream_is_the_random_number() -> None:
    assert lfsr(3).values(1, 9)[:, 0].tolist() == [*R3, 1, 2]
    assert lfsr(2).values(1, 9)[:, 0].tolist() == [*R2, 1, 2]
    assert lfsr(1).values(1, 7)[:, 0].tolist() == BITS


def test_another_seed_starts_elsewhere_in_the_same_cycle() -> None:
    # R[k] of seed 1 is 5 at k = 2, and the register is R itself for B = W.
    assert lfsr(3, seed=5).values(1, 7)[:, 0].tolist() == R3[2:] + R3[:2]


def test_a_polynomial_of_four_taps_by_hand() -> None:
    # x^8 + x^6 + x^5 + x^4 + 1, seed 0b10110010: b[0] = 0, b[-1] = 1, b[-2] = 0, b[-3] = 0, b[-4] = 1, b[-5] = 1,
    # b[-6] = 0, b[-7] = 1.
    #   b[1] = b[-7]^b[-5]^b[-4]^b[-3] = 1^1^1^0 = 1      b[2] = b[-6]^b[-4]^b[-3]^b[-2] = 0^1^0^0 = 1
    #   b[3] = b[-5]^b[-3]^b[-2]^b[-1] = 1^0^0^1 = 0      b[4] = b[-4]^b[-2]^b[-1]^b[0]  = 1^0^1^0 = 0
    assert lfsr_bits((8, 6, 5, 4), 0b10110010, 0, 5).tolist() == [0, 1, 1, 0, 0]


def test_the_counter_is_bit_reversed() -> None:
    assert counter(3).values(1, 9)[:, 0].tolist() == [0, 4, 2, 6, 1, 5, 3, 7, 0]
    assert counter(1).values(1, 3)[:, 0].tolist() == [0, 1, 0]


def test_shift_gives_input_j_the_number_of_j_ticks_ago() -> None:
    values = lfsr(3, "shift").values(5, 7)
    for j in range(5):
        assert values[:, j].tolist() == [R3[(k - j) % 7] for k in range(7)]


def test_shared_gives_everyone_the_same() -> None:
    assert (lfsr(3, "shared").values(4, 7) == np.array(R3)[:, None]).all()


def test_permute_gives_input_j_the_bits_in_the_jth_order() -> None:
    # Orders of three bits in lexicographic order: 012 021 102 120 201 210; bit i of R_j is bit order[i] of R.
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    source = lfsr(3, "permute")
    assert [tuple(source.permutation(j)) for j in range(6)] == orders
    values = source.values(7, 7)
    for j, order in enumerate([*orders, orders[0]]):
        assert values[:, j].tolist() == [sum((r >> bit & 1) << i for i, bit in enumerate(order)) for r in R3]
    # R = 5 = 101 in order 120: bit 0 is bit 1 (0), bit 1 is bit 2 (1), bit 2 is bit 0 (1): 110 = 6.
    assert values[2, 3] == 6


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5])
def test_all_orders_differ_until_there_are_no_more(bits: int) -> None:
    source = counter(bits, "permute")
    orders = {tuple(source.permutation(j)) for j in range(factorial(bits))}
    assert len(orders) == factorial(bits)
    assert all(sorted(order) == list(range(bits)) for order in orders)


def test_independent_gives_every_input_a_register_of_its_own() -> None:
    source = lfsr(5, "independent", seed=3, taps=(7, 6))
    assert source.input_seed(0) == 3
    seeds = [source.input_seed(j) for j in range(40)]
    assert len(set(seeds)) == 40
    assert all(1 <= seed <= 127 for seed in seeds)
    values = source.values(6, 50)
    for j in range(6):
        alone = lfsr(5, seed=seeds[j], taps=(7, 6)).values(1, 50)[:, 0]
        assert values[:, j].tolist() == alone.tolist()


@pytest.mark.parametrize(("bits", "taps"), [(3, (3, 2)), (4, (7, 6)), (8, (8, 6, 5, 4)), (5, (12, 6, 4, 1))])
@pytest.mark.parametrize("decorrelator", ["shared", "shift", "permute", "independent"])
def test_every_input_sees_every_number_equally_often(bits: int, taps: tuple[int, ...], decorrelator: str) -> None:
    width = taps[0]
    values = lfsr(bits, decorrelator, 1, taps).values(3, 2**width - 1)
    for j in range(3):
        counts = np.bincount(values[:, j], minlength=2**bits)
        assert counts.tolist() == [2 ** (width - bits) - 1] + [2 ** (width - bits)] * (2**bits - 1)


# ---------------------------------------------------------------- polynomials


def period(taps: tuple[int, ...]) -> int:
    """Steps until the register of a Fibonacci LFSR is back at 1, by brute force."""
    width = max(taps)
    mask, tapped = (1 << width) - 1, sum(1 << (e - 1) for e in taps)
    state, steps = 1, 0
    while True:
        state = (state << 1 | (state & tapped).bit_count() & 1) & mask
        steps += 1
        if state == 1 or steps > mask:
            return steps


@pytest.mark.parametrize("width", [w for w in MAXIMAL_TAPS if w <= 16])
def test_the_listed_polynomials_are_maximal(width: int) -> None:
    taps = MAXIMAL_TAPS[width]
    assert max(taps) == width
    assert period(taps) == 2**width - 1
    assert is_maximal(taps)


@pytest.mark.parametrize("width", [w for w in MAXIMAL_TAPS if w > 16])
def test_the_wide_polynomials_are_maximal_too(width: int) -> None:
    assert max(MAXIMAL_TAPS[width]) == width
    assert is_maximal(MAXIMAL_TAPS[width])


@pytest.mark.parametrize("width", range(2, 9))
def test_maximal_means_what_brute_force_finds(width: int) -> None:
    polynomials = [
        tuple(e for e in range(width, 0, -1) if e == width or n >> (e - 1) & 1) for n in range(2 ** (width - 1))
    ]
    maximal = {taps for taps in polynomials if is_maximal(taps)}
    assert maximal == {taps for taps in polynomials if period(taps) == 2**width - 1}
    assert 0 < len(maximal) < len(polynomials)


# ---------------------------------------------------------------- products


def product_errors(inputs: np.ndarray, weights: np.ndarray, bits: int) -> np.ndarray:
    """|mean of (v > R) & (w > R') - v w| for all v and w, streams given tick by tick."""
    v = np.arange(2**bits)
    a, b = v[None] > inputs[:, None], v[None] > weights[:, None]  # [ticks, values]
    mean = a.T.astype(float) @ b / len(inputs)
    return np.abs(mean - np.outer(v, v) / 4**bits)


def test_a_counter_times_an_lfsr_multiplies_and_one_source_twice_does_not() -> None:
    ticks = 255
    inputs = counter(8).values(1, ticks)[:, 0]
    weights = lfsr(8, taps=(8, 6, 5, 4)).values(1, ticks)[:, 0]
    good = product_errors(inputs, weights, 8)
    assert good.mean() < 0.01
    assert good.max() < 0.04
    # One source twice gives the minimum, 1/2 for the product of two halves: why it is refused.
    assert product_errors(inputs[:-1], inputs[:-1], 8)[128, 128] > 0.24
    values = np.arange(256)
    both = (values[None, :, None] > inputs[:, None, None]) & (values[None, None, :] > inputs[:, None, None])
    assert np.abs(both.mean(0) - np.minimum.outer(values, values) / 256).max() < 0.01


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "sobol", "bits": 4}, "source kind = 'sobol' is unknown; allowed: lfsr, counter"),
        ({"kind": "counter", "bits": 0}, "bits = 0 is outside 1 to 16"),
        ({"kind": "counter", "bits": 17}, "bits = 17 is outside 1 to 16"),
        (
            {"kind": "counter", "bits": 4, "decorrelator": "shift"},
            "'shift' does not go with a counter",
        ),
        ({"kind": "counter", "bits": 4, "decorrelator": "independent"}, "'independent' does not go with a counter"),
        ({"kind": "counter", "bits": 4, "seed": 1}, "no taps and no seed"),
        ({"kind": "counter", "bits": 4, "taps": (4, 3)}, "no taps and no seed"),
        ({"kind": "lfsr", "bits": 4, "taps": (4, 3), "seed": 1, "decorrelator": "magic"}, "'magic'.*shared, shift"),
        ({"kind": "lfsr", "bits": 4, "seed": 1}, "taps"),
        ({"kind": "lfsr", "bits": 4, "taps": (4, 0), "seed": 1}, "taps .* 1 to 32"),
        ({"kind": "lfsr", "bits": 4, "taps": (4, 4, 3), "seed": 1}, "taps .* different exponents"),
        ({"kind": "lfsr", "bits": 4, "taps": (33, 13), "seed": 1}, "taps .* 1 to 32"),
        ({"kind": "lfsr", "bits": 5, "taps": (4, 3), "seed": 1}, "LFSR of 4 bits cannot give R of 5 bits"),
        ({"kind": "lfsr", "bits": 4, "taps": (4, 2), "seed": 1}, r"x\^4 \+ x\^2 \+ 1 is not maximal.*\(4, 3\)"),
        ({"kind": "lfsr", "bits": 4, "taps": (4, 3, 2, 1), "seed": 1}, "not maximal"),
        ({"kind": "lfsr", "bits": 1, "taps": (1,), "seed": 1}, "taps"),
        ({"kind": "lfsr", "bits": 4, "taps": (4, 3), "seed": 0}, "seed = 0 is outside 1 to 15"),
        ({"kind": "lfsr", "bits": 4, "taps": (4, 3), "seed": 16}, "seed = 16 is outside 1 to 15"),
    ],
)
def test_bad_fields_are_refused_by_name(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        StreamSource(**fields)  # type: ignore[arg-type]


def test_taps_are_sorted_so_that_equal_polynomials_are_equal() -> None:
    assert lfsr(3, taps=(2, 3)) == lfsr(3, taps=(3, 2))
    assert lfsr(3).polynomial == "x^3 + x^2 + 1"
