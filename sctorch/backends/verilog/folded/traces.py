"""The trace ports of a folded design's simulation build."""

from __future__ import annotations

from sctorch import ir
from sctorch.backends.verilog.folded.plan import FoldedPlan
from sctorch.backends.verilog.ports import answer_port

__all__ = ["trace_signals"]


def trace_signals(design: FoldedPlan) -> list[tuple[str, int, int, bool]]:
    """(key, entries, bits per entry, signed) of every traced signal; bit i of trace_valid belongs to the i-th."""
    signals: list[tuple[str, int, int, bool]] = []
    synapses = {s.layer.name: s for s in design.synapses}
    neurons = {n.layer.name: n for n in design.neurons}
    for layer in design.network.layers:
        if isinstance(layer, ir.Synapse):
            signals.append((layer.name, layer.size, synapses[layer.name].width, True))
        elif isinstance(layer, ir.Neuron):
            signals.append((layer.name, layer.size, 1, False))
            signals.append((f"{layer.name}.mem", layer.size, neurons[layer.name].width, True))
        elif isinstance(layer, ir.Readout):
            signals.append((layer.name, layer.size, design.readout.width, True))
            signals.append((f"{layer.name}.decision", 1, *answer_port(design.network)[1:]))
        else:
            width = layer.bits if isinstance(layer, ir.DirectEncoder) else 1
            signals.append((layer.name, layer.size, width, False))
    return signals
