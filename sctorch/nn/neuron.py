"""Neurons: what turns currents into spikes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sctorch.errors import ConfigError, ShapeError
from sctorch.nn.functional import NeuronRule, SpikeGrad, lif
from sctorch.nn.rounding import round_to_grid

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
    beta : membrane decay per timestep, 0 to 1, or a list of one per neuron; 1 - 2**-k costs one
        subtraction in hardware, others are multiples of 1/256 and cost a product.
    threshold : in value units (1.0 = one spike through a weight of 1), a multiple of 2**-frac_bits,
        or a list of one per neuron.
    leak : "auto", "shift", "multiply" or "none".
    compare : "gt" (snntorch, norse) or "ge" (hls4ml, spikingjelly).
    reset_mechanism : "subtract", "zero" or "none".
    reset_delay : True: the reset acts at the next timestep, after the leak; False: at once.
    frac_bits : fractional bits of the membrane (raised to those of the synapse before it).
    spike_grad : surrogate gradient, a function such as snntorch.surrogate's; None is the arctangent.
    delay : axonal delay of the spikes in timesteps, 0 to 1024; a layer of its own in exports.
    learn_threshold, learn_beta : train them; what computes is the nearest point of the grid (at
        least one step for a threshold). A learnable beta is a product ("multiply").
    """

    def __init__(
        self,
        size: int,
        beta: float | list[float] = 0.9375,
        threshold: float | list[float] = 1.0,
        leak: str = "auto",
        compare: str = "gt",
        reset_mechanism: str = "subtract",
        reset_delay: bool = True,
        frac_bits: int = 4,
        spike_grad: SpikeGrad | None = None,
        delay: int = 0,
        learn_threshold: bool = False,
        learn_beta: bool = False,
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
        if not 0 <= delay <= 1024:
            raise ConfigError(f"LIF: delay = {delay} is outside 0 to 1024")
        for value in threshold if isinstance(threshold, list) else [threshold]:
            scaled = value * 2**frac_bits
            if not math.isfinite(scaled) or scaled < 1 or scaled != int(scaled):
                raise ConfigError(
                    f"LIF: threshold = {value} must be a positive multiple of {2.0**-frac_bits} "
                    f"(frac_bits = {frac_bits})"
                )
        self.size = size
        self.leak, self.leak_shift = _leak_kind(beta, leak, learn_beta)
        self.threshold = self._field("threshold", threshold, learn_threshold)
        self.beta = self._field("beta", beta, learn_beta)
        self.compare, self.reset_mechanism, self.reset_delay = compare, reset_mechanism, bool(reset_delay)
        self.frac_bits, self.spike_grad, self.delay = frac_bits, spike_grad, delay

    def _field(self, name: str, value: float | list[float], learn: bool) -> Tensor:
        """A scalar or [size] tensor: trained, or fixed and then no part of a checkpoint."""
        if isinstance(value, list) and len(value) != self.size:
            raise ShapeError(f"LIF: {name} has {len(value)} entries for {self.size} neurons")
        tensor = torch.tensor(value, dtype=torch.float32)
        if learn:
            return torch.nn.Parameter(tensor)
        self.register_buffer(name, tensor, persistent=False)
        return tensor

    def integer_threshold(self, frac: int) -> Tensor:
        """Thresholds in membrane units of 2**-frac, integers in floats, [] or [size]."""
        steps = round_to_grid(self.threshold, self.frac_bits, 1, 2**23)
        return steps * 2.0 ** (frac - self.frac_bits)

    def integer_factor(self) -> Tensor | None:
        """Factors of a multiply leak, integers 0 to 256 in floats, [] or [size]; None for another leak."""
        return round_to_grid(self.beta, BETA_BITS, 0, 2**BETA_BITS) if self.leak == "multiply" else None

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
        return lif(current, rule, self.integer_threshold(rule.frac), self.integer_factor(), self.spike_grad)

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
            f"{self.size}, beta={_shown(self.beta)} ({self.leak}), threshold={_shown(self.threshold)}, "
            f"compare={self.compare}, "
            f"reset={self.reset_mechanism} {delay}, frac_bits={self.frac_bits}"
        )


def _leak_kind(beta: float | list[float], leak: str, learn: bool) -> tuple[str, int]:
    """(kind, shift) of the leak that all the given betas can use."""
    if learn:
        if leak not in ("auto", "multiply"):
            raise ConfigError(f"LIF: leak {leak!r} cannot be learnt; use leak 'multiply' or learn_beta = False")
        leak = "multiply"
    if isinstance(beta, list):
        for value in beta:
            leak_rule("LIF", value, "multiply" if leak == "auto" else leak)  # raises for one that is off the grid
        if leak not in ("auto", "multiply"):
            raise ConfigError(f"LIF: a beta per neuron needs leak 'multiply', not {leak!r}")
        return "multiply", BETA_BITS
    kind, shift, _ = leak_rule("LIF", float(beta), leak)
    return kind, shift


def _shown(values: Tensor) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


class IF(LIF):
    """Integrate and fire: an `LIF` without a leak (beta = 1). The other parameters are those of `LIF`."""

    def __init__(
        self,
        size: int,
        threshold: float | list[float] = 1.0,
        compare: str = "gt",
        reset_mechanism: str = "subtract",
        reset_delay: bool = True,
        frac_bits: int = 0,
        spike_grad: SpikeGrad | None = None,
        delay: int = 0,
        learn_threshold: bool = False,
    ) -> None:
        super().__init__(
            size,
            1.0,
            threshold,
            "none",
            compare,
            reset_mechanism,
            reset_delay,
            frac_bits,
            spike_grad,
            delay,
            learn_threshold,
        )
