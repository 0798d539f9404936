"""What a design costs: measured by real tools."""

from sctorch.cost.synthesis import synthesize

__all__ = ["synthesize"]
