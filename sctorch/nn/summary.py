"""What a network consists of, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from sctorch.nn.description import describe
from sctorch.nn.encoder import Encoder
from sctorch.nn.synapse import Synapse

__all__ = ["LayerSummary", "NetworkSummary", "summarise"]


@dataclass(frozen=True)
class LayerSummary:
    """One layer.

    Attributes
    ----------
    name, kind : as in traces and exports; the class.
    n_in, n_out : inputs and outputs.
    synapses, nonzero : of a synapse layer, how many weights it has and how many of their integers are not 0.
    weight_bits, ticks : of a synapse layer, bits of a magnitude and ticks per timestep.
    parameters : what is trained.
    fields : everything else that decides what the layer computes, as text by name.
    """

    name: str
    kind: str
    n_in: int
    n_out: int
    synapses: int = 0
    nonzero: int = 0
    weight_bits: int | None = None
    ticks: int | None = None
    parameters: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworkSummary:
    """All layers in order, and totals. `str()` gives the table.

    Attributes
    ----------
    num_steps : timesteps of a window. ticks : ticks of a timestep, the longest bitstream_length.
    """

    layers: tuple[LayerSummary, ...]
    num_steps: int

    @property
    def ticks(self) -> int:
        return max(row.ticks or 1 for row in self.layers)

    @property
    def synapses(self) -> int:
        return sum(row.synapses for row in self.layers)

    @property
    def nonzero(self) -> int:
        return sum(row.nonzero for row in self.layers)

    @property
    def neurons(self) -> int:
        """Neurons that spike, those of a spike readout's layer included."""
        return sum(row.n_out for row in self.layers if row.name.startswith("neuron"))

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.layers)

    def __str__(self) -> str:
        head = ("layer", "kind", "in -> out", "synapses", "nonzero", "bits", "ticks", "fields")
        lines = [head, *map(_cells, self.layers)]
        widths = [max(len(line[k]) for line in lines) for k in range(len(head))]
        text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        share = f" ({100 * self.nonzero / self.synapses:.1f} %)" if self.synapses else ""
        text.append(
            f"{self.synapses:,} synapses, {self.nonzero:,} of them not 0{share}; {self.neurons:,} neurons; "
            f"{self.parameters:,} parameters; {self.num_steps} timesteps of {self.ticks} "
            f"tick{'s' if self.ticks > 1 else ''}"
        )
        return "\n".join(line.rstrip() for line in text)


def _cells(row: LayerSummary) -> tuple[str, ...]:
    synapse = row.weight_bits is not None
    fields = ", ".join(f"{key}={value}" for key, value in row.fields.items())
    return (
        row.name, row.kind, f"{row.n_in} -> {row.n_out}",
        f"{row.synapses:,}" if synapse else "", f"{row.nonzero:,}" if synapse else "",
        "" if row.weight_bits is None else str(row.weight_bits), "" if row.ticks is None else str(row.ticks), fields,
    )  # fmt: skip


# Shown in columns of their own, or derived from others.
_ELSEWHERE = {
    "name", "kind", "learnt", "in_features", "out_features", "n_features", "n_classes", "size", "weight_bits",
    "bitstream_length", "value_bits", "leak_shift", "leak_factor",
}  # fmt: skip


@torch.no_grad()
def summarise(named: Iterable[tuple[str, torch.nn.Module]], num_steps: int) -> NetworkSummary:
    """The summary of layers in order."""
    rows = []
    size = 0
    layers = list(named)
    for (name, layer), about in zip(layers, describe(layers, num_steps)["layers"], strict=True):
        given: dict[str, Any] = {}
        if isinstance(layer, Encoder):
            size, out = layer.n_features, layer.size
        elif isinstance(layer, Synapse):
            size, out = layer.in_features, layer.out_features
            given = {
                "synapses": layer.weight.numel(),
                "nonzero": int((layer.integer_weight() != 0).sum()),
                "weight_bits": layer.weight_bits,
                "ticks": layer.bitstream_length,
            }
        else:
            out = size
        trained = {key: value for key, value in layer.named_parameters() if value.requires_grad}
        fields = {key: _text(value) for key, value in about.items() if key not in _ELSEWHERE}
        fields |= {key: _text(value.tolist()) + " (learnt)" for key, value in trained.items() if "weight" not in key}
        count = sum(value.numel() for value in trained.values())
        rows.append(LayerSummary(name, about["kind"], size, out, parameters=count, fields=fields, **given))
        size = out
    return NetworkSummary(tuple(rows), num_steps)


def _text(value: Any) -> str:
    """A field in few words: the ends of a list, the kind of a source."""
    if isinstance(value, dict):
        return "/".join(str(value[key]) for key in ("kind", "decorrelator") if key in value)
    if isinstance(value, list):
        low, high = min(value), max(value)
        return _text(low) if low == high else f"{_text(low)} to {_text(high)}"
    return f"{value:g}" if isinstance(value, float) else str(value)
