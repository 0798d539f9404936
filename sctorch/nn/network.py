"""SpikingNetwork: layers in a row, run over a whole window."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

from sctorch.checks import check_range
from sctorch.errors import ConfigError, ShapeError
from sctorch.ir.streams import check_apart
from sctorch.nn.activity import LayerActivity, judge, warn_of
from sctorch.nn.blocks import Block
from sctorch.nn.brevitas import BrevitasLinear, is_brevitas
from sctorch.nn.checks import as_tensor, check_tensor
from sctorch.nn.encoder import Encoder, RateEncoder
from sctorch.nn.neuron import LIF
from sctorch.nn.readout import SNNReadout
from sctorch.nn.summary import NetworkSummary, summarise
from sctorch.nn.synapse import FixedLinear, SCLinear, Synapse

__all__ = ["SpikingNetwork"]


class SpikingNetwork(torch.nn.Module):
    """An encoder, (synapse, neuron) ..., and a readout, over `num_steps` timesteps.

    The forward pass computes the hardware's integers; layer by layer, each over all timesteps.

    Parameters
    ----------
    layers : an encoder first, SNNReadout last; synapses and neurons in turn between them. Blocks
        (StochasticLIF, FixedPointLIF) are taken apart; a brevitas.nn.QuantLinear becomes a BrevitasLinear.
    num_steps : timesteps of one window.

    Attributes
    ----------
    readout : the last layer. Every layer is an attribute under the name that it has in traces
        (encoder, synapse1, neuron1, ...).

    Examples
    --------
    >>> import torch
    >>> from sctorch import nn
    >>> net = nn.SpikingNetwork(
    ...     nn.RateEncoder(4, bits=4),
    ...     nn.SCLinear(4, 8, weight_bits=3), nn.LIF(8),
    ...     nn.SCLinear(8, 2, weight_bits=3), nn.SNNReadout(2, output_mode="membrane"),
    ...     num_steps=16)
    >>> net(torch.rand(5, 4)).shape
    torch.Size([5, 2])
    >>> net.trace(torch.rand(5, 4))["neuron1"].shape
    torch.Size([16, 5, 8])
    """

    readout: SNNReadout

    def __init__(self, *layers: torch.nn.Module, num_steps: int) -> None:
        super().__init__()
        self.num_steps = check_range(num_steps, 1, 1 << 16, "SpikingNetwork: num_steps")
        flat = [part for layer in layers for part in (layer if isinstance(layer, Block) else [layer])]
        self.names = _names(flat)
        for name, layer in zip(self.names, flat, strict=True):
            self.add_module(name, BrevitasLinear(layer, name) if is_brevitas(layer) else layer)
        _check(list(self.named_layers()), num_steps)

    def named_layers(self) -> Iterator[tuple[str, torch.nn.Module]]:
        """The layers in order, each with the name that it has in every trace and export."""
        for name in self.names:
            yield name, self.get_submodule(name)

    def _run(self, x: Tensor, decide: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Integers of every signal by trace key, in order; the scores come last, after the decision if wished."""
        frac = value_bits = 0
        flow = x
        for name, layer in self.named_layers():
            if isinstance(layer, Encoder):
                flow, value_bits = layer(x, self.num_steps * self._synapses()[0].bitstream_length), layer.value_bits
            elif isinstance(layer, FixedLinear):
                flow, frac, value_bits = layer(flow, value_bits), layer.frac + value_bits, 0
            elif isinstance(layer, SCLinear):
                ticks = self.num_steps * layer.bitstream_length
                if flow.shape[0] != ticks:
                    flow = flow.repeat_interleave(layer.bitstream_length, dim=0)
                flow, frac = layer(flow), layer.frac
            elif isinstance(layer, LIF):
                flow, mem = layer.run(flow, frac)
                yield f"{name}.mem", mem
                if layer.delay:
                    yield name, flow
                    name, flow = f"{name}_delay", layer.delayed(flow)
            elif isinstance(layer, SNNReadout):
                flow = layer.run(flow, frac)
                frac = layer.frac(frac)
                if decide:
                    yield f"{name}.decision", layer.decide(flow)
            yield name, flow

    def _rows_at_once(self) -> int:
        """Rows of a batch of which one layer's window takes 4 MiB."""
        widest = max(m.out_features for m in self._synapses())
        return max(16, 2**20 // (self.num_steps * widest))

    def _synapses(self) -> list[Synapse]:
        return [m for m in self.children() if isinstance(m, Synapse)]

    def _device(self) -> torch.device:
        return self._synapses()[0].weight.device

    def output_frac(self) -> int:
        """Fractional bits of the scores."""
        synapses = self._synapses()
        encoder = next(m for m in self.children() if isinstance(m, Encoder))
        return self.readout.frac(synapses[-1].frac + (encoder.value_bits if len(synapses) == 1 else 0))

    def scores(self, x: Tensor) -> Tensor:
        """Scores after every timestep, [T, B, n], in value units, differentiable."""
        check_tensor(x, "SpikingNetwork", "x", self._device())
        # A large batch goes through in parts: its signals stay in the cache, and take half the memory.
        rows = self._rows_at_once()
        if x.device.type == "cpu" and x.ndim == 2 and len(x) > rows:
            return torch.cat([self.scores(part) for part in x.split(rows)], dim=1)
        scores = x
        for _, value in self._run(x, decide=False):
            scores = value  # only the last is kept: training has no use for the rest
        return scores * 2.0 ** -self.output_frac()

    def forward(self, x: Tensor) -> Tensor:
        """Scores [B, n] at the window's end for features x [B, n] in [0, 1], in value units."""
        return self.scores(x)[-1]

    @torch.no_grad()
    def trace(self, x: Tensor) -> dict[str, Tensor]:
        """The integers of every layer at every timestep, as the hardware computes them.

        Returns
        -------
        int64 tensors: what the encoder gives [T * L, B, n]; currents of synapses, spikes of neurons
        and scores of the readout [T, B, n] under the layer's name; membranes [T, B, n] under
        "<name>.mem"; spikes behind an axonal delay under "<name>_delay"; decisions [T, B, 1] under
        "<readout>.decision".
        """
        result = {}
        x = as_tensor(x, "SpikingNetwork")
        check_tensor(x, "SpikingNetwork", "x", self._device())
        for key, value in self._run(x):
            largest = float(value.abs().max()) if value.is_floating_point() else 0.0
            if largest >= 2**24:
                raise ConfigError(f"{key} reaches {largest:g}, beyond the integers that float32 holds exactly (2^24)")
            result[key] = value.to(torch.int64)
        return result

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """The decision after every timestep, [T, B]: a class, or the logit of the rule binary_logit."""
        return self.trace(x)[f"{self.names[-1]}.decision"][..., 0]

    @torch.no_grad()
    def spike_rates(self, x: Tensor) -> dict[str, Tensor]:
        """How often each encoder output and neuron spikes over a batch, 0 to 1, by layer.

        Parameters
        ----------
        x : as for the forward pass.

        Returns
        -------
        float64 tensors [n]: spikes per timestep of every neuron (before an axonal delay), and per tick
        of every output of an encoder. A direct encoder gives integers and no spikes, and is left out.
        """
        check_tensor(x, "SpikingNetwork", "x", self._device())
        axis = x.ndim - 2  # of the batch: [B, n] features or [T, B, n] spikes
        parts = x.split(self._rows_at_once(), dim=axis) if axis in (0, 1) and x.shape[axis] else (x,)
        layers = dict(self.named_layers())
        counts: dict[str, Tensor] = {}
        ticks: dict[str, int] = {}
        for part in parts:
            for name, value in self._run(part, decide=False):
                layer = layers.get(name)
                if isinstance(layer, LIF) or (isinstance(layer, Encoder) and not layer.value_bits):
                    spikes = value.sum(dim=(0, 1), dtype=torch.float64)
                    counts[name] = counts[name] + spikes if name in counts else spikes
                    ticks[name] = len(value)
        # Divided once, so that a rate of 1 is 1.
        return {name: spikes / (ticks[name] * x.shape[axis]) for name, spikes in counts.items()}

    def check_activity(self, x: Tensor) -> tuple[LayerActivity, ...]:
        """Rates, dead and saturated outputs of each layer over a batch, and an ActivityWarning where neurons are such.

        An encoder's are listed and not warned of: a feature may be 0 in every row.
        """
        records = judge(self.spike_rates(x))
        for record in records:
            if isinstance(self.get_submodule(record.name), LIF):
                warn_of(record)
        return records

    def summary(self) -> NetworkSummary:
        """The layers with their sizes, synapses and fields, and totals; `print` shows a table."""
        return summarise(self.named_layers(), self.num_steps)


def _names(layers: list[torch.nn.Module]) -> list[str]:
    counts: dict[str, int] = {}
    names = []
    for layer in layers:
        if isinstance(layer, Encoder):
            names.append("encoder")
        elif isinstance(layer, SNNReadout):
            names.append("readout")
        elif isinstance(layer, Synapse | LIF) or is_brevitas(layer):
            kind = "neuron" if isinstance(layer, LIF) else "synapse"
            counts[kind] = counts.get(kind, 0) + 1
            names.append(f"{kind}{counts[kind]}")
        else:
            raise ConfigError(
                f"SpikingNetwork: {type(layer).__name__} is no layer of a spiking network; "
                "allowed: RateEncoder, LevelEncoder, DirectEncoder, EventEncoder, SCLinear, FixedLinear, LIF, IF, "
                "StochasticLIF, FixedPointLIF, SNNReadout, and brevitas.nn.QuantLinear"
            )
    if len(set(names)) != len(names):
        raise ConfigError(f"SpikingNetwork: one encoder and one readout are allowed, got {names}")
    return names


def _check(named: list[tuple[str, torch.nn.Module]], num_steps: int) -> None:
    layers = [layer for _, layer in named]
    first, last = layers[0] if layers else None, layers[-1] if layers else None
    if len(layers) < 3 or not isinstance(first, Encoder) or not isinstance(last, SNNReadout):
        raise ConfigError("SpikingNetwork: an encoder must come first, an SNNReadout last, a synapse between")
    size = first.size
    for (before_name, before), (name, layer) in itertools.pairwise(named):
        spikes_before = isinstance(before, Encoder | LIF)
        if isinstance(layer, Synapse):
            needs_spikes, takes, gives = True, layer.in_features, layer.out_features
        elif isinstance(layer, LIF):
            needs_spikes, takes, gives = False, layer.size, layer.size
        elif isinstance(layer, SNNReadout):
            layer.attach(size, num_steps)
            needs_spikes, takes, gives = layer.output_mode == "spike", layer.size, layer.size
        else:
            raise ConfigError(f"SpikingNetwork: {name} must come first")
        if needs_spikes != spikes_before or (isinstance(layer, SNNReadout) and isinstance(before, Encoder)):
            wanted = "spikes" if needs_spikes else "a synapse"
            if isinstance(layer, SNNReadout) and needs_spikes:
                wanted = "an LIF"
            raise ConfigError(f"SpikingNetwork: {name} must follow {wanted}, but follows {before_name}")
        if isinstance(before, Encoder) and before.value_bits and not isinstance(layer, FixedLinear):
            raise ConfigError(f"SpikingNetwork: {name} must be a FixedLinear, since {before_name} gives integers")
        if isinstance(before, RateEncoder) and isinstance(layer, SCLinear):
            check_apart(before_name, before.source, name, layer.source)
        if takes != size:
            raise ShapeError(f"SpikingNetwork: {name} takes {takes} inputs but {before_name} gives {size}")
        size = gives
