"""What a design costs: measured by real tools."""

from sctorch.cost.figures import figures, nonzero_synapses
from sctorch.cost.synthesis import synthesize

__all__ = ["figures", "nonzero_synapses", "synthesize"]
