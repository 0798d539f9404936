"""What all tests share: one thread, fixed examples, and a missing tool that skips here and fails in CI."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import builders
import hypothesis
import pytest
import torch

hypothesis.settings.register_profile(
    "sctorch",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("sctorch")


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread() -> Iterator[None]:
    """The networks here are so small that threads would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], None]:
    """Call it with the name of a tool: a missing one skips the test, and fails it where CI is set."""
    return builders.require_tool


@pytest.fixture(scope="session")
def mnist_folder() -> str:
    """A folder with the MNIST files; without one as a missing tool."""
    for place in builders.mnist_places():
        if place.is_dir():
            return str(place)
    text = "the MNIST files are not here; set SCTORCH_MNIST to their folder"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)
