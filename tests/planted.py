"""Faults to be planted in exported Verilog, and the networks on whose designs each is seen.

The comparison with runs and the proofs are tested by the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sctorch import ir

LFSR = ir.StreamSource("lfsr", 4, (7, 6), seed=37, decorrelator="shift")
COUNTER = ir.StreamSource("counter", 5)
SYNAPSE = np.array(
    [[9, -4, 13, 15, 7, 0], [-1, 14, -15, 12, 3, 6], [7, -8, 15, -15, 11, 9], [3, 3, 5, 8, 12, 15], [15] * 6]
)


def _network(layers: list[ir.Layer], num_steps: int = 24) -> ir.Network:
    return ir.Network("net", num_steps, tuple(layers))


def _rate(reset: str, delay: bool, leak: ir.Leak, compare: str = "gt") -> ir.Network:
    """Rate encoder, stochastic synapse with inhibition, one neuron layer, fixed synapse, membrane readout."""
    synapse = ir.StochasticSynapse("synapse1", SYNAPSE, np.array([1, 0, 0, 1, 0]), 1, LFSR)
    neuron = ir.Neuron("neuron1", 5, 2, np.array([9, 8, 6, 10, 12]), leak, compare, reset, delay)
    last = ir.FixedSynapse("synapse2", np.array([[7, -2, -5, -3, 1], [-7, 2, 6, 3, 1]]), np.array([0, -1]), 3, 3)
    readout = ir.Readout("readout", 2, "membrane", "argmax_membrane", 4, ir.Leak("shift", 2))
    return _network([ir.RateEncoder("encoder", 6, COUNTER), synapse, neuron, last, readout])


def _counted() -> ir.Network:
    """The sources the other way about, and spikes counted: ties are frequent."""
    encoder = ir.RateEncoder("encoder", 6, ir.StreamSource("lfsr", 4, (5, 3), seed=3))
    synapse = ir.StochasticSynapse("synapse1", SYNAPSE, np.zeros(5), 1, ir.StreamSource("counter", 4))
    neuron = ir.Neuron("neuron1", 5, 0, np.array([2, 2, 1, 2, 2]), ir.Leak("multiply", 3, np.array([5])), "ge", "zero")
    return _network([encoder, synapse, neuron, ir.Readout("readout", 5, "spike", "argmax_spike_count")])


def _growing() -> ir.Network:
    """Excitation alone and no reset: membranes without a sign bit that use their whole width."""
    weight = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1], [1, 0, 0, 0, 1, 0]])
    synapse = ir.FixedSynapse("synapse1", weight, np.array([3, 3, 3]), 2, 2)
    neuron = ir.Neuron("neuron1", 3, 2, np.array([40, 50, 30]), ir.Leak("multiply", 4, np.array([15])), "gt", "none")
    readout = ir.Readout("readout", 3, "spike", "argmax_spike_count")
    return _network([ir.EventEncoder("spikes_in", 6), synapse, neuron, readout])


def _rule(rule: str, classes: int, threshold: int = 1) -> ir.Network:
    """Classes that reach their threshold one after the other, behind a stochastic leak and snntorch's reset."""
    source = ir.StreamSource("lfsr", 3, (5, 3), seed=9, decorrelator="shift")
    leak = ir.Leak("stochastic", 3, np.array([5]), source)
    synapse = ir.StochasticSynapse("synapse1", SYNAPSE[:classes], np.array([1, 1, 0, 1, 0])[:classes], 1, LFSR)
    neuron = ir.Neuron("neuron1", classes, 1, np.full(classes, 2), leak, "gt", "subtract_snntorch", False)
    readout = ir.Readout("readout", classes, "spike", rule, class_threshold=threshold)
    return _network([ir.RateEncoder("encoder", 6, COUNTER), synapse, neuron, readout])


