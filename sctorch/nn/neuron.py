"""Neurons: what turns currents into spikes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sctorch.errors import ConfigError
from sctorch.nn.functional import NeuronRule, SpikeGrad, lif

__all__ = ["IF", "LIF", "leak_rule"]

BETA_BITS = 8


def leak_rule(where: str, beta: float, leak: str) -> tuple[str, int, int]:
    """(kind, shift, factor) of the integer leak that equals `beta` exactly.

    "auto" takes none for beta = 1, a shift where beta = 1 - 2**-k, else a product on the grid
    of 1/256. A beta that no leak of the wished kind can hold is a ConfigError.
    """
    if not 0 <= beta <= 1:
        raise ConfigError(f"{where}: beta = {beta} is outside 0 to 1")
    shift = next((k for k in range(1, 17) if beta == 1 - 2.0**-k), 0)
    if leak == "auto":
        leak = "none" if beta == 1 else "shift" if shift else "multiply"
    if leak == "none":
        if beta != 1:
            raise ConfigError(f"{where}: leak 'none' needs beta = 1, got {beta}")
        return "none", 0, 0
    if leak == "shift":
        if not shift:
            raise ConfigError(f"{where}: leak 'shift' needs beta = 1 - 2^-k (0.5, 0.75, 0.875, ...), got {beta}")
        return "shift", shift, 0
    if leak == "multiply":
        factor = beta * 2**BETA_BITS
        if factor != int(factor):
            near = round(factor) / 2**BETA_BITS
            raise ConfigError(f"{where}: beta = {beta} is off the grid of 1/{2**BETA_BITS}; the nearest is {near}")
        return "multiply", BETA_BITS, int(factor)
    raise ConfigError(f"{where}: leak {leak!r} is unknown; allowed: auto, shift, multiply, none")


class LIF(torch.nn.Module):
    """Leaky integrate and fire: u = leak(m) + I - reset; spike = u > threshold.

    Equals `sctorch.ir.Neuron`. With the defaults it is snntorch's Leaky (reset one timestep
    late, by subtraction, compare >), on integers.

    Parameters
    ----------
    size : number of neurons.
    beta : membrane decay per timestep, 0 to 1; 1 - 2**-k costs one subtraction in hardware.
    threshold : in value units (1.0 = one spike through a weight of 1), a multiple of 2**-frac_bits.
    leak : "auto", "shift", "multiply" or "none".
    compare : "gt" (snntorch, norse) or "ge" (hls4ml, spikingjelly).
    reset_mechanism : "subtract", "zero" or "none".
    reset_delay : True: the reset acts at the next timestep, after the leak; False: at once.
    frac_bits : fractional bits of the membrane (raised to those of the synapse before it).
    spike_grad : surrogate gradient, a function such as snntorch.surrogate's; None is the arctangent.
    delay : axonal delay of the spikes in timesteps, 0 to 1024; a layer of its own in exports.
    """

    def __init__(
        self,
        size: int,
        beta: float = 0.9375,
        threshold: float = 1.0,
        leak: str = "auto",
        compare: str = "gt",
        reset_mechanism: str = "subtract",
        reset_delay: bool = True,
        frac_bits: int = 4,
        spike_grad: SpikeGrad | None = None,
        delay: int = 0,
    ) -> None:
        super().__init__()
        if size < 1:
            raise ConfigError(f"LIF: size = {size} must be at least 1")
        if compare not in ("gt", "ge"):
            raise ConfigError(f"LIF: compare = {compare!r} is unknown; allowed: gt, ge")
        if reset_mechanism not in ("subtract", "zero", "none"):
            raise ConfigError(f"LIF: reset_mechanism = {reset_mechanism!r} is unknown; allowed: subtract, zero, none")
        if not 0 <= frac_bits <= 16:
            raise ConfigError(f"LIF: frac_bits = {frac_bits} is outside 0 to 16")
        scaled = threshold * 2**frac_bits
        if not math.isfinite(scaled) or scaled < 1 or scaled != int(scaled):
            raise ConfigError(
                f"LIF: threshold = {threshold} must be a positive multiple of {2.0**-frac_bits} "
                f"(frac_bits = {frac_bits})"
            )
        self.size, self.beta, self.threshold = size, float(beta), float(threshold)
        self.leak, self.leak_shift, self.leak_factor = leak_rule("LIF", float(beta), leak)
        self.compare, self.reset_mechanism, self.reset_delay = compare, reset_mechanism, bool(reset_delay)
        if not 0 <= delay <= 1024:
            raise ConfigError(f"LIF: delay = {delay} is outside 0 to 1024")
        self.frac_bits, self.spike_grad, self.delay = frac_bits, spike_grad, delay

    def frac(self, current_frac: int) -> int:
        """Fractional bits of the membrane behind a synapse with `current_frac` of them."""
        return max(self.frac_bits, current_frac)

    def rule(self, current_frac: int) -> NeuronRule:
        frac = self.frac(current_frac)
        return NeuronRule(
            self.leak, self.leak_shift, frac, self.compare, self.reset_mechanism, self.reset_delay,
            gain=2.0 ** (frac - current_frac),
        )  # fmt: skip

    def run(self, current: Tensor, current_frac: int = 0) -> tuple[Tensor, Tensor]:
        """Spikes and membranes [T, B, n] (integers) for currents [T, B, n] of `current_frac` fractional bits."""
        rule = self.rule(current_frac)
        threshold = current.new_tensor(self.threshold * 2**rule.frac)
        factor = current.new_tensor(self.leak_factor) if self.leak == "multiply" else None
        return lif(current, rule, threshold, factor, self.spike_grad)

    def forward(self, current: Tensor, current_frac: int = 0) -> Tensor:
        """Spikes [T, B, n], 0 or 1, for integer currents [T, B, n]; they leave the axon `delay` timesteps later."""
        return self.delayed(self.run(current, current_frac)[0])

    def delayed(self, spikes: Tensor) -> Tensor:
        """Spikes [T, B, n] as they come out of the axons: `delay` timesteps later, silence before."""
        steps = min(self.delay, len(spikes))
        return torch.cat([torch.zeros_like(spikes[:steps]), spikes[: len(spikes) - steps]]) if steps else spikes

    def extra_repr(self) -> str:
        delay = "next timestep" if self.reset_delay else "at once"
        return (
            f"{self.size}, beta={self.beta} ({self.leak}), threshold={self.threshold}, compare={self.compare}, "
            f"reset={self.reset_mechanism} {delay}, frac_bits={self.frac_bits}"
        )


class IF(LIF):
    """Integrate and fire: an `LIF` without a leak (beta = 1). The other parameters are those of `LIF`."""

    def __init__(
        self,
        size: int,
        threshold: float = 1.0,
        compare: str = "gt",
        reset_mechanism: str = "subtract",
        reset_delay: bool = True,
        frac_bits: int = 0,
        spike_grad: SpikeGrad | None = None,
        delay: int = 0,
    ) -> None:
        super().__init__(
            size, 1.0, threshold, "none", compare, reset_mechanism, reset_delay, frac_bits, spike_grad, delay
        )
