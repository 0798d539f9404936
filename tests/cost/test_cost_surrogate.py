"""The fitted model: that it is the table's, that it grows with a network, and that it says where it is blind."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from builders import random_network

from sctorch import cost, ir
from sctorch.cost.structure.tally import counter_parts
from sctorch.cost.surrogate import fitting, samples, table
from sctorch.cost.surrogate.features import features
from sctorch.cost.surrogate.model import COEFFICIENTS, coefficients, predict

FAMILIES = ("ice40", "ecp5", "xc7")
# Parts that the design itself may have fewer of: a constant that the synapse cancels, a membrane with another offset.
FROM_CONSTANTS = ("membrane_ffs", "sum_bits", "limit_bits")


@pytest.fixture(scope="module")
def fitted() -> dict[str, object]:
    runs = table.read_runs()
    return fitting.fit(runs, table.counted(runs))


def test_the_shipped_coefficients_are_those_that_the_table_gives(fitted: dict[str, object]) -> None:
    shipped = json.loads(COEFFICIENTS.read_text())
    assert shipped["runs"] == len(table.read_runs())
    for group, model in fitted["models"].items():  # type: ignore[attr-defined]
        for what, one in model.items():
            other = shipped["models"][group][what]
            assert one["seen"] == other["seen"]
            assert one["each"] == pytest.approx(other["each"], rel=1e-2, abs=1e-3)
            assert one["held_out"] == pytest.approx(other["held_out"], abs=0.01)


def test_every_family_and_architecture_has_been_fitted_and_held_out() -> None:
    models = coefficients()["models"]
    assert set(models) == {f"{family}/{a}" for family in FAMILIES for a in ("unrolled", "folded")}
    for model in models.values():
        assert {"luts", "ffs", "carries"} <= set(model)
        assert all(value >= 0 for what in model.values() for value in what["each"].values())
        assert 0 < model["luts"]["held_out"]["mean"] < model["luts"]["held_out"]["worst"]


def test_a_fit_finds_the_coefficients_that_made_its_figures() -> None:
    numbers = np.random.default_rng(0).integers(1, 50, (40, 3)).astype(float)
    found = fitting.solve(numbers, numbers @ [2.0, 0.5, 0.0], np.array([1.0, 1.0, 1.0]), 1e-4)
    assert found == pytest.approx([2.0, 0.5, 0.0], abs=0.01)
    # One odd run of forty does not rule.
    measured = numbers @ [2.0, 0.5, 1.0]
    measured[0] *= 3
    assert fitting.solve(numbers, measured, np.array([1.0, 1.0, 1.0]), 1e-4) == pytest.approx([2, 0.5, 1], rel=0.1)


def test_held_out_networks_are_out_with_all_their_targets() -> None:
    runs = tuple(run for run in table.read_runs() if run.architecture == "unrolled")[:60]
    held = fitting.held_out(runs, table.counted(runs))["luts"]
    for group in held.values():
        assert len(group.errors) == len(group.runs)
        assert np.isfinite(group.errors).all()
    seeds = {group: {run.seed for run in one.runs} for group, one in held.items()}
    assert seeds["ice40/unrolled"] & seeds["ecp5/unrolled"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_longer_counter_never_costs_less(family: str) -> None:
    each = coefficients()["models"][f"{family}/unrolled"]["luts"]["each"]
    costs = []
    for bits in range(1, 600):
        found = features(dict(counter_parts(bits)), "unrolled", family)
        costs.append(sum(number * each.get(name, guess) for name, (number, guess) in found.items()))
    assert min(np.diff(costs)) > 0


def test_one_more_synapse_never_makes_an_unrolled_design_smaller() -> None:
    checked = 0
    for seed in range(60):
        rnd = Random(seed)
        net = random_network(rnd, fixed=False, encoder="events", max_inputs=20, max_hidden=10)
        index = rnd.choice([i for i, layer in enumerate(net.layers) if isinstance(layer, ir.StochasticSynapse)])
        layer = net.layers[index]
        assert isinstance(layer, ir.StochasticSynapse)
        empty = np.argwhere(layer.weight == 0)
        if not len(empty):
            continue
        i, j = empty[rnd.randrange(len(empty))]
        weight = layer.weight.copy()
        weight[i, j] = rnd.choice((-1, 1)) * rnd.randint(1, 2**layer.weight_bits - 1)
        layers = (*net.layers[:index], replace(layer, weight=weight), *net.layers[index + 1 :])
        for target in ("ice40", "ecp5", "artix7"):
            before = cost.estimate(net, target, "unrolled")
            after = cost.estimate(replace(net, layers=layers), target, "unrolled")
            fewer = (before.structure.get(name, 0) > after.structure.get(name, 0) for name in FROM_CONSTANTS)
            if any(fewer):
                continue
            assert after.luts.value >= before.luts.value, (seed, target)  # type: ignore[operator]
            checked += 1
    assert checked > 40


def test_what_no_run_has_is_said() -> None:
    seen = coefficients()["models"]["ice40/unrolled"]["luts"]
    small = predict("luts", {"leaves3": 1}, "unrolled", "ice40")
    assert small is not None
    assert "lie outside" in small.outside[0]
    usual = {"leaves3": seen["range"][0]}
    known = predict("luts", usual, "unrolled", "ice40")
    assert known is not None
    assert known.outside == ()
    other = predict("luts", usual, "unrolled", "xcup")
    assert other is not None
    assert any("takes its coefficients" in text for text in other.outside)
    assert predict("period_ns", usual, "unrolled", "xc7") is None  # nextpnr routes no xc7


def test_a_network_comes_back_from_its_settings() -> None:
    settings = samples.draw(Random(3), "unrolled", 400)
    again = samples.Settings.from_json(settings.to_json())
    assert again == settings
    assert ir.digest(samples.build(again, 3)) == ir.digest(samples.build(settings, 3))
    assert ir.digest(samples.build(again, 4)) != ir.digest(samples.build(again, 3))
