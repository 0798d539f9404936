"""Packets with a flag end a window early; nothing leaks from one window into the next."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hls_networks import LAST, NETWORKS, SENT, STREAM, assert_same, inputs, packets, received, sent

from sctorch import ir
from sctorch.backends import hls
from sctorch.errors import ConfigError, ShapeError

Designs = Callable[..., hls.HlsDesign]
T = 11  # num_steps of the networks here


@pytest.mark.parametrize("name", ["events", "first", "logit"])
def test_a_window_ends_at_its_flag_or_by_itself(hls_designs: Designs, name: str) -> None:
    net, design = NETWORKS[name], hls_designs(name, **LAST)
    x = inputs(net, windows=len(SENT), seed=8)
    answers, ends, trace = design.feed(*sent(net, x))
    expected_ends, expected = received(net, x)
    assert np.array_equal(ends, expected_ends)
    assert_same(trace, expected)
    assert np.array_equal(answers, trace["scores.decision"][:, 0, 0])


def test_answers_of_windows_that_end_early(hls_designs: Designs) -> None:
    net, design = NETWORKS["first"], hls_designs("first", **LAST)
    x = inputs(net, windows=40, seed=2)
    lengths = np.random.default_rng(0).integers(1, T + 1, 40)
    decisions = ir.simulate(net, x)["scores.decision"][..., 0]
    assert np.array_equal(design.answers(x, lengths), decisions[lengths - 1, np.arange(40)])
    assert (decisions[lengths - 1, np.arange(40)] != decisions[-1]).any()
    assert np.array_equal(design.answers(x, np.full(40, T)), design.predict(x)[-1])


def test_a_fixed_window_takes_no_notice_of_a_flag(hls_designs: Designs) -> None:
    net, design = NETWORKS["then"], hls_designs("then", **STREAM)
    x = inputs(net, windows=3)
    rows = packets(net, x).reshape(3 * T, -1)
    answers, ends, _ = design.feed(rows, np.ones(3 * T, dtype=bool))
    assert not ends.any()
    assert np.array_equal(answers.reshape(3, T).T, ir.simulate(net, x)["scores.decision"][..., 0])


@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        ([3], ShapeError, "lengths must be 2 integers"),
        ([1.0, 2.0], ShapeError, "lengths must be 2 integers"),
        ([0, 2], ConfigError, "lengths run from 0 to 2, outside 1 to 11"),
        ([1, 12], ConfigError, "lengths run from 1 to 12, outside 1 to 11"),
    ],
)
def test_lengths_are_checked(hls_designs: Designs, lengths: list[int], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        hls_designs("first", **LAST).answers(inputs(NETWORKS["first"], windows=2), lengths)


def test_feeding_is_checked(hls_designs: Designs) -> None:
    design = hls_designs("then", **STREAM)
    with pytest.raises(ConfigError, match="windows of 11 timesteps alone; export it with window='last'"):
        design.answers(inputs(NETWORKS["then"]), [1] * 5)
    with pytest.raises(ShapeError, match=r"expected packets \[N, 6\], got shape \(4, 5\)"):
        design.feed(np.zeros((4, 5), dtype=int))
    with pytest.raises(ShapeError, match=r"expected 4 flags, got shape \(3,\)"):
        design.feed(np.zeros((4, 6), dtype=int), [True] * 3)
