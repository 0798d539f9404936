"""Neuron layers of a folded design, the delays behind them, and the readout."""

from __future__ import annotations

from sctorch import ir
from sctorch.backends.verilog.folded.memories import address_bits, grouped
from sctorch.backends.verilog.folded.plan import FoldedPlan, NeuronPlan, ReadoutPlan, SynapsePlan
from sctorch.backends.verilog.folded.randoms import random_numbers
from sctorch.backends.verilog.folded.text import Text
from sctorch.backends.verilog.unrolled.traces import trace_port

__all__ = ["neurons_text", "readout_text"]

_LEAK = {"none": 0, "shift": 1, "multiply": 2, "stochastic": 3}
_RESET = {"none": 0, "subtract": 1, "zero": 2, "subtract_snntorch": 3}
_RULE = {"first_to_threshold": 1, "threshold_then_argmax": 2, "binary_logit": 3}


def _factors(text: Text, name: str, leak: ir.Leak, size: int, lanes: int, group: str) -> str:
    bits = max(1, leak.shift) + 1
    factor = [int(v) for v in leak.factor] if leak.scales else [0]
    every = factor * size if len(factor) == 1 else factor
    return text.table(f"{name}__factors", group, grouped(every, lanes, bits, every[0]), lanes * bits)


def neurons_text(
    text: Text, neuron: NeuronPlan, synapse: SynapsePlan, following: ir.Layer, delay: ir.Delay | None
) -> None:
    layer, lanes, width, s = neuron.layer, neuron.lanes, neuron.width, synapse.layer.name
    n, f, place = layer.name, following.name, address_bits(neuron.groups)
    noise = max(1, layer.leak.shift)
    text.add(
        "",
        f"// {n}: {layer.KIND}, {lanes} per clock",
        f"wire {n}__go, {n}__head, {n}__valid, {n}__ready, {n}__move, {n}__first, {n}__last;",
        f"wire [{place - 1}:0] {n}__group;",
        f"wire [{layer.size - 1}:0] {n}__spikes;",
    )
    text.busy.append(f"{n}__valid")
    most = (1 << (width - 1)) - 1  # above every membrane
    theta = [min(int(t), most) for t in layer.threshold]
    thetas = text.table(f"{n}__thetas", f"{n}__group", grouped(theta, lanes, width, theta[0]), lanes * width)
    factors = _factors(text, n, layer.leak, layer.size, lanes, f"{n}__group")
    random = f"{lanes * noise}'d0"
    if layer.leak.source is not None:
        tokens = {"go": f"{n}__go", "head": f"{n}__head", "fresh": f"{n}__first", "group": f"{n}__group"}
        random = random_numbers(text, n, layer.leak.source, layer.size, lanes, tokens)
    text.shown.insert(0, f"    assign {trace_port(f'{n}.mem')} = {n}__membranes;")
    text.valid[n] = text.valid[f"{n}.mem"] = f"{n}__move"
    text.shown.append(f"    assign {trace_port(n)} = {n}__spikes;")
    text.add(
        "`ifdef SCTORCH_TRACE",
        f"wire [{layer.size * width - 1}:0] {n}__membranes;",
        "`endif",
        f"sct_fold_neurons #(.N({layer.size}), .Q({lanes}), .CW({synapse.width}), .W({width}), .SHIFT({neuron.shift}), "
        f".LEAK({_LEAK[layer.leak.kind]}), .LEAK_SHIFT({noise}),",
        f"    .RESET({_RESET[layer.reset]}), .DELAY({int(layer.reset_delay)}), .GE({int(layer.compare == 'ge')})) "
        f"{n}__neurons (",
        f"    .clk(clk), .rst(rst), .load({s}__load), .in_first({s}__load_first), .in_last({s}__load_last), "
        f".currents({s}__sums),",
        f"    .go({n}__go), .head({n}__head), .group({n}__group), .theta({thetas}), .factor({factors}), "
        f".random({random}),",
        f"    .valid({n}__valid), .take({n}__move), .first({n}__first), .last({n}__last),",
        "`ifdef SCTORCH_TRACE",
        f"    .trace_mem({n}__membranes),",
        "`endif",
        f"    .spikes({n}__spikes));",
        f"assign {n}__move = {n}__valid & {n}__ready;",
        f"assign {s}__free = {n}__move;",
    )
    spikes = f"{n}__spikes"
    if delay is not None:
        spikes = f"{delay.name}__spikes"
        text.add(
            f"wire [{layer.size - 1}:0] {spikes};",
            f"sct_fold_delay #(.N({layer.size}), .D({delay.steps})) {delay.name}__ring (",
            f"    .clk(clk), .move({n}__move), .first({n}__first), .spikes({n}__spikes), .delayed({spikes}));",
        )
        text.show(delay.name, spikes, f"{n}__move")
    if isinstance(following, ir.Readout):
        text.add(
            f"wire {f}__load, {f}__load_first, {f}__load_last, {f}__promised, {f}__free;",
            f"wire [{layer.size - 1}:0] {f}__currents;",
            f"sct_fold_lock {f}__lock (.clk(clk), .rst(rst), .on({f}__load), .free({f}__free), .held({f}__promised));",
            f"assign {n}__ready = ~{f}__promised;",
            f"assign {f}__load = {n}__move;",
            f"assign {{{f}__load_first, {f}__load_last}} = {{{n}__first, {n}__last}};",
            f"assign {f}__currents = {spikes};",
        )
        text.busy.append(f"{f}__promised")
        return
    text.add(
        f"wire {f}__valid, {f}__first, {f}__last, {f}__take;",
        f"wire [{layer.size - 1}:0] {f}__vector;",
        f"sct_fold_slot #(.W({layer.size + 2})) {f}__slot (",
        f"    .clk(clk), .rst(rst), .in_valid({n}__valid), .in_ready({n}__ready), "
        f".in({{{n}__last, {n}__first, {spikes}}}),",
        f"    .valid({f}__valid), .take({f}__take), .out({{{f}__last, {f}__first, {f}__vector}}));",
    )
    text.busy.append(f"{f}__valid")


