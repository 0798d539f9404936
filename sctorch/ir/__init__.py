"""The integer network, its reference simulator, ranges and files. Imports numpy only."""

from sctorch.ir.files import digest, load, save
from sctorch.ir.layers import (
    Delay,
    DirectEncoder,
    Encoder,
    EventEncoder,
    FixedSynapse,
    Layer,
    Leak,
    LevelEncoder,
    Network,
    Neuron,
    RateEncoder,
    Readout,
    StochasticSynapse,
    Synapse,
)
from sctorch.ir.ranges import analyse, signed_width, unsigned_width
from sctorch.ir.simulator import Trace, check_input, simulate
from sctorch.ir.streams import StreamSource

__all__ = [
    "Delay", "DirectEncoder", "Encoder", "EventEncoder", "FixedSynapse", "Layer", "Leak", "LevelEncoder", "Network",
    "Neuron", "RateEncoder", "Readout", "StochasticSynapse", "StreamSource", "Synapse", "Trace", "analyse",
    "check_input", "digest", "load", "save", "signed_width", "simulate", "unsigned_width",
]  # fmt: skip
