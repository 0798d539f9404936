"""Train stochastic-computing spiking networks in PyTorch; ship them to hardware bit for bit.

Heavy parts load when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sctorch.errors import (
    ConfigError,
    MismatchError,
    ObservationLoadError,
    SctorchError,
    ShapeError,
    ToolFailedError,
    ToolNotFoundError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from sctorch import backends, compress, cost, data, ir, lower, nn, train
    from sctorch.exporting import export
    from sctorch.importing import import_nir
    from sctorch.verification import verify
    from sctorch.verification.proofs import check_equivalence

__version__ = "0.1.0"

__all__ = [
    "ConfigError", "MismatchError", "ObservationLoadError", "SctorchError", "ShapeError", "ToolFailedError",
    "ToolNotFoundError", "UnsupportedError", "__version__", "backends", "check_equivalence", "compress", "cost",
    "data", "export", "import_nir", "ir", "lower", "nn", "train", "verify",
]  # fmt: skip

_MODULES = ("backends", "compress", "cost", "data", "ir", "lower", "nn", "train")
_FUNCTIONS = {
    "export": "sctorch.exporting",
    "import_nir": "sctorch.importing",
    "verify": "sctorch.verification",
    "check_equivalence": "sctorch.verification.proofs",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"sctorch.{name}")
    if name in _FUNCTIONS:
        value = getattr(importlib.import_module(_FUNCTIONS[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'sctorch' has no attribute {name!r}")