def readout_text(text: Text, design: FoldedPlan, synapse: SynapsePlan | None, answer: tuple[str, int, bool]) -> None:
    readout: ReadoutPlan = design.readout
    layer, r, width = readout.layer, readout.layer.name, readout.width
    place, noise = address_bits(layer.size), max(1, layer.leak.shift)
    # Out of reach, a threshold changes nothing, and its number may not fit the scores' width.
    reachable = layer.decision_rule not in ir.layers.THRESHOLD_RULES or layer.class_threshold < 1 << (width - 1)
    rule = _RULE.get(layer.decision_rule, 0) if reachable else 0
    load, currents, free = f"{r}__load", f"{r}__currents", f"{r}__free"
    if synapse is not None:
        s = synapse.layer.name
        load, currents, free = f"{s}__load", f"{s}__sums", f"{s}__free"
    text.add(
        "",
        f"// {r}: {layer.KIND}",
        f"wire {r}__go;",
        f"wire [{place - 1}:0] {r}__place;",
        f"wire [{answer[1] - 1}:0] decision;",
    )
    factors = _factors(text, r, layer.leak, layer.size, 1, f"{r}__place")
    threshold = layer.class_threshold if rule in (1, 2) else 1
    text.add(
        "`ifdef SCTORCH_TRACE",
        f"wire [{layer.size * width - 1}:0] {r}__scores;",
        "`endif",
        f"sct_fold_readout #(.N({layer.size}), .CW({synapse.width if synapse else 1}), .COUNT({int(not synapse)}), "
        f".W({width}), .SHIFT({readout.shift}), .LEAK({_LEAK[layer.leak.kind]}),",
        f"    .LEAK_SHIFT({noise}), .RULE({rule}), .THRESHOLD({threshold}), .OW({answer[1]})) {r}__readout (",
        f"    .clk(clk), .rst(rst), .load({load}), .in_first({load}_first), .in_last({load}_last), "
        f".currents({currents}),",
        f"    .go({r}__go), .place({r}__place), .factor({factors}), .valid(out_valid), .first(out_first), "
        f".last(out_last),",
        "`ifdef SCTORCH_TRACE",
        f"    .trace_scores({r}__scores),",
        "`endif",
        "    .decision(decision));",
        f"assign {answer[0]} = decision;",
        f"assign {free} = out_valid;",
    )
    text.show(r, f"{r}__scores", "out_valid")
    text.show(f"{r}.decision", "decision", "out_valid")
