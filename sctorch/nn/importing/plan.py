"""The grids on which one layer of a snntorch network fits float32: its own where there is room, else ever coarser."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from sctorch import ir
from sctorch.errors import ConfigError
from sctorch.nn.importing.chain import Stage
from sctorch.nn.importing.grids import MOST_FRAC_BITS, exact_frac, leak_bits, room, rounding_frac
from sctorch.nn.importing.neuron import Fields

__all__ = ["MOST_WEIGHT_BITS", "Plan", "Wish", "array", "make_plan", "membrane_error"]

MOST_WEIGHT_FRAC, MOST_WEIGHT_BITS = 24, 16


@dataclass(frozen=True)
class Wish:
    num_steps: int
    weight_bits: int
    frac_bits: int | None
    rounds: bool


@dataclass(frozen=True)
class Plan:
    """Grids on which one layer's integers fit float32."""

    weight_frac: int
    frac: int
    weight: np.ndarray
    bias: np.ndarray
    weight_bits: int
    cut: int


def make_plan(stage: Stage, fields: Fields | None, input_bits: int, wish: Wish, scores: bool) -> Plan:
    """The finest grids that fit: those of the weights as they are, else ever coarser ones."""
    linear = stage.linear
    weight = array(linear.weight.float())
    bias = np.zeros(linear.out_features) if linear.bias is None else array(linear.bias.float())
    start = _first_weight_frac(stage, weight, bias, input_bits, wish.weight_bits)
    for weight_frac in range(start, -1, -1):
        weights, biases = np.rint(weight * 2.0**weight_frac), np.rint(bias * 2.0 ** (weight_frac + input_bits))
        if np.abs(biases).max() > 2**23:
            continue
        bits = max(1, int(np.abs(weights).max()).bit_length())
        if not np.array_equal(weights, weight * 2.0**weight_frac):
            bits = max(bits, wish.weight_bits)
        synapse = ir.FixedSynapse("synapse", weights, biases, bits, weight_frac, input_bits)
        frac = _membrane_frac(synapse, fields, wish, scores)
        if frac is not None:
            return Plan(weight_frac, frac, weights, biases, bits, start - weight_frac)
    raise ConfigError(
        f"{stage.names}: its membranes can leave the integers that float32 holds exactly (2^24), on any grid of its "
        "weights; lower num_steps or frac_bits, take a beta of 1 - 2^-k, scale weights and thresholds down, or let "
        "off_grid='round' round thresholds too"
    )


def _first_weight_frac(stage: Stage, weight: np.ndarray, bias: np.ndarray, input_bits: int, weight_bits: int) -> int:
    largest = float(np.abs(weight).max())
    rounded = rounding_frac(largest, weight_bits, MOST_WEIGHT_FRAC)
    of_weight = exact_frac(weight, MOST_WEIGHT_FRAC)
    if of_weight is not None and largest * 2.0**of_weight < 2**MOST_WEIGHT_BITS:
        of_bias = exact_frac(bias, MOST_WEIGHT_FRAC + input_bits)
        wished = max(of_weight, of_bias - input_bits) if of_bias is not None else max(of_weight, rounded or 0)
        finest = rounding_frac(largest, MOST_WEIGHT_BITS, MOST_WEIGHT_FRAC)
        return min(wished, finest or 0)
    if rounded is None:
        raise ConfigError(
            f"{stage.linear_name}: the weight {largest:g} does not fit weight_bits = {weight_bits}; "
            "raise weight_bits (up to 16)"
        )
    return rounded


def _exact_frac(fields: Fields | None, current_frac: int, num_steps: int, scores: bool) -> int:
    """Fractional bits that hold every decayed sum of a window, and the threshold."""
    if fields is None:
        return current_frac
    decays = leak_bits(fields.leak) * (num_steps - 1)
    if scores:
        return current_frac + decays
    theta_frac = MOST_FRAC_BITS if fields.theta_frac is None else fields.theta_frac
    if fields.reset.startswith("subtract"):  # the membrane then holds thresholds too
        return max(current_frac, theta_frac) + decays
    return max(current_frac + decays, theta_frac)


def _membrane_frac(synapse: ir.FixedSynapse, fields: Fields | None, wish: Wish, scores: bool) -> int | None:
    """As many fractional bits of the membrane as make it exact, or as there is room for; None if there is none."""
    lowest = synapse.frac
    if fields is not None and not scores and not wish.rounds:
        lowest = max(lowest, fields.theta_frac or 0)  # a threshold is kept as it is
    wished = _exact_frac(fields, synapse.frac, wish.num_steps, scores) if wish.frac_bits is None else wish.frac_bits
    frac = max(min(wished, MOST_FRAC_BITS), lowest)
    while frac >= lowest:
        if frac > 24:  # of any register
            return None
        after: ir.Neuron | ir.Readout
        if fields is None or scores:
            leak = ir.Leak() if fields is None else fields.leak
            after = ir.Readout("readout", synapse.size, "membrane", "argmax_membrane", frac, leak)
        else:
            theta = np.broadcast_to(fields.theta_used(min(frac, MOST_FRAC_BITS)) * 2.0**frac, (synapse.size,))
            after = ir.Neuron(
                "neuron", synapse.size, frac, theta, fields.leak, "gt", fields.reset, fields.reset_delay
            )  # fmt: skip
        spare = room(synapse, after, wish.num_steps)
        if spare >= 0:
            return frac
        if wish.frac_bits is not None and frac == wish.frac_bits:
            return None  # it was asked for, and does not fit
        frac += spare
    return None


def membrane_error(fields: Fields | None, plan: Plan, input_bits: int, num_steps: int, scores: bool) -> float:
    if fields is None or plan.frac >= _exact_frac(fields, plan.weight_frac + input_bits, num_steps, scores):
        return 0.0
    beta = max((b for b in fields.beta if b < 1), default=0.0)
    return float(2.0**-plan.frac * (1 - beta ** (num_steps - 1)) / (1 - beta))


def array(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().double().numpy()
