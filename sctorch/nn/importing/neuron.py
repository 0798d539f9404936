"""The parameters of one snntorch.Leaky, checked, on the grids of the hardware."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sctorch import ir
from sctorch.errors import ConfigError, ShapeError, UnsupportedError
from sctorch.nn.importing.grids import MOST_FRAC_BITS, exact_frac
from sctorch.nn.neuron import BETA_BITS, leak_rule

__all__ = ["Fields", "leaky_fields", "values_of"]

SHIFTS = [1 - 2.0**-k for k in range(1, 17)]
ROUND = "pass off_grid='round' to from_snntorch to take it, with the error stated"


@dataclass(frozen=True)
class Fields:
    """What a neuron layer computes with; arrays have one entry, or one per neuron.

    Parameters
    ----------
    beta, beta_error, leak : decays as used, how far that is from the given ones, and the leak that does it.
    theta : thresholds as given. theta_frac : fractional bits that hold them; None if they are off every grid.
    reset, reset_delay : as LIF takes them. spike_grad : None is the arctangent.
    """

    beta: np.ndarray
    beta_error: float
    leak: ir.Leak
    theta: np.ndarray
    theta_frac: int | None
    learn_beta: bool
    learn_theta: bool
    reset: str
    reset_delay: bool
    spike_grad: Any

    def theta_used(self, frac_bits: int) -> np.ndarray:
        """Thresholds on the grid of 2**-frac_bits."""
        return np.clip(np.rint(self.theta * 2.0**frac_bits), 1, 2**23) * 2.0**-frac_bits


def leaky_fields(where: str, leaky: Any, size: int, rounds: bool) -> Fields:
    """The fields of one Leaky for `size` neurons.

    rounds : a beta or threshold off its grid becomes the nearest on it; otherwise it is an error.

    Raises
    ------
    UnsupportedError
        For anything that cannot be kept exactly.
    """
    _check_features(where, leaky)
    learn_beta, learn_theta = (isinstance(x, torch.nn.Parameter) for x in (leaky.beta, leaky.threshold))
    given = np.clip(values_of(where, "beta", leaky.beta, size), 0, 1)  # as snntorch's forward does
    beta, leak = _beta(where, given, learn_beta, rounds)
    theta = values_of(where, "threshold", leaky.threshold, size)
    if theta.min() <= 0:
        raise UnsupportedError(
            f"threshold = {theta.min():g}", where, "A neuron would spike without any input; give a positive threshold."
        )
    theta_frac = exact_frac(theta, MOST_FRAC_BITS)
    if theta_frac is None and not rounds:
        bad = next(v for v in theta if exact_frac(np.array([v]), MOST_FRAC_BITS) is None)
        near = np.rint(bad * 2**8) / 2**8
        raise UnsupportedError(
            f"threshold = {bad:.6g}, off the grid of 2^-{MOST_FRAC_BITS},", where,
            f"Take one with fewer fractional bits, such as {near:g}, or {ROUND}.",
        )  # fmt: skip
    reset, delay = leaky.reset_mechanism, bool(leaky.reset_delay)
    if reset == "subtract" and not delay:
        reset = "subtract_snntorch"  # the threshold may go a second time: docs/semantics.md, section 6
    return Fields(
        beta, float(np.abs(beta - given).max()), leak, theta, theta_frac, learn_beta, learn_theta, reset, delay,
        None if leaky.surrogate_disable else leaky.spike_grad,
    )  # fmt: skip


def values_of(where: str, name: str, tensor: Tensor, size: int) -> np.ndarray:
    """A scalar or a value per neuron as float64; [1] where all are equal and none is learnt."""
    values = tensor.detach().cpu().double().numpy().reshape(-1)
    if len(values) not in (1, size):
        raise ShapeError(f"{where}: {name} has {len(values)} entries for {size} neurons")
    if not np.isfinite(values).all():
        raise ConfigError(f"{where}: {name} holds NaN or infinity; the training diverged")
    alike = (values == values[0]).all() and not isinstance(tensor, torch.nn.Parameter)
    return values[:1] if alike else values


def _beta(where: str, given: np.ndarray, learn: bool, rounds: bool) -> tuple[np.ndarray, ir.Leak]:
    used = np.rint(given * 2**BETA_BITS) / 2**BETA_BITS
    shift = np.array([min(SHIFTS, key=lambda b: abs(b - given[0]))])
    one_for_all = len(given) == 1 and not learn
    if one_for_all and abs(shift - given)[0] <= abs(used - given)[0]:
        used = shift
    off = np.flatnonzero(used != given)
    if len(off) and not rounds:
        value, near = given[off[0]], used[off[0]]
        cheap = f" or {shift[0]:g} = 1 - 2^-k, which is a subtraction" if one_for_all else ""
        raise UnsupportedError(
            f"beta = {value:.6g}, off the grid of 1/{2**BETA_BITS},", where,
            f"Set it to {near:.6g}{cheap}, or {ROUND}.",
        )  # fmt: skip
    if len(used) > 1:
        return used, ir.Leak("multiply", BETA_BITS, (used * 2**BETA_BITS).astype(np.int64))
    kind, bits, factor = leak_rule(where, float(used[0]), "multiply" if learn else "auto")
    return used, ir.Leak(kind, bits, np.array([factor]) if kind == "multiply" else np.zeros(0, np.int64))


def _check_features(where: str, leaky: Any) -> None:
    """Refuse what has no counterpart on integers, by name."""
    graded = leaky.graded_spikes_factor
    if leaky.inhibition:
        raise UnsupportedError("inhibition", where, "Build the Leaky with inhibition=False.")
    if leaky.state_quant:
        raise UnsupportedError(
            "state_quant", where, "Build the Leaky with state_quant=False; membranes get the hardware's own grid."
        )
    if isinstance(graded, torch.nn.Parameter) or not bool((graded == 1).all()):
        raise UnsupportedError(
            "graded_spikes_factor (learnt, or other than 1)", where,
            "A spike is one bit: multiply the next Linear's weights by the factor instead.",
        )  # fmt: skip
    bases = {"subtract": leaky._base_sub, "zero": leaky._base_zero, "none": leaky._base_int}
    known = ("subtract", "zero", "none")
    if leaky.state_function != bases[leaky.reset_mechanism] or (
        known[int(leaky.reset_mechanism_val)] != leaky.reset_mechanism
    ):
        raise UnsupportedError(
            "a reset_mechanism that was changed after the Leaky was built", where,
            "snntorch then mixes two; build a new Leaky with the one that is meant.",
        )  # fmt: skip
    try:
        steps = torch.tensor([-1.0, -1e-3, 0.0, 1e-3, 1.0], device=leaky.threshold.device)
        with torch.no_grad():
            fires = bool(torch.equal(leaky.spike_grad(steps), (steps > 0).to(steps.dtype)))
    except Exception:  # whatever the user's own function may raise
        fires = False
    if not fires:
        raise UnsupportedError(
            "a spike_grad whose forward is not the step mem > threshold", where, "Use one of snntorch.surrogate."
        )
