"""Making a network smaller."""

from sctorch.compress.pruning import MagnitudePruning, PruneConfig, prune, sparsity

__all__ = ["MagnitudePruning", "PruneConfig", "prune", "sparsity"]
