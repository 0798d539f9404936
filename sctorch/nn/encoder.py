"""Encoders: features become bits."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sctorch.errors import ConfigError, ShapeError
from sctorch.ir.streams import MAXIMAL_TAPS, StreamSource
from sctorch.nn.functional import rate_bits

__all__ = ["RateEncoder"]


class RateEncoder(torch.nn.Module):
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
        if size < 1:
            raise ConfigError(f"RateEncoder: size = {size} must be at least 1")
        if not 1 <= bits <= 16:
            raise ConfigError(f"RateEncoder: bits = {bits} is outside 1 to 16")
        self.size, self.bits = size, bits
        if source == "counter":
            self.source = StreamSource("counter", bits, (), 0, decorrelator)
        else:
            taps = tuple(polynomial) if polynomial is not None else MAXIMAL_TAPS[max(bits, 3)]
            self.source = StreamSource(source, bits, taps, seed, decorrelator)
        self._random: dict[tuple[int, torch.device], Tensor] = {}

    def forward(self, x: Tensor, ticks: int) -> Tensor:
        """Bits [ticks, B, size], 0.0 or 1.0, for features [B, size] in [0, 1]."""
        if x.ndim != 2 or x.shape[1] != self.size:
            raise ShapeError(f"RateEncoder: expected features [B, {self.size}], got {tuple(x.shape)}")
        x = x.to(torch.float32)
        outside = ~((x >= 0) & (x <= 1))  # NaN compares false, and so lies outside
        if outside.any():
            b, j = (int(v) for v in outside.nonzero()[0])
            raise ConfigError(
                f"RateEncoder: feature [{b}, {j}] = {float(x[b, j])} is outside 0 to 1; "
                "scale the features to [0, 1] first"
            )
        values = torch.floor(x * 2**self.bits).clamp(max=2**self.bits - 1)
        return rate_bits(values, self._values(ticks, x.device))

    def _values(self, ticks: int, device: torch.device) -> Tensor:
        if (ticks, device) not in self._random:
            values = self.source.values(self.size, ticks).astype(np.float32)
            self._random[ticks, device] = torch.from_numpy(values).to(device)
        return self._random[ticks, device]

    def extra_repr(self) -> str:
        return f"{self.size}, bits={self.bits}, source={self.source.kind}, decorrelator={self.source.decorrelator}"
