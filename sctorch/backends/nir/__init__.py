"""NIR graphs, for exchange with other libraries of spiking networks. docs/nir.md says what NIR can say."""

from sctorch.backends.nir.design import OPTIONS, NirDesign, check, export, load
from sctorch.backends.nir.reading import read_network

__all__ = ["OPTIONS", "NirDesign", "check", "export", "load", "read_network"]
