"""from_snntorch: snntorch's own forward, spike for spike; what is rounded is stated; what cannot be kept is refused."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import snntorch
import snntorch.utils
import torch
from snntorch_nets import SIZES, Documented, assert_alive, events, on_grid
from torch import Tensor
from torch.nn.utils import parametrizations, prune

from sctorch import nn
from sctorch.errors import ConfigError, ShapeError, UnsupportedError
from sctorch.lower import lower

STEPS = 12
Leaky = snntorch.Leaky
RESETS = list(itertools.product(("subtract", "zero", "none"), (True, False)))


def assert_same(net: Documented, converted: nn.ConvertedNetwork, x: Tensor, encoder_x: Tensor | None = None) -> None:
    """Spikes and membranes of every layer at every timestep; no tolerance."""
    with torch.no_grad():
        wanted = net(x)
    trace = converted.trace(x if encoder_x is None else encoder_x)
    for i, name in ((1, "neuron1"), (2, "neuron2")):
        assert_alive(wanted[name])
        assert torch.equal(trace[name], wanted[name].long())
        frac = converted.get_submodule(name).frac(0)  # type: ignore[operator]
        assert converted.conversion.layers[i - 1].frac_bits == frac
        assert torch.equal(trace[f"{name}.mem"].double() * 2.0**-frac, wanted[f"{name}.mem"].double())


# ---------------------------------------------------------------- equality


@pytest.mark.parametrize(("reset", "delay"), RESETS)
@pytest.mark.parametrize("init_hidden", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_every_reset_spike_for_spike(reset: str, delay: bool, init_hidden: bool, seed: int) -> None:
    fields = {"beta": 0.5, "reset_mechanism": reset, "reset_delay": delay, "init_hidden": init_hidden}
    net = on_grid(Documented(fields), seed)
    converted = nn.from_snntorch(net, STEPS)
    assert converted.conversion.exact
    assert "exact" in converted.conversion.summary()
    assert_same(net, converted, events(STEPS, seed=seed))


@pytest.mark.parametrize(("reset", "delay"), RESETS)
def test_a_field_per_neuron(reset: str, delay: bool) -> None:
    """Betas and thresholds as tensors [n]; the second layer's threshold has more fractional bits than its weights."""
    fields = {"reset_mechanism": reset, "reset_delay": delay}
    beta = torch.tensor([0.5, 0.0, 1.0, 0.5, 0.5, 1.0, 0.0, 0.5, 0.5])
    net = on_grid(
        Documented(
            {"beta": beta, "threshold": torch.linspace(0.5, 2.5, SIZES[1]), **fields},
            {"beta": 0.5, "threshold": torch.tensor([1.03125, 2.0, 0.75, 1.5, 3.0]), **fields},
        ),
        1,
    )
    converted = nn.from_snntorch(net, 9)
    assert converted.conversion.exact
    assert_same(net, converted, events(9))


@pytest.mark.parametrize("beta", [1.0, 0.0, 0.75, 0.25])
@pytest.mark.parametrize("bias", [True, False])
def test_other_betas_without_a_bias(beta: float, bias: bool) -> None:
    """Two fractional bits each timestep for 0.75 and 0.25."""
    net = on_grid(Documented({"beta": beta}, bias=bias), 2, frac=2)
    converted = nn.from_snntorch(net, 6)
    assert converted.conversion.exact
    assert (converted.get_submodule("synapse1").bias is None) != bias  # type: ignore[union-attr]
    assert_same(net, converted, events(6))


def test_beta_is_clamped_as_snntorch_clamps_it() -> None:
    net = on_grid(Documented({"beta": 1.5}, {"beta": -0.5}), 0)
    converted = nn.from_snntorch(net, STEPS)
    assert converted.conversion.exact
    assert_same(net, converted, events(STEPS))


