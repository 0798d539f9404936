"""from_snntorch: a plain snntorch network becomes a SpikingNetwork, as exactly as the hardware's integers allow."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch

from sctorch.checks import check_choice, check_instance, check_range
from sctorch.errors import ConfigError, ShapeError, UnsupportedError
from sctorch.nn.encoder import Encoder, EventEncoder
from sctorch.nn.importing.chain import Stage, stages
from sctorch.nn.importing.grids import MOST_FRAC_BITS
from sctorch.nn.importing.neuron import Fields, leaky_fields
from sctorch.nn.importing.plan import MOST_WEIGHT_BITS, Plan, Wish, array, make_plan, membrane_error
from sctorch.nn.importing.record import Conversion, ConvertedNetwork, LayerConversion, QuantisationWarning, fingerprint
from sctorch.nn.neuron import LIF
from sctorch.nn.readout import SNNReadout
from sctorch.nn.synapse import FixedLinear

__all__ = ["from_snntorch"]


def from_snntorch(
    net: torch.nn.Module,
    num_steps: int,
    encoder: Encoder | None = None,
    weight_bits: int = 8,
    frac_bits: int | None = None,
    off_grid: str = "error",
    output_mode: str | None = None,
    decision_rule: str | None = None,
    class_threshold: int = 1,
) -> ConvertedNetwork:
    """A snntorch network of nn.Linear and snntorch.Leaky layers, on integers.

    Parameters
    ----------
    net : torch.nn.Sequential, or a module of which the forward runs Linear, Leaky, Linear, Leaky ... in turn (it is
        run once on a copy, to see what really follows what). It stays as it is.
    num_steps : timesteps of one window.
    encoder : what feeds the first Linear. By default `EventEncoder`: spikes [T, B, n] as they are; `DirectEncoder`
        for features that are constant over the window.
    weight_bits : magnitude bits, 1 to 16, of weights that lie on no grid of 16 bits. Those that do are taken as they
        are, with as many bits as they need.
    frac_bits : fractional bits of all membranes, 0 to 20. By default each layer gets as many as make its decayed sums
        exact, or as many as float32 has room for.
    off_grid : "error" refuses a beta off the grid (1 - 2^-k and multiples of 1/256) and a threshold off its own
        (2^-20); "round" takes the nearest.
    output_mode : "spike" counts the spikes of the last Leaky (default); "membrane" takes a last Leaky with
        reset_mechanism "none" as scores. A last Linear without a Leaky is "membrane" with beta = 1.
    decision_rule, class_threshold : what the scores decide; see `SNNReadout`.

    Returns
    -------
    The network; its `conversion` says what was rounded, and how far. What was rounded is also a QuantisationWarning.

    Raises
    ------
    UnsupportedError
        For anything of the model that cannot be kept; it names the module and the ways out.
    ConfigError
        For an argument out of range, or a layer that needs more bits than float32 holds exactly.

    Examples
    --------
    >>> import snntorch, torch
    >>> from sctorch import nn
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 3, bias=False), snntorch.Leaky(beta=0.5, init_hidden=True))
    >>> with torch.no_grad():
    ...     _ = net[0].weight.copy_(torch.tensor([[0.5, 1, 0, 0.25], [0, 0.75, -0.5, 1], [1, 1, -1, 0]]))
    >>> converted = nn.from_snntorch(net, num_steps=8)
    >>> print(converted.conversion.summary())
    0 + 1: 3-bit weights with 2 fractional bits, membranes with 9; exact
    """
    wish = Wish(num_steps, weight_bits, frac_bits, off_grid == "round")
    _check_arguments(net, wish, off_grid, output_mode)
    chain = stages(net, num_steps)
    first, last = chain[0].linear, chain[-1]
    encoder = EventEncoder(first.in_features) if encoder is None else encoder
    check_instance(encoder, Encoder, "from_snntorch: encoder", "an encoder of sctorch.nn, such as RateEncoder(n)")
    if encoder.size != first.in_features:
        raise ShapeError(
            f"from_snntorch: the encoder gives {encoder.size} inputs but {chain[0].linear_name} takes "
            f"{first.in_features}"
        )
    mode = _output_mode(last, output_mode)
    rule = _Rule(decision_rule, class_threshold)
    layers: list[torch.nn.Module] = [encoder]
    records = []
    for stage in chain:
        input_bits = encoder.value_bits if stage is chain[0] else 0
        synapse, after, record = _convert(
            stage, input_bits, wish, rule if mode == "membrane" and stage is last else None
        )
        layers += [synapse, after]
        records.append(record)
    if mode == "spike":
        layers.append(SNNReadout(last.linear.out_features, output_mode="spike", **vars(rule)))
    result = ConvertedNetwork(*layers, num_steps=num_steps).to(first.weight.device)
    options: dict[str, str | int | None] = {
        "weight_bits": weight_bits, "frac_bits": frac_bits, "off_grid": off_grid, "output_mode": output_mode,
        **vars(rule),
    }  # fmt: skip
    result.conversion = Conversion(tuple(records), options, fingerprint(result))
    if not result.conversion.exact:
        rounded = "\n".join(str(record) for record in records if not record.exact)
        warnings.warn(f"from_snntorch rounded:\n{rounded}", QuantisationWarning, stacklevel=2)
    return result


@dataclass(frozen=True)
class _Rule:
    """What a readout decides by."""

    decision_rule: str | None
    class_threshold: int


def _check_arguments(net: torch.nn.Module, wish: Wish, off_grid: str, output_mode: str | None) -> None:
    if not isinstance(net, torch.nn.Module):
        raise ConfigError(f"from_snntorch: net is a {type(net).__name__}; give a torch module")
    check_range(wish.num_steps, 1, 1 << 16, "from_snntorch: num_steps")
    check_range(wish.weight_bits, 1, MOST_WEIGHT_BITS, "from_snntorch: weight_bits")
    if wish.frac_bits is not None:
        check_range(wish.frac_bits, 0, MOST_FRAC_BITS, "from_snntorch: frac_bits")
    check_choice(off_grid, ("error", "round"), "from_snntorch: off_grid")
    if output_mode is not None:
        check_choice(output_mode, ("spike", "membrane"), "from_snntorch: output_mode")


def _output_mode(last: Stage, wished: str | None) -> str:
    if last.leaky is None:
        if wished == "spike":
            raise UnsupportedError(
                "output_mode 'spike' behind a Linear", last.linear_name, "End it with a Leaky, or leave it out."
            )
        return "membrane"
    if wished == "membrane" and last.leaky.reset_mechanism != "none":
        raise UnsupportedError(
            f"output_mode 'membrane' with reset_mechanism {last.leaky.reset_mechanism!r}", last.leaky_name,
            "Scores are membranes without a reset: build it with reset_mechanism='none', or use output_mode='spike'.",
        )  # fmt: skip
    return wished or "spike"


def _convert(
    stage: Stage, input_bits: int, wish: Wish, rule: _Rule | None
) -> tuple[FixedLinear, torch.nn.Module, LayerConversion]:
    """The synapse, the neurons (or with a rule the readout) behind it, and what was rounded."""
    linear, scores = stage.linear, rule is not None
    for name, parameter in linear.named_parameters():
        if not torch.isfinite(parameter).all():
            raise ConfigError(f"{stage.linear_name}: {name} holds NaN or infinity; the training diverged")
    fields = None
    if stage.leaky is not None:
        fields = leaky_fields(f"{stage.leaky_name} (Leaky)", stage.leaky, linear.out_features, wish.rounds)
    if scores and fields is not None and (len(fields.beta) > 1 or fields.learn_beta):
        raise UnsupportedError(
            "a membrane readout with a beta per neuron, or a learnt one,", stage.leaky_name,
            "Give the last Leaky one fixed beta, or use output_mode='spike'.",
        )  # fmt: skip
    plan = make_plan(stage, fields, input_bits, wish, scores)
    with torch.random.fork_rng(devices=[]):  # a new layer draws weights, which are not used here
        synapse = FixedLinear(
            linear.in_features, linear.out_features, plan.weight_bits, plan.weight_frac, bias=linear.bias is not None
        )
    with torch.no_grad():
        synapse.weight.copy_(linear.weight)
        if synapse.bias is not None:
            synapse.bias.copy_(linear.bias)
    after, theta_error = _after(linear.out_features, fields, plan, rule)
    unit = 2.0 ** -(plan.weight_frac + input_bits)
    record = LayerConversion(
        stage.names, plan.weight_bits, plan.weight_frac, plan.frac,
        weight_error=_largest(plan.weight * 2.0**-plan.weight_frac - array(linear.weight)),
        bias_error=0.0 if linear.bias is None else _largest(plan.bias * unit - array(linear.bias)),
        beta_error=0.0 if fields is None else fields.beta_error,
        threshold_error=theta_error,
        membrane_error=membrane_error(fields, plan, input_bits, wish.num_steps, scores),
        cut=plan.cut,
    )  # fmt: skip
    return synapse, after, record


def _after(size: int, fields: Fields | None, plan: Plan, rule: _Rule | None) -> tuple[torch.nn.Module, float]:
    """The neurons or the readout behind a synapse, and the largest error of a threshold."""
    if fields is None or rule is not None:
        beta = 1.0 if fields is None else float(fields.beta[0])
        frac_bits, fixed = min(plan.frac, MOST_FRAC_BITS), {} if rule is None else vars(rule)
        return SNNReadout(size, output_mode="membrane", beta=beta, frac_bits=frac_bits, **fixed), 0.0
    frac_bits = min(plan.frac, MOST_FRAC_BITS)
    theta = fields.theta_used(frac_bits)
    neurons = LIF(
        size, _scalar_or_list(fields.beta), _scalar_or_list(theta), fields.leak.kind, "gt", fields.reset,
        fields.reset_delay, frac_bits, fields.spike_grad, learn_threshold=fields.learn_theta,
        learn_beta=fields.learn_beta,
    )  # fmt: skip
    return neurons, _largest(theta - fields.theta)


def _largest(errors: np.ndarray) -> float:
    return float(np.abs(errors).max())


def _scalar_or_list(values: np.ndarray) -> float | list[float]:
    return float(values[0]) if len(values) == 1 else [float(v) for v in values]
