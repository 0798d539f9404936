"""The one door between torch and the integer network."""

from sctorch.lower.torch_network import lower

__all__ = ["lower"]
