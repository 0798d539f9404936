"""Whatever is put into a field, the answer is an object or an error of ours that names the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import junk
import numpy as np
import pytest
import torch
from junk import JUNK

from sctorch import nn
from sctorch.errors import ConfigError, SctorchError, ShapeError

MODULES: junk.Table = {
    "RateEncoder": (
        nn.RateEncoder, {"size": 3, "source": "lfsr"},
        {"size": set(), "bits": set(), "source": set(), "polynomial": {"None"}, "seed": set(), "decorrelator": set()},
    ),
    "RateEncoder of a counter": (
        nn.RateEncoder, {"size": 3}, {"polynomial": {"None"}, "seed": set(), "decorrelator": set()},
    ),
    "LevelEncoder": (nn.LevelEncoder, {"n_features": 3, "levels": 2}, {"n_features": set(), "levels": set()}),
    "DirectEncoder": (nn.DirectEncoder, {"size": 3}, {"size": set(), "bits": set()}),
    "EventEncoder": (nn.EventEncoder, {"size": 3}, {"size": set()}),
    "SCLinear": (
        nn.SCLinear, {"in_features": 3, "out_features": 2},
        {
            "in_features": set(), "out_features": set(), "weight_bits": set(), "bias": {"true"},
            "bitstream_length": set(), "source": set(), "polynomial": {"None"}, "seed": set(),
            "decorrelator": {"None"},
        },
    ),
    "FixedLinear": (
        nn.FixedLinear, {"in_features": 3, "out_features": 2},
        {
            "in_features": set(), "out_features": set(), "weight_bits": set(), "weight_frac": {"None", "zero"},
            "bias": {"true"},
        },
    ),
    "StochasticLIF": (
        nn.StochasticLIF, {"in_features": 3, "out_features": 2},
        {
            "in_features": set(), "out_features": set(), "weight_bits": set(), "bias": {"true"},
            "bitstream_length": set(),
        },
    ),
    "FixedPointLIF": (
        nn.FixedPointLIF, {"in_features": 3, "out_features": 2},
        {
            "in_features": set(), "out_features": set(), "weight_bits": set(), "weight_frac": {"None", "zero"},
            "bias": {"true"},
        },
    ),
    "LIF": (
        nn.LIF, {"size": 3, "beta": 0.5},
        {
            "size": set(), "compare": set(), "reset_mechanism": set(), "reset_delay": {"true"}, "frac_bits": {"zero"},
            "spike_grad": {"None"}, "delay": {"zero"}, "learn_threshold": {"true"},
            "leak": set(), "beta": {"zero"}, "learn_beta": {"true"},
        },
    ),
    "IF": (
        nn.IF, {"size": 3},
        {
            "size": set(), "compare": set(), "reset_mechanism": set(), "reset_delay": {"true"}, "frac_bits": {"zero"},
            "spike_grad": {"None"}, "delay": {"zero"}, "learn_threshold": {"true"},
        },
    ),
    "SNNReadout": (
        nn.SNNReadout, {"n_classes": 3, "output_mode": "membrane"},
        {
            "n_classes": {"None"}, "output_mode": set(), "beta": {"zero"}, "leak": set(), "frac_bits": {"zero"},
            "window_size": set(), "stream_length": {"None"}, "class_threshold": set(), "reset_policy": set(),
        },
    ),
    "SpikingNetwork": (
        lambda num_steps: nn.SpikingNetwork(*layers(), num_steps=num_steps), {"num_steps": 4}, {"num_steps": set()},
    ),
}  # fmt: skip


def layers() -> list[torch.nn.Module]:
    return [
        nn.RateEncoder(3),
        nn.SCLinear(3, 2),
        nn.LIF(2),
        nn.SCLinear(2, 2),
        nn.SNNReadout(2, output_mode="membrane"),
    ]


@pytest.mark.parametrize(("module", "field", "value"), junk.cases(MODULES))
def test_no_field_takes_junk(module: str, field: str, value: str) -> None:
    message = junk.check(MODULES, module, field, value)
    assert field in message or (field == "polynomial" and "taps" in message)


@pytest.mark.parametrize("module", MODULES)
def test_an_error_names_the_layer(module: str) -> None:
    make, good, fields = MODULES[module]
    make(**good)
    name = {"StochasticLIF": "SCLinear", "FixedPointLIF": "FixedLinear"}.get(module, module.split()[0])
    for field in fields:
        with pytest.raises(ConfigError, match=f"^{name}: "):
            make(**{**good, field: object()})


@pytest.mark.parametrize("value", JUNK)
def test_no_junk_is_a_layer(value: str) -> None:
    with pytest.raises(ConfigError, match="is no layer of a spiking network; allowed: RateEncoder"):
        nn.SpikingNetwork(*layers()[:-1], JUNK[value], num_steps=4)


def lfsr(polynomial: Any, seed: Any = 1, decorrelator: Any = "shared") -> nn.SCLinear:
    return nn.SCLinear(3, 2, weight_bits=3, polynomial=polynomial, seed=seed, decorrelator=decorrelator)


@pytest.mark.parametrize(
    ("polynomial", "seed", "decorrelator", "message"),
    [
        ([4, 2], 1, "shift", r"SCLinear: LFSR polynomial x\^4 \+ x\^2 \+ 1 is not maximal.*: \(4, 3\)"),
        ([4, 4, 3], 1, "shift", r"SCLinear: LFSR taps \(4, 4, 3\) must be different exponents from 1 to 32"),
        ([4, 3, 0], 1, "shift", r"LFSR taps \(4, 3, 0\) must be different exponents from 1 to 32"),
        ([-4, 3], 1, "shift", "must be different exponents from 1 to 32"),
        ([40, 3], 1, "shift", "must be different exponents from 1 to 32"),
        ([4.0, 3], 1, "shift", "must be a list of integers"),
        (["4", "3"], 1, "shift", "must be a list of integers"),
        ([True, 3], 1, "shift", "must be a list of integers"),
        ([2, 1], 1, "shift", "an LFSR of 2 bits cannot give R of 3 bits"),
        ([4, 3], 0, "shift", "LFSR seed = 0 is outside 1 to 15"),
        ([4, 3], 16, "shift", "LFSR seed = 16 is outside 1 to 15"),
        ([4, 3], 1.0, "shift", "LFSR seed = 1.0 is outside 1 to 15"),
        ([4, 3], True, "shift", "LFSR seed = True is outside 1 to 15"),
        ([4, 3], 1, "magic", "SCLinear: decorrelator 'magic' does not go with a lfsr source; allowed: shared, shift"),
        ([4, 3], 1, "", "decorrelator '' does not go with"),
    ],
)
def test_sources_that_the_semantics_forbid(polynomial: Any, seed: Any, decorrelator: Any, message: str) -> None:
    lfsr([4, 3])
    with pytest.raises(ConfigError, match=message):
        lfsr(polynomial, seed, decorrelator)


@pytest.mark.parametrize("decorrelator", ["shift", "independent", "magic"])
def test_a_counter_knows_two_decorrelators(decorrelator: str) -> None:
    nn.SCLinear(3, 2, source="counter", decorrelator="permute")
    with pytest.raises(ConfigError, match=f"'{decorrelator}' does not go with a counter source; allowed: shared, per"):
        nn.SCLinear(3, 2, source="counter", decorrelator=decorrelator)


@pytest.mark.parametrize("length", [3, 6, 255, 257, 512, -2, 0])
def test_a_stream_is_a_power_of_two_long(length: int) -> None:
    with pytest.raises(ConfigError, match=f"bitstream_length = {length} must be a power of two from 1 to 256"):
        nn.SCLinear(3, 2, bitstream_length=length)


def test_numpy_integers_are_integers() -> None:
    encoder = nn.RateEncoder(np.int64(3), bits=np.uint8(4))  # type: ignore[arg-type]
    synapse = nn.SCLinear(np.int64(3), np.int64(2), np.int64(3), bitstream_length=np.int64(4))  # type: ignore[arg-type]
    net = nn.SpikingNetwork(encoder, synapse, nn.SNNReadout(2, output_mode="membrane"), num_steps=np.int64(4))  # type: ignore[arg-type]
    assert type(synapse.frac) is int
    assert net(torch.rand(2, 3)).shape == (2, 2)


# ---------------------------------------------------------------- streams that an encoder and its synapse share

LFSR = {"source": "lfsr", "polynomial": [5, 3], "seed": 7}
SHARED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({**LFSR, "bits": 4}, {**LFSR, "weight_bits": 4, "decorrelator": "shared"}),
    ({**LFSR, "bits": 4}, {**LFSR, "weight_bits": 4, "decorrelator": "shift"}),
    ({**LFSR, "bits": 4, "decorrelator": "independent"}, {**LFSR, "weight_bits": 4, "decorrelator": "permute"}),
    ({**LFSR, "bits": 5}, {**LFSR, "weight_bits": 3}),
    ({"bits": 4}, {"source": "counter", "weight_bits": 4}),
    ({"bits": 8}, {"source": "counter", "weight_bits": 3}),
    ({"bits": 4, "decorrelator": "permute"}, {"source": "counter", "weight_bits": 4}),
]
APART: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({**LFSR, "bits": 4}, {**LFSR, "weight_bits": 4, "seed": 8}),
    ({**LFSR, "bits": 4}, {**LFSR, "weight_bits": 4, "polynomial": [5, 2]}),
    ({**LFSR, "bits": 4}, {"source": "counter", "weight_bits": 4}),
    ({"bits": 4}, {"weight_bits": 4}),
]


@pytest.mark.parametrize(("encoder", "synapse"), SHARED)
def test_an_encoder_and_its_synapse_share_no_stream(encoder: dict[str, Any], synapse: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"encoder and synapse1 use the same stream source .both are .*; give one"):
        nn.SpikingNetwork(
            nn.RateEncoder(3, **encoder),
            nn.SCLinear(3, 2, **synapse),
            nn.SNNReadout(2, output_mode="membrane"),
            num_steps=4,
        )


@pytest.mark.parametrize(("encoder", "synapse"), APART)
def test_other_streams_go_together(encoder: dict[str, Any], synapse: dict[str, Any]) -> None:
    nn.SpikingNetwork(
        nn.RateEncoder(3, **encoder),
        nn.SCLinear(3, 2, **synapse),
        nn.SNNReadout(2, output_mode="membrane"),
        num_steps=4,
    )


def test_two_synapses_may_share_a_stream() -> None:
    nn.SpikingNetwork(*layers(), num_steps=4)  # both of the default source: spikes lie between them


# ---------------------------------------------------------------- what comes into a network

NETS: dict[str, Callable[[], nn.SpikingNetwork]] = {
    "rate": lambda: net(nn.RateEncoder(3), nn.SCLinear(3, 2)),
    "levels": lambda: net(nn.LevelEncoder(3, 1), nn.FixedLinear(3, 2)),
    "direct": lambda: net(nn.DirectEncoder(3), nn.FixedLinear(3, 2)),
    "events": lambda: net(nn.EventEncoder(3), nn.SCLinear(3, 2)),
}


def net(encoder: nn.Encoder, synapse: nn.Synapse) -> nn.SpikingNetwork:
    return nn.SpikingNetwork(encoder, synapse, nn.SNNReadout(2, output_mode="membrane"), num_steps=4)


def good_input(kind: str) -> torch.Tensor:
    return torch.zeros(4, 2, 3) if kind == "events" else torch.full((2, 3), 0.5)


@pytest.mark.parametrize("call", ["__call__", "scores", "trace", "predict"])
@pytest.mark.parametrize("kind", NETS)
class TestInputs:
    def test_good_ones(self, kind: str, call: str) -> None:
        x = good_input(kind)
        made = NETS[kind]()
        for same in (x, x.double(), x.half(), x.bfloat16()):
            getattr(made, call)(same)
        for integers in (x.round().long(), x.round().bool(), x.round().to(torch.uint8)):
            getattr(made, call)(integers)

    @pytest.mark.parametrize("value", JUNK)
    def test_junk(self, kind: str, call: str, value: str) -> None:
        with pytest.raises(SctorchError, match=r"SpikingNetwork: x|Encoder: (expected|feature|spikes)"):
            getattr(NETS[kind](), call)(JUNK[value])

    def test_lists_and_arrays(self, kind: str, call: str) -> None:
        x = good_input(kind)
        made = NETS[kind]()
        for other in (x.tolist(), x.numpy()):
            if call in ("trace", "predict"):
                assert getattr(made, call)(other) is not None
            else:
                with pytest.raises(ConfigError, match=r"x must be a torch tensor, not .*; use torch.as_tensor"):
                    getattr(made, call)(other)

    def test_an_empty_batch(self, kind: str, call: str) -> None:
        x = good_input(kind)
        with pytest.raises(ShapeError, match=r"Encoder: expected .* an empty batch has no answer"):
            getattr(NETS[kind](), call)(x[:, :0] if kind == "events" else x[:0])

    def test_another_device(self, kind: str, call: str) -> None:
        with pytest.raises(ConfigError, match=r"x is on meta, the weights on cpu; move one of them with .to\(\)"):
            getattr(NETS[kind](), call)(good_input(kind).to("meta"))

    def test_complex_and_sparse(self, kind: str, call: str) -> None:
        for other in (good_input(kind).to(torch.complex64), good_input(kind).to_sparse()):
            with pytest.raises(ConfigError, match="x must be dense real numbers"):
                getattr(NETS[kind](), call)(other)

    def test_integers_beyond_one(self, kind: str, call: str) -> None:
        with pytest.raises(ConfigError, match=r"is outside 0 to 1|must be 0 or 1"):
            getattr(NETS[kind](), call)(torch.full(good_input(kind).shape, 255, dtype=torch.uint8))


@pytest.mark.parametrize("kind", [nn.SCLinear, nn.FixedLinear])
@pytest.mark.parametrize("value", JUNK)
def test_a_synapse_takes_spikes_alone(kind: Callable[..., nn.Synapse], value: str) -> None:
    with pytest.raises(SctorchError, match=r"Linear: (spikes must be a torch tensor|expected spikes \[T, B, 3\])"):
        kind(3, 2)(JUNK[value])


@pytest.mark.parametrize("kind", [nn.SCLinear, nn.FixedLinear])
@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 2), (0, 2, 3), (4, 0, 3)])
def test_a_synapse_takes_three_dimensions(kind: Callable[..., nn.Synapse], shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"Linear: expected spikes \[T, B, 3\], got"):
        kind(3, 2)(torch.zeros(shape))
