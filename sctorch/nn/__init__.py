"""Modules that people compose into a spiking network."""

from sctorch.nn.activity import ActivityWarning, LayerActivity
from sctorch.nn.blocks import Block, FixedPointLIF, StochasticLIF
from sctorch.nn.brevitas import BrevitasLinear
from sctorch.nn.encoder import DirectEncoder, Encoder, EventEncoder, LevelEncoder, RateEncoder
from sctorch.nn.importing.convert import from_snntorch
from sctorch.nn.importing.record import Conversion, ConvertedNetwork, LayerConversion, QuantisationWarning
from sctorch.nn.network import SpikingNetwork
from sctorch.nn.neuron import IF, LIF
from sctorch.nn.readout import SNNReadout
from sctorch.nn.summary import LayerSummary, NetworkSummary
from sctorch.nn.synapse import FixedLinear, SCLinear, Synapse

__all__ = [
    "IF", "LIF", "ActivityWarning", "Block", "BrevitasLinear", "Conversion", "ConvertedNetwork", "DirectEncoder",
    "Encoder", "EventEncoder", "FixedLinear", "FixedPointLIF", "LayerActivity", "LayerConversion", "LayerSummary",
    "LevelEncoder", "NetworkSummary", "QuantisationWarning", "RateEncoder", "SCLinear", "SNNReadout",
    "SpikingNetwork", "StochasticLIF", "Synapse", "from_snntorch",
]  # fmt: skip
