"""Random networks of every kind are PROVED: all neuron fields, encoders, sources, rules; modules and whole windows."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import builders
import pytest

from sctorch import ir
from sctorch.backends.verilog import VerilogDesign
from sctorch.verification.proofs import ProofStatus, check_equivalence

Export = Callable[..., VerilogDesign]
SMALL: dict[str, int] = {"max_inputs": 4, "max_hidden": 2, "max_steps": 8}
RULES = [(mode, rule) for mode, rules in ir.layers.DECISION_RULES.items() for rule in rules]


def _proved(design: VerilogDesign, depth: int | None) -> None:
    report = check_equivalence(design, depth=depth)
    assert report.status is ProofStatus.PROVED, report.summary()
    assert all(part.claims > 0 and part.prover.startswith("z3 ") for part in report.parts)
    names = [part.name for part in report.parts]
    assert {layer.name for layer in design.network.layers} <= set(names)
    assert ("end to end" in names) == (depth != 0)


@pytest.mark.parametrize("seed", range(len(builders.FIELDS)))
def test_every_neuron(exported: Export, seed: int) -> None:
    encoder = builders.ENCODERS[seed % len(builders.ENCODERS)]
    network = builders.random_network(
        Random(seed), fields=builders.FIELDS[seed], encoder=encoder, hidden=1, lengths=(1,), **SMALL
    )
    _proved(exported(network), 0)


@pytest.mark.parametrize("source", builders.SOURCES)
def test_every_source_behind_weights(exported: Export, source: tuple[str, str]) -> None:
    network = builders.random_network(Random(1), source=source, fixed=False, encoder="events", hidden=1, **SMALL)
    _proved(exported(network), 0)


@pytest.mark.parametrize(("mode", "rule"), RULES)
def test_every_readout(exported: Export, mode: str, rule: str) -> None:
    network = builders.random_network(Random(2), readout=mode, rule=rule, encoder="events", hidden=0, **SMALL)
    assert network.readout.output_mode == mode
    _proved(exported(network), 0)


@pytest.mark.parametrize("encoder", builders.ENCODERS)
def test_whole_windows(exported: Export, encoder: tuple[str, str] | str) -> None:
    network = builders.random_network(Random(7), encoder=encoder, hidden=1, max_inputs=3, max_hidden=2, max_steps=5)
    _proved(exported(network), network.num_steps)


@pytest.mark.parametrize("seed", range(8))
def test_timesteps_of_several_ticks(exported: Export, seed: int) -> None:
    """Modules and a whole window, with and without the encoder's registers."""
    encoder = builders.ENCODERS[-1 - seed % 4]
    network = builders.random_network(
        Random(seed), encoder=encoder, fixed=False, lengths=(2, 4, 1), hidden=1, max_inputs=3, max_hidden=2, max_steps=3
    )
    design = exported(network, input_register=seed % 3 > 0)
    _proved(design, network.num_steps)
    assert ("ticks" in {p.name for p in check_equivalence(design, depth=0).parts}) == (network.ticks_per_step > 1)
