"""The recipes' networks through HLS: torch, simulator and C simulation agree at every timestep of 1,000 real windows.

The networks are those of the recipes, trained for some steps and pruned as there, so that every layer has spikes and
the decisions vary. Of MNIST, which is not in the package, the enlarged digits take the place where it is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from builders import mnist_places

import sctorch
from sctorch import compress, data, ir, nn
from sctorch.lower import lower
from sctorch.train.classifier import clamp_weights

RECIPES = Path(__file__).parents[2] / "recipes"
WINDOWS, AT_ONCE = 1000, 100
IO_TYPES = ("io_parallel", "io_stream")


def _recipe(name: str) -> tuple[nn.SpikingNetwork, float, float, float]:
    """A recipe's network, with what its training needs: learning rate, score scale, sparsity."""
    plain = yaml.safe_load((RECIPES / f"{name}.yaml").read_text())
    torch.manual_seed(plain["seed"])
    layers = [
        getattr(nn, layer["class_path"].rpartition(".")[2])(**layer["init_args"])
        for layer in plain["network"]["layers"]
    ]
    net = nn.SpikingNetwork(*layers, num_steps=plain["network"]["num_steps"])
    return net, plain["train"]["lr"], plain["train"]["score_scale"], plain["prune"]["sparsity"]


def _digits() -> tuple[np.ndarray, np.ndarray]:
    return _joined(data.Digits(val_fraction=0.0))


def _mnist() -> tuple[np.ndarray, np.ndarray]:
    for place in mnist_places():
        if place.is_dir():
            x, y = data.MNIST(str(place), val_fraction=0.0).test_arrays()
            return x[:3000], y[:3000]
    x, y = _digits()
    images = x.reshape(-1, 8, 8).repeat(4, axis=1).repeat(4, axis=2)[:, 2:-2, 2:-2]
    return np.ascontiguousarray(images.reshape(len(x), 784)), y


def _jets() -> tuple[np.ndarray, np.ndarray]:
    x, y = data.Jets(source="sample", scaling="quantile", val_fraction=0.0).test_arrays()
    return x[:3000], y[:3000]


def _joined(module: data.Digits) -> tuple[np.ndarray, np.ndarray]:
    parts = [module.train_arrays(), module.test_arrays()]
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def _train(net: nn.SpikingNetwork, x: np.ndarray, y: np.ndarray, lr: float, scale: float, steps: int = 40) -> None:
    rows, labels = torch.as_tensor(x), torch.as_tensor(y).long()
    optimizer = torch.optim.Adam(net.parameters(), lr)
    for step in range(steps):
        part = torch.arange(step * 64, step * 64 + 64) % len(rows)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(rows[part]) * scale, labels[part]).backward()
        optimizer.step()
        clamp_weights(net)


@pytest.mark.parametrize(("name", "load"), [("digits", _digits), ("mnist", _mnist), ("jets", _jets)])
def test_every_layer_at_every_timestep(
    name: str, load: Callable[[], tuple[np.ndarray, np.ndarray]], tmp_path: Path, require_tool: Callable[[str], None]
) -> None:
    require_tool("g++")
    net, lr, scale, sparsity = _recipe(name)
    x, y = load()
    _train(net, x, y, lr, scale)
    compress.prune(net, sparsity)
    designs = {io: sctorch.export(net, tmp_path / io, backend="hls", io_type=io) for io in IO_TYPES}
    network = lower(net)
    names = [layer.name for layer in network.layers if isinstance(layer, ir.Encoder | ir.Neuron)]
    spikes = dict.fromkeys(names, 0.0)
    classes: set[int] = set()
    for start in range(0, WINDOWS, AT_ONCE):
        part = np.ascontiguousarray(x[start : start + AT_ONCE], dtype=np.float32)
        expected = ir.simulate(network, part)
        own = {key: value.numpy() for key, value in net.trace(torch.from_numpy(part)).items()}
        found = {"torch": own} | {io: design.trace(part) for io, design in designs.items()}
        for where, trace in found.items():
            assert set(trace) == set(expected)
            for key, values in expected.items():
                assert np.array_equal(trace[key], values), f"{where}, {key}, windows from {start}"
        for key in names:
            spikes[key] += float(expected[key].mean()) * AT_ONCE / WINDOWS
        classes |= set(expected["readout.decision"][-1].ravel().tolist())
    assert all(0.005 < share < 0.99 for share in spikes.values()), spikes
    assert len(classes) == network.layers[-1].size, f"only the classes {sorted(classes)} were answers"
