"""Whatever is put into a field of the integer network, the answer is an error of ours that names the field."""

from __future__ import annotations

from typing import Any

import junk
import numpy as np
import pytest

from sctorch import ir
from sctorch.errors import ConfigError, SctorchError

SOURCE = ir.StreamSource("lfsr", 3, (5, 3), 1, "shift")

CLASSES: junk.Table = {
    "StreamSource": (
        ir.StreamSource, {"kind": "lfsr", "bits": 3, "taps": (5, 3), "seed": 1},
        {"kind": set(), "bits": set(), "taps": set(), "seed": set(), "decorrelator": set()},
    ),
    "StreamSource of a counter": (
        ir.StreamSource, {"kind": "counter", "bits": 3},
        {"bits": set(), "taps": {"empty list"}, "seed": {"zero"}, "decorrelator": set()},
    ),
    "RateEncoder": (
        ir.RateEncoder, {"name": "enc", "size": 3, "source": SOURCE}, {"size": set(), "source": set()},
    ),
    "LevelEncoder": (
        ir.LevelEncoder, {"name": "enc", "n_features": 3, "levels": 2}, {"n_features": set(), "levels": set()},
    ),
    "DirectEncoder": (ir.DirectEncoder, {"name": "enc", "size": 3, "bits": 2}, {"size": set(), "bits": set()}),
    "EventEncoder": (ir.EventEncoder, {"name": "enc", "size": 3}, {"size": set()}),
    "StochasticSynapse": (
        ir.StochasticSynapse,
        {"name": "syn", "weight": [[1, 2]], "bias": [0], "bitstream_length": 1, "source": SOURCE},
        {"weight": set(), "bias": {"list"}, "bitstream_length": set(), "source": set()},
    ),
    "FixedSynapse": (
        ir.FixedSynapse, {"name": "syn", "weight": [[1, 2]], "bias": [0], "weight_bits": 3},
        {
            "weight": set(), "bias": {"list"}, "weight_bits": set(), "weight_frac": {"None", "zero"},
            "input_bits": {"zero"},
        },
    ),
    "Leak": (
        ir.Leak, {"kind": "stochastic", "shift": 3, "factor": [3], "source": SOURCE},
        {"kind": set(), "shift": set(), "factor": {"list", "array"}, "source": set()},
    ),
    "Neuron": (
        ir.Neuron, {"name": "lif", "size": 2, "frac": 2, "threshold": [4, 4], "leak": ir.Leak()},
        {
            "size": set(), "frac": {"zero"}, "threshold": {"array"}, "leak": set(), "compare": set(), "reset": set(),
            "reset_delay": {"true"},
        },
    ),
    "Readout": (
        ir.Readout, {"name": "out", "size": 2, "output_mode": "membrane", "decision_rule": "argmax_membrane"},
        {"size": set(), "output_mode": set(), "decision_rule": set(), "frac": {"zero"}, "leak": set()},
    ),
    "Delay": (ir.Delay, {"name": "delay", "size": 2, "steps": 1}, {"size": set(), "steps": set()}),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "field", "value"), junk.cases(CLASSES))
def test_no_field_takes_junk(kind: str, field: str, value: str) -> None:
    message = junk.check(CLASSES, kind, field, value)
    assert field in message or (kind, field) == ("Leak", "kind")


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if "name" in CLASSES[kind][1]])
def test_an_error_names_the_layer(kind: str) -> None:
    make, good, fields = CLASSES[kind]
    make(**good)
    for field in fields:
        with pytest.raises(SctorchError, match=f"^{good['name']}: "):
            make(**{**good, field: object()})


@pytest.mark.parametrize("name", [None, 3, "", "Net", "a b", "clk", "_x", "x__y", b"x", ["x"]])
def test_names_are_refused_by_the_network(name: Any) -> None:
    layers = (
        ir.EventEncoder("enc", 2),
        ir.FixedSynapse(name, [[1, 2]], [0], 3),  # type: ignore[arg-type]
        ir.Readout("readout", 1, "membrane", "argmax_membrane", 3),
    )
    with pytest.raises(ConfigError, match="cannot name a layer or network"):
        ir.Network("net", 4, layers)


def lfsr(bits: int, decorrelator: str, taps: tuple[int, ...] = (5, 3), seed: int = 7) -> ir.StreamSource:
    return ir.StreamSource("lfsr", bits, taps, seed, decorrelator)


def counter(bits: int, decorrelator: str = "shared") -> ir.StreamSource:
    return ir.StreamSource("counter", bits, decorrelator=decorrelator)


def rate_network(encoder: ir.StreamSource, synapse: ir.StreamSource) -> ir.Network:
    return ir.Network("net", 4, (
        ir.RateEncoder("enc", 2, encoder),
        ir.StochasticSynapse("syn", np.array([[1, 1]]), np.array([0]), 1, synapse),
        ir.Readout("readout", 1, "membrane", "argmax_membrane"),
    ))  # fmt: skip


SHARED = [
    (lfsr(4, "shared"), lfsr(4, "shared")),
    (lfsr(4, "shared"), lfsr(4, "shift")),
    (lfsr(5, "permute"), lfsr(2, "independent")),
    (counter(4), counter(4, "permute")),
    (counter(8), counter(3)),
]


@pytest.mark.parametrize(("encoder", "synapse"), SHARED)
def test_an_encoder_and_its_synapse_share_no_stream(encoder: ir.StreamSource, synapse: ir.StreamSource) -> None:
    with pytest.raises(ConfigError, match="enc and syn use the same stream source"):
        rate_network(encoder, synapse)


@pytest.mark.parametrize(
    "synapse", [lfsr(4, "shared", seed=8), lfsr(4, "shared", taps=(5, 2)), counter(4)], ids=["seed", "taps", "kind"]
)
def test_another_seed_polynomial_or_kind_is_another_stream(synapse: ir.StreamSource) -> None:
    rate_network(lfsr(4, "shared"), synapse)


@pytest.mark.parametrize(("encoder", "synapse"), SHARED)
def test_what_is_refused_shares_bits_indeed(encoder: ir.StreamSource, synapse: ir.StreamSource) -> None:
    """Input 0 of both, whose order and shift are none: the shorter R is part of the longer one."""
    ticks = 31
    first, second = (s.values(1, ticks)[:, 0] for s in (encoder, synapse))
    low, high = sorted((encoder.bits, synapse.bits))
    long, short = (first, second) if encoder.bits == high else (second, first)
    if encoder.kind == "counter":
        assert (long >> (high - low)).tolist() == short.tolist()
    else:
        assert (long % 2**low).tolist() == short.tolist()
