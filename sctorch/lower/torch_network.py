"""A SpikingNetwork becomes the integer network that it already computes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from sctorch import ir
from sctorch.errors import ConfigError, UnsupportedError
from sctorch.nn import (
    LIF,
    DirectEncoder,
    Encoder,
    EventEncoder,
    FixedLinear,
    LevelEncoder,
    RateEncoder,
    SCLinear,
    SNNReadout,
    SpikingNetwork,
    Synapse,
)

__all__ = ["lower"]


def lower(net: SpikingNetwork, name: str = "net", meta: Mapping[str, str] | None = None) -> ir.Network:
    """Read the integers out of a network.

    Parameters
    ----------
    net : the network; its current weights and masks are taken.
    name : the design's identifier (a-z, 0-9, _).
    meta : texts that travel with the design (class names, feature scaling).

    Raises
    ------
    UnsupportedError
        If something of the model cannot be kept exactly.
    ConfigError
        If weights are not finite, or a signal could leave the integers that float32 holds.
    """
    if not isinstance(net, SpikingNetwork):
        raise UnsupportedError(
            f"a model of type {type(net).__name__}", "lower", "Build it as sctorch.nn.SpikingNetwork."
        )
    layers: list[ir.Layer] = []
    frac = value_bits = 0
    for layer_name, module in net.named_layers():
        layer = _layer(layer_name, module, frac, value_bits)
        value_bits = module.value_bits if isinstance(module, Encoder) else 0
        if isinstance(layer, ir.Synapse):
            frac = layer.frac
        layers.append(layer)
        if isinstance(module, LIF) and module.delay:
            layers.append(ir.Delay(f"{layer_name}_delay", module.size, module.delay))
    network = ir.Network(name, net.num_steps, tuple(layers), dict(meta or {}))
    _check_exact(network)
    return network


def _encoder(name: str, module: Encoder) -> ir.Encoder:
    if isinstance(module, RateEncoder):
        return ir.RateEncoder(name, module.size, module.source)
    if isinstance(module, LevelEncoder):
        return ir.LevelEncoder(name, module.n_features, module.levels)
    if isinstance(module, DirectEncoder):
        return ir.DirectEncoder(name, module.size, module.bits)
    if isinstance(module, EventEncoder):
        return ir.EventEncoder(name, module.size)
    raise UnsupportedError(f"an encoder of type {type(module).__name__}", name, "Use the encoders of sctorch.nn.")


def _synapse(name: str, module: Synapse, input_bits: int) -> ir.Synapse:
    for parameter_name, parameter in module.named_parameters():
        if not torch.isfinite(parameter).all():
            raise ConfigError(f"{name}: {parameter_name} holds NaN or infinity; the training diverged")
    weight = _integers(module.integer_weight())
    zeros = np.zeros(module.out_features, np.int64)
    if isinstance(module, SCLinear):
        bias = module.integer_bias()
        integers = zeros if bias is None else _integers(bias)
        return ir.StochasticSynapse(name, weight, integers, module.bitstream_length, module.source)
    if isinstance(module, FixedLinear):
        bias = module.integer_bias(input_bits)
        integers = zeros if bias is None else _integers(bias)
        return ir.FixedSynapse(name, weight, integers, module.weight_bits, module.weight_frac, input_bits)
    raise UnsupportedError(f"a synapse of type {type(module).__name__}", name, "Use the synapses of sctorch.nn.")


def _layer(name: str, module: torch.nn.Module, frac: int, input_bits: int) -> ir.Layer:
    if isinstance(module, Encoder):
        return _encoder(name, module)
    if isinstance(module, Synapse):
        return _synapse(name, module, input_bits)
    if isinstance(module, LIF):
        theta = np.broadcast_to(_integers(module.integer_threshold(module.frac(frac))), (module.size,))
        return ir.Neuron(
            name, module.size, module.frac(frac), theta, _leak(module),
            module.compare, module.reset_mechanism, module.reset_delay,
        )  # fmt: skip
    if isinstance(module, SNNReadout):
        return ir.Readout(
            name, module.size, module.output_mode, module.decision_rule, module.frac(frac), _leak(module),
            module.class_threshold,
        )  # fmt: skip
    raise UnsupportedError(f"a layer of type {type(module).__name__}", name, "Use the layers of sctorch.nn.")


def _leak(module: LIF | SNNReadout) -> ir.Leak:
    factor = module.integer_factor() if isinstance(module, LIF) else None
    if isinstance(module, SNNReadout) and module.leak == "multiply":
        factor = torch.tensor(module.leak_factor)
    factors = np.zeros(0, np.int64) if factor is None else np.atleast_1d(_integers(factor))
    source = module.leak_source if isinstance(module, LIF) else None
    return ir.Leak(module.leak, module.leak_shift, factors, source)


def _integers(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().astype(np.int64)


def _check_exact(network: ir.Network) -> None:
    """Torch's forward is exact only below 2**24: refuse what could go beyond."""
    for name, bounds in ir.analyse(network).items():
        layer = next(x for x in network.layers if x.name == name)
        leak = layer.leak if isinstance(layer, ir.Neuron | ir.Readout) else ir.Leak()
        gain = leak.shift if leak.scales else 0
        summed = None  # a current before its bias, which torch adds last and which may bring it back
        if isinstance(layer, ir.Synapse) and bounds.tick is not None:
            summed = bounds.tick.shifted(layer.bitstream_length.bit_length() - 1)
        for signal in (summed, bounds.current, bounds.charged, bounds.membrane):
            if signal is not None and (signal.width - 1 + gain) > 24:
                raise ConfigError(
                    f"{name} can need {signal.width} bits, more than float32 holds exactly; "
                    "lower frac_bits, num_steps or bitstream_length"
                )
