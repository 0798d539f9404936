"""Layers beyond the first recipe: torch, simulator, Verilog and HLS compute the same integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import sctorch
from sctorch import ir, nn
from sctorch.errors import SctorchError
from sctorch.lower import lower

WINDOWS = 30


def direct() -> nn.SpikingNetwork:
    """Integers in, weights beyond 1 in magnitude, biases, a long delay."""
    return nn.SpikingNetwork(
        nn.DirectEncoder(5, bits=4),
        nn.FixedLinear(5, 6, weight_bits=4, weight_frac=2, bias=True),
        nn.LIF(6, beta=0.75, threshold=2.0, reset_delay=False, compare="ge", delay=2),
        nn.FixedPointLIF(6, 5, weight_bits=3, threshold=0.5, delay=4),
        nn.FixedLinear(5, 3, weight_bits=5, weight_frac=5),
        nn.SNNReadout(3, output_mode="membrane", beta=0.5, frac_bits=6),
        num_steps=14,
    )


def levels() -> nn.SpikingNetwork:
    """A thermometer code, both kinds of synapse, spike counts behind a delay."""
    return nn.SpikingNetwork(
        nn.LevelEncoder(4, levels=5),
        nn.StochasticLIF(20, 6, weight_bits=3, beta=0.5, threshold=1.0, delay=1),
        nn.FixedLinear(6, 3, weight_bits=3),
        nn.IF(3, threshold=1.0, frac_bits=3, delay=3),
        nn.SNNReadout(3),
        num_steps=12,
    )


def events() -> nn.SpikingNetwork:
    """Spikes in, straight through two synapses."""
    return nn.SpikingNetwork(
        nn.EventEncoder(7),
        nn.FixedPointLIF(7, 5, weight_bits=2, beta=0.875, threshold=0.75, reset_mechanism="zero"),
        nn.SCLinear(5, 2, weight_bits=2, bias=True),
        nn.SNNReadout(2, output_mode="membrane"),
        num_steps=10,
    )


def learnt() -> nn.SpikingNetwork:
    """Thresholds and decays per neuron and learnt: `build` puts them off the grid, and some out of range."""
    return nn.SpikingNetwork(
        nn.RateEncoder(6, bits=5),
        nn.SCLinear(6, 5, weight_bits=3),
        nn.LIF(5, beta=[0.5, 0.75, 0.25, 0.8125, 1.0], threshold=[0.5] * 5, learn_threshold=True, learn_beta=True),
        nn.SCLinear(5, 4, weight_bits=3),
        nn.LIF(4, beta=[0.5, 0.25, 0.0, 1.0], threshold=[0.5, 1.0, 1.5, 0.25], frac_bits=2, reset_delay=False),
        nn.FixedLinear(4, 3),
        nn.IF(3, threshold=1.0, learn_threshold=True, frac_bits=4),
        nn.SNNReadout(3),
        num_steps=16,
    )


def stochastic() -> nn.SpikingNetwork:
    """Stochastic leaks of both sources, one learnt; snntorch's reset; the decision that keeps its word."""
    return nn.SpikingNetwork(
        nn.RateEncoder(6, bits=5),
        nn.SCLinear(6, 7, weight_bits=3, seed=4),
        nn.LIF(7, beta=0.75, threshold=0.5, leak="stochastic", frac_bits=1, leak_seed=9),
        nn.FixedLinear(7, 5, weight_bits=3),
        nn.LIF(5, beta=0.875, threshold=0.5, reset_mechanism="subtract_snntorch", reset_delay=False, frac_bits=3),
        nn.SCLinear(5, 4, weight_bits=3),
        nn.LIF(
            4, beta=[0.5, 0.25, 0.75, 1.0], threshold=0.5, leak="stochastic", leak_source="counter", learn_beta=True
        ),
        nn.SNNReadout(decision_rule="first_to_threshold", class_threshold=3),
        num_steps=18,
    )


def threshold_then_argmax() -> nn.SpikingNetwork:
    return nn.SpikingNetwork(
        nn.RateEncoder(6, bits=5),
        nn.StochasticLIF(6, 5, weight_bits=3, threshold=0.5, leak="stochastic", learn_threshold=True),
        nn.SNNReadout(5, decision_rule="threshold_then_argmax", class_threshold=4),
        num_steps=18,
    )


