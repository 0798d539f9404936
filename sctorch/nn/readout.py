"""The readout: spikes or currents become scores and a decision after every timestep."""

from __future__ import annotations

import torch
from torch import Tensor

from sctorch.checks import check_choice, check_range
from sctorch.errors import ConfigError, ShapeError
from sctorch.ir.layers import DECISION_RULES, THRESHOLD_RULES
from sctorch.nn.functional import NeuronRule, integrate
from sctorch.nn.neuron import leak_rule

__all__ = ["SNNReadout"]


class SNNReadout(torch.nn.Module):
    """Marks the network's output, with the arguments and defaults of hls4ml's marker of the same name.

    Equals `sctorch.ir.Readout`. The rules are those of docs/semantics.md, section 7.

    Parameters
    ----------
    n_classes : number of classes; None takes that of the layer before.
    window_size, stream_length : two names of the window's length in timesteps. The window is the
        network's num_steps; another length here (1 and None say nothing) is refused by the network.
    decision_rule : "argmax_spike_count" (spike mode's default), "first_to_threshold",
        "threshold_then_argmax", "binary_logit" (2 classes, both modes) or "argmax_membrane" (membrane
        mode's default). Ties go to the lowest index.
    class_threshold : spikes, at least 1, of the two rules with a threshold.
    output_mode : "spike" counts the spikes of the LIF layer before it; "membrane" integrates the
        synapse before it, m = beta m + I, without a threshold.
    beta : decay of the membrane mode, 0 to 1; see `LIF`.
    reset_policy : "fixed_window", all state is 0 at every window's start; hls4ml knows no other either.
    leak : "auto", "shift", "multiply" or "none", as in `LIF`.
    frac_bits : fractional bits of the membrane, 0 to 20 (raised to those of the synapse before it).

    Raises
    ------
    ConfigError, ShapeError
        For a field outside its range, or a rule that does not go with the mode.
    """

    def __init__(
        self,
        n_classes: int | None = None,
        window_size: int = 1,
        stream_length: int | None = None,
        decision_rule: str | None = None,
        class_threshold: int = 1,
        output_mode: str = "spike",
        beta: float = 1.0,
        reset_policy: str = "fixed_window",
        leak: str = "auto",
        frac_bits: int = 0,
    ) -> None:
        super().__init__()
        if n_classes is not None:
            check_range(n_classes, 1, 1 << 20, "SNNReadout: n_classes")
        check_range(window_size, 1, 1 << 16, "SNNReadout: window_size")
        if stream_length is not None:
            check_range(stream_length, 1, 1 << 16, "SNNReadout: stream_length")
        check_choice(output_mode, tuple(DECISION_RULES), "SNNReadout: output_mode")
        rules = DECISION_RULES[output_mode]
        if decision_rule is not None and (not isinstance(decision_rule, str) or decision_rule not in rules):
            raise ConfigError(
                f"SNNReadout: decision_rule = {decision_rule!r} does not go with output_mode {output_mode!r}; "
                f"allowed: {', '.join(rules)}"
            )
        check_range(class_threshold, 1, 1 << 16, "SNNReadout: class_threshold")
        if class_threshold != 1 and decision_rule not in THRESHOLD_RULES:
            raise ConfigError(
                f"SNNReadout: class_threshold = {class_threshold} belongs to the rules {' and '.join(THRESHOLD_RULES)}"
            )
        check_choice(reset_policy, ("fixed_window",), "SNNReadout: reset_policy")
        check_range(frac_bits, 0, 20, "SNNReadout: frac_bits")
        check_choice(leak, ("auto", "shift", "multiply", "none"), "SNNReadout: leak")
        self.leak, self.leak_shift, self.leak_factor = leak_rule("SNNReadout", beta, leak)
        if output_mode == "spike" and (beta != 1.0 or frac_bits):
            raise ConfigError("SNNReadout: output_mode 'spike' counts; beta must be 1 and frac_bits 0")
        self.n_classes, self.output_mode, self.decision_rule = n_classes, output_mode, decision_rule or rules[0]
        self.class_threshold, self.reset_policy = class_threshold, reset_policy
        self.window_size, self.stream_length = window_size, stream_length
        self.beta, self.frac_bits = float(beta), frac_bits
        if n_classes is not None:
            self.attach(n_classes)

    def attach(self, size: int, num_steps: int | None = None) -> None:
        """Take the size of the layer before if none was given, and check the window's length."""
        if self.n_classes is None:
            self.n_classes = size
        if self.decision_rule == "binary_logit" and self.n_classes != 2:
            raise ShapeError(f"SNNReadout: decision_rule 'binary_logit' needs 2 classes, not {self.n_classes}")
        for name, length in (("window_size", self.window_size), ("stream_length", self.stream_length or 1)):
            if num_steps is not None and length not in (1, num_steps):
                raise ConfigError(
                    f"SNNReadout: {name} = {length} differs from the network's num_steps = {num_steps}; leave it out"
                )

    @property
    def size(self) -> int:
        """Number of classes."""
        if self.n_classes is None:
            raise ConfigError("SNNReadout: n_classes is not known before it is part of a network")
        return self.n_classes

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
        """The decision after every timestep, int64 [T, B, 1], for integer scores [T, B, n] of a whole window.

        A class, ties to the lowest index; or, of binary_logit, score 1 less score 0.
        """
        if self.decision_rule == "binary_logit":
            whole = scores.to(torch.int64)  # a difference may need a bit more than float32 holds
            return whole[..., 1:] - whole[..., :1]
        best = _lowest(scores == scores.amax(dim=-1, keepdim=True))
        if self.decision_rule not in THRESHOLD_RULES:
            return best
        reached = scores >= self.class_threshold
        if self.decision_rule == "first_to_threshold":
            # Counts never fall: what was reached at the first timestep of all is found by counting the timesteps.
            since = reached.to(torch.int64).cumsum(dim=0)
            reached = reached & (since == since.amax(dim=-1, keepdim=True))
        return torch.where(reached.any(dim=-1, keepdim=True), _lowest(reached), best)

    def classes(self, decision: Tensor) -> Tensor:
        """The class that each decision stands for: itself, or of a logit whether it is above 0."""
        return (decision > 0).to(torch.int64) if self.decision_rule == "binary_logit" else decision

    def forward(self, x: Tensor, current_frac: int = 0) -> Tensor:
        """Scores [T, B, n] in value units, differentiable."""
        return self.run(x, current_frac) * 2.0 ** -self.frac(current_frac)

    def extra_repr(self) -> str:
        threshold = f", class_threshold={self.class_threshold}" if self.decision_rule in THRESHOLD_RULES else ""
        return (
            f"{self.n_classes}, output_mode={self.output_mode}, rule={self.decision_rule}{threshold}, beta={self.beta}"
        )


def _lowest(chosen: Tensor) -> Tensor:
    """The lowest index that is chosen, [..., 1]; a row of none gives n."""
    n = chosen.shape[-1]
    return torch.where(chosen, torch.arange(n, device=chosen.device), n).amin(dim=-1, keepdim=True)
