"""Encoders: features become bits, or integers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sctorch.checks import check_range, is_integer
from sctorch.errors import ConfigError, ShapeError
from sctorch.ir.streams import MAXIMAL_TAPS, StreamSource
from sctorch.nn.checks import check_tensor, shown_shape
from sctorch.nn.functional import rate_bits

__all__ = ["DirectEncoder", "Encoder", "EventEncoder", "LevelEncoder", "RateEncoder", "stream_source"]


LARGEST = 1 << 20  # of a layer: inputs or neurons


def stream_source(
    where: str, kind: str, bits: int, width: int, polynomial: list[int] | None, seed: int, decorrelator: str
) -> StreamSource:
    """The source of a module's fields; without a polynomial a maximal one of `width` bits."""
    try:
        if not isinstance(kind, str) or kind != "counter":
            taps = MAXIMAL_TAPS[width] if polynomial is None else polynomial
            return StreamSource(kind, bits, taps, seed, decorrelator)  # type: ignore[arg-type]
        if polynomial is not None or not is_integer(seed) or seed != 1:
            raise ConfigError("a counter source has no polynomial and no seed; leave both out")
        return StreamSource("counter", bits, (), 0, decorrelator)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


class Encoder(torch.nn.Module):
    """What all encoders have.

    Attributes
    ----------
    n_features : features taken. size : bits (or integers) given per tick.
    value_bits : bits of an integer that it gives; 0 if it gives spikes.
    """

    n_features: int
    size: int
    value_bits: int = 0

    def features(self, x: Tensor) -> Tensor:
        """Features [B, n_features] as float32, checked to lie in [0, 1]."""
        where = type(self).__name__
        check_tensor(x, where, "features")
        if x.ndim != 2 or x.shape[1] != self.n_features or len(x) == 0:
            raise ShapeError(f"{where}: expected features [B, {self.n_features}], got {shown_shape(x)}")
        x = x.to(torch.float32)
        outside = ~((x >= 0) & (x <= 1))  # NaN compares false, and so lies outside
        if outside.any():
            b, j = (int(v) for v in outside.nonzero()[0])
            raise ConfigError(
                f"{where}: feature [{b}, {j}] = {float(x[b, j])} is outside 0 to 1; scale the features to [0, 1] first"
            )
        return x


class RateEncoder(Encoder):
    """Rate code: feature u becomes v = min(floor(u * 2**bits), 2**bits - 1), one bit v > R_j[k] per tick.

    Equals `sctorch.ir.RateEncoder`. Features pass no gradient.

    Parameters
    ----------
    size : number of features.
    bits : resolution, 1 to 16.
    source : "counter" (bit-reversed, low discrepancy, default) or "lfsr".
    polynomial, seed : of an LFSR source.
    decorrelator : "shared" (default), "permute", for an LFSR also "shift" and "independent".
    """

    def __init__(
        self,
        size: int,
        bits: int = 8,
        source: str = "counter",
        polynomial: list[int] | None = None,
        seed: int = 1,
        decorrelator: str = "shared",
    ) -> None:
        super().__init__()
        self.size = self.n_features = check_range(size, 1, LARGEST, "RateEncoder: size")
        self.bits = bits = check_range(bits, 1, 16, "RateEncoder: bits")
        self.source = stream_source("RateEncoder", source, bits, max(bits, 3), polynomial, seed, decorrelator)
        self._random: dict[tuple[int, torch.device], Tensor] = {}

    def forward(self, x: Tensor, ticks: int) -> Tensor:
        """Bits [ticks, B, size], uint8, for features [B, size] in [0, 1]."""
        values = torch.floor(self.features(x) * 2**self.bits).clamp(max=2**self.bits - 1)
        random = self._values(ticks, x.device)
        return rate_bits(values.to(random.dtype), random)

    def _values(self, ticks: int, device: torch.device) -> Tensor:
        if (ticks, device) not in self._random:
            # Small integers compare ten times as fast as floats.
            values = self.source.values(self.size, ticks).astype(np.uint8 if self.bits <= 8 else np.int32)
            self._random[ticks, device] = torch.from_numpy(values).to(device)
        return self._random[ticks, device]

    def extra_repr(self) -> str:
        return f"{self.size}, bits={self.bits}, source={self.source.kind}, decorrelator={self.source.decorrelator}"


class LevelEncoder(Encoder):
    """Thermometer code: v = min(floor(u * (levels + 1)), levels); output j * levels + l is v_j > l at every tick.

    Equals `sctorch.ir.LevelEncoder`.

    Parameters
    ----------
    n_features : number of features; the next layer takes n_features * levels inputs.
    levels : bits per feature, 1 to 255.
    """

    def __init__(self, n_features: int, levels: int) -> None:
        super().__init__()
        self.n_features = check_range(n_features, 1, LARGEST, "LevelEncoder: n_features")
        self.levels = check_range(levels, 1, 255, "LevelEncoder: levels")
        self.size = self.n_features * self.levels

    def forward(self, x: Tensor, ticks: int) -> Tensor:
        """Bits [ticks, B, size], the same at every tick."""
        # The product in float64: that of a float32 feature with a small integer is exact there.
        values = torch.floor(self.features(x).double() * (self.levels + 1)).clamp(max=self.levels)
        bits = values.unsqueeze(-1) > torch.arange(self.levels, device=x.device)
        return bits.flatten(1).view(torch.uint8).expand(ticks, -1, -1)

    def extra_repr(self) -> str:
        return f"{self.n_features}, levels={self.levels}"


class DirectEncoder(Encoder):
    """The same integers v = min(floor(u * 2**bits), 2**bits - 1) at every timestep, into a FixedLinear only.

    Equals `sctorch.ir.DirectEncoder`.

    Parameters
    ----------
    size : number of features. bits : resolution, 1 to 16.
    """

    def __init__(self, size: int, bits: int = 8) -> None:
        super().__init__()
        self.size = self.n_features = check_range(size, 1, LARGEST, "DirectEncoder: size")
        self.bits = self.value_bits = check_range(bits, 1, 16, "DirectEncoder: bits")

    def forward(self, x: Tensor, ticks: int) -> Tensor:
        """Integers [ticks, B, size], the same at every tick."""
        values = torch.floor(self.features(x) * 2**self.bits).clamp(max=2**self.bits - 1)
        return values.expand(ticks, -1, -1)

    def extra_repr(self) -> str:
        return f"{self.size}, bits={self.bits}"


class EventEncoder(Encoder):
    """Spikes given as they are: [T * L, B, size] of 0 and 1, one row per tick of the layer it feeds.

    Equals `sctorch.ir.EventEncoder`. Spikes pass their gradient.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = self.n_features = check_range(size, 1, LARGEST, "EventEncoder: size")

    def forward(self, x: Tensor, ticks: int) -> Tensor:
        """The spikes, checked."""
        check_tensor(x, "EventEncoder", "spikes")
        if x.ndim != 3 or x.shape[0] != ticks or x.shape[2] != self.size or x.shape[1] == 0:
            raise ShapeError(f"EventEncoder: expected spikes [{ticks}, B, {self.size}], got {shown_shape(x)}")
        if not ((x == 0) | (x == 1)).all():
            raise ConfigError("EventEncoder: spikes must be 0 or 1")
        return x.to(torch.float32)

    def extra_repr(self) -> str:
        return f"{self.size}"
