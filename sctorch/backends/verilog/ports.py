"""The ports of a design that users and test benches see."""

from __future__ import annotations

from sctorch import ir

__all__ = ["STORE", "answer_port", "input_width", "store_ports"]

# The ports of a folded core through which weights are loaded (docs/folded.md).
STORE = ("store", "store_layer", "store_word", "store_part", "store_data", "store_there")


def input_width(network: ir.Network) -> int:
    """Bits of one input on the in_data port."""
    return 1 if isinstance(network.encoder, ir.EventEncoder) else network.encoder.bits


def answer_port(network: ir.Network) -> tuple[str, int, bool]:
    """(name, bits, signed) of the answer's port: a class, or a logit."""
    decision = ir.analyse(network)[network.readout.name].decision
    assert decision is not None
    if network.readout.decision_rule == "binary_logit":
        return "out_logit", decision.width, True
    return "out_class", ir.unsigned_width(int(decision.high[0])), False


def store_ports(place_bits: tuple[int, int, int]) -> list[str]:
    """The declarations of `STORE`; place_bits : bits of a layer's number, of a word's and of a part's."""
    layer, word, part = place_bits
    return [
        "    input  wire store,",
        f"    input  wire [{layer - 1}:0] store_layer,",
        f"    input  wire [{word - 1}:0] store_word,",
        f"    input  wire [{part - 1}:0] store_part,",
        "    input  wire [31:0] store_data,",
        "    output wire store_there,",
    ]
