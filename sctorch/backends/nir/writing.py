"""An integer network as a NIR graph, and what of it NIR cannot say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

import sctorch
from sctorch import ir
from sctorch.backends.nir.files import nir_package
from sctorch.errors import UnsupportedError
from sctorch.ir.layers import layer_fields

__all__ = ["KEY", "Beyond", "beyond", "leak_bits", "make_graph", "refuse", "time_constants"]

KEY = "sctorch"  # of the graph's metadata
NO_LEAK = 2.0**60  # timesteps of a time constant for which 1 - dt / tau is 1 in float64


@dataclass(frozen=True)
class Beyond:
    """Something that NIR cannot say: the layer, what of it, and what to do instead.

    outside : it lies before the graph's Input, so that the graph itself still computes what the network does.
    """

    layer: str
    what: str
    instead: str
    outside: bool = False


def leak_bits(leak: ir.Leak) -> int:
    """Fractional bits that one decay adds to a membrane."""
    if leak.kind == "shift":
        return leak.shift
    if leak.kind == "multiply":
        common = int(np.bitwise_or.reduce(leak.factor)) | 1 << leak.shift
        return leak.shift - (common & -common).bit_length() + 1
    return 0


def _of_leak(layer: ir.Neuron | ir.Readout, current_frac: int, num_steps: int) -> list[Beyond]:
    if layer.leak.kind == "stochastic":
        return [Beyond(layer.name, "a stochastic leak", "Use another leak.")]
    needed = current_frac + leak_bits(layer.leak) * (num_steps - 1)
    if layer.frac >= needed:
        return []
    instead = f"Give it {needed} fractional bits." if needed <= 24 else "Take fewer timesteps, or no leak."
    return [Beyond(layer.name, f"a leak that floors to {layer.frac} fractional bits", instead)]


def beyond(network: ir.Network) -> list[Beyond]:
    """All that the graph does not hold. What is computed from it is refused, unless it may be attached."""
    found: list[Beyond] = []
    if isinstance(network.encoder, ir.RateEncoder | ir.LevelEncoder):
        kind = "a stream of bits" if isinstance(network.encoder, ir.RateEncoder) else "a thermometer code"
        instead = "Give spikes (EventEncoder), or features into a fixed synapse (DirectEncoder)."
        found.append(Beyond(network.encoder.name, kind, instead, outside=True))
    frac = 0
    for layer in network.layers:
        if isinstance(layer, ir.StochasticSynapse):
            found.append(Beyond(layer.name, "a stochastic synapse", "Use a fixed synapse."))
            frac = layer.frac
        elif isinstance(layer, ir.FixedSynapse):
            frac = layer.frac
        elif isinstance(layer, ir.Neuron):
            if layer.reset != "zero":
                what = "no reset" if layer.reset == "none" else f"the reset {layer.reset!r}"
                found.append(Beyond(layer.name, what, "NIR's LIF sets a membrane to v_reset: use the reset 'zero'."))
            found += _of_leak(layer, frac, network.num_steps)
        elif isinstance(layer, ir.Readout) and layer.output_mode == "membrane":
            found += _of_leak(layer, frac, network.num_steps)
    return found


def refuse(found: Beyond) -> UnsupportedError:
    alternatives = (
        f"NIR cannot say it. {found.instead} attach=True writes it as metadata, which other libraries ignore."
    )
    return UnsupportedError(found.what, f"nir backend: {found.layer}", alternatives)


def time_constants(beta: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """(tau, r) with 1 - dt / tau = beta and r dt / tau = 1, to the last bit but one of float64."""
    tau = np.where(beta == 1, dt * NO_LEAK, dt / np.where(beta == 1, 1.0, 1 - beta))
    return tau, tau / dt


def make_graph(network: ir.Network, dt: float) -> Any:
    """The graph from the first synapse to the last neurons (or a membrane readout), and all else as metadata."""
    nir = nir_package()
    size = network.encoder.size
    nodes: dict[str, Any] = {"input": nir.Input(input_type={"input": np.array([size])})}
    for layer in network.layers[1:]:
        if isinstance(layer, ir.Synapse):
            nodes[layer.name] = _linear(nir, layer)
        elif isinstance(layer, ir.Delay):
            nodes[layer.name] = nir.Delay(delay=np.full(layer.size, layer.steps * dt))
        elif isinstance(layer, ir.Neuron):
            nodes[layer.name] = _lif(nir, layer, dt)
        elif isinstance(layer, ir.Readout) and layer.output_mode == "membrane":
            tau, r = (np.broadcast_to(v, layer.size).copy() for v in time_constants(layer.leak.beta, dt))
            nodes[layer.name] = nir.LI(tau=tau, r=r, v_leak=np.zeros(layer.size))
    nodes["output"] = nir.Output(output_type={"output": np.array([network.readout.size])})
    names = list(nodes)
    return nir.NIRGraph(nodes=nodes, edges=list(pairwise(names)), metadata={KEY: _metadata(network, dt)})


def _linear(nir: Any, layer: ir.Synapse) -> Any:
    """Weights and biases as the values that they stand for: of a stochastic synapse the mean over its streams."""
    if isinstance(layer, ir.StochasticSynapse):
        weight = layer.weight / 2**layer.weight_bits
    else:
        weight = layer.weight / 2 ** (layer.weight_frac or 0)
    if not layer.bias.any():
        return nir.Linear(weight=weight)
    return nir.Affine(weight=weight, bias=layer.bias / 2**layer.frac)


def _lif(nir: Any, layer: ir.Neuron, dt: float) -> Any:
    tau, r = (np.broadcast_to(v, layer.size).copy() for v in time_constants(layer.leak.beta, dt))
    # NIR compares with >, and of integers u >= threshold is u > threshold - 1.
    threshold = (layer.threshold - (layer.compare == "ge")) / 2**layer.frac
    zero = np.zeros(layer.size)
    return nir.LIF(tau=tau, r=r, v_leak=zero, v_threshold=threshold, v_reset=zero)


def _metadata(network: ir.Network, dt: float) -> str:
    """What is not in the nodes: grids, names, the encoder, the readout's rule, and what was attached."""
    layers: list[dict[str, Any]] = []
    for layer in network.layers:
        fields = {key: _plain(value) for key, value in layer_fields(layer).items() if not isinstance(value, np.ndarray)}
        layers.append({"kind": layer.KIND, **fields})
    return json.dumps({
        "version": sctorch.__version__, "network_sha256": ir.digest(network), "dt": dt, "name": network.name,
        "num_steps": network.num_steps, "meta": dict(network.meta), "layers": layers,
        "beyond": [f"{found.layer}: {found.what}" for found in beyond(network)],
    })  # fmt: skip


def _plain(value: object) -> Any:
    """A field as JSON; of a leak's factors only how many there are, since tau holds them."""
    if isinstance(value, ir.Leak):
        return {key: _plain(v) for key, v in layer_fields(value).items()}
    if isinstance(value, ir.StreamSource):
        return layer_fields(value)
    return len(value) if isinstance(value, np.ndarray) else value
