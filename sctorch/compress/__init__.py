"""Making a network smaller."""

from sctorch.compress.iterative import IterativePruneConfig, IterativePruning
from sctorch.compress.pruning import MagnitudePruning, PruneConfig, prune, sparsity
from sctorch.compress.shrinking import Shrunk, shrink

__all__ = [
    "IterativePruneConfig", "IterativePruning", "MagnitudePruning", "PruneConfig", "Shrunk", "prune", "shrink",
    "sparsity",
]  # fmt: skip