def test_analog_features_that_are_constant() -> None:
    net = on_grid(Documented({"beta": 0.5}), 3)
    features = torch.randint(0, 16, (40, SIZES[0])).float() / 16
    converted = nn.from_snntorch(net, 9, nn.DirectEncoder(SIZES[0], bits=4))
    assert converted.conversion.exact
    assert_same(net, converted, features.expand(9, -1, -1), features)


def test_a_sequential_is_the_same_network() -> None:
    net = on_grid(Documented({"beta": 0.5, "init_hidden": True}), 0)
    nested = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Sequential(net.fc1, net.lif1), torch.nn.Dropout(0.5).eval(), torch.nn.Identity(),
        net.fc2, net.lif2,
    )  # fmt: skip
    x = events(STEPS)
    wanted = nn.from_snntorch(net, STEPS).trace(x)
    for other in (net.sequential(), nested):
        converted = nn.from_snntorch(other, STEPS)
        assert all(torch.equal(value, wanted[key]) for key, value in converted.trace(x).items())
        assert [layer.names for layer in converted.conversion.layers] != ["fc1 + lif1", "fc2 + lif2"]


def test_gradients_are_those_of_snntorch() -> None:
    """Through both layers, surrogate and all, at the very same spikes."""
    grad = snntorch.surrogate.fast_sigmoid(slope=5)
    net = on_grid(Documented({"beta": 0.5, "spike_grad": grad}), 0)
    converted = nn.from_snntorch(net, STEPS)
    assert converted.get_submodule("neuron1").spike_grad is grad
    x, weight = events(STEPS), torch.randn(40, SIZES[2], generator=torch.Generator().manual_seed(1))
    (net(x)["neuron2"].sum(dim=0) * weight).sum().backward()
    (converted(x) * weight).sum().backward()
    for mine, theirs in (("synapse1", net.fc1), ("synapse2", net.fc2)):
        assert theirs.weight.grad is not None
        assert theirs.weight.grad.abs().max() > 0
        synapse = converted.get_submodule(mine)
        torch.testing.assert_close(synapse.weight.grad, theirs.weight.grad)
        torch.testing.assert_close(synapse.bias.grad, theirs.bias.grad)  # type: ignore[union-attr]


# ---------------------------------------------------------------- readouts


def test_a_last_linear_is_a_membrane_readout() -> None:
    net = torch.nn.Sequential(*on_grid(Documented({"beta": 0.5}), 0).sequential()[:3])
    converted = nn.from_snntorch(net, STEPS)
    trace = converted.trace(events(STEPS))
    assert torch.equal(trace["readout"], trace["synapse2"].cumsum(dim=0))
    assert converted.conversion.layers[1].names == "2"
    with pytest.raises(UnsupportedError, match=r"^2: output_mode 'spike' behind a Linear"):
        nn.from_snntorch(net, STEPS, output_mode="spike")


@pytest.mark.parametrize("last", ["leaky", "linear"])
def test_the_rule_of_the_decision(last: str) -> None:
    net = on_grid(Documented({"beta": 0.5}), 0).sequential()
    fields = {"decision_rule": "first_to_threshold", "class_threshold": 3}
    if last == "linear":
        net, fields = torch.nn.Sequential(*net[:2], torch.nn.Linear(SIZES[1], 2)), {"decision_rule": "binary_logit"}
        on_grid(net, 0)
    converted = nn.from_snntorch(net, STEPS, **fields)
    readout: Any = converted.get_submodule("readout")
    assert {name: getattr(readout, name) for name in fields} == fields
    assert dict(converted.conversion.options).items() >= fields.items()


