"""The ports of a design that users and test benches see."""

from __future__ import annotations

from sctorch import ir

__all__ = ["answer_port", "input_width"]


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
