"""The integers of docs/semantics.md as torch operations, with surrogate gradients.

Every tensor here holds integers exactly in floating point (|n| < 2**24 in float32); shapes are
[T, B, n], time first. The gradients alone are approximate.
"""

from sctorch.nn.currents import exact_product, quantise_weight, rate_bits, stochastic_current
from sctorch.nn.membranes import NeuronRule, SpikeGrad, atan_derivative, integrate, lif

__all__ = [
    "NeuronRule", "SpikeGrad", "atan_derivative", "exact_product", "integrate", "lif", "quantise_weight", "rate_bits",
    "stochastic_current",
]  # fmt: skip
