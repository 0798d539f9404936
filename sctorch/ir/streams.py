"""Stream sources: the deterministic random numbers R[k] that turn values into bits.

A value v in [0, 2**bits) becomes the bit ``v > R[k]`` at tick k. `StreamSource.values`
is the one definition of R: the torch modules, the simulator and every backend's
generated hardware agree with it (docs/semantics.md, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import factorial

import numpy as np

from sctorch.errors import ConfigError
from sctorch.ir.checks import check_choice, check_range, is_integer

__all__ = ["DECORRELATORS", "MAXIMAL_TAPS", "SOURCE_KINDS", "StreamSource", "check_apart", "is_maximal", "lfsr_bits"]

SOURCE_KINDS = ("lfsr", "counter")
DECORRELATORS = {"lfsr": ("shared", "shift", "permute", "independent"), "counter": ("shared", "permute")}

# One maximal polynomial per width, as exponents: x^e1 + x^e2 + ... + 1 (Xilinx XAPP 052, table 3).
MAXIMAL_TAPS: dict[int, tuple[int, ...]] = {
    3: (3, 2), 4: (4, 3), 5: (5, 3), 6: (6, 5), 7: (7, 6), 8: (8, 6, 5, 4), 9: (9, 5),
    10: (10, 7), 11: (11, 9), 12: (12, 6, 4, 1), 13: (13, 4, 3, 1), 14: (14, 5, 3, 1),
    15: (15, 14), 16: (16, 15, 13, 4), 17: (17, 14), 18: (18, 11), 19: (19, 6, 2, 1), 20: (20, 17),
    21: (21, 19), 22: (22, 21), 23: (23, 18), 24: (24, 23, 22, 17),
}  # fmt: skip


def _prime_factors(n: int) -> set[int]:
    factors, p = set(), 2
    while p * p <= n:
        while n % p == 0:
            factors.add(p)
            n //= p
        p += 1
    return factors | ({n} if n > 1 else set())


@lru_cache(maxsize=256)
def is_maximal(taps: tuple[int, ...]) -> bool:
    """Whether the polynomial sum(x**e for e in taps) + 1 is primitive, so its LFSR has period 2**W - 1.

    x must have order 2**W - 1 in GF(2)[x] modulo the polynomial (Golomb, Shift Register
    Sequences, 1967).
    """
    width = max(taps)
    poly = 1 | sum(1 << e for e in taps)

    def times(a: int, b: int) -> int:
        product = 0
        while b:
            if b & 1:
                product ^= a
            a <<= 1
            if a >> width & 1:
                a ^= poly
            b >>= 1
        return product

    def power_of_x(n: int) -> int:
        result, base = 1, 2
        while n:
            if n & 1:
                result = times(result, base)
            base = times(base, base)
            n >>= 1
        return result

    order = 2**width - 1
    return power_of_x(order) == 1 and all(power_of_x(order // q) != 1 for q in _prime_factors(order))


def lfsr_bits(taps: tuple[int, ...], seed: int, before: int, after: int) -> np.ndarray:
    """Bit stream b[-before .. after-1] of a Fibonacci LFSR, b[n] = XOR of b[n - e] over the taps.

    At tick 0 the register holds the seed: bit i of the seed is b[-i], so b[0] is its lowest bit.
    The stream is periodic, and so defined before tick 0 too.

    Returns
    -------
    array of shape [before + after], values 0 or 1; index ``before + n`` holds b[n].
    """
    width = max(taps)
    start = max(before, width - 1)
    bits = np.zeros(start + max(after, 1), dtype=np.int64)
    for i in range(width):
        bits[start - i] = seed >> i & 1
    for n in range(start + 1, len(bits)):
        bits[n] = np.bitwise_xor.reduce([bits[n - e] for e in taps])
    for n in range(start - width, -1, -1):  # b[n] from b[n + width], the same rule read backwards
        bits[n] = np.bitwise_xor.reduce([bits[n + width]] + [bits[n + width - e] for e in taps if e != width])
    return bits[start - before : start + after]


def _permutation(index: int, n: int) -> list[int]:
    """The permutation of range(n) that stands at `index` (modulo n!) in lexicographic order."""
    index %= factorial(n)
    items, chosen = list(range(n)), []
    for i in range(n, 0, -1):
        pick, index = divmod(index, factorial(i - 1))
        chosen.append(items.pop(pick))
    return chosen


@dataclass(frozen=True)
class StreamSource:
    """A generator of R[k] in [0, 2**bits), and the rule that gives input j its own R_j[k].

    Parameters
    ----------
    kind : "lfsr" (Fibonacci LFSR) or "counter" (bit-reversed counter, van der Corput).
    bits : width of R, 1 to 16.
    taps : exponents of the LFSR's polynomial, for example (5, 3) for x^5 + x^3 + 1. It must be
        maximal and at least `bits` wide. Empty for a counter.
    seed : the LFSR's register at tick 0, 1 to 2**W - 1. 0 for a counter.
    decorrelator : "shared" R_j = R; "shift" R_j[k] = R[k - j]; "permute" R_j has R's bits in the
        j-th order; "independent" one LFSR per input. A counter knows shared and permute.

    Raises
    ------
    ConfigError
        For any field outside these ranges.
    """

    kind: str
    bits: int
    taps: tuple[int, ...] = ()
    seed: int = 0
    decorrelator: str = "shared"

    def __post_init__(self) -> None:
        check_choice(self.kind, SOURCE_KINDS, "source kind")
        object.__setattr__(self, "bits", check_range(self.bits, 1, 16, "source bits"))
        if not isinstance(self.decorrelator, str) or self.decorrelator not in DECORRELATORS[self.kind]:
            raise ConfigError(
                f"decorrelator {self.decorrelator!r} does not go with a {self.kind} source; "
                f"allowed: {', '.join(DECORRELATORS[self.kind])}"
            )
        if not isinstance(self.taps, list | tuple) or not all(is_integer(e) for e in self.taps):
            raise ConfigError(f"LFSR taps {self.taps!r} must be a list of integers, the polynomial's exponents")
        object.__setattr__(self, "taps", tuple(sorted((int(e) for e in self.taps), reverse=True)))
        if self.kind == "counter":
            if self.taps or not is_integer(self.seed) or self.seed:
                raise ConfigError("a counter source has no taps and no seed; leave both out")
            return
        if not self.taps or min(self.taps) < 1 or len(set(self.taps)) != len(self.taps) or self.taps[0] > 32:
            raise ConfigError(f"LFSR taps {self.taps} must be different exponents from 1 to 32")
        if self.width < 2:
            raise ConfigError(f"LFSR taps {self.taps} make a register of one bit, which never changes; use 2 or more")
        if self.width < self.bits:
            raise ConfigError(f"an LFSR of {self.width} bits cannot give R of {self.bits} bits; use a wider polynomial")
        if not is_maximal(self.taps):
            raise ConfigError(
                f"LFSR polynomial {self.polynomial} is not maximal (its period is shorter than "
                f"2^{self.width} - 1); a maximal one of this width: {MAXIMAL_TAPS.get(self.width, 'see XAPP 052')}"
            )
        if not is_integer(self.seed) or not 1 <= self.seed < 2**self.width:
            raise ConfigError(
                f"LFSR seed = {self.seed!r} is outside 1 to {2**self.width - 1} (0 would stay 0 for ever)"
            )
        object.__setattr__(self, "seed", int(self.seed))

    @property
    def width(self) -> int:
        """Register bits: the polynomial's degree, or the counter's bits."""
        return self.taps[0] if self.kind == "lfsr" else self.bits

    @property
    def polynomial(self) -> str:
        return " + ".join(f"x^{e}" for e in self.taps) + " + 1"

    def shares_bits_with(self, other: StreamSource) -> bool:
        """Whether both read the same stream: the product of two such bits is not the product of their values.

        Two registers of one polynomial and one seed do, whatever their decorrelators and widths of
        R; and so do any two counters, since the shorter R is the top bits of the longer one.
        """
        return (self.kind, self.taps, self.seed) == (other.kind, other.taps, other.seed)

    def input_seed(self, j: int) -> int:
        """Seed of input j's own register under the "independent" decorrelator."""
        return 1 + (self.seed - 1 + j * 2654435761) % (2**self.width - 1)

    def permutation(self, j: int) -> list[int]:
        """Bit i of R_j is bit ``permutation(j)[i]`` of R (decorrelator "permute")."""
        return _permutation(j, self.bits)

    def values(self, n: int, ticks: int) -> np.ndarray:
        """R_j[k] for ticks 0..ticks-1 and inputs 0..n-1, shape [ticks, n], int64."""
        if self.decorrelator == "independent":
            columns = [self._windows(lfsr_bits(self.taps, self.input_seed(j), self.bits - 1, ticks)) for j in range(n)]
            return np.stack(columns, axis=1)
        if self.decorrelator == "shift":
            window = self._windows(lfsr_bits(self.taps, self.seed, self.bits - 1 + n - 1, ticks))
            return np.stack([window[n - 1 - j : n - 1 - j + ticks] for j in range(n)], axis=1)
        shared = self._shared(ticks)
        if self.decorrelator == "shared":
            return np.repeat(shared[:, None], n, axis=1)
        orders = np.array([self.permutation(j) for j in range(n)])  # [n, bits]
        bits = shared[:, None, None] >> orders[None] & 1  # [ticks, n, bits]
        return (bits << np.arange(self.bits)).sum(axis=2)

    def _shared(self, ticks: int) -> np.ndarray:
        if self.kind == "lfsr":
            return self._windows(lfsr_bits(self.taps, self.seed, self.bits - 1, ticks))
        k = np.arange(ticks)
        return np.sum([(k >> i & 1) << (self.bits - 1 - i) for i in range(self.bits)], axis=0)

    def _windows(self, stream: np.ndarray) -> np.ndarray:
        """Every window of `bits` successive stream bits as a number, the newest bit lowest."""
        count = len(stream) - self.bits + 1
        windows = [stream[self.bits - 1 - i : self.bits - 1 - i + count] << i for i in range(self.bits)]
        return np.sum(windows, axis=0)


def check_apart(encoder: str, its: StreamSource, synapse: str, other: StreamSource) -> None:
    """ConfigError if an encoder and the synapse that it feeds read the same stream."""
    if its.shares_bits_with(other):
        same = "counters" if its.kind == "counter" else f"LFSRs of {its.polynomial} with seed {its.seed}"
        raise ConfigError(
            f"{encoder} and {synapse} use the same stream source (both are {same}): their product would be wrong; "
            "give one of them another kind, polynomial or seed"
        )
