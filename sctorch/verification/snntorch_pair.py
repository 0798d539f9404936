"""snntorch's own forward, beside ours: every current, spike and membrane of a converted network."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sctorch import ir
from sctorch.errors import UnsupportedError
from sctorch.nn import (
    LIF,
    ConvertedNetwork,
    DirectEncoder,
    Encoder,
    EventEncoder,
    FixedLinear,
    LevelEncoder,
    QuantisationWarning,
    RateEncoder,
    SNNReadout,
    from_snntorch,
)
from sctorch.nn.importing.chain import Stage, stages
from sctorch.nn.importing.forward import isolated
from sctorch.nn.importing.record import conversion_options

__all__ = ["as_exported", "run_snntorch", "statement"]


def as_exported(net: torch.nn.Module, network: ir.Network) -> ConvertedNetwork:
    """The conversion of a snntorch network that a design's integer network was made by."""
    options: dict[str, Any] = {"output_mode": network.readout.output_mode} | conversion_options(network.meta)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QuantisationWarning)  # the export has said it, and the report will
        return from_snntorch(net, network.num_steps, _encoder(network.encoder), **options)


def _encoder(layer: ir.Encoder) -> Encoder:
    if isinstance(layer, ir.RateEncoder):
        source = layer.source
        lfsr: dict[str, Any] = {"polynomial": list(source.taps), "seed": source.seed} if source.kind == "lfsr" else {}
        return RateEncoder(layer.size, layer.bits, source.kind, decorrelator=source.decorrelator, **lfsr)
    if isinstance(layer, ir.LevelEncoder):
        return LevelEncoder(layer.n_features, layer.levels)
    if isinstance(layer, ir.DirectEncoder):
        return DirectEncoder(layer.size, layer.bits)
    if isinstance(layer, ir.EventEncoder):
        return EventEncoder(layer.size)
    raise UnsupportedError(f"the encoder {layer.name}", "verify", "Verify the network that from_snntorch gave.")


def run_snntorch(net: torch.nn.Module, model: ConvertedNetwork, encoded: np.ndarray, own: bool) -> ir.Trace:
    """Copies of the user's own modules, run over a window.

    Parameters
    ----------
    encoded : what the encoder gives, [T, B, n]; a direct encoder's integers stand for v / 2**bits.
    own : with the user's own parameters and membranes; otherwise with those of the converted network: its weights,
        betas and thresholds, and its grid of membranes as snntorch's own state_quant.

    Returns
    -------
    currents, spikes and membranes [T, B, n] in the units and under the keys of `SpikingNetwork.trace`, as floats.
    """
    layers = list(model.named_layers())
    encoder = layers[0][1]
    assert isinstance(encoder, Encoder)
    flow = torch.from_numpy(np.asarray(encoded) * 2.0**-encoder.value_bits)
    trace: dict[str, Tensor] = {}
    current_frac = encoder.value_bits
    pairs = iter(layers[1:])
    with torch.no_grad():
        for stage in stages(net, model.num_steps):
            synapse_name, synapse = next(pairs)
            after_name, after = next(pairs)
            assert isinstance(synapse, FixedLinear)
            assert isinstance(after, LIF | SNNReadout)
            current_frac += synapse.frac
            frac = after.frac(current_frac)
            linear, leaky = _copies(stage, None if own else _Design(synapse, after, current_frac, encoder.value_bits))
            encoder = EventEncoder(1)  # from here on the inputs are spikes
            currents = torch.stack([linear(x) for x in flow.to(linear.weight.dtype)])
            trace[synapse_name] = currents.double() * 2.0**current_frac
            current_frac = 0
            if leaky is None:
                continue
            flow, membranes = _over_time(leaky, currents)
            if isinstance(after, LIF):
                trace[after_name] = flow.double()
                trace[f"{after_name}.mem"] = membranes.double() * 2.0**frac
            else:
                trace[after_name] = membranes.double() * 2.0**frac
    return {key: value.numpy() for key, value in trace.items()}


def _over_time(leaky: Any, currents: Tensor) -> tuple[Tensor, Tensor]:
    spikes, membranes = [], []
    for current in currents:
        output = leaky(current)
        spikes.append(output[0] if isinstance(output, tuple) else output)
        membranes.append(leaky.mem)
    return torch.stack(spikes), torch.stack(membranes)


class _Design:
    """The numbers of one converted layer, as floats that hold them exactly."""

    def __init__(self, synapse: FixedLinear, after: LIF | SNNReadout, current_frac: int, input_bits: int) -> None:
        self.weight = synapse.integer_weight().double() * 2.0**-synapse.frac
        bias = synapse.integer_bias(input_bits)
        self.bias = None if bias is None else bias.double() * 2.0**-current_frac
        frac = after.frac(current_frac)
        self.beta, self.theta = torch.tensor(float(after.beta)) if isinstance(after, SNNReadout) else after.beta, None
        if isinstance(after, LIF):
            factor = after.integer_factor()
            self.beta = self.beta if factor is None else factor * 2.0**-after.leak_shift
            self.theta = after.integer_threshold(frac).double() * 2.0**-frac
        # m - floor(m / 2^k) is a ceiling; a product is floored (docs/semantics.md, section 6).
        self.grid = _grid(torch.ceil if after.leak == "shift" else torch.floor, frac)


def _grid(rounding: Callable[[Tensor], Tensor], frac: int) -> Callable[[Tensor], Tensor]:
    return lambda mem: rounding(mem * 2.0**frac) * 2.0**-frac


def _copies(stage: Stage, design: _Design | None) -> tuple[Any, Any]:
    """The user's Linear and Leaky on the CPU, with a design's numbers if one is given."""
    linear = isolated(stage.linear).cpu()
    leaky = None if stage.leaky is None else isolated(stage.leaky).cpu()
    if design is None:
        return linear, leaky
    linear.double()  # a product with the leak's factor takes more than 24 bits
    linear.weight.copy_(design.weight)
    if linear.bias is not None:
        linear.bias.copy_(design.bias)
    if leaky is not None:
        leaky.double()
        _put(leaky.beta, design.beta)
        if design.theta is not None:
            _put(leaky.threshold, design.theta)
        leaky.state_quant = design.grid
    return linear, leaky


def _put(parameter: Tensor, value: Tensor) -> None:
    parameter.data = value.detach().cpu().double().expand_as(parameter).clone()


def statement(model: ConvertedNetwork, trace: ir.Trace, own: ir.Trace) -> str:
    """How far the design is from the user's own float network: parameters, and spikes that differ."""
    keys = [name for name, layer in model.named_layers() if isinstance(layer, LIF)]
    total = sum(trace[key].size for key in keys)
    different = sum(int((trace[key] != own[key]).sum()) for key in keys)
    membrane = max(layer.membrane_error for layer in model.conversion.layers)
    text = (
        f"against the given snntorch network, with nothing rounded there: largest parameter error "
        f"{model.conversion.parameter_error:.3g}, membranes rounded by at most {membrane:.3g}"
    )
    return text + (f"; {different:,} of {total:,} spikes and silences differ" if total else "")
