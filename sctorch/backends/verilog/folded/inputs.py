"""What comes in of a folded design, up to the first synapse: beats, images, vectors of spikes."""

from __future__ import annotations

from sctorch import ir
from sctorch.backends.verilog.folded.memories import address_bits
from sctorch.backends.verilog.folded.plan import WORD, FoldedPlan
from sctorch.backends.verilog.folded.text import Text
from sctorch.backends.verilog.ports import input_width
from sctorch.backends.verilog.text import constant

__all__ = ["front", "input_bits", "steps_bits"]


def input_bits(network: ir.Network) -> int:
    """Bits of the in_data port: one feature, or a word of spikes."""
    if isinstance(network.encoder, ir.EventEncoder):
        return min(WORD, network.encoder.size)
    return input_width(network)


def steps_bits(network: ir.Network) -> int:
    """Bits of the port `steps`; 0 where spikes come in, whose window ends with in_last."""
    return 0 if isinstance(network.encoder, ir.EventEncoder) else network.num_steps.bit_length()


def front(text: Text, design: FoldedPlan) -> None:
    """The wires <synapse>__valid, __first, __last and __take of the first synapse, and its features or spikes."""
    network, encoder, first = design.network, design.network.encoder, design.synapses[0]
    e, s, bits, steps = encoder.name, first.layer.name, input_bits(network), steps_bits(network)
    events = isinstance(encoder, ir.EventEncoder)
    places = address_bits(design.beats)
    text.add(
        "",
        f"// {e}: {encoder.KIND}",
        f"wire {s}__valid, {s}__first, {s}__last, {s}__take;",
        f"wire {e}__ready, {e}__write, {e}__complete, {e}__opens, {e}__closes;",
        f"wire [{places - 1}:0] {e}__index;",
        f"assign in_ready = {e}__ready & ~rst;",
        f"sct_fold_frame #(.BEATS({design.beats}), .WHOLE({int(not events)}), .TICKS({network.encoder_ticks})) "
        f"{e}__frame (",
        f"    .clk(clk), .rst(rst), .beat(in_valid & in_ready), .in_first(in_first), .in_last(in_last), "
        f".write({e}__write),",
        f"    .index({e}__index), .complete({e}__complete), .first({e}__opens), .last({e}__closes));",
    )
    text.busy.append(f"{s}__valid")
    if not events:
        text.add(
            f"wire {e}__done;",
            f"wire [{steps - 1}:0] {e}__steps;",
            f"sct_fold_repeat #(.STEPS({network.num_steps})) {e}__repeat (",
            f"    .clk(clk), .rst(rst), .steps({e}__steps), .take({s}__take), .first({s}__first), .last({s}__last), "
            f".done({e}__done));",
        )
    if isinstance(encoder, ir.RateEncoder | ir.DirectEncoder):
        text.add(
            f"wire [{first.lanes * bits - 1}:0] {e}__features;",
            f"wire [{address_bits(first.groups) - 1}:0] {s}__group;",
            f"sct_fold_image #(.N({encoder.size}), .B({bits}), .P({first.lanes}), .SW({steps})) {e}__image (",
            f"    .clk(clk), .rst(rst), .ready({e}__ready), .write({e}__write), .index({e}__index), "
            f".complete({e}__complete),",
            f"    .feature(in_data), .steps(steps), .valid({s}__valid), .steps_out({e}__steps), .done({e}__done),",
            f"    .group({s}__group), .data({e}__features));",
        )
        return
    beat, width, mark, mark_bits = "in_data", bits, f"{{{e}__closes, {e}__opens}}", 2
    if isinstance(encoder, ir.LevelEncoder):
        beat, width, mark, mark_bits = f"{e}__code", encoder.levels, "steps", steps
        levels = range(encoder.levels)
        text.add(
            f"wire [{width - 1}:0] {e}__code;",
            *(f"assign {e}__code[{v}] = in_data > {constant(v, bits)};" for v in levels),
        )
    text.add(
        f"wire {e}__full, {e}__move;",
        f"wire [{design.beats * width - 1}:0] {e}__gathered;",
        f"wire [{mark_bits - 1}:0] {e}__mark, {e}__marked;",
        f"wire [{encoder.size - 1}:0] {s}__vector;",
        f"sct_fold_gather #(.BEATS({design.beats}), .C({width}), .M({mark_bits})) {e}__gather (",
        f"    .clk(clk), .rst(rst), .ready({e}__ready), .write({e}__write), .complete({e}__complete), .beat({beat}),",
        f"    .mark({mark}), .valid({e}__full), .take({e}__full & {e}__move), .gathered({e}__gathered), "
        f".marked({e}__mark));",
        f"sct_fold_slot #(.W({mark_bits + encoder.size})) {e}__slot (",
        f"    .clk(clk), .rst(rst), .in_valid({e}__full), .in_ready({e}__move), "
        f".in({{{e}__mark, {e}__gathered[{encoder.size - 1}:0]}}),",
        f"    .valid({s}__valid), .take({f'{s}__take' if events else f'{e}__done'}), "
        f".out({{{e}__marked, {s}__vector}}));",
        f"assign {{{s}__last, {s}__first}} = {e}__marked;" if events else f"assign {e}__steps = {e}__marked;",
    )
    text.busy.append(f"{e}__full")