def test_a_last_leaky_without_reset_gives_its_membranes_as_scores() -> None:
    net = on_grid(Documented({"beta": 0.5}, {"beta": 0.5, "reset_mechanism": "none"}), 0)
    converted = nn.from_snntorch(net, STEPS, output_mode="membrane")
    x = events(STEPS)
    scores = converted.trace(x)["readout"].double() * 2.0 ** -converted.output_frac()
    with torch.no_grad():
        assert torch.equal(scores, net(x)["neuron2.mem"].double())
    assert nn.from_snntorch(net, STEPS).trace(x)["readout"].max() <= STEPS  # by default it counts spikes
    wrong = on_grid(Documented({"beta": 0.5}), 0)
    with pytest.raises(UnsupportedError, match=r"lif2: output_mode 'membrane' with reset_mechanism 'subtract'"):
        nn.from_snntorch(wrong, STEPS, output_mode="membrane")
    several = on_grid(Documented({"beta": 0.5}, {"beta": torch.rand(5).round(), "reset_mechanism": "none"}), 0)
    several.lif2.beta[0] = 0.5
    with pytest.raises(UnsupportedError, match="lif2: a membrane readout with a beta per neuron"):
        nn.from_snntorch(several, STEPS, output_mode="membrane")


# ---------------------------------------------------------------- what is rounded is stated


def test_weights_off_the_grid_are_rounded_and_the_stated_errors_are_true() -> None:
    torch.manual_seed(0)
    net = Documented({"beta": 0.5})
    with pytest.warns(nn.QuantisationWarning, match=r"fc1 \+ lif1: 6-bit weights .* largest errors: weight"):
        converted = nn.from_snntorch(net, STEPS, weight_bits=6)
    for layer, linear, name in zip(
        converted.conversion.layers, (net.fc1, net.fc2), ("synapse1", "synapse2"), strict=True
    ):
        synapse: Any = converted.get_submodule(name)
        unit = 2.0**-layer.weight_frac
        weight = synapse.integer_weight().double()
        assert 2**5 <= weight.abs().max() < 2**6  # the finest grid that 6 bits have room for
        assert layer.weight_error == (weight * unit - linear.weight).abs().max() > 0
        assert layer.bias_error == (synapse.integer_bias().double() * unit - linear.bias).abs().max() > 0
        assert layer.weight_error <= unit / 2
        assert not layer.exact
    assert converted.conversion.parameter_error == max(
        max(layer.weight_error, layer.bias_error) for layer in converted.conversion.layers
    )
    assert not converted.conversion.exact
    with pytest.warns(nn.QuantisationWarning):
        finer = nn.from_snntorch(net, STEPS, weight_bits=12).conversion
    assert finer.parameter_error < converted.conversion.parameter_error / 30


@pytest.mark.parametrize(("beta", "kind"), [(0.9375, "shift"), (0.90234375, "multiply")])
@pytest.mark.parametrize("reset", ["none", "subtract", "zero"])
def test_membranes_without_room_stay_within_the_stated_bound(beta: float, kind: str, reset: str) -> None:
    """As long as the spikes agree; and the bound is no idle one: a tenth of it is reached."""
    net = on_grid(Documented({"beta": beta, "reset_mechanism": reset}), 1)
    with pytest.warns(nn.QuantisationWarning, match="largest errors: membrane"):
        converted = nn.from_snntorch(net, 25)
    x = events(25)
    trace, layer = converted.trace(x), converted.conversion.layers[0]
    assert converted.get_submodule("neuron1").leak == kind
    assert layer.errors == {"weight": 0, "bias": 0, "beta": 0, "threshold": 0, "membrane": layer.membrane_error}
    with torch.no_grad():
        wanted = net(x)
    agree = (trace["neuron1"] == wanted["neuron1"]).long().cumprod(dim=0).bool()
    assert agree.float().mean() > 0.99
    error = (trace["neuron1.mem"] * 2.0**-layer.frac_bits - wanted["neuron1.mem"]).abs()[agree].max()
    assert layer.membrane_error / 10 < error <= layer.membrane_error


def test_frac_bits_of_ones_own() -> None:
    net = on_grid(Documented({"beta": 0.5}), 0)
    with pytest.warns(nn.QuantisationWarning, match="membranes with 5; largest errors: membrane 0.0625"):
        converted = nn.from_snntorch(net, STEPS, frac_bits=5)
    assert converted.get_submodule("neuron1").frac_bits == 5
    with pytest.warns(nn.QuantisationWarning, match="membranes with 3"):  # never fewer than the weights have
        nn.from_snntorch(net, STEPS, frac_bits=0)


