"""hls4ml's Strategy and ReuseFactor of fixed synapses: equal integers with each, errors instead of silent changes."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hls_networks import LAST, NETWORKS, assert_same, inputs

from sctorch import ir
from sctorch.backends import hls
from sctorch.backends.hls import options
from sctorch.backends.hls.options import valid_reuse_factors
from sctorch.errors import ConfigError, ToolNotFoundError, UnsupportedError

Designs = Callable[..., hls.HlsDesign]
# More multiplications per multiplier than inputs, fewer, and a latency strategy with shared multipliers.
SHARED = {
    "strategy": {"wide": "resource", "narrow": "resource"},
    "reuse_factor": {"wide": 12, "ternary": 4, "narrow": 3},
}
ADDERS = {"strategy": {"ternary": "distributed_arithmetic"}}


@pytest.mark.parametrize("stream", [{}, LAST], ids=["parallel", "stream"])
@pytest.mark.parametrize("knobs", [SHARED, ADDERS], ids=["shared", "adders"])
def test_every_strategy_gives_the_same_integers(
    hls_designs: Designs, knobs: dict[str, object], stream: dict[str, str]
) -> None:
    if knobs is ADDERS and importlib.util.find_spec("da4ml") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("da4ml is not installed; it is among the extra dev")
    net, design = NETWORKS["direct"], hls_designs("direct", **knobs, **stream)
    x = inputs(net, windows=20)
    assert_same(design.trace(x), ir.simulate(net, x))
    text = (design.folder / "firmware" / "parameters.h").read_text()
    if knobs is ADDERS:
        assert "dense_da_6<data_T, res_T>" in text
    else:
        for part in ("DenseResource_rf_gt_nin_rem0", "DenseResource_rf_leq_nin", "DenseLatency"):
            assert f"using kernel = nnet::{part}<" in text
        assert [f"reuse_factor = {r};" in text for r in (12, 4, 3)] == [True] * 3


@pytest.mark.parametrize(("n_in", "n_out"), [(6, 8), (1, 1), (1, 5), (7, 1), (12, 10), (9, 6)])
def test_valid_reuse_factors_are_those_of_hls4ml(n_in: int, n_out: int) -> None:
    from hls4ml.backends import get_backend

    assert valid_reuse_factors(n_in, n_out) == get_backend("Vitis").get_valid_reuse_factors(n_in, n_out)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"strategy": "unrolled"}, "layer wide: strategy = 'unrolled' is not one of latency, resource, distributed"),
        ({"strategy": {"lif1": "resource"}}, "strategy names 'lif1', which is no fixed synapse; there are: wide, tern"),
        (
            {"strategy": "resource", "reuse_factor": {"wide": 5}},
            "layer wide: reuse_factor = 5 does not fit 6 x 8 weights with strategy 'resource'; "
            "valid: 1, 2, 3, 6, 12, 24, 48",
        ),
        ({"reuse_factor": 49}, "layer wide: reuse_factor = 49 does not fit .*; valid: 1 to 48"),
        ({"reuse_factor": 0}, "reuse_factor = 0 does not fit"),
        ({"reuse_factor": True}, "reuse_factor = True does not fit"),
        ({"reuse_factor": "2"}, "reuse_factor = '2' does not fit"),
        (
            {"strategy": "distributed_arithmetic", "reuse_factor": 2},
            "layer wide: reuse_factor = 2 .* 'distributed_arithmetic'; valid: 1$",
        ),
    ],
)
def test_wrong_knobs_are_refused(tmp_path: Path, chosen: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        hls.export(NETWORKS["direct"], tmp_path / "d", chosen)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "chosen", "message"),
    [
        ("single", {"strategy": "resource"}, "this network has stochastic synapses alone"),
        ("first", {"reuse_factor": {"syn93": 2, "syn94": 2}}, "reuse_factor of 'syn94'.*it is a stochastic synapse"),
    ],
)
def test_stochastic_synapses_have_no_knobs(tmp_path: Path, name: str, chosen: dict[str, object], message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        hls.export(NETWORKS[name], tmp_path / "d", chosen)


def test_without_da4ml_its_strategy_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "find_spec", lambda name: None)
    with pytest.raises(ToolNotFoundError, match=r"layer ternary: the package da4ml.*pip install da4ml"):
        hls.export(NETWORKS["direct"], tmp_path / "d", ADDERS)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ToolNotFoundError, match="layer ternary: the package da4ml"):
        hls.check(NETWORKS["direct"], ADDERS)  # before a recipe's training
    assert hls.HlsDesign(tmp_path, NETWORKS["direct"], ADDERS).top == "direct_hls"  # what was exported needs it no more


def test_more_products_than_a_stack_holds_are_refused(tmp_path: Path) -> None:
    """The C simulation would end with the process."""
    big = ir.Network("big", 2, (
        ir.DirectEncoder("enc", 1024, 8),
        ir.FixedSynapse("wide", np.full((2048, 1024), 3), np.zeros(2048), 7, 7, 8),
        ir.Neuron("lif", 2048, 15, np.full(2048, 1000), ir.Leak("shift", 2)),
        ir.FixedSynapse("last", np.ones((2, 2048)), np.zeros(2), 3),
        ir.Readout("scores", 2, "membrane", "argmax_membrane", 3),
    ))  # fmt: skip
    with pytest.raises(UnsupportedError, match=r"layer wide: 8,388,608 bytes of products.*strategy 'resource' for it"):
        hls.export(big, tmp_path / "d", {})
    assert list(tmp_path.iterdir()) == []
    hls.check(big, {"strategy": {"wide": "resource"}})


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"io_type": "io_serial"}, "io_type = 'io_serial' is not one of io_parallel, io_stream"),
        ({"window": "open"}, "window = 'open' is not one of fixed, last"),
        ({"window": "last"}, "window = 'last' travels in packets; choose io_type 'io_stream'"),
    ],
)
def test_wrong_ports_are_refused(tmp_path: Path, chosen: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        hls.export(NETWORKS["single"], tmp_path / "d", chosen)
