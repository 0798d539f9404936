"""What the tests of pruning share."""

import torch

from sctorch import nn


def network():
    torch.manual_seed(0)
    return nn.SpikingNetwork(
        nn.RateEncoder(64, bits=4),
        nn.SCLinear(64, 8, weight_bits=3),
        nn.LIF(8, beta=0.75),
        nn.SCLinear(8, 10, weight_bits=3),
        nn.SNNReadout(10, output_mode="membrane"),
        num_steps=4,
    )