@pytest.mark.parametrize(
    ("beta", "nearest", "text"),
    [(0.9, 0.8984375, r"0\.898438 or 0\.875 = 1 - 2"), (0.95, 0.94921875, r"0\.949219 or 0\.9375"),
     (0.998, 0.998046875, r"0\.998047"),
     (torch.tensor([0.9, 0.5, 0.25, 1, 0, 0.5, 0.5, 0.5, 0.5]), 0.8984375, r"0\.898438, or pass")],
)  # fmt: skip
def test_a_beta_off_the_grid(beta: Any, nearest: float, text: str) -> None:
    net = on_grid(Documented({"beta": beta}, {"beta": 0.5}), 0)
    with pytest.raises(UnsupportedError, match=rf"lif1 \(Leaky\): beta = 0\.9.* off the grid of 1/256.*{text}"):
        nn.from_snntorch(net, STEPS)
    with pytest.warns(nn.QuantisationWarning, match="beta"):
        converted = nn.from_snntorch(net, STEPS, off_grid="round")
    used = converted.get_submodule("neuron1").beta
    assert float(torch.as_tensor(used).reshape(-1)[0]) == nearest
    given = torch.as_tensor(beta, dtype=torch.float32).double()
    assert converted.conversion.layers[0].beta_error == float((used - given).abs().max()) > 0


def test_a_threshold_off_the_grid() -> None:
    net = on_grid(Documented({"beta": 0.5, "threshold": 0.3}, {"beta": 0.5}), 0)
    with pytest.raises(UnsupportedError, match=r"lif1 \(Leaky\): threshold = 0\.3\d*, off the grid.*0\.300781"):
        nn.from_snntorch(net, STEPS)
    with pytest.warns(nn.QuantisationWarning, match="threshold"):
        converted = nn.from_snntorch(net, STEPS, off_grid="round")
    neuron: Any = converted.get_submodule("neuron1")
    used = float(neuron.integer_threshold(neuron.frac(0))) * 2.0 ** -neuron.frac(0)
    layer = converted.conversion.layers[0]
    assert layer.threshold_error == abs(used - float(net.lif1.threshold)) > 0
    assert layer.threshold_error <= 2.0**-layer.frac_bits / 2
    x = events(STEPS)
    with torch.no_grad():
        net.lif1.threshold = torch.tensor(used)
        wanted = net(x)["neuron1"]
    assert_alive(wanted)
    assert (converted.trace(x)["neuron1"] != wanted).float().mean() < 0.001


def test_weights_on_a_grid_too_fine_for_float32_are_rounded() -> None:
    """16 bits each; 100 of them with a product leak leave no room for all."""
    net = torch.nn.Sequential(torch.nn.Linear(100, 3, bias=False), Leaky(beta=0.90234375))
    with torch.no_grad():
        net[0].weight.copy_(torch.randint(-(2**15), 2**15, (3, 100)) * 2.0**-15)
    with pytest.warns(nn.QuantisationWarning, match=r"fewer than wished: a beta of 1 - 2\^-k leaves the most room"):
        converted = nn.from_snntorch(net, 25)
    assert converted.conversion.layers[0].cut == 15 - converted.conversion.layers[0].weight_frac
    synapse, layer = converted.get_submodule("synapse1"), converted.conversion.layers[0]
    used = synapse.integer_weight().double() * 2.0**-layer.weight_frac  # type: ignore[operator]
    assert layer.weight_error == (used - net[0].weight).abs().max() > 0
    assert converted.trace(events(25, size=100))["neuron1"].any()  # and lower takes it: see the exports


