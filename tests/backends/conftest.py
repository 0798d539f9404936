"""What several tests of a backend share."""

from __future__ import annotations

from collections.abc import Callable

import builders
import folding
import hls_networks
import pytest
from wrapped import Bench, make_bench

from sctorch.backends import hls


@pytest.fixture(scope="session")
def folded_benches(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], folding.Bench]:
    """The folded design of one of folding.KINDS, exported when first asked for."""
    made: dict[str, folding.Bench] = {}

    def bench(kind: str) -> folding.Bench:
        if kind not in made:
            made[kind] = folding.make_folded(kind, tmp_path_factory.mktemp("folded") / "design")
        return made[kind]

    return bench


@pytest.fixture(scope="session")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bench]:
    """The bench of a case, exported when first asked for."""
    builders.require_tool("yosys")
    builders.require_tool("g++")
    made: dict[str, Bench] = {}

    def bench(name: str) -> Bench:
        if name not in made:
            made[name] = make_bench(name, tmp_path_factory.mktemp("wrapped") / "design")
        return made[name]

    return bench


@pytest.fixture(scope="session")
def hls_designs(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., hls.HlsDesign]:
    """The hls design of one of hls_networks.NETWORKS with some options, exported when first asked for."""
    builders.require_tool("g++")
    made: dict[str, hls.HlsDesign] = {}

    def design(name: str, **options: object) -> hls.HlsDesign:
        key = f"{name} {sorted(options.items())}"
        if key not in made:
            made[key] = hls.export(hls_networks.NETWORKS[name], tmp_path_factory.mktemp("hls") / "design", options)
        return made[key]

    return design
