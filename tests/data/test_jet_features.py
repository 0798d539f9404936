"""The formulas of the generator of jets against sums written out; the generator itself needs Pythia."""

import importlib.util
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

SOURCE = Path(__file__).parents[2] / "recipes" / "jets" / "features.py"


@pytest.fixture(scope="module")
def features():
    spec = importlib.util.spec_from_file_location("jet_features", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def jet(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.exponential(50, n) + 0.1, rng.normal(0, 0.3, n), (rng.normal(0, 0.3, n) + 6.2) % (2 * np.pi)


def written_out(pt, y, phi):
    z = pt / pt.sum()

    def distance(i, j):
        turn = abs(phi[i] - phi[j])
        return np.hypot(y[i] - y[j], min(turn, 2 * np.pi - turn))

    n = range(len(pt))
    e2 = [sum(z[i] * z[j] * distance(i, j) ** b for i, j in combinations(n, 2)) for b in (0, 1, 2)]
    sums = {(kind, b): 0.0 for kind in ("all", "one", "two") for b in (1, 2)}
    for i, j, k in combinations(n, 3):
        sides = sorted([distance(i, j), distance(i, k), distance(j, k)])
        for b in (1, 2):
            weight = z[i] * z[j] * z[k]
            sums["all", b] += weight * np.prod(sides) ** b
            sums["one", b] += weight * sides[0] ** b
            sums["two", b] += weight * (sides[0] * sides[1]) ** b
    return [
        *e2,
        *(sums["all", b] / e2[b] ** 2 for b in (1, 2)),
        *(sums["all", b] / e2[b] ** 3 for b in (1, 2)),
        *(sums["all", 1] / e2[b] ** (3 / b) for b in (1, 2)),
        *(sums["one", b] / e2[b] for b in (1, 2)),
        *(sums["two", b] / e2[b] ** 2 for b in (1, 2)),
    ]


@pytest.mark.parametrize("n", [2, 3, 4, 12])
def test_sums_over_pairs_and_triples(features, n):
    particles = jet(n, seed=n)
    assert np.allclose(features.groomed_features(*particles), written_out(*particles), rtol=1e-12, atol=0)


def test_degenerate_jets_are_zero(features):
    one = np.array([3.0]), np.array([0.1]), np.array([0.2])
    assert features.groomed_features(*one) == [0.0] * 13
    same = np.full(4, 2.0), np.full(4, 0.5), np.full(4, 1.0)
    assert np.isfinite(features.groomed_features(*same)).all()
    assert features.groomed_features(*same)[1:] == [0.0] * 12
    assert features.zlogz(one[0]) == 0
    assert features.zlogz(np.ones(8)) == pytest.approx(-np.log(8))


def test_only_the_hardest_enter(features):
    pt, y, phi = jet(features.MAX_CONSTITUENTS)
    more = np.append(pt, 1e-9), np.append(y, 3.0), np.append(phi, 3.0)
    assert np.allclose(features.groomed_features(pt, y, phi), features.groomed_features(*more), rtol=1e-9)


def test_names(features):
    assert len(features.FEATURES) == 16
