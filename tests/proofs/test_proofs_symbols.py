"""Symbolic integers compute what numpy's do, where the simulator uses them."""

from __future__ import annotations

from typing import Any

import builders
import numpy as np
import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st

from sctorch import ir
from sctorch.ir.simulator import decide, encode, run_window
from sctorch.verification.proofs.symbols import as_term, needed_width, symbols


def _number(value: Any) -> int:
    return z3.simplify(value).as_signed_long() if isinstance(value, z3.ExprRef) else int(value)


def _symbolic(values: np.ndarray, width: int) -> tuple[Any, list[tuple[Any, Any]]]:
    """An array of new symbols, and the values to put in for them."""
    names = np.array([z3.BitVec(f"s{i}", width) for i in range(values.size)], dtype=object)
    pairs = [(name, z3.BitVecVal(int(v), width)) for name, v in zip(names, values.reshape(-1), strict=True)]
    return symbols(names.reshape(values.shape)), pairs


def _put_in(array: Any, pairs: list[tuple[Any, Any]], width: int) -> np.ndarray:
    flat = [_number(z3.substitute(as_term(v, width), *pairs)) for v in np.asarray(array).reshape(-1)]
    return np.array(flat, dtype=np.int64).reshape(np.shape(array))


@pytest.mark.parametrize("seed", range(12))
def test_the_simulator_runs_on_symbols(seed: int) -> None:
    """A window on symbols, the values put in afterwards, is the window on the values."""
    network, x, trace = builders.alive_network(seed, 1, max_inputs=4, max_hidden=3, max_steps=4, lengths=(1, 2))
    values = ir.check_input(network, x)
    width = needed_width(network)
    inputs, pairs = _symbolic(values, width)
    got: dict[str, list[np.ndarray]] = {}

    def record(key: str, value: np.ndarray) -> np.ndarray:
        got.setdefault(key, []).append(_put_in(value, pairs, width))
        return value

    coded = encode(network, inputs)
    for row in coded:
        record(network.encoder.name, row)
    run_window(network, coded, record)
    builders.assert_traces_equal(trace, {key: np.stack(rows) for key, rows in got.items()})


@given(st.lists(st.integers(-3, 6), min_size=1, max_size=5), st.integers(-1, 4), st.integers(1, 5), st.data())
def test_decisions_on_symbols(scores: list[int], held: int, threshold: int, data: st.DataObject) -> None:
    rules = [r for r in ir.layers.DECISION_RULES["spike"] if r != "binary_logit" or len(scores) == 2]
    rule = data.draw(st.sampled_from(rules))
    limit = threshold if rule in ir.layers.THRESHOLD_RULES else 1
    readout = ir.Readout("readout", len(scores), "spike", rule, class_threshold=limit)
    numbers, before = np.array([scores]), np.array([[min(held, len(scores) - 1)]])
    both, pairs = _symbolic(np.concatenate([numbers, before], axis=1), 10)
    answer, later = decide(readout, symbols(both[:, :-1]), symbols(both[:, -1:]))
    expected, expected_later = decide(readout, numbers, before)
    assert _put_in(answer, pairs, 10).tolist() == expected.tolist()
    assert _put_in(later, pairs, 10).tolist() == expected_later.tolist()


def test_the_width_holds_every_number_of_a_network() -> None:
    """Sixteen bits on the way in are more than any of a small network's own numbers."""
    encoder = ir.RateEncoder("encoder", 1, ir.StreamSource("counter", 16))
    source = ir.StreamSource("lfsr", 2, (3, 2), 5)
    synapse = ir.StochasticSynapse("synapse1", np.array([[1]]), np.array([0]), 1, source)
    readout = ir.Readout("readout", 1, "membrane", "argmax_membrane")
    assert needed_width(ir.Network("net", 1, (encoder, synapse, readout))) > 17
