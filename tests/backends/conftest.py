"""What several tests of a backend share."""

from __future__ import annotations

from collections.abc import Callable

import builders
import pytest
from wrapped import Bench, make_bench


@pytest.fixture(scope="module")
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