def counted_logit() -> nn.SpikingNetwork:
    return nn.SpikingNetwork(
        nn.RateEncoder(6, bits=5), nn.StochasticLIF(6, 2, threshold=0.5),
        nn.SNNReadout(2, decision_rule="binary_logit"),
        num_steps=15,
    )  # fmt: skip


def membrane_logit() -> nn.SpikingNetwork:
    return nn.SpikingNetwork(
        nn.RateEncoder(6, bits=5), nn.StochasticLIF(6, 5, threshold=0.5), nn.SCLinear(5, 2),
        nn.SNNReadout(2, decision_rule="binary_logit", output_mode="membrane", beta=0.75), num_steps=15,
    )  # fmt: skip


def build(make: object, seed: int = 3) -> nn.SpikingNetwork:
    torch.manual_seed(seed)
    net = make()  # type: ignore[operator]
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.uniform_(-1.5, 2.0)
    return net


def inputs(net: nn.SpikingNetwork) -> np.ndarray:
    rng = np.random.default_rng(1)
    if isinstance(net.get_submodule("encoder"), nn.EventEncoder):
        return (rng.random((net.num_steps, WINDOWS, 7)) < 0.4).astype(np.float32)
    return rng.random((WINDOWS, net.get_submodule("encoder").n_features), dtype=np.float32)


def has_much_to_show(net: nn.SpikingNetwork) -> bool:
    """Whether every neuron layer spikes and rests, and the decisions differ among windows and change within them."""
    trace = ir.simulate(lower(net), inputs(net))
    decisions = trace["readout.decision"]
    spikes = [values.mean() for key, values in trace.items() if key.startswith("neuron") and not key.endswith(".mem")]
    varied = (decisions[-1] != decisions[-1, 0]).any() and (decisions != decisions[-1]).any()
    return bool(varied) and all(0.02 < mean < 0.98 for mean in spikes)


NETWORKS = [direct, levels, events, learnt, stochastic, threshold_then_argmax, counted_logit, membrane_logit]


@pytest.mark.parametrize("make", NETWORKS, ids=lambda m: m.__name__)
def test_all_four_agree(make: object, tmp_path: Path, require_tool) -> None:  # type: ignore[no-untyped-def]
    require_tool("yosys")
    require_tool("g++")
    seed = next(s for s in range(3, 400) if has_much_to_show(build(make, s)))
    net = build(make, seed)
    x = inputs(net)
    designs = [sctorch.export(net, tmp_path / backend, backend=backend, name="net0") for backend in ("verilog", "hls")]
    report = sctorch.verify(net, designs, x)
    assert report.ok, report.summary()
    assert report.windows == WINDOWS
    assert {len(pair.keys) for pair in report.pairs} == {len(ir.simulate(lower(net), x))}
    if make is not events:  # a readout may be fed through a delay longer than what it shows
        assert report.spikes_compared > 500


def test_learnt_fields_move_and_stay_on_the_grid() -> None:
    torch.manual_seed(0)
    net = learnt()
    lif = net.get_submodule("neuron1")
    assert isinstance(lif, nn.LIF)
    before = lif.threshold.detach().clone(), lif.beta.detach().clone()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.3)
    net(torch.rand(20, 6)).square().sum().backward()
    optimiser.step()
    assert not torch.equal(lif.threshold, before[0])
    assert not torch.equal(lif.beta, before[1])
    neuron = lower(net).layers[2]
    assert isinstance(neuron, ir.Neuron)
    assert neuron.threshold.tolist() == [max(1, round(t * 16)) for t in lif.threshold.tolist()]
    assert neuron.leak.factor.tolist() == [min(256, max(0, round(b * 256))) for b in lif.beta.tolist()]


def test_fixed_fields_are_no_part_of_a_checkpoint_and_learnt_ones_are() -> None:
    assert sorted(nn.LIF(3).state_dict()) == []
    assert sorted(nn.LIF(3, learn_threshold=True, learn_beta=True).state_dict()) == ["beta", "threshold"]


def test_a_delay_shifts_by_whole_timesteps_and_starts_silent() -> None:
    net = build(direct)
    trace = net.trace(torch.from_numpy(inputs(net)))
    spikes, delayed = trace["neuron1"], trace["neuron1_delay"]
    assert torch.equal(delayed[2:], spikes[:-2])
    assert not delayed[:2].any()
    assert spikes.any()
    assert not spikes.all()


