"""Numbers as Verilog writes them."""

from __future__ import annotations

__all__ = ["constant", "hexadecimal"]


def constant(value: int, width: int) -> str:
    """A decimal number of `width` bits, negative ones in two's complement."""
    return f"{width}'d{value % (1 << width)}"


def hexadecimal(value: int, width: int) -> str:
    """A hexadecimal number of `width` bits."""
    return f"{width}'h{value:x}"
