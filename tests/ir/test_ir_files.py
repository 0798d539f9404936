"""Saving and loading: the same network comes back, and nothing else is taken for one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import builders
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sctorch import ir
from sctorch.errors import ConfigError, SctorchError
from sctorch.ir.files import FORMAT, dumps, loads


def some_network(seed: int = 3) -> ir.Network:
    return builders.random_network(
        Random(seed), encoder=("lfsr", "shift"), source=("lfsr", "shared"), hidden=1, fixed=False
    )


@settings(max_examples=60)
@given(st.randoms(use_true_random=False))
def test_what_is_saved_comes_back(rnd: Random) -> None:
    network = builders.random_network(rnd, lengths=(1, 4))
    again = loads(dumps(network))
    assert dumps(again) == dumps(network)
    assert ir.digest(again) == ir.digest(network)
    x = builders.random_input(network, 3, 0)
    builders.assert_traces_equal(ir.simulate(network, x), ir.simulate(again, x))


def test_a_file_keeps_name_meta_and_format(tmp_path: Path) -> None:
    layers = some_network().layers
    network = ir.Network("digits", 7, layers, {"classes": "zero, öne", "made by": "a\ntest"})
    path = ir.save(network, tmp_path / "deep" / "network.json")
    data = json.loads(path.read_text())
    assert data["format"] == FORMAT
    again = ir.load(path)
    assert (again.name, again.num_steps, dict(again.meta)) == ("digits", 7, dict(network.meta))
    assert path.read_text().isascii()


def test_the_digest_sees_every_field() -> None:
    network = some_network()
    digests = {ir.digest(network)}
    digests.add(ir.digest(ir.Network("other", network.num_steps, network.layers)))
    digests.add(ir.digest(ir.Network(network.name, network.num_steps + 1, network.layers)))
    digests.add(ir.digest(ir.Network(network.name, network.num_steps, network.layers, {"a": "b"})))
    synapse = network.synapses[0]
    assert isinstance(synapse, ir.StochasticSynapse)
    weight = synapse.weight.copy()
    weight[0, 0] += 1 if weight[0, 0] <= 0 else -1
    changed = ir.StochasticSynapse(synapse.name, weight, synapse.bias, 1, synapse.source)
    layers = tuple(changed if layer is synapse else layer for layer in network.layers)
    digests.add(ir.digest(ir.Network(network.name, network.num_steps, layers)))
    assert len(digests) == 5


# ---------------------------------------------------------------- what is no network

NOT_A_NETWORK: dict[str, str] = {
    "nothing": "",
    "no JSON": "{",
    "a list": "[]",
    "a number": "3",
    "null": "null",
    "an empty object": "{}",
    "half a file": dumps(some_network())[:400],
    "deep nesting": "[" * 100_000,
}


@pytest.mark.parametrize("name", NOT_A_NETWORK)
def test_text_that_is_no_network_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    path.write_text(NOT_A_NETWORK[name])
    with pytest.raises(ConfigError, match=r"network\.json"):
        ir.load(path)


def _set(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Replace what stands at a path such as "layers/1/source/taps"; `...` deletes it."""

    def change(data: Any) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        for part in way:
            data = data[part]
        if value is ...:
            del data[last]
        else:
            data[last] = value

    return change


