"""Packets with a flag end a window early; nothing leaks from one window into the next."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hls_networks import LAST, NETWORKS, STREAM, inputs

from sctorch import ir
from sctorch.backends import hls
from sctorch.errors import ConfigError, ShapeError

Designs = Callable[..., hls.HlsDesign]
T = 11  # num_steps of the networks here
# (timesteps sent, whether the last of them has the flag): early ends, the shortest, whole windows with and without
# their flag, one too long, which makes a stray window of the 2 timesteps that are too many.
SENT = [(T, True), (4, True), (T, False), (1, True), (1, True), (T + 2, True), (7, True), (T, True)]


def packets(net: ir.Network, x: np.ndarray) -> np.ndarray:
    """What the top function is given in whole windows, [B, T, n]."""
    values = ir.check_input(net, x)
    if values.ndim == 2:
        return np.repeat(values[:, None], net.num_steps, axis=1)
    return values.transpose(1, 0, 2).reshape(values.shape[1], net.num_steps, -1)


def windows_of(sent: list[tuple[int, bool]]) -> list[tuple[int, int]]:
    """(whose inputs, timesteps) of the windows that really happen."""
    windows = []
    for source, (steps, _) in enumerate(sent):
        windows += [(source, T)] * (steps // T) + ([(source, steps % T)] if steps % T else [])
    return windows


@pytest.mark.parametrize("name", ["events", "first", "logit"])
def test_a_window_ends_at_its_flag_or_by_itself(hls_designs: Designs, name: str) -> None:
    net, design = NETWORKS[name], hls_designs(name, **LAST)
    x = inputs(net, windows=len(SENT), seed=8)
    rows = packets(net, x)
    sent = np.concatenate([np.resize(rows[w], (steps, rows.shape[2])) for w, (steps, _) in enumerate(SENT)])
    flags = np.concatenate([np.arange(steps) == (steps - 1 if flag else -1) for steps, flag in SENT])
    answers, ends, trace = design.feed(sent, flags)
    whole = ir.simulate(net, x)
    happened = windows_of(SENT)
    assert np.array_equal(ends, np.concatenate([np.arange(n) == n - 1 for _, n in happened]))
    for key, values in whole.items():
        ticks = len(values) // T
        expected = np.concatenate([values[: n * ticks, w] for w, n in happened])
        assert np.array_equal(trace[key][:, 0], expected), key
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
