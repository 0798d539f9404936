"""The trace ports of a simulation build: every layer's integers, as semantics.md names them."""

from __future__ import annotations

from sctorch import ir
from sctorch.backends.verilog.ports import answer_port
from sctorch.backends.verilog.text import constant
from sctorch.backends.verilog.unrolled.plan import DesignPlan, NeuronPlan

__all__ = ["trace_assignments", "trace_port", "trace_signals"]


def trace_signals(design: DesignPlan) -> list[tuple[str, int, int, bool, int]]:
    """(key, entries, bits per entry, signed, stage whose valid it comes with) of every traced signal."""
    signals = []
    ranges = ir.analyse(design.network)
    for layer in design.network.layers:
        stage = design.place(layer) + 1 if design.input_register or not isinstance(layer, ir.Encoder) else 0
        bounds = ranges.get(layer.name)
        if isinstance(layer, ir.Synapse):
            assert bounds is not None
            assert bounds.current is not None
            signals.append((layer.name, layer.size, bounds.current.width, True, stage))
        elif isinstance(layer, ir.Neuron):
            assert bounds is not None
            assert bounds.charged is not None
            assert bounds.membrane is not None
            signals.append((layer.name, layer.size, 1, False, stage))
            width = bounds.charged.union(bounds.membrane).width
            signals.append((f"{layer.name}.mem", layer.size, width, True, stage))
        elif isinstance(layer, ir.Readout):
            signals.append((layer.name, layer.size, design.readout.width, design.readout.signed, stage))
            signals.append((f"{layer.name}.decision", 1, *answer_port(design.network)[1:], design.stages))
        else:
            width = layer.bits if isinstance(layer, ir.DirectEncoder) else 1
            signals.append((layer.name, layer.size, width, False, stage))
    return signals


def trace_port(key: str) -> str:
    """The port that shows a traced signal: "neuron1.mem" is on neuron1__trace_mem."""
    name, _, what = key.partition(".")
    return f"{name}__trace" + (f"_{what}" if what else "")


def trace_assignments(design: DesignPlan) -> list[str]:
    """What the simulation build shows beside the decision: every layer's integers, as semantics.md names them."""
    lines: list[str] = []
    synapses = {s.layer.name: s for s in design.synapses}
    neurons = {n.layer.name: n for n in design.neurons}
    delays = {layer.name for layer in design.network.layers if isinstance(layer, ir.Delay)}
    for key, _count, width, _, stage in trace_signals(design):
        name, port = key.split(".")[0], trace_port(key)
        if key.endswith(".mem"):
            lines += _trace_membranes(neurons[name], port, width, stage - 1)
        elif key.endswith(".decision"):
            lines.append(f"    assign {port} = decision;")
        elif name in synapses:
            for i, counter in enumerate(synapses[name].counters):
                hidden = counter.constant if counter.folded else 0
                value = _extended(f"{name}__current{i}", counter.width, counter.signed, width)
                lines.append(f"    assign {port}[{i * width} +: {width}] = {value} + {constant(hidden, width)};")
        elif name in neurons or name in delays:
            lines.append(f"    assign {port} = {name}__spikes;")
        elif name == design.readout.layer.name:
            lines.append(f"    assign {port} = {name}__scores;")
        else:
            lines.append(f"    assign {port} = {name}__bits;")
    return lines


def _extended(wire: str, width: int, signed: bool, to: int) -> str:
    """`wire` as a `to`-bit number, by its sign or by zeros; cut if `to` is narrower."""
    if to <= width:
        return f"{wire}[{to - 1}:0]"
    fill = f"{wire}[{width - 1}]" if signed else "1'b0"
    return f"{{{{{to - width}{{{fill}}}}}, {wire}}}"


def _trace_membranes(neuron: NeuronPlan, port: str, width: int, stage: int) -> list[str]:
    layer = neuron.layer
    lines = []
    for i, membrane in enumerate(neuron.membranes):
        name = f"{layer.name}__{i}"
        shown = _extended(f"{name}__shown", membrane.width, membrane.signed, width)
        value = f"{shown} + {constant(membrane.offset, width)}"
        lines += [
            f"    reg [{width - 1}:0] {name}__trace;",
            f"    always @(posedge clk) if (valid[{stage}]) {name}__trace <= {value};",
            f"    assign {port}[{i * width} +: {width}] = {name}__trace;",
        ]
    return lines