SPOILED: dict[str, Callable[[dict[str, Any]], None]] = {
    "another format": _set("format", "sctorch-ir/99"),
    "no format": _set("format", ...),
    "no name": _set("name", ...),
    "a name that is none": _set("name", "Bad Name"),
    "a number for a name": _set("name", 7),
    "no meta": _set("meta", ...),
    "no layers": _set("layers", []),
    "layers that are none": _set("layers", 5),
    "a text for a layer": _set("layers/1", "synapse"),
    "a list for a layer": _set("layers/1", [1, 2]),
    "null for a layer": _set("layers/1", None),
    "an unknown kind": _set("layers/1/kind", "magic"),
    "no kind": _set("layers/1/kind", ...),
    "an unknown field": _set("layers/1/colour", "red"),
    "a missing field": _set("layers/1/bias", ...),
    "a text for weights": _set("layers/1/weight", "many"),
    "ragged weights": _set("layers/1/weight", [[1, 2], [3]]),
    "flat weights": _set("layers/1/weight", [1, 2, 3]),
    "null weights": _set("layers/1/weight", None),
    "nested nothing": _set("layers/1/weight", [[None, 1], [2, 3]]),
    "fractional weights": _set("layers/1/weight/0/0", 0.5),
    "weights too large": _set("layers/1/weight/0/0", 4096),
    "weights beyond all": _set("layers/1/weight/0/0", 10**40),
    "NaN weights": _set("layers/1/weight/0/0", float("nan")),
    "steps of zero": _set("num_steps", 0),
    "fractional steps": _set("num_steps", 3.5),
    "steps in words": _set("num_steps", "eight"),
    "steps of true": _set("num_steps", True),
    "null steps": _set("num_steps", None),
    "fractional size": _set("layers/0/size", 2.5),
    "a source in words": _set("layers/1/source", "lfsr"),
    "no source": _set("layers/1/source", None),
    "no taps": _set("layers/1/source/taps", ...),
    "bad taps": _set("layers/1/source/taps", [4, 2]),
    "fractional taps": _set("layers/1/source/taps", [5.5, 3]),
    "taps in words": _set("layers/1/source/taps", "54"),
    "seed of zero": _set("layers/1/source/seed", 0),
    "seed in words": _set("layers/1/source/seed", "1"),
    "fractional seed": _set("layers/1/source/seed", 1.5),
    "fractional length": _set("layers/1/bitstream_length", 2.0),
    "length of three": _set("layers/1/bitstream_length", 3),
    "leak in words": _set("layers/2/leak", "shift"),
    "an unknown leak": _set("layers/2/leak/kind", "slow"),
    "leak without factor": _set("layers/2/leak", {"kind": "multiply", "shift": 3, "factor": []}),
    "leak of a missing field": _set("layers/2/leak", {"kind": "none"}),
    "compare in doubt": _set("layers/2/compare", "maybe"),
    "reset in doubt": _set("layers/2/reset", "sometimes"),
    "delay in words": _set("layers/2/reset_delay", "yes"),
    "meta in words": _set("meta", "text"),
    "meta of numbers": _set("meta", {"a": 1}),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_file_is_refused(name: str) -> None:
    data = json.loads(dumps(some_network()))
    SPOILED[name](data)
    with pytest.raises(SctorchError):
        loads(json.dumps(data), "network.json")


@settings(max_examples=300)
@given(st.data())
def test_a_file_with_anything_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    """One value anywhere replaced by any other: our error, or a network that can be saved again."""
    tree = json.loads(dumps(some_network()))
    node, junk = tree, st.sampled_from([None, True, -1, 0, 3, 2.5, 1e300, 10**30, "", "lfsr", [], [[]], [1, "a"], {}])
    while True:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        child = node[key]
        if not isinstance(child, dict | list) or not child or data.draw(st.integers(0, 4)) == 0:
            node[key] = data.draw(junk)
            break
        node = child
    try:
        network = loads(json.dumps(tree))
    except SctorchError:
        return
    assert loads(dumps(network)).num_steps == network.num_steps
    ir.simulate(network, builders.random_input(network, 2, 0))


# ---------------------------------------------------------------- the disk


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*nowhere\.json"):
        ir.load(tmp_path / "nowhere.json")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    path.write_bytes(b"\xff\xfe\x00\x9f")
    with pytest.raises(ConfigError, match=r"network\.json"):
        ir.load(path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match=r"cannot write .*choose a folder that can be written"):
        ir.save(some_network(), tmp_path / "file" / "network.json")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "network.json"
    ir.save(some_network(), path)
    before = path.read_text()

    def refuse(self: Path, target: Path) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ConfigError, match="No space left"):
        ir.save(some_network(4), path)
    assert path.read_text() == before
    assert [p.name for p in tmp_path.iterdir()] == ["network.json"]


def test_arrays_of_a_loaded_network_cannot_be_changed() -> None:
    synapse = loads(dumps(some_network())).synapses[0]
    with pytest.raises(ValueError, match="read-only"):
        synapse.weight[0, 0] = 1
    assert synapse.weight.dtype == np.int64
