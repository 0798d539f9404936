"""The engine of a synapse layer: its schedule, its inputs, its weights and its sums.

The clocks after a group is visited are numbered: its features come in the first, its spikes, random numbers and weights
in the second, what they add in the third, and the sum is there in the fourth.
"""

from __future__ import annotations

from sctorch import ir
from sctorch.backends.verilog.folded.memories import address_bits, loadable_memory, packed, weight_words
from sctorch.backends.verilog.folded.plan import FoldedPlan, SynapsePlan
from sctorch.backends.verilog.folded.randoms import random_numbers
from sctorch.backends.verilog.folded.text import Text
from sctorch.backends.verilog.text import hexadecimal

__all__ = ["synapse_text"]


def synapse_text(
    text: Text, synapse: SynapsePlan, encoder: ir.Encoder | None, loaded: tuple[int, FoldedPlan] | None
) -> None:
    """The lines of a layer. encoder : in front of it, if it is the first. loaded : where weights may be loaded, the
    layer's number and the whole."""
    layer, lanes, groups = synapse.layer, synapse.lanes, synapse.groups
    s, place = layer.name, address_bits(synapse.groups)
    stored = isinstance(encoder, ir.RateEncoder | ir.DirectEncoder)
    text.add("", f"// {s}: {layer.KIND}, {layer.n_inputs} inputs, {lanes} per clock, {layer.size} neurons")
    if not stored:
        text.add(f"wire [{place - 1}:0] {s}__group;")
    text.add(
        f"wire {s}__go, {s}__head, {s}__tail, {s}__fresh, {s}__finish, {s}__drop, {s}__opens;",
        f"wire {s}__promised, {s}__free;",
        f"sct_fold_lock {s}__lock (.clk(clk), .rst(rst), .on({s}__finish), .free({s}__free), .held({s}__promised));",
    )
    text.busy.append(f"{s}__promised")
    if not stored:
        padded = f"{s}__padded"
        text.add(
            f"wire [{groups * lanes - 1}:0] {padded};",
            f"assign {padded} = {_pad(f'{s}__vector', layer.n_inputs, groups * lanes)};",
        )
    if synapse.scan:
        text.add(
            f"wire [{groups - 1}:0] {s}__active;",
            *(f"assign {s}__active[{g}] = |{padded}[{g * lanes} +: {lanes}];" for g in range(groups)),
            f"sct_fold_scan #(.G({groups}), .S({synapse.scan_words})) {s}__scan (",
            f"    .clk(clk), .rst(rst), .valid({s}__valid), .room(~{s}__promised), .active({s}__active),",
            f"    .go({s}__go), .group({s}__group), .finish({s}__finish));",
            f"assign {{{s}__head, {s}__tail, {s}__fresh, {s}__drop}} = {{1'b0, {s}__finish, 1'b0, 1'b0}};",
            f"assign {s}__opens = {s}__first;",
            f"assign {s}__take = {s}__finish;",
        )
    else:
        text.add(
            f"sct_fold_walk #(.G({groups}), .L({layer.bitstream_length}), "
            f".PER_TICK({int(isinstance(encoder, ir.EventEncoder))})) {s}__walk (",
            f"    .clk(clk), .rst(rst), .valid({s}__valid), .first({s}__first), .room(~{s}__promised), "
            f".take({s}__take),",
            f"    .go({s}__go), .group({s}__group), .head({s}__head), .tail({s}__tail), .fresh({s}__fresh), "
            f".finish({s}__finish),",
            f"    .drop({s}__drop), .step_first({s}__opens));",
        )
    text.add(
        f"wire {s}__go1, {s}__head1, {s}__fresh1, {s}__add, {s}__clear, {s}__load, {s}__load_first, {s}__load_last, "
        f"{s}__dropped;",
        f"wire [{place - 1}:0] {s}__group1;",
        f"sct_fold_later #(.W({3 + place}), .D(1)) {s}__later1 (.clk(clk), .rst(rst), "
        f".in({{{s}__go, {s}__head, {s}__fresh, {s}__group}}),",
        f"    .out({{{s}__go1, {s}__head1, {s}__fresh1, {s}__group1}}));",
        f"sct_fold_later #(.W(1), .D(2)) {s}__later2 (.clk(clk), .rst(rst), .in({s}__go), .out({s}__add));",
        f"sct_fold_later #(.W(4), .D(4)) {s}__later4 (.clk(clk), .rst(rst), "
        f".in({{{s}__drop, {s}__finish, {s}__opens, {s}__last}}),",
        f"    .out({{{s}__dropped, {s}__load, {s}__load_first, {s}__load_last}}));",
    )
    given = _given(text, synapse, encoder)
    width = synapse.width
    words, start, clears = _weights(text, synapse, loaded)
    text.add(f"assign {s}__clear = {s}__load | {s}__dropped | rst{clears};")
    text.add(f"wire [{layer.size * width - 1}:0] {s}__sums;")
    if isinstance(layer, ir.StochasticSynapse):
        tokens = {what: f"{s}__{what}1" for what in ("go", "head", "fresh", "group")}
        random = random_numbers(text, s, layer.source, layer.n_inputs, lanes, tokens)
        text.add(
            f"sct_fold_sum #(.N({layer.size}), .P({lanes}), .B({layer.weight_bits}), .W({width})) {s}__sum (",
            f"    .clk(clk), .clear({s}__clear), .add({s}__add & ~rst), .start({start}), .spikes({given}),",
            f"    .random({random}), .word({words}), .sums({s}__sums));",
        )
    else:
        text.add(
            f"sct_fold_dot #(.N({layer.size}), .P({lanes}), .B({layer.weight_bits}), .X({layer.input_bits}), "
            f".DW({synapse.part_width}), .W({width})) {s}__sum (",
            f"    .clk(clk), .clear({s}__clear), .add({s}__add & ~rst), .start({start}), .in({given}), .word({words}),",
            f"    .sums({s}__sums));",
        )
    text.show(s, f"{s}__sums", f"{s}__load")


