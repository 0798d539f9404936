"""The readout's decision rules, by hand and against hls4ml's kernels written as plain loops."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch

from sctorch import ir, nn
from sctorch.errors import ConfigError, ShapeError
from sctorch.ir.simulator import decide
from sctorch.lower import lower


def both(rule: str, counts: list[list[int]], threshold: int = 1, mode: str = "spike") -> list[int]:
    """Decisions after every timestep for scores [T, n], by torch and by the simulator, which must agree."""
    scores = torch.tensor(counts, dtype=torch.float32)[:, None]
    readout = nn.SNNReadout(len(counts[0]), decision_rule=rule, class_threshold=threshold, output_mode=mode)
    mine = readout.decide(scores)[:, 0, 0].int().tolist()
    layer = ir.Readout("readout", len(counts[0]), mode, rule, class_threshold=threshold)
    held, theirs = np.full((1, 1), -1), []
    for row in counts:
        decision, held = decide(layer, np.array([row]), held)
        theirs.append(int(decision[0, 0]))
    assert mine == theirs
    return mine


# Class 2 reaches 3 at t = 2, class 0 at t = 3 with the most spikes at t = 4; class 1 never.
COUNTS = [[0, 1, 1], [1, 1, 2], [2, 2, 3], [3, 2, 3], [4, 2, 3]]


def test_the_largest_count_ties_to_the_lowest() -> None:
    assert both("argmax_spike_count", COUNTS) == [1, 2, 2, 0, 0]


def test_first_to_threshold_keeps_its_word() -> None:
    assert both("first_to_threshold", COUNTS, 3) == [1, 2, 2, 2, 2]


def test_threshold_then_argmax_takes_the_lowest_that_has_reached_it() -> None:
    assert both("threshold_then_argmax", COUNTS, 3) == [1, 2, 2, 0, 0]
    # At or above the threshold the lowest index counts and not the largest score.
    assert both("threshold_then_argmax", [[2, 5, 9]], 3) == [1]
    assert both("threshold_then_argmax", [[2, 5, 9]], 10) == [2]


def test_two_that_reach_it_together_tie_to_the_lowest() -> None:
    assert both("first_to_threshold", [[0, 1, 1], [0, 2, 2], [5, 2, 3]], 2) == [1, 1, 1]
    assert both("first_to_threshold", [[0, 0], [0, 0]], 2) == [0, 0]


@pytest.mark.parametrize("mode", ["spike", "membrane"])
def test_a_logit_is_a_signed_difference(mode: str) -> None:
    assert both("binary_logit", [[0, 0], [3, 1], [3, 7]], mode=mode) == [0, -2, 4]
    readout = nn.SNNReadout(2, decision_rule="binary_logit", output_mode=mode)
    assert readout.classes(torch.tensor([-2, 0, 4])).tolist() == [0, 0, 1]
    layer = ir.Readout("readout", 2, mode, "binary_logit")
    assert layer.classes(np.array([-2, 0, 4])).tolist() == [0, 0, 1]
    assert ir.Readout("r", 3, "membrane", "argmax_membrane").classes(np.array([2, 0])).tolist() == [2, 0]


def test_a_logit_may_need_a_bit_more_than_float32_holds() -> None:
    """Scores of 24 bits and opposite signs, which `lower` accepts: their odd difference is exact all the same."""
    net = nn.SpikingNetwork(
        nn.EventEncoder(1), nn.FixedLinear(1, 2, weight_bits=16),
        nn.SNNReadout(2, output_mode="membrane", decision_rule="binary_logit"), num_steps=251,
    )  # fmt: skip
    with torch.no_grad():
        net.get_submodule("synapse1").weight.copy_(torch.tensor([[-65535.0], [65534.0]]) / 2**16)
    x = torch.ones(251, 1, 1)
    logits = net.trace(x)["readout.decision"]
    assert int(logits[-1]) == 251 * (65534 + 65535) > 2**24
    assert torch.equal(logits, torch.from_numpy(ir.simulate(lower(net), x.numpy())["readout.decision"]))


@pytest.mark.parametrize("threshold", [1, 2, 5, 40])
def test_random_counts(threshold: int) -> None:
    rng = np.random.default_rng(threshold)
    for _ in range(60):
        spikes = rng.random((20, 4)) < rng.random((1, 4)) * 0.6
        counts = spikes.cumsum(axis=0)
        first = both("first_to_threshold", counts.tolist(), threshold)
        then = both("threshold_then_argmax", counts.tolist(), threshold)
        reached = counts >= threshold
        for t in range(20):
            winner = int(np.argmax(counts[t]))
            assert then[t] == (int(np.argmax(reached[t])) if reached[t].any() else winner)
            start = int(np.argmax(reached.any(axis=1))) if reached[: t + 1].any() else None
            assert first[t] == (winner if start is None else int(np.argmax(reached[start])))
            if reached[t].sum() < 2:  # until a second class arrives the two are one, as in hls4ml
                assert first[t] == then[t]


def test_the_arguments_and_defaults_are_those_of_the_marker() -> None:
    signature = inspect.signature(nn.SNNReadout)
    assert list(signature.parameters)[:8] == [
        "n_classes", "window_size", "stream_length", "decision_rule", "class_threshold", "output_mode", "beta",
        "reset_policy",
    ]  # fmt: skip
    defaults = [p.default for p in signature.parameters.values()][:8]
    assert defaults == [None, 1, None, None, 1, "spike", 1.0, "fixed_window"]


def network(readout: nn.SNNReadout, classes: int = 3, steps: int = 6) -> nn.SpikingNetwork:
    return nn.SpikingNetwork(
        nn.RateEncoder(4, bits=4), nn.SCLinear(4, classes), nn.LIF(classes, threshold=0.5), readout, num_steps=steps
    )


def test_the_number_of_classes_follows_from_the_network() -> None:
    net = network(nn.SNNReadout())
    assert net(torch.rand(2, 4)).shape == (2, 3)
    with pytest.raises(ConfigError, match="n_classes is not known"):
        _ = nn.SNNReadout().size


def test_a_window_of_the_networks_length_is_accepted() -> None:
    network(nn.SNNReadout(3, window_size=6))
    network(nn.SNNReadout(3, stream_length=6))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: network(nn.SNNReadout(3, window_size=7)), ConfigError, "window_size = 7 differs .* num_steps = 6"),
        (lambda: network(nn.SNNReadout(3, 1, 5)), ConfigError, "stream_length = 5 differs from"),
        (lambda: nn.SNNReadout(3, window_size=0), ConfigError, "window_size = 0 is outside"),
        (lambda: nn.SNNReadout(3, stream_length=1.5), ConfigError, "stream_length = 1.5 must be an integer"),
        (lambda: nn.SNNReadout(3, decision_rule="binary_logit"), ShapeError, "needs 2 classes, not 3"),
        (lambda: network(nn.SNNReadout(decision_rule="binary_logit")), ShapeError, "needs 2 classes, not 3"),
        (lambda: nn.SNNReadout(3, decision_rule="vote"), ConfigError, "'vote' does not go with"),
        (lambda: nn.SNNReadout(3, class_threshold=4), ConfigError, "class_threshold = 4 belongs to"),
        (
            lambda: nn.SNNReadout(3, decision_rule="first_to_threshold", class_threshold=0), ConfigError,
            "class_threshold = 0 is outside 1 to",
        ),
        (
            lambda: nn.SNNReadout(3, decision_rule="first_to_threshold", output_mode="membrane"), ConfigError,
            "does not go with output_mode 'membrane'; allowed: argmax_membrane, binary_logit",
        ),
        (lambda: nn.SNNReadout(3, reset_policy="never"), ConfigError, "reset_policy = 'never' is unknown"),
        (
            lambda: nn.SNNReadout(3, output_mode="membrane", beta=0.5, leak="stochastic"), ConfigError,
            "leak = 'stochastic' is unknown; allowed: auto, shift, multiply, none",
        ),
        (
            lambda: ir.Readout("r", 3, "spike", "binary_logit"), ShapeError, "binary_logit' needs 2 classes, not 3",
        ),
        (
            lambda: ir.Readout("r", 3, "spike", "argmax_spike_count", class_threshold=2), ConfigError,
            "class_threshold belongs to first_to_threshold and threshold_then_argmax",
        ),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(call: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()  # type: ignore[operator]