def test_sums_that_only_a_bias_brings_back_have_room_too() -> None:
    """With all their bits 65535 * 255 + 32767 * 255 is beyond 2^24, and 2^23 below it after the bias."""
    net = torch.nn.Sequential(torch.nn.Linear(2, 1), Leaky(beta=1.0))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[65535.0, 32767.0]]) / 16)
        net[0].bias.fill_(-(2.0**15) / 16)
    with pytest.warns(nn.QuantisationWarning, match=r"16-bit weights with 3 fractional bits \(1 fewer than wished"):
        converted = nn.from_snntorch(net, 1, nn.DirectEncoder(2, bits=8))
    lower(converted)


def test_what_no_grid_has_room_for_is_refused() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(2000, 2), Leaky(beta=0.99609375, threshold=torch.tensor(60000.0)))
    with torch.no_grad():
        net[0].weight.fill_(100.0)
    with pytest.raises(ConfigError, match=r"0 \+ 1: its membranes can leave the integers that float32 holds exactly"):
        nn.from_snntorch(net, 1000, weight_bits=16)
    with pytest.raises(ConfigError, match=r"lower num_steps or frac_bits"):
        nn.from_snntorch(on_grid(Documented({"beta": 0.25}), 0), 25, frac_bits=16)


def test_a_threshold_too_fine_for_its_membranes() -> None:
    """A product leak leaves 16 bits for everything; 2^-14 is more than it has room for here."""
    net = on_grid(Documented({"beta": 0.25, "threshold": 1 + 2.0**-14}, {"beta": 0.5}), 0)
    with pytest.raises(ConfigError, match=r"fc1 \+ lif1: its membranes can leave .* off_grid='round'"):
        nn.from_snntorch(net, 9)
    with pytest.warns(nn.QuantisationWarning, match="threshold 6"):
        layer = nn.from_snntorch(net, 9, off_grid="round").conversion.layers[0]
    assert layer.threshold_error == 2.0**-14


def test_learnable_fields_stay_learnable() -> None:
    fields = {"beta": torch.full((9,), 0.5), "learn_beta": True, "threshold": torch.ones(9), "learn_threshold": True}
    net = on_grid(Documented(fields, {"beta": 0.5}), 0)
    converted = nn.from_snntorch(net, 9)
    neuron: Any = converted.get_submodule("neuron1")
    for name in ("beta", "threshold"):
        assert isinstance(getattr(neuron, name), torch.nn.Parameter)
        assert getattr(neuron, name).shape == (9,)
    assert not list(converted.get_submodule("neuron2").parameters())
    assert_same(net, converted, events(9))
    with torch.no_grad():
        net.lif1.beta[3] = 0.501
    with pytest.raises(UnsupportedError, match=r"lif1 \(Leaky\): beta = 0\.501"):
        nn.from_snntorch(net, 9)


def test_further_training_makes_the_record_void() -> None:
    converted = nn.from_snntorch(on_grid(Documented({"beta": 0.5}), 0), STEPS)
    assert converted.converted_meta()["snntorch"] == converted.conversion.summary()
    with torch.no_grad():
        converted.get_submodule("synapse1").weight[0, 0] += 0.125  # type: ignore[index, operator]
    assert list(converted.converted_meta()) == ["snntorch"]
    assert "then changed" in converted.converted_meta()["snntorch"]


# ---------------------------------------------------------------- forwards of one's own


class Constant(Documented):
    """Features [B, n] for the whole window, as in snntorch's tutorials."""

    steps = STEPS

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return super().forward(x.expand(self.steps, -1, -1))


