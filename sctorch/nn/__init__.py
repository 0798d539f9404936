"""Modules that people compose into a spiking network."""

from sctorch.nn.activity import ActivityWarning, LayerActivity
from sctorch.nn.blocks import Block, FixedPointLIF, StochasticLIF
from sctorch.nn.encoder import DirectEncoder, Encoder, EventEncoder, LevelEncoder, RateEncoder
from sctorch.nn.network import SpikingNetwork
from sctorch.nn.neuron import IF, LIF
from sctorch.nn.readout import SNNReadout
from sctorch.nn.summary import LayerSummary, NetworkSummary
from sctorch.nn.synapse import FixedLinear, SCLinear, Synapse

__all__ = [
    "IF", "LIF", "ActivityWarning", "Block", "DirectEncoder", "Encoder", "EventEncoder", "FixedLinear", "FixedPointLIF",
    "LayerActivity", "LayerSummary", "LevelEncoder", "NetworkSummary", "RateEncoder", "SCLinear", "SNNReadout",
    "SpikingNetwork", "StochasticLIF", "Synapse",
]  # fmt: skip
