"""The 16 substructure features of a jet, from the transverse momenta and directions of its particles.

The public set of jets `hls4ml_lhc_jets_hlf` on OpenML has the same 16, under the same names.
"""

from __future__ import annotations

from functools import cache

import numpy as np

__all__ = ["FEATURES", "MAX_CONSTITUENTS", "distances", "groomed_features", "zlogz"]

FEATURES = (
    "zlogz", "c1_b0_mmdt", "c1_b1_mmdt", "c1_b2_mmdt", "c2_b1_mmdt", "c2_b2_mmdt", "d2_b1_mmdt", "d2_b2_mmdt",
    "d2_a1_b1_mmdt", "d2_a1_b2_mmdt", "m2_b1_mmdt", "m2_b2_mmdt", "n2_b1_mmdt", "n2_b2_mmdt", "mass_mmdt",
    "multiplicity",
)  # fmt: skip

# Sums over triples grow with the cube; softer particles than these change nothing that can be seen.
MAX_CONSTITUENTS = 150


def zlogz(pt: np.ndarray) -> float:
    """Sum of z ln z, z each particle's part of the jet's transverse momentum; 0 for one particle, else below."""
    z = pt / pt.sum()
    return float((z * np.log(z)).sum())


def distances(y: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Distances [n, n] between particles in rapidity and azimuth."""
    turn = np.abs(phi[:, None] - phi[None])
    return np.hypot(y[:, None] - y[None], np.minimum(turn, 2 * np.pi - turn))


@cache
def _triples(largest: int) -> np.ndarray:
    # Ordered by the largest member, so that the triples of n particles are the first n-choose-3 rows.
    rows = [(i, j, k) for k in range(largest) for j in range(k) for i in range(j)]
    return np.array(rows, dtype=np.int32).T


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else 0.0


def groomed_features(pt: np.ndarray, y: np.ndarray, phi: np.ndarray) -> list[float]:
    """c1_b0 to n2_b2 (13 numbers in the order of `FEATURES`) of the particles of a groomed jet.

    With z the part of the transverse momentum and d the distance in y-phi, over pairs and triples:
    e2 = sum z z d^b; e3 = sum z z z (d d d)^b; 1e3 takes the smallest d of the three, 2e3 the
    product of the two smallest. C1 = e2; C2 = e3 / e2^2; D2 = e3 / e2^3; D2(a, b) = e3(a) /
    e2(b)^(3 a / b); M2 = 1e3 / e2; N2 = 2e3 / e2^2. A ratio with 0 below the line is 0.
    """
    hardest = np.argsort(-pt, kind="stable")[:MAX_CONSTITUENTS]
    z, d = pt[hardest] / pt.sum(), distances(y[hardest], phi[hardest])
    n = len(z)
    first, second = np.triu_indices(n, 1)
    pairs, side = z[first] * z[second], d[first, second]
    e2 = [float((pairs * side**b).sum()) for b in (0, 1, 2)]
    i, j, k = _triples(MAX_CONSTITUENTS)[:, : n * (n - 1) * (n - 2) // 6]
    weight = z[i] * z[j] * z[k]
    one, two, three = d[i, j], d[i, k], d[j, k]
    shortest, longest = np.minimum(np.minimum(one, two), three), np.maximum(np.maximum(one, two), three)
    # The two smallest as "all but the longest"; three particles in one place have no longest.
    both = np.divide(one * two * three, longest, out=np.zeros_like(longest), where=longest > 0)
    product = both * longest
    e3 = [0.0, *(float((weight * product**b).sum()) for b in (1, 2))]
    v1 = [0.0, *(float((weight * shortest**b).sum()) for b in (1, 2))]
    v2 = [0.0, *(float((weight * both**b).sum()) for b in (1, 2))]
    return [
        *e2,
        *(_ratio(e3[b], e2[b] ** 2) for b in (1, 2)),
        *(_ratio(e3[b], e2[b] ** 3) for b in (1, 2)),
        *(_ratio(e3[1], e2[b] ** (3 / b)) for b in (1, 2)),
        *(_ratio(v1[b], e2[b]) for b in (1, 2)),
        *(_ratio(v2[b], e2[b] ** 2) for b in (1, 2)),
    ]
