"""The MNIST files: named by SCTORCH_MNIST, or beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mnist_folder() -> str:
    """A folder with the four files; without one the test is skipped, and fails where CI is set."""
    places = [os.environ.get("SCTORCH_MNIST"), Path(__file__).parents[3] / "shared" / "data" / "mnist"]
    for place in places:
        if place and Path(place).is_dir():
            return str(place)
    text = "the MNIST files are not here; set SCTORCH_MNIST to their folder"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)
