"""A GPU computes what the CPU and the simulator compute; and nothing that a device could not have is in the way."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from random import Random

import builders
import pytest
import torch
from torch import Tensor

from sctorch import ir, nn
from sctorch.data import Digits
from sctorch.errors import ConfigError
from sctorch.lower import lower
from sctorch.nn import kernels
from sctorch.train import TrainConfig, fit

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here (torch.cuda.is_available())")

FIELDS = [
    (leak, compare, reset, delay)
    for leak in ir.layers.LEAK_KINDS
    for compare, reset, delay in (("gt", "subtract", True), ("ge", "subtract", False), ("gt", "zero", True),
                                  ("ge", "zero", False), ("gt", "none", True))
]  # fmt: skip


def networks() -> list[tuple[nn.SpikingNetwork, Tensor]]:
    """Networks with every encoder, source, synapse, neuron and readout, and an input for each."""
    made = []
    for k, encoder in enumerate(builders.ENCODERS):
        for j, fields in enumerate(FIELDS):
            source, readout = builders.SOURCES[j % len(builders.SOURCES)], ("spike", "membrane")[j % 2]
            rnd = Random(100 * k + j)
            while True:
                net = builders.random_spiking_network(
                    rnd, encoder, source, fields, readout, hidden=1 + j % 2, lengths=(1, 2, 16)
                )
                try:
                    network = lower(net)
                except ConfigError:  # its integers could outgrow float32
                    continue
                break
            made.append((net, torch.from_numpy(builders.random_input(network, 3, j)).float()))
    return made


def scores_and_gradients(net: nn.SpikingNetwork, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    net.zero_grad()
    scores = net(x)
    torch.nn.functional.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.long, device=x.device)).backward()
    return scores.detach().cpu(), {k: p.grad.cpu() for k, p in net.named_parameters() if p.grad is not None}


@needs_gpu
@pytest.mark.parametrize("precision", ["highest", "high"])  # "high" lets a GPU round products to TF32
def test_the_gpu_computes_the_same_integers_and_close_gradients(precision: str) -> None:
    before = torch.get_float32_matmul_precision()
    alive = 0
    try:
        torch.set_float32_matmul_precision(precision)
        for net, x in networks():
            network = lower(net)
            expected = ir.simulate(network, x.numpy())
            alive += builders.is_alive(network, expected)
            scores, gradients = scores_and_gradients(net, x)
            there = copy.deepcopy(net).to("cuda")
            trace = there.trace(x.to("cuda"))
            assert all(values.is_cuda for values in trace.values())
            builders.assert_traces_equal(expected, {key: v.cpu().numpy() for key, v in trace.items()}, tuple(expected))
            got, got_gradients = scores_and_gradients(there, x.to("cuda"))
            assert torch.equal(got, scores)
            assert got_gradients.keys() == gradients.keys()
            if precision == "highest":
                for key, gradient in gradients.items():
                    torch.testing.assert_close(got_gradients[key], gradient, rtol=1e-3, atol=1e-5)
    finally:
        torch.set_float32_matmul_precision(before)
    assert alive > 20


@needs_gpu
def test_training_on_the_gpu_leaves_a_network_on_the_cpu() -> None:
    torch.manual_seed(0)
    net = nn.SpikingNetwork(
        nn.RateEncoder(64, bits=4), nn.SCLinear(64, 16), nn.LIF(16, beta=0.75, learn_threshold=True),
        nn.SCLinear(16, 10), nn.SNNReadout(10, output_mode="membrane"), num_steps=8,
    )  # fmt: skip
    result = fit(net, Digits(), TrainConfig(epochs=4, lr=2e-2, accelerator="gpu", progress_bar=False))
    assert {p.device.type for p in net.parameters()} == {"cpu"}
    assert result.history["train_acc"][-1] > 0.4


@pytest.mark.parametrize("compiled", [False, True], ids=["torch", "kernels"])
@pytest.mark.parametrize("way", ["autocast", "medium"])
def test_no_lower_precision_reaches_the_integers(way: str, compiled: bool) -> None:
    """Mixed-precision training computes the same integers."""
    before = torch.get_float32_matmul_precision()
    wide = nn.SpikingNetwork(
        nn.DirectEncoder(4, 10), nn.FixedLinear(4, 20, 9, bias=True), nn.LIF(20, beta=0.5),
        nn.SCLinear(20, 10, bitstream_length=256), nn.SNNReadout(10, output_mode="membrane"), num_steps=2,
    )  # fmt: skip
    for net, x in [*networks()[:: len(FIELDS) - 1], (wide, torch.rand(9, 4))]:
        expected = ir.simulate(lower(net), x.numpy())
        try:
            if way == "medium":
                torch.set_float32_matmul_precision("medium")
            lower_precision = torch.autocast("cpu", torch.bfloat16) if way == "autocast" else nullcontext()
            with lower_precision, nullcontext() if compiled else kernels.disabled():
                trace = net.trace(x)
                scores_and_gradients(net, x)
        finally:
            torch.set_float32_matmul_precision(before)
        builders.assert_traces_equal(expected, {k: v.numpy() for k, v in trace.items()}, tuple(expected))


def test_no_tensor_of_a_layer_stays_behind_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the device "meta", which computes nothing, torch refuses a CPU tensor among the others all the same."""
    monkeypatch.setattr(nn.Encoder, "features", lambda self, x: x.to(torch.float32))  # it looks at the values
    seen = set()
    for net, x in networks()[::3]:
        if isinstance(net.encoder, nn.EventEncoder):
            continue  # it looks at the values as well
        there, shapes = net.to("meta"), x.to("meta")
        scores = there.scores(shapes)
        assert scores.device.type == "meta"
        scores[-1].sum().backward()
        assert all(p.grad is not None and p.grad.device.type == "meta" for p in there.parameters() if p.requires_grad)
        seen |= {type(layer) for _, layer in net.named_layers()}
    assert {nn.SCLinear, nn.FixedLinear, nn.LIF, nn.SNNReadout, nn.RateEncoder, nn.LevelEncoder} <= seen
