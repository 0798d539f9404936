"""The readout: spikes or currents become scores and a decision after every timestep."""

from __future__ import annotations

import torch
from torch import Tensor

from sctorch.errors import ConfigError
from sctorch.ir.layers import DECISION_RULES
from sctorch.nn.functional import NeuronRule, integrate
from sctorch.nn.neuron import leak_rule

__all__ = ["SNNReadout"]


class SNNReadout(torch.nn.Module):
    """Marks the network's output; follows hls4ml's marker of the same name. Equals `sctorch.ir.Readout`.

    Parameters
    ----------
    n_classes : number of classes.
    output_mode : "spike" counts the spikes of the LIF layer before it; "membrane" integrates the
        synapse before it, m = beta m + I, without a threshold.
    decision_rule : "argmax_spike_count" or "argmax_membrane", as the mode goes. Ties go to the lowest index.
    beta : decay of the membrane mode, 0 to 1; see `LIF`.
    leak : as in `LIF`.
    frac_bits : fractional bits of the membrane (raised to those of the synapse before it).
    """

    def __init__(
        self,
        n_classes: int,
        output_mode: str = "spike",
        decision_rule: str | None = None,
        beta: float = 1.0,
        leak: str = "auto",
        frac_bits: int = 0,
    ) -> None:
        super().__init__()
        if n_classes < 1:
            raise ConfigError(f"SNNReadout: n_classes = {n_classes} must be at least 1")
        if output_mode not in DECISION_RULES:
            raise ConfigError(
                f"SNNReadout: output_mode = {output_mode!r} is unknown; allowed: {', '.join(DECISION_RULES)}"
            )
        rules = DECISION_RULES[output_mode]
        if decision_rule is not None and decision_rule not in rules:
            raise ConfigError(
                f"SNNReadout: decision_rule = {decision_rule!r} does not go with output_mode {output_mode!r}; "
                f"allowed: {', '.join(rules)}"
            )
        if output_mode == "spike" and (beta != 1.0 or frac_bits):
            raise ConfigError("SNNReadout: output_mode 'spike' counts; beta must be 1 and frac_bits 0")
        if not 0 <= frac_bits <= 16:
            raise ConfigError(f"SNNReadout: frac_bits = {frac_bits} is outside 0 to 16")
        self.n_classes, self.output_mode, self.decision_rule = n_classes, output_mode, decision_rule or rules[0]
        self.beta, self.frac_bits = float(beta), frac_bits
        self.leak, self.leak_shift, self.leak_factor = leak_rule("SNNReadout", float(beta), leak)

    def frac(self, current_frac: int) -> int:
        """Fractional bits of the scores behind a synapse with `current_frac` of them; counts have none."""
        return 0 if self.output_mode == "spike" else max(self.frac_bits, current_frac)

    def run(self, x: Tensor, current_frac: int = 0) -> Tensor:
        """Integer scores [T, B, n]: counts of spikes, or membranes, after every timestep."""
        if self.output_mode == "spike":
            return integrate(x, NeuronRule("none", 0, 0))
        frac = self.frac(current_frac)
        rule = NeuronRule(self.leak, self.leak_shift, frac, gain=2.0 ** (frac - current_frac))
        factor = x.new_tensor(self.leak_factor) if self.leak == "multiply" else None
        return integrate(x, rule, factor)

    def decide(self, scores: Tensor) -> Tensor:
        """The class [..., 1] for scores [..., n]; ties go to the lowest index."""
        classes = torch.arange(scores.shape[-1], device=scores.device)
        best = scores == scores.max(dim=-1, keepdim=True).values
        return torch.where(best, classes, scores.shape[-1]).min(dim=-1, keepdim=True).values

    def forward(self, x: Tensor, current_frac: int = 0) -> Tensor:
        """Scores [T, B, n] in value units, differentiable."""
        return self.run(x, current_frac) * 2.0 ** -self.frac(current_frac)

    def extra_repr(self) -> str:
        return f"{self.n_classes}, output_mode={self.output_mode}, rule={self.decision_rule}, beta={self.beta}"