def _weights(text: Text, synapse: SynapsePlan, loaded: tuple[int, FoldedPlan] | None) -> tuple[str, str, str]:
    """The wires with the word of the group visited in the clock before and with what the sums start from, and what
    clears them besides."""
    s, width, bits = synapse.layer.name, synapse.width, synapse.layer.size * synapse.width
    address, words = f"{s}__group1", weight_words(synapse)
    start = hexadecimal(packed(synapse.start, width), bits)
    if loaded is None:
        return text.table(f"{s}__weights", address, words, synapse.word_bits), start, ""
    number, (layer_bits, word_bits, part_bits) = loaded[0], loaded[1].place_bits
    text.memories.append(loadable_memory(f"{text.top}__{s}__weights", words, synapse.word_bits, part_bits))
    text.add(
        f"wire [{synapse.word_bits - 1}:0] {s}__weights;",
        f"wire [{bits - 1}:0] {s}__start;",
        f"wire {s}__mine, {s}__to_start, {s}__there;",
        f"assign {s}__mine = store_layer == {layer_bits}'d{number};",
        f"assign {s}__to_start = store_word == {word_bits}'d{synapse.groups};",
        f"assign {s}__there = {s}__mine & ((store_word < {word_bits}'d{synapse.groups} "
        f"& store_part < {part_bits}'d{synapse.parts}) | ({s}__to_start & store_part < {part_bits}'d"
        f"{synapse.start_parts}));",
        f"{text.top}__{s}__weights {s}__weights__memory (.clk(clk), .address({address}), .data({s}__weights),",
        f"    .store(store & {s}__mine & ~{s}__to_start), .place(store_word[{address_bits(synapse.groups) - 1}:0]), "
        ".part(store_part), .value(store_data));",
        f"sct_fold_start #(.W({bits}), .INIT({start}), .PW({part_bits})) {s}__starts (.clk(clk),",
        f"    .store(store & {s}__mine & {s}__to_start), .part(store_part), .value(store_data), .start({s}__start));",
        f"reg {s}__stored;  // the sums wait at their start, which is another one now",
        f"always @(posedge clk) {s}__stored <= store & {s}__mine & {s}__to_start;",
    )
    text.there.append(f"{s}__there")
    return f"{s}__weights", f"{s}__start", f" | {s}__stored"


def _given(text: Text, synapse: SynapsePlan, encoder: ir.Encoder | None) -> str:
    """The wire with the group's spikes, or a direct encoder's integers, in the second clock."""
    layer, lanes, groups, s = synapse.layer, synapse.lanes, synapse.groups, synapse.layer.name
    if isinstance(encoder, ir.RateEncoder | ir.DirectEncoder):
        e, bits = encoder.name, encoder.bits
        if isinstance(encoder, ir.DirectEncoder):
            each = bits
            text.add(
                f"reg [{lanes * bits - 1}:0] {e}__bits;", f"always @(posedge clk) {e}__bits <= {e}__features;"
            )  # fmt: skip
        else:
            each = 1
            tokens = {what: f"{s}__{what}" for what in ("go", "head", "fresh", "group")}
            random = random_numbers(text, e, encoder.source, encoder.size, lanes, tokens)
            text.add(
                f"wire [{lanes - 1}:0] {e}__bits;",
                f"sct_fold_rate #(.P({lanes}), .B({bits})) {e}__rate (.clk(clk), .value({e}__features), "
                f".random({random}), .bits({e}__bits));",
            )
        size = groups * lanes * each
        text.shown += [
            f"    reg [{size - 1}:0] {e}__record;",
            f"    reg [{address_bits(groups) - 1}:0] {e}__group2;",
            f"    wire {e}__recorded;",
            f"    sct_fold_later #(.W(1), .D(3)) {e}__later3 (.clk(clk), .rst(rst), .in({s}__tail), "
            f".out({e}__recorded));",
            "    always @(posedge clk) begin",
            f"        {e}__group2 <= {s}__group1;",
            f"        if ({s}__add) {e}__record[{e}__group2*{lanes * each} +: {lanes * each}] <= {e}__bits;",
            "    end",
        ]
        text.show(e, f"{e}__record[{layer.n_inputs * each - 1}:0]", f"{e}__recorded")
        return f"{e}__bits"
    text.add(
        f"reg [{lanes - 1}:0] {s}__near, {s}__spikes;",
        "always @(posedge clk) begin",
        f"    {s}__near <= {s}__padded[{s}__group*{lanes} +: {lanes}];",
        f"    {s}__spikes <= {s}__near;",
        "end",
    )
    if encoder is not None:
        text.show(encoder.name, f"{s}__vector", f"{s}__tail")
    return f"{s}__spikes"


def _pad(wire: str, width: int, to: int) -> str:
    return wire if to == width else f"{{{to - width}'d0, {wire}}}"
