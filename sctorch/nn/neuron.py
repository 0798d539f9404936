"""Neurons: what turns currents into spikes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sctorch.checks import check_choice, check_range
from sctorch.errors import ConfigError, ShapeError
from sctorch.ir.layers import COMPARES, RESETS
from sctorch.ir.streams import StreamSource
from sctorch.nn.encoder import stream_source
from sctorch.nn.functional import NeuronRule, SpikeGrad, lif
from sctorch.nn.rounding import round_to_grid

__all__ = ["IF", "LIF", "leak_rule"]

BETA_BITS = 8
MOST_STEPS = 2**23  # a threshold's, so that float32 holds it with room for a membrane above it


LEAKS = ("auto", "shift", "multiply", "none", "stochastic")


def leak_rule(where: str, beta: float, leak: str) -> tuple[str, int, int]:
    """(kind, shift, factor) of the integer leak that equals `beta` exactly.

    "auto" takes none for beta = 1, a shift where beta = 1 - 2**-k, else a product on the grid
    of 1/256. A beta that no leak of the wished kind can hold is a ConfigError.
    """
    check_choice(leak, LEAKS, f"{where}: leak")
    if isinstance(beta, bool) or not isinstance(beta, int | float) or not 0 <= beta <= 1:
        raise ConfigError(f"{where}: beta = {beta!r} is outside 0 to 1")
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
    if leak == "stochastic" and 0 < shift < BETA_BITS:
        return leak, shift, 2**shift - 1  # few random bits do
    factor = beta * 2**BETA_BITS
    if factor != int(factor):
        near = round(factor) / 2**BETA_BITS
        raise ConfigError(f"{where}: beta = {beta} is off the grid of 1/{2**BETA_BITS}; the nearest is {near}")
    return leak, BETA_BITS, int(factor)


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
    leak : "auto", "shift", "multiply", "none", or "stochastic" (the product's fraction becomes a bit
        stream, so that the mean decay is beta even where a membrane has few fractional bits).
    compare : "gt" (snntorch, norse) or "ge" (hls4ml, spikingjelly).
    reset_mechanism : "subtract", "zero", "none", or "subtract_snntorch" (what snntorch's Leaky does with
        reset_delay=False; see docs/semantics.md, section 6).
    reset_delay : True: the reset acts at the next timestep, after the leak; False: at once.
    frac_bits : fractional bits of the membrane, 0 to 20 (raised to those of the synapse before it).
    spike_grad : surrogate gradient, a function such as snntorch.surrogate's; None is the arctangent.
    delay : axonal delay of the spikes in timesteps, 0 to 1024; a layer of its own in exports.
    learn_threshold, learn_beta : train them; what computes is the nearest point of the grid (at
        least one step for a threshold). A learnable beta is a product ("multiply" or "stochastic").
    leak_source, leak_seed : the stochastic leak's random numbers, "lfsr" (one register, neuron j's number
        j timesteps late) or "counter" (the same for all neurons).

    Raises
    ------
    ConfigError, ShapeError
        For a field outside its range; the message names it.
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
        leak_source: str = "lfsr",
        leak_seed: int = 1,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        check_range(size, 1, 1 << 20, f"{where}: size")
        check_choice(compare, COMPARES, f"{where}: compare")
        check_choice(reset_mechanism, RESETS, f"{where}: reset_mechanism")
        check_range(frac_bits, 0, 20, f"{where}: frac_bits")
        check_range(delay, 0, 1024, f"{where}: delay")
        for name, flag in (
            ("reset_delay", reset_delay), ("learn_threshold", learn_threshold), ("learn_beta", learn_beta),
        ):  # fmt: skip
            if not isinstance(flag, bool | np.bool_):
                raise ConfigError(f"{where}: {name} = {flag!r} must be True or False")
        if reset_mechanism == "subtract_snntorch" and reset_delay:
            raise ConfigError(f"{where}: reset_mechanism 'subtract_snntorch' resets at once; use reset_delay=False")
        if spike_grad is not None and not callable(spike_grad):
            raise ConfigError(f"{where}: spike_grad = {spike_grad!r} must be a function of a tensor, or None")
        self.size = size
        threshold, beta = _numbers(where, "threshold", threshold, size), _numbers(where, "beta", beta, size)
        for value in threshold if isinstance(threshold, list) else [threshold]:
            scaled = value * 2**frac_bits
            if not 1 <= scaled <= MOST_STEPS or scaled != int(scaled):
                raise ConfigError(
                    f"{where}: threshold = {value} must be a positive multiple of {2.0**-frac_bits} "
                    f"(frac_bits = {frac_bits}), at most {MOST_STEPS * 2.0**-frac_bits:g}"
                )
        self.leak, self.leak_shift = _leak_kind(where, beta, leak, learn_beta)
        self.leak_source = _leak_source(where, self.leak, self.leak_shift, leak_source, leak_seed)
        self.threshold = self._field("threshold", threshold, learn_threshold)
        self.beta = self._field("beta", beta, learn_beta)
        self.compare, self.reset_mechanism, self.reset_delay = compare, reset_mechanism, bool(reset_delay)
        self.frac_bits, self.spike_grad, self.delay = frac_bits, spike_grad, delay
        self._random: dict[tuple[int, torch.device, torch.dtype], Tensor] = {}

    def _field(self, name: str, value: float | list[float], learn: bool) -> Tensor:
        """A scalar or [size] tensor: trained, or fixed and then no part of a checkpoint."""
        tensor = torch.tensor(value, dtype=torch.float32)
        if learn:
            return torch.nn.Parameter(tensor)
        self.register_buffer(name, tensor, persistent=False)
        return tensor

    def integer_threshold(self, frac: int) -> Tensor:
        """Thresholds in membrane units of 2**-frac, integers in floats, [] or [size]."""
        steps = round_to_grid(self.threshold, self.frac_bits, 1, MOST_STEPS)
        return steps * 2.0 ** (frac - self.frac_bits)

    def integer_factor(self) -> Tensor | None:
        """Factors of a product, integers 0 to 2**leak_shift in floats, [] or [size]; None for another leak."""
        if self.leak not in ("multiply", "stochastic"):
            return None
        return round_to_grid(self.beta, self.leak_shift, 0, 2**self.leak_shift)

    def random(self, steps: int, like: Tensor) -> Tensor | None:
        """R [steps, size] of a stochastic leak, computed once per window length; None for another leak."""
        if self.leak_source is None:
            return None
        key = (steps, like.device, like.dtype)
        if key not in self._random:
            values = torch.from_numpy(self.leak_source.values(self.size, steps).astype(np.float32))
            self._random[key] = values.to(like.device, like.dtype)
        return self._random[key]

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
        random = self.random(len(current), current)
        return lif(current, rule, self.integer_threshold(rule.frac), self.integer_factor(), self.spike_grad, random)

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


def _numbers(where: str, name: str, value: float | Sequence[float], size: int) -> float | list[float]:
    """A finite number, or a list of one per neuron."""
    many = isinstance(value, list | tuple)
    values: list[object] = list(value) if isinstance(value, list | tuple) else [value]
    for number in values:
        if isinstance(number, bool) or not isinstance(number, int | float | np.number) or not math.isfinite(number):
            raise ConfigError(f"{where}: {name} = {number!r} must be a finite number, or a list of one per neuron")
    numbers = [float(number) for number in values]  # type: ignore[arg-type]
    if not many:
        return numbers[0]
    if len(values) != size:
        raise ShapeError(f"{where}: {name} has {len(values)} entries for {size} neurons")
    return numbers


def _leak_kind(where: str, beta: float | list[float], leak: str, learn: bool) -> tuple[str, int]:
    """(kind, shift) of the leak that all the given betas can use."""
    check_choice(leak, LEAKS, f"{where}: leak")
    if learn or isinstance(beta, list):
        if leak not in ("auto", "multiply", "stochastic"):
            what = "a learnable beta" if learn else "a beta per neuron"
            raise ConfigError(f"{where}: {what} needs leak 'multiply' or 'stochastic', not {leak!r}")
        for value in beta if isinstance(beta, list) else [beta]:
            if not learn:
                leak_rule(where, value, "multiply")  # raises for one that is off the grid
            elif not 0 <= value <= 1:
                raise ConfigError(f"{where}: beta = {value} is outside 0 to 1")
        return "multiply" if leak == "auto" else leak, BETA_BITS
    kind, shift, _ = leak_rule(where, beta, leak)
    return kind, shift


def _leak_source(where: str, leak: str, bits: int, kind: str, seed: int) -> StreamSource | None:
    if leak != "stochastic":
        if (kind, seed) != ("lfsr", 1):
            raise ConfigError(f"{where}: leak_source and leak_seed belong to leak 'stochastic', not {leak!r}")
        return None
    shared = "shared" if kind == "counter" else "shift"
    return stream_source(f"{where}: leak", kind, bits, max(bits + 1, 5), None, seed, shared)


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
