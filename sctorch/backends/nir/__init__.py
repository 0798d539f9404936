"""NIR graphs, for exchange with other libraries of spiking networks. docs/nir.md says what NIR can say."""

from sctorch.backends.nir.design import NirDesign, check, export, load
from sctorch.backends.nir.reading import read_network

__all__ = ["NirDesign", "check", "export", "load", "read_network"]
