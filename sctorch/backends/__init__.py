"""Backends: the integer network becomes files that run."""

from sctorch.backends.design import Design
from sctorch.backends.registry import backend_names, check_network, export_network, load

__all__ = ["Design", "backend_names", "check_network", "export_network", "load"]
