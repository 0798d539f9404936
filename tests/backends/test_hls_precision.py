"""Every tensor has an explicit type; narrower ones really wrap, and verify says where that first shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hls_networks import NETWORKS, inputs

import sctorch
from sctorch import ir
from sctorch.backends import hls
from sctorch.backends.hls.widths import tensors
from sctorch.errors import ConfigError, UnsupportedError

Designs = Callable[..., hls.HlsDesign]


@pytest.mark.parametrize("name", ["direct", "logit"])
def test_every_type_of_a_project_is_the_analysis(hls_designs: Designs, name: str) -> None:
    net = NETWORKS[name]
    text = (hls_designs(name).folder / "firmware" / "defines.h").read_text()
    types = {key: value for value, key in re.findall(r"typedef (ap_u?int<\d+>) (\w+);", text)}
    widths = {key: tensor.width for key, tensor in tensors(net).items()}
    expected = {"input_t": f"ap_uint<{net.encoder.bits}>"}  # type: ignore[union-attr]
    for index, layer in enumerate(net.layers, start=2):
        result = widths.get(f"{layer.name}.result")
        bits = layer.bits if isinstance(layer, ir.DirectEncoder) else 1
        expected[f"layer{index}_t"] = f"ap_uint<{bits}>" if result is None else f"ap_int<{result}>"
        for part in ("weight", "bias", "accum", "membrane", "threshold"):
            if f"{layer.name}.{part}" in widths:
                expected[f"{part}{index}_t"] = f"ap_int<{widths[f'{layer.name}.{part}']}>"
    logit = net.readout.decision_rule == "binary_logit"
    expected["result_t"] = f"ap_{'' if logit else 'u'}int<{widths['scores.decision']}>"
    assert {key: value for key, value in types.items() if not key.endswith("_index")} == expected
    assert text.count("typedef") == len(types)


def test_widths_by_hand() -> None:
    net = NETWORKS["direct"]
    wide = net.layers[1]
    assert isinstance(wide, ir.FixedSynapse)
    found = tensors(net)
    reach = 7 * np.abs(wide.weight).sum(axis=1).max() + wide.bias.max()  # inputs reach 7
    assert 2 ** (found["wide.result"].width - 2) < reach < 2 ** (found["wide.result"].width - 1)
    assert found["wide.weight"].width == 5
    assert found["ternary.weight"].width == 2
    assert found["scores.decision"].width == 2


def wrapped(values: np.ndarray, bits: int) -> np.ndarray:
    return (values + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


def test_a_narrower_score_wraps_and_verify_says_where(hls_designs: Designs) -> None:
    net, bits = NETWORKS["then"], 3
    design = hls_designs("then", precision={"scores.result": bits})
    x = inputs(net)
    expected = ir.simulate(net, x)
    assert np.array_equal(design.trace(x)["scores"], wrapped(expected["scores"], bits))
    first = int(np.argwhere(expected["scores"] != wrapped(expected["scores"], bits))[0, 0])
    report = sctorch.verify(net, design, x)
    (pair,) = report.pairs
    assert pair.first is not None
    assert (pair.first.layer, pair.first.timestep) == ("scores", first)
    assert (pair.first.expected, pair.first.got) == (4, -4)
    assert f"first difference in layer 'scores', timestep {first}" in report.summary()


def test_a_narrower_membrane_wraps_in_a_stream(hls_designs: Designs) -> None:
    net, bits = NETWORKS["direct"], 12
    assert tensors(net)["lif1.membrane"].width > bits
    design = hls_designs("direct", io_type="io_stream", precision={"lif1.membrane": bits, "wide.accum": 20})
    x = inputs(net)
    expected = ir.simulate(net, x)["lif1.mem"]
    steps = (expected != wrapped(expected, bits)).any(axis=(1, 2))
    assert 0 < steps.argmax() < net.num_steps - 1  # some timesteps are equal first
    first = sctorch.verify(net, design, x).pairs[0].first
    assert first is not None
    assert first.timestep == steps.argmax()
    assert first.layer in ("lif1", "lif1.mem")
    assert "typedef ap_int<20> accum3_t;" in (design.folder / "firmware" / "defines.h").read_text()


@pytest.mark.parametrize(
    ("precision", "message"),
    [
        ({"lif9.membrane": 8}, r"precision names 'lif9.membrane'; known: wide.weight, wide.bias, wide.accum"),
        ({"lif1": 8}, "precision names 'lif1'"),
        ({"wide.weight": 4}, "precision of wide.weight = 4 is outside 5 to 53 bits; its values need 5"),
        ({"lif2.threshold": 2}, "precision of lif2.threshold = 2 is outside 3 to 53 bits; its values need 3"),
        ({"scores.decision": 1}, "precision of scores.decision = 1 is outside 2 to 53 bits; its values need 2"),
        ({"scores.result": 0}, "precision of scores.result = 0 is outside 1 to 53 bits$"),
        ({"scores.result": 54}, "precision of scores.result = 54 is outside 1 to 53 bits$"),
        ({"scores.result": True}, "precision of scores.result = True is outside"),
        ({"scores.result": 8.0}, "precision of scores.result = 8.0 is outside"),
        (8, "precision = 8 must map tensors to bits"),
    ],
)
def test_wrong_precisions_are_refused(tmp_path: Path, precision: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        hls.export(NETWORKS["direct"], tmp_path / "d", {"precision": precision})
    assert list(tmp_path.iterdir()) == []


def test_distributed_arithmetic_has_no_types_of_constants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sctorch.backends.hls.options.find_spec", lambda name: name)  # as if da4ml were there
    options = {"strategy": {"wide": "distributed_arithmetic"}, "precision": {"wide.accum": 20}}
    with pytest.raises(UnsupportedError, match=r"a precision of wide\.accum"):
        hls.export(NETWORKS["direct"], tmp_path / "d", options)


def test_an_untrained_network_says_nothing_of_its_constants() -> None:
    hls.check(NETWORKS["direct"], {"precision": {"wide.weight": 4}})  # the trained weights may be smaller
    with pytest.raises(ConfigError, match=r"precision of scores\.decision = 1"):
        hls.check(NETWORKS["direct"], {"precision": {"scores.decision": 1}})