def _ticks(encoder: ir.Encoder) -> ir.Network:
    """Timesteps of four ticks, of which the encoder works in two."""
    synapse = ir.StochasticSynapse("synapse1", SYNAPSE, np.array([1, 0, 0, 1, 0]), 2, LFSR)
    neuron = ir.Neuron("neuron1", 5, 1, np.array([3, 4, 2, 5, 6]), ir.Leak("shift", 2), "gt", "subtract", True)
    source = ir.StreamSource("lfsr", 3, (5, 3), seed=9)
    last = ir.StochasticSynapse("synapse2", np.array([[7, -2, -5, -3, 1], [-7, 2, 6, 3, 1]]), [0, -1], 4, source)
    readout = ir.Readout("readout", 2, "membrane", "argmax_membrane", 4, ir.Leak("shift", 2))
    return _network([encoder, synapse, neuron, last, readout], 8)


NETWORKS: dict[str, Callable[[], ir.Network]] = {
    "delayed": lambda: _rate("subtract", True, ir.Leak("shift", 2)),
    "at once": lambda: _rate("subtract", False, ir.Leak("multiply", 3, np.array([5, 6, 7, 3, 8]))),
    "to zero": lambda: _rate("zero", False, ir.Leak("shift", 3)),
    "no leak, at once": lambda: _rate("subtract", False, ir.Leak("none"), "ge"),
    "no leak, delayed": lambda: _rate("subtract", True, ir.Leak("none")),
    "counted": _counted,
    "growing": _growing,
    "first": lambda: _rule("first_to_threshold", 5, 4),
    "then": lambda: _rule("threshold_then_argmax", 5, 4),
    "logit": lambda: _rule("binary_logit", 2),
    "ticks": lambda: _ticks(ir.RateEncoder("encoder", 6, COUNTER)),
    "ticks of spikes": lambda: _ticks(ir.EventEncoder("spikes_in", 6)),
}


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` in a file of the design, seen on the design of a network."""

    network: str
    file: str
    old: str
    new: str


TOP = "net.v"
MUTANTS = {
    "encoder takes >= for >": Mutant("delayed", "sct_rate_encoder.v", "above = 1'b0;", "above = 1'b1;"),
    "encoder forgets the lower bits": Mutant("delayed", "sct_rate_encoder.v", "& above)", "& 1'b0)"),
    "neuron takes >= for >": Mutant("delayed", "sct_above.v", "assign over[0] = 1'b0;", "assign over[0] = 1'b1;"),
    "comparison loses its recurrence": Mutant("delayed", "sct_above.v", "= key[i] | over[i];", "= key[i];"),
    "comparison without sign": Mutant("at once", "sct_above.v", "key = value ^ FLIP;", "key = value;"),
    "term takes >= for >": Mutant("delayed", "sct_term.v", "<< MAGNITUDE)", "<< (MAGNITUDE + 1))"),
    "no leak": Mutant("delayed", "sct_charge.v", "assign leaked = mem - part[W-1:0];", "assign leaked = mem;"),
    "leak rounds up": Mutant("to zero", "sct_charge.v", "= m >>> LEAK_SHIFT", "= (m + 1'sd1) >>> LEAK_SHIFT"),
    "leak without sign": Mutant("at once", "sct_charge.v", "(SIGNED != 0) & mem[W-1], mem", "1'b0, mem"),
    "membrane one bit short": Mutant("growing", "sct_charge.v", "wire signed [W:0] m", "wire signed [W-1:0] m"),
    "current without its sign": Mutant(
        "at once", "sct_charge.v", "sign = (CURRENT_SIGNED != 0) & current[CW-1]", "sign = 1'b0"
    ),
    "current shifted one too far": Mutant("delayed", "sct_charge.v", "<< SHIFT;", "<< (SHIFT + 1);"),
    "wrong tap": Mutant("delayed", "sct_lfsr.v", "^(bits[W-1:0] & TAPS)", "^(bits[W-1:0] & (TAPS ^ 1))"),
    "wrong tap in the encoder's source": Mutant(
        "counted", "sct_lfsr.v", "^(state[W-1:0] & TAPS)", "^(state[W-1:0] & (TAPS ^ 2))"
    ),
    "weights' source runs on into the next window": Mutant(
        "delayed", "sct_lfsr.v", "if (first) bits <= SEED;", "if (first & bits == 0) bits <= SEED;"
    ),
    "encoder's source is stale at first": Mutant(
        "counted", "sct_lfsr.v", "state = first ? SEED : bits;", "state = (first & bits == 0) ? SEED : bits;"
    ),
    "counter runs on into the next window": Mutant(
        "counted", "sct_counter.v", "count <= first ? {B{1'b0}} : count + 1'b1;", "count <= count + 1'b1;"
    ),
    "counter not reversed": Mutant("delayed", "sct_counter.v", "now[B-1-i]", "now[i]"),
    "delayed reset is not cleared": Mutant("delayed", "sct_lif.v", "fired <= 1'b0;", ""),
    "membrane is not cleared": Mutant(
        "at once",
        "sct_lif.v",
        "if (clear) mem <= START;\n                else if (valid) mem <= shown;",
        "if (valid) mem <= shown;",
    ),
    "reset acts before the leak": Mutant(
        "delayed", "sct_lif.v", "mem   <= charged;", "mem   <= charged - (fire ? THETA : {W{1'b0}});"
    ),
    "no constant with a spike": Mutant(
        "no leak, at once", "sct_lif.v", "= charged + (fire ? ADDED -", "= charged + (fire ? -"
    ),
    "no constant without a spike": Mutant(
        "no leak, at once",
        "sct_lif.v",
        "charged + (fire ? ADDED - THETA : ADDED)",
        "charged - (fire ? THETA - ADDED : 0)",
    ),
    "no constant beside a delayed reset": Mutant(
        "no leak, delayed", "sct_lif.v", "= leaked + (fired ? ADDED -", "= leaked + (fired ? -"
    ),
    "no constant where there is no delayed reset": Mutant(
        "no leak, delayed",
        "sct_lif.v",
        "leaked + (fired ? ADDED - THETA : ADDED)",
        "leaked - (fired ? THETA - ADDED : 0)",
    ),
    "reset to zero is lost": Mutant("to zero", "sct_lif.v", "if (clear | (valid & fire)) mem", "if (clear) mem"),
    "wrong START": Mutant("to zero", "sct_lif.v", ") mem <= START;", ") mem <= {W{1'b0}};"),
    "neuron goes on in a gap": Mutant("delayed", "sct_lif.v", "end else if (valid) begin", "end else begin"),
    "score is not cleared": Mutant("delayed", "sct_readout.v", "if (clear) mem <= {W{1'b0}};\n        else if", "if"),
    "score one timestep late": Mutant("delayed", "sct_readout.v", "score <= charged;", "score <= mem;"),
    "tie goes to the highest class": Mutant("counted", "sct_argmax.v", "later = b > a;", "later = b >= a;"),
    "scores without sign": Mutant("delayed", "sct_argmax.v", "{(SIGNED != 0) & left[W-1], left}", "{1'b0, left}"),
    "class of the other half": Mutant(
        "counted", "sct_argmax.v", "places[i*B + LEVEL] = later", "places[i*B + LEVEL] = ~later"
    ),
    "the losers' place": Mutant(
        "counted", "sct_argmax.v", "= later ? low[(2*i+1)*LEVEL", "= ~later ? low[(2*i+1)*LEVEL"
    ),
    "the odd class out has the place of another": Mutant("counted", "sct_argmax.v", "LEVEL] = 1'b0;", "LEVEL] = 1'b1;"),
    "places are not registered beside their scores": Mutant(
        "counted", "sct_argmax.v", ".low(kept[M*B-1:0])", ".low(places)"
    ),
    "reached classes are not registered beside the scores": Mutant(
        "then", "sct_decision.v", ".D(D)) line", ".D(0)) line"
    ),
    "counter without its carry": Mutant("delayed", "sct_popcount.v", "right, in[N-1]}", "right, 1'b0}"),
    "counter of three without a term": Mutant("growing", "sct_popcount.v", "(in[0] & in[1]) | (in[0] & in[2])", "1'b0"),
    "flags ignore valid": Mutant("delayed", "sct_flag.v", "valid_q <= valid & ~rst;", "valid_q <= ~rst;"),
    "an input is swapped": Mutant("delayed", TOP, ".spike(spikes[0])", ".spike(spikes[1])"),
    "stochastic leak without its numbers": Mutant("first", "sct_charge.v", "(LEAK == 3) ?", "(LEAK == 4) ?"),
    "stochastic leak of another neuron": Mutant(
        "first", TOP, ".random(neuron1__random[3 +: 3])", ".random(neuron1__random[0 +: 3])"
    ),
    "stochastic leak one clock early": Mutant(
        "first",
        TOP,
        "neuron1__lfsr (.clk(clk), .en(valid[1]), .first(first[1])",
        "neuron1__lfsr (.clk(clk), .en(valid[0]), .first(first[0])",
    ),
    "compared once only": Mutant("first", "sct_lif.v", "full - (again ? THETA", "full - (1'b0 ? THETA"),
    "the second comparison resets too": Mutant("first", "sct_lif.v", "shown = full - (fire", "shown = charged - (fire"),
    "the first class is forgotten": Mutant("first", "sct_decision.v", "held & ~first", "1'b0"),
    "the first class stays for ever": Mutant("first", "sct_decision.v", "held & ~first", "held"),
    "the highest class that reached": Mutant(
        "then", "sct_decision.v", "i = N - 1; i >= 0; i = i - 1", "i = 0; i < N; i = i + 1"
    ),
    "reaching takes one more": Mutant("then", "sct_decision.v", "[i*W +: W] >= LIMIT", "[i*W +: W] > LIMIT"),
    "any takes one more": Mutant("first", "sct_decision.v", "any = best >= LIMIT", "any = best > LIMIT"),
    "a logit that adds": Mutant("logit", "sct_decision.v", "b[W-1]}}, b} - {{", "b[W-1]}}, b} + {{"),
    "clear one clock early": Mutant("delayed", TOP, ".clear(valid[1] & first[1])", ".clear(valid[0] & first[0])"),
    "a timestep's sum is not restarted": Mutant("ticks", TOP, "(open ? 5'd20 : current0)", "current0"),
    "a timestep's sum restarts at every tick": Mutant(
        "ticks", TOP, "        .open(synapse2__open),", "        .open(1'b1),"
    ),
    "a held timestep is one tick short": Mutant(
        "ticks", "sct_repeat.v", "left <= {W{1'b1}};", "left <= {W{1'b1}} - 1'b1;"
    ),
    "a held timestep forgets that it is the first": Mutant(
        "ticks", "sct_repeat.v", "first_q <= first;", "first_q <= 1'b0;"
    ),
    "weights' source stands still while spikes are held": Mutant(
        "ticks", TOP, " | (synapse2__tick & ~synapse2__done)", ""
    ),
    "the encoder works in every tick": Mutant("ticks", "sct_ticks.v", "active = count <= LAYER_END", "active = 1'b1"),
    "the encoder restarts at every tick": Mutant("ticks", "sct_ticks.v", "first = in_first & open", "first = in_first"),
    "the first timestep's sources start late": Mutant(
        "ticks", "sct_ticks.v", "close = now == LAYER_END", "close = open"
    ),
    "a window's first spikes are not remembered": Mutant(
        "ticks of spikes", "sct_ticks.v", "if (tick & open) held <= in_first;", "held <= 1'b0;"
    ),
    "a pause in the spikes counts": Mutant("ticks of spikes", "sct_ticks.v", "if (in_valid | ~active)", "if (1'b1)"),
}
