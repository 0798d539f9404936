"""Compiled twins of the torch functions in currents.py and membranes.py: optional, equal, faster on a CPU."""

from sctorch.nn.kernels.loader import available, disabled

__all__ = ["available", "disabled"]