class OneStep(Documented):
    """One timestep a call; the state stays in the neurons."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return self.lif2(self.fc2(self.lif1(self.fc1(x))))


class UtilsReset(Documented):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        snntorch.utils.reset(self)
        return super().forward(x)


@pytest.mark.parametrize("kind", [Constant, OneStep, UtilsReset])
def test_forwards_that_take_their_input_otherwise(kind: type[Documented]) -> None:
    net = on_grid(kind({"beta": 0.5, "init_hidden": kind is OneStep}), 0)
    reference = on_grid(Documented({"beta": 0.5}), 0)
    assert_same(reference, nn.from_snntorch(net, STEPS), events(STEPS))


def test_a_forward_of_another_length_is_told() -> None:
    with pytest.raises(ConfigError, match="ran 12 timesteps of 10; make num_steps agree"):
        nn.from_snntorch(on_grid(Constant({"beta": 0.5}), 0), 10)


class Altered(Documented):
    """The documented loop with something done to what goes into the second layer."""

    what = "nothing"

    def between(self, spikes: Tensor, mem: Tensor, x: Tensor) -> Tensor:
        if self.what == "scaled":
            return spikes * 1.0
        if self.what == "in place":
            return spikes.mul_(1.0)
        if self.what == "skip":
            return spikes + x[:, :1]
        if self.what == "dropout":
            return torch.nn.functional.dropout(spikes, 0.5)
        return {"membrane": mem, "clone": spikes.clone()}.get(self.what, spikes)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
        for step in range(len(x)):
            spk1, mem1 = self.lif1(self.fc1(x[step]), mem1)
            current = self.fc2(self.between(spk1, mem1, x[step]))
            if self.what == "decayed":
                mem1 = mem1 * 0.5
            if self.what == "order" and step % 2:
                continue
            _, mem2 = self.lif2(current.relu() if self.what == "rectified current" else current, mem2)
        return {}


@pytest.mark.parametrize(
    ("what", "text"),
    [(what, "^fc2: an input that is not what lif1 gave .something lies between them.*Sequential")
     for what in ("scaled", "in place", "membrane", "skip", "clone", "dropout")]
    + [("rectified current", "^lif2: an input that is not what fc2 gave"),
       ("decayed", "^lif1: a membrane that is changed between two timesteps"),
       ("order", "^the network: another order of modules in some timestep")],
)  # fmt: skip
def test_what_lies_between_layers_is_seen(what: str, text: str) -> None:
    net = on_grid(Altered({"beta": 0.5}), 0)
    nn.from_snntorch(net, STEPS)
    net.what = what
    with pytest.raises(UnsupportedError, match=text):
        nn.from_snntorch(net, STEPS)


class NeedsMembranes(Documented):
    def forward(self, x: Tensor, mem1: Tensor, mem2: Tensor) -> Any:  # type: ignore[override]
        return None


class Scaling(Documented):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return super().forward(x * 0.5)


@pytest.mark.parametrize("kind", [NeedsMembranes, Scaling])
def test_a_forward_that_cannot_be_followed(kind: type[Documented]) -> None:
    net = on_grid(kind({"beta": 0.5}), 0)
    with pytest.raises(UnsupportedError, match=r"a forward that could not be followed .*Pass its layers in order"):
        nn.from_snntorch(net, STEPS)
    assert nn.from_snntorch(net.sequential(), STEPS).conversion.exact  # the way out


# ---------------------------------------------------------------- refused by name


def _state_quant(mem: Tensor) -> Tensor:
    return mem


def _noisy(x: Tensor) -> Tensor:
    return (x > 0.5).float()


def _mixed() -> Any:
    leaky = Leaky(beta=0.5)
    leaky.reset_mechanism = "zero"
    return leaky


def _inhibiting() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # snntorch's own
        return Leaky(beta=0.5, inhibition=True)


class OwnLeaky(Leaky):  # type: ignore[misc]
    pass


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (_inhibiting, r"^1 \(Leaky\): inhibition is not supported\. Build the Leaky with inhibition=False"),
        (lambda: Leaky(0.5, state_quant=_state_quant), r"^1 \(Leaky\): state_quant is not supported\. Build"),
        (lambda: Leaky(0.5, graded_spikes_factor=0.5), r"^1 \(Leaky\): graded_spikes_factor .*multiply the next"),
        (lambda: Leaky(0.5, learn_graded_spikes_factor=True), r"^1 \(Leaky\): graded_spikes_factor"),
        (_mixed, r"^1 \(Leaky\): a reset_mechanism that was changed after .*build a new Leaky"),
        (lambda: Leaky(0.5, spike_grad=_noisy), r"^1 \(Leaky\): a spike_grad whose forward is not the step .*Use one"),
        (lambda: Leaky(0.5, threshold=0.0), r"^1 \(Leaky\): threshold = 0 is not supported.*positive"),
        (lambda: Leaky(0.5, threshold=torch.tensor([1.0, -1.0, 1.0])), r"^1 \(Leaky\): threshold = -1"),
        (lambda: snntorch.Synaptic(alpha=0.5, beta=0.5), r"^1 \(Synaptic\): this neuron .*Leaky itself can be kept"),
        (lambda: snntorch.Lapicque(beta=0.5), r"^1 \(Lapicque\): this neuron"),
        (lambda: snntorch.Alpha(alpha=0.6, beta=0.5), r"^1 \(Alpha\): this neuron"),
        (lambda: snntorch.RLeaky(beta=0.5, all_to_all=False), r"^1 \(RLeaky\): this neuron"),
        (lambda: snntorch.RSynaptic(alpha=0.6, beta=0.5, all_to_all=False), r"^1 \(RSynaptic\): this neuron"),
        (lambda: OwnLeaky(0.5), r"^1 \(OwnLeaky\): this neuron"),
        (torch.nn.ReLU, r"^1 \(ReLU\): this module .*What is kept: torch\.nn\.Linear"),
        (lambda: torch.nn.Dropout(0.5), r"^1 \(Dropout\): dropout in training .*net\.eval"),
        (lambda: torch.nn.Flatten(0), r"^1 \(Flatten\): flattening other than from dimension 1"),
        (lambda: torch.nn.Linear(3, 3), r"^1 \(Linear\): its place behind 0 \(Linear\).*take turns"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(make: Callable[[], torch.nn.Module], text: str) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), make(), torch.nn.Linear(3, 2), Leaky(beta=0.5))
    with pytest.raises(UnsupportedError, match=text):
        nn.from_snntorch(net, STEPS)


def _hooked() -> Any:
    net = on_grid(Documented({"beta": 0.5}), 0)
    net.fc2.register_forward_hook(lambda module, args, output: output * 2)
    return net


def _pruned() -> Any:
    net = on_grid(Documented({"beta": 0.5}), 0)
    prune.l1_unstructured(net.fc2, "weight", 0.5)
    return net


def _normed() -> Any:
    net = on_grid(Documented({"beta": 0.5}), 0)
    parametrizations.weight_norm(net.fc1)
    return net


def _twice() -> Any:
    linear, leaky = torch.nn.Linear(3, 3), Leaky(beta=0.5)
    return torch.nn.Sequential(linear, leaky, torch.nn.Linear(3, 3), leaky)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (_hooked, r"^fc2 \(Linear\): a forward hook.*Remove it"),
        (_pruned, r"^fc2 \(Linear\): a forward hook"),
        (_normed, r"(fc1|parametrizations).*remove_parametrizations"),
        (_twice, r"\(Leaky\): a module used twice in a timestep.*Give each layer its own"),
        (lambda: torch.nn.Sequential(Leaky(0.5), torch.nn.Linear(3, 2)), r"^0 \(Leaky\): its place behind nothing"),
        (lambda: torch.nn.Linear(3, 2), r"a model of type Linear .*snntorch\.Leaky"),
        (lambda: torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), Leaky(0.5)), r"^0 \(Conv2d\): this module"),
    ],
)
def test_networks_that_are_refused(make: Callable[[], torch.nn.Module], text: str) -> None:
    with pytest.raises(UnsupportedError, match=text):
        nn.from_snntorch(make(), STEPS)


def _nan() -> Any:
    net = Documented({"beta": 0.5})
    with torch.no_grad():
        net.fc2.bias[0] = torch.nan
    return net


@pytest.mark.parametrize(
    ("error", "text", "net", "options"),
    [
        (ConfigError, "num_steps = 0 is outside 1 to", None, {"num_steps": 0}),
        (ConfigError, "num_steps = 2.5 must be an integer", None, {"num_steps": 2.5}),
        (ConfigError, "weight_bits = 17 is outside 1 to 16", None, {"weight_bits": 17}),
        (ConfigError, "frac_bits = 21 is outside 0 to 20", None, {"frac_bits": 21}),
        (ConfigError, "off_grid = 'ignore' is unknown; allowed: error, round", None, {"off_grid": "ignore"}),
        (ConfigError, "output_mode = 'rate' is unknown", None, {"output_mode": "rate"}),
        (ShapeError, "the encoder gives 3 inputs but fc1 takes 7", None, {"encoder": nn.RateEncoder(3)}),
        (ConfigError, "net is a list", [], {}),
        (ConfigError, "fc2: bias holds NaN", _nan(), {}),
        (ConfigError, "threshold holds NaN", Documented({"beta": 0.5, "threshold": torch.tensor(torch.nan)}), {}),
        (ShapeError, "beta has 3 entries for 9", Documented({"beta": torch.ones(3)}).sequential(), {}),
        (
            ShapeError, "takes 4 inputs but 0 .* gives 3",
            torch.nn.Sequential(torch.nn.Linear(2, 3), Leaky(0.5), torch.nn.Linear(4, 2)), {},
        ),
    ],
)  # fmt: skip
def test_bad_arguments(error: type[Exception], text: str, net: Any, options: dict[str, Any]) -> None:
    net = on_grid(Documented({"beta": 0.5}), 0) if net is None else net
    with pytest.raises(error, match=text):
        nn.from_snntorch(net, **{"num_steps": STEPS, **options})


def test_weights_too_large_for_their_bits() -> None:
    net = Documented({"beta": 0.5})
    with torch.no_grad():
        net.fc1.weight[0, 0] = 300.1
    with pytest.raises(ConfigError, match=r"fc1: the weight 300\.1 does not fit weight_bits = 8; raise"):
        nn.from_snntorch(net, STEPS)


# ---------------------------------------------------------------- nothing of the user's changes


def test_the_network_stays_as_it_was() -> None:
    """Also in the middle of a training, with its state in the graph; and so do other networks, and the generators."""
    net, other = on_grid(UtilsReset({"beta": 0.5}), 0), on_grid(Documented({"beta": 0.5}), 1)
    for each in (net, other):
        each.train()
        each(events(STEPS))["neuron2"].sum().backward()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    mems = [leaky.mem for each in (net, other) for leaky in (each.lif1, each.lif2)]
    copies = [mem.detach().clone() for mem in mems]
    grads = [p.grad.clone() for p in net.parameters()]  # type: ignore[union-attr]
    instances, random = snntorch.SpikingNeuron.instances, torch.get_rng_state()
    known = list(instances)
    nn.from_snntorch(net, STEPS)
    assert torch.equal(torch.get_rng_state(), random)
    assert snntorch.SpikingNeuron.instances is instances
    assert len(instances) == len(known)
    for mem, copy, leaky in zip(mems, copies, [m for n in (net, other) for m in (n.lif1, n.lif2)], strict=True):
        assert leaky.mem is mem
        assert mem.grad_fn is not None
        assert torch.equal(mem, copy)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert all(torch.equal(p.grad, g) for p, g in zip(net.parameters(), grads, strict=True))
    assert net.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


@pytest.mark.parametrize("junk", [5, "rate", nn.RateEncoder, torch.nn.Linear(6, 6)])
def test_what_is_no_encoder(junk: object) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(6, 3), snntorch.Leaky(beta=0.5, init_hidden=True))
    with pytest.raises(ConfigError, match=r"encoder must be an encoder of sctorch\.nn"):
        nn.from_snntorch(net, 4, encoder=junk)  # type: ignore[arg-type]
