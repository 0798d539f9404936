"""Modules that people compose into a spiking network."""

from sctorch.nn.encoder import RateEncoder
from sctorch.nn.network import SpikingNetwork
from sctorch.nn.neuron import LIF
from sctorch.nn.readout import SNNReadout
from sctorch.nn.synapse import SCLinear

__all__ = ["LIF", "RateEncoder", "SCLinear", "SNNReadout", "SpikingNetwork"]