def test_a_delay_longer_than_the_window_is_silence() -> None:
    lif = nn.LIF(2, threshold=1.0, delay=9)
    current = torch.full((5, 1, 2), 3.0)
    assert lif.run(current)[0].any()
    assert not lif(current).any()


def test_level_code_by_hand() -> None:
    # (levels + 1) u = 0, 0.96, 1, 2.4, 4 -> v = 0, 0, 1, 2, 3 (the highest level is 3)
    bits = nn.LevelEncoder(1, levels=3)(torch.tensor([[0.0], [0.24], [0.25], [0.6], [1.0]]), 2)
    assert bits[0].tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert torch.equal(bits[0], bits[1])


def test_fixed_weights_by_hand() -> None:
    layer = nn.FixedLinear(3, 1, weight_bits=3, weight_frac=2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.3, -1.1, 9.0]]))  # times 4: 1.2, -4.4, 36 -> 1, -4, 7 (the largest)
    assert layer.integer_weight().tolist() == [[1, -4, 7]]
    assert layer(torch.tensor([[[1.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]]])).tolist() == [[[-3.0]], [[7.0]]]


def test_gradient_of_a_fixed_synapse_is_that_of_its_real_weight() -> None:
    layer = nn.FixedLinear(3, 2, weight_bits=4, bias=True)
    spikes = torch.tensor([[[1.0, 0.0, 1.0]]], requires_grad=True)
    (layer(spikes) * torch.tensor([1.0, 2.0]) * 2.0**-4).sum().backward()  # in value units
    assert layer.weight.grad is not None
    assert layer.bias is not None
    assert layer.weight.grad.tolist() == [[1, 0, 1], [2, 0, 2]]
    assert layer.bias.grad is not None
    assert layer.bias.grad.tolist() == [1, 2]
    expected = torch.tensor([1.0, 2.0]) @ layer.integer_weight() * 2.0**-4
    assert torch.equal(spikes.grad[0, 0], expected.detach())  # type: ignore[index]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.FixedLinear(3, 2, weight_bits=17), "weight_bits = 17"),
        (lambda: nn.FixedLinear(3, 2, weight_frac=25), "weight_frac = 25"),
        (lambda: nn.LevelEncoder(3, levels=256), "levels = 256"),
        (lambda: nn.DirectEncoder(3, bits=17), "bits = 17"),
        (lambda: nn.LIF(3, delay=-1), "delay = -1"),
        (lambda: nn.LIF(2, threshold=[1.0, 0.01]), "threshold = 0.01"),
        (lambda: nn.LIF(2, threshold=[1.0]), "threshold has 1 entries for 2"),
        (lambda: nn.LIF(2, beta=[0.5, 0.3]), "beta = 0.3 is off the grid"),
        (
            lambda: nn.LIF(2, beta=[0.5, 0.5], leak="shift"),
            "a beta per neuron needs leak 'multiply'",
        ),
        (
            lambda: nn.LIF(2, leak="shift", beta=0.5, learn_beta=True),
            "a learnable beta needs leak 'multiply'",
        ),
        (lambda: nn.EventEncoder(2)(torch.full((3, 1, 2), 0.5), 3), "0 or 1"),
        (
            lambda: nn.SpikingNetwork(
                nn.DirectEncoder(3), nn.SCLinear(3, 2), nn.SNNReadout(2, output_mode="membrane"), num_steps=4
            ),
            "must be a FixedLinear",
        ),
    ],
)
def test_bad_fields_are_named(call: object, message: str) -> None:
    with pytest.raises(SctorchError, match=message):
        call()  # type: ignore[operator]


def test_folders_may_be_called_as_one_likes(tmp_path: Path, require_tool) -> None:  # type: ignore[no-untyped-def]
    require_tool("yosys")
    require_tool("g++")
    net = build(levels)
    folders = {"design": "verilog", "3 rd": "hls"}  # a word of Verilog, and no identifier
    designs = [sctorch.export(net, tmp_path / folder, backend=backend) for folder, backend in folders.items()]
    assert [d.network.name for d in designs] == ["design_net", "net_3_rd"]
    assert sctorch.verify(net, designs, inputs(net)).ok
