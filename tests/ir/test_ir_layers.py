"""What a layer and a network refuse, each with its name and the field in the message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sctorch import ir
from sctorch.errors import ConfigError, ShapeError

SOURCE = ir.StreamSource("lfsr", 3, (5, 3), 1, "shift")
COUNTER = ir.StreamSource("counter", 4)


def rate(name: str = "encoder", size: Any = 3, source: ir.StreamSource = COUNTER) -> ir.RateEncoder:
    return ir.RateEncoder(name, size, source)


def stochastic(name: str = "synapse", **fields: Any) -> ir.StochasticSynapse:
    default = {"weight": np.ones((2, 3)), "bias": np.zeros(2), "bitstream_length": 1, "source": SOURCE}
    return ir.StochasticSynapse(name, **(default | fields))


def fixed(name: str = "synapse", **fields: Any) -> ir.FixedSynapse:
    default = {"weight": np.ones((2, 3)), "bias": np.zeros(2), "weight_bits": 2, "weight_frac": 2}
    return ir.FixedSynapse(name, **(default | fields))


def neuron(name: str = "neuron", **fields: Any) -> ir.Neuron:
    default = {"size": 2, "frac": 2, "threshold": np.array([4, 4]), "leak": ir.Leak("shift", 2)}
    return ir.Neuron(name, **(default | fields))


def membrane(name: str = "readout", **fields: Any) -> ir.Readout:
    default = {"size": 2, "output_mode": "membrane", "decision_rule": "argmax_membrane", "frac": 2}
    return ir.Readout(name, **(default | fields))


def counts(name: str = "readout", size: int = 2) -> ir.Readout:
    return ir.Readout(name, size, "spike", "argmax_spike_count")


def network(*layers: ir.Layer, name: str = "net", num_steps: Any = 4) -> ir.Network:
    return ir.Network(name, num_steps, layers)


def test_the_sound_ones_are_taken() -> None:
    network(rate(), stochastic(), neuron(), counts())
    network(rate(), fixed(), membrane())
    network(ir.EventEncoder("events", 3), fixed(), neuron(), ir.Delay("delay", 2, 3), counts())
    network(ir.DirectEncoder("encoder", 3, 4), fixed(input_bits=4), membrane(frac=6))
    network(ir.LevelEncoder("encoder", 1, 3), stochastic(), neuron(), counts())


REFUSED: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    # encoders
    "no features": (lambda: rate(size=0), ConfigError, "encoder: size = 0 is outside 1 to"),
    "half a feature": (lambda: rate(size=2.5), ConfigError, "encoder: size = 2.5"),
    "features in words": (lambda: rate(size="three"), ConfigError, "encoder: size = 'three'"),
    "no events": (lambda: ir.EventEncoder("events", 0), ConfigError, "events: size = 0"),
    "no levels": (lambda: ir.LevelEncoder("encoder", 2, 0), ConfigError, "encoder: levels = 0 is outside 1 to 255"),
    "many levels": (lambda: ir.LevelEncoder("encoder", 2, 256), ConfigError, "levels = 256"),
    "direct bits": (lambda: ir.DirectEncoder("encoder", 2, 17), ConfigError, "bits = 17 is outside 1 to 16"),
    # synapses
    "flat weights": (lambda: stochastic(weight=np.ones(3)), ShapeError, r"synapse: weight must have 2 dim.*\(3,\)"),
    "no weights": (lambda: stochastic(weight=np.ones((2, 0))), ShapeError, r"synapse: weight of shape \(2, 0\)"),
    "half weights": (lambda: stochastic(weight=np.full((2, 3), 0.5)), ConfigError, "weight must hold integers"),
    "NaN weights": (lambda: stochastic(weight=np.full((2, 3), np.nan)), ConfigError, "weight must hold integers"),
    "boolean weights": (lambda: stochastic(weight=np.ones((2, 3), bool)), ConfigError, "weight must hold integers"),
    "weights in words": (lambda: stochastic(weight=[["a", "b"]]), ConfigError, "weight must hold integers"),
    "large weights": (
        lambda: stochastic(weight=[[1, 1, 1], [1, -8, 1]]), ConfigError,
        r"synapse: weight\[1, 1\] = -8 is outside -7 to 7 \(3 bits\)",
    ),
    "bias of another size": (lambda: stochastic(bias=np.zeros(3)), ShapeError, "bias has 3 entries for 2 neurons"),
    "half a bias": (lambda: stochastic(bias=[0.5, 0]), ConfigError, "synapse: bias must hold integers"),
    "length of zero": (lambda: stochastic(bitstream_length=0), ConfigError, "bitstream_length = 0 must be a power"),
    "length of three": (lambda: stochastic(bitstream_length=3), ConfigError, "bitstream_length = 3 must be a power"),
    "length of 512": (lambda: stochastic(bitstream_length=512), ConfigError, "bitstream_length = 512"),
    "half a length": (lambda: stochastic(bitstream_length=2.5), ConfigError, "bitstream_length = 2.5"),
    "fixed weight bits": (lambda: fixed(weight_bits=17), ConfigError, "synapse: weight_bits = 17 is outside 1 to 16"),
    "fixed weight frac": (lambda: fixed(weight_frac=25), ConfigError, "synapse: weight_frac = 25 is outside 0 to 24"),
    "fixed input bits": (lambda: fixed(input_bits=17), ConfigError, "synapse: input_bits = 17 is outside 0 to 16"),
    "fixed large weights": (lambda: fixed(weight=np.full((2, 3), 4)), ConfigError, r"weight\[0, 0\] = 4 .* -3 to 3"),
    # neurons
    "thresholds of another size": (lambda: neuron(threshold=[4]), ShapeError, r"neuron: threshold has shape \(1,\)"),
    "threshold of zero": (lambda: neuron(threshold=[4, 0]), ConfigError, "neuron: threshold 0 is below 1"),
    "half a threshold": (lambda: neuron(threshold=[4, 0.5]), ConfigError, "neuron: threshold must hold integers"),
    "neuron frac": (lambda: neuron(frac=25), ConfigError, "neuron: frac = 25 is outside 0 to 24"),
    "compare": (lambda: neuron(compare="lt"), ConfigError, "neuron: compare = 'lt' is unknown; allowed: gt, ge"),
    "reset": (lambda: neuron(reset="soft"), ConfigError, "neuron: reset_mechanism = 'soft'.*subtract, zero, none"),
    "reset delay": (lambda: neuron(reset_delay="yes"), ConfigError, "neuron: reset_delay = 'yes'"),
    "a factor too many": (
        lambda: neuron(leak=ir.Leak("multiply", 2, np.array([1, 2, 3]))), ShapeError,
        "neuron: leak factor has 3 entries, expected 1 or 2",
    ),
    "no leak": (lambda: neuron(leak="shift"), ConfigError, "neuron: leak"),
    "leak kind": (lambda: ir.Leak("slow"), ConfigError, "leak = 'slow' is unknown; allowed: none, shift, multiply"),
    "leak shift": (lambda: ir.Leak("shift", 0), ConfigError, "leak shift = 0 is outside 1 to 16"),
    "leak shift of 17": (lambda: ir.Leak("shift", 17), ConfigError, "leak shift = 17"),
    "leak without factor": (lambda: ir.Leak("multiply", 3), ConfigError, "a multiply leak needs its factor"),
    "leak that grows": (lambda: ir.Leak("multiply", 3, np.array([9])), ConfigError, "leak factor must lie in 0 to 8"),
    "leak below zero": (lambda: ir.Leak("multiply", 3, np.array([-1])), ConfigError, "leak factor must lie in 0 to 8"),
    "delay": (lambda: ir.Delay("delay", 2, 0), ConfigError, "delay: steps = 0 is outside 1 to 1024"),
    # readouts
    "mode": (lambda: membrane(output_mode="loud"), ConfigError, "readout: output_mode = 'loud'.*spike, membrane"),
    "rule": (
        lambda: membrane(decision_rule="argmax_spike_count"), ConfigError,
        "readout: decision_rule = 'argmax_spike_count' is unknown; allowed: argmax_membrane",
    ),
    "counting with a leak": (
        lambda: ir.Readout("readout", 2, "spike", "argmax_spike_count", 0, ir.Leak("shift", 1)), ConfigError,
        "readout: a spike readout counts",
    ),
    "readout size": (lambda: membrane(size=0), ConfigError, "readout: size = 0"),
    # networks
    "steps": (lambda: network(rate(), stochastic(), membrane(), num_steps=0), ConfigError, "num_steps = 0 is outside"),
    "half a step": (lambda: network(rate(), stochastic(), membrane(), num_steps=2.5), ConfigError, "num_steps = 2.5"),
    "no layer": (lambda: network(), ConfigError, "an encoder first, a readout last"),
    "no encoder": (lambda: network(stochastic(), neuron(), counts()), ConfigError, "an encoder first"),
    "no readout": (lambda: network(rate(), stochastic(), neuron()), ConfigError, "a readout last"),
    "two synapses": (
        lambda: network(rate(), stochastic("a"), stochastic("b"), membrane()), ConfigError,
        r"b \(stochastic_synapse\) cannot follow a \(stochastic_synapse\)",
    ),
    "encoder and neuron": (
        lambda: network(rate(size=2), neuron(), counts()), ConfigError,
        r"neuron \(neuron\) cannot follow encoder \(rate_encoder\)",
    ),
    "sizes": (
        lambda: network(rate(size=4), stochastic(), membrane()), ShapeError,
        "synapse takes 3 inputs but encoder gives 4",
    ),
    "frac": (
        lambda: network(rate(), stochastic(bitstream_length=4), neuron(frac=1), counts()), ConfigError,
        "neuron: frac = 1 is below the 2 of synapse",
    ),
    "counts of currents": (
        lambda: network(rate(), stochastic(), counts()), ConfigError,
        "readout: output_mode 'spike' cannot follow synapse",
    ),
    "membrane of spikes": (
        lambda: network(rate(), stochastic(), neuron(), membrane()), ConfigError,
        "readout: output_mode 'membrane' cannot follow neuron",
    ),
    "one source twice": (
        lambda: network(rate(source=SOURCE), stochastic(), membrane()), ConfigError,
        "encoder and synapse use the same stream source",
    ),
    "integers into a stochastic synapse": (
        lambda: network(ir.DirectEncoder("encoder", 3, 4), stochastic(), membrane()), ConfigError,
        r"synapse \(stochastic_synapse\) cannot follow encoder \(direct_encoder\)",
    ),
    "integers of another width": (
        lambda: network(ir.DirectEncoder("encoder", 3, 4), fixed(input_bits=3), membrane(frac=6)), ConfigError,
        "synapse: input_bits = 3, but encoder gives 4",
    ),
    "a delay of currents": (
        lambda: network(rate(), stochastic(), ir.Delay("delay", 2, 1), counts()), ConfigError,
        r"delay \(delay\) cannot follow synapse",
    ),
    "equal names": (
        lambda: network(rate("a"), stochastic("a"), membrane()), ConfigError, "layer names must differ",
    ),
    "the network's name": (lambda: network(rate("net"), stochastic(), membrane()), ConfigError, "names must differ"),
    "capitals": (lambda: network(rate("Encoder"), stochastic(), membrane()), ConfigError, "'Encoder' cannot name"),
    "an empty name": (lambda: network(rate(""), stochastic(), membrane()), ConfigError, "'' cannot name"),
    "a reserved name": (lambda: network(rate("clk"), stochastic(), membrane()), ConfigError, "'clk' cannot name"),
    "two underscores": (lambda: network(rate("a__b"), stochastic(), membrane()), ConfigError, "'a__b' cannot name"),
    "a newline": (lambda: network(rate("a\n"), stochastic(), membrane()), ConfigError, "cannot name"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_by_name(name: str) -> None:
    make, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        make()


def test_layers_are_frozen_and_own_their_arrays() -> None:
    weight = np.ones((2, 3), dtype=np.int64)
    layer = stochastic(weight=weight)
    weight[0, 0] = 5
    assert layer.weight[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        layer.weight[0, 0] = 2
    with pytest.raises(AttributeError):
        layer.bitstream_length = 2  # type: ignore[misc]


def test_the_decay_of_a_leak() -> None:
    assert ir.Leak().beta.tolist() == [1.0]
    assert ir.Leak("shift", 4).beta.tolist() == [0.9375]
    assert ir.Leak("multiply", 3, np.array([0, 5, 8])).beta.tolist() == [0.0, 0.625, 1.0]
