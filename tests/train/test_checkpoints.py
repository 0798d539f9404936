"""Checkpoints: the same network gets its weights back, any other one keeps its own and is told why."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pytest
import torch

from sctorch import nn
from sctorch.data import Digits
from sctorch.errors import ConfigError
from sctorch.train import Classifier, TrainConfig, fit, load_weights, save_weights


def network(num_steps: int = 6, **changed: Any) -> nn.SpikingNetwork:
    """A small network of which one argument is changed, by "<layer>_<field>"."""

    def of(layer: str, **fields: Any) -> dict[str, Any]:
        mine = {key.removeprefix(f"{layer}_"): v for key, v in changed.items() if key.startswith(f"{layer}_")}
        return {**fields, **mine}

    torch.manual_seed(int(changed.pop("seed", 0)))
    return nn.SpikingNetwork(
        nn.RateEncoder(64, **of("encoder", bits=4)),
        nn.SCLinear(64, 12, **of("synapse1", weight_bits=3)),
        nn.LIF(12, **of("neuron1", beta=0.75, frac_bits=2)),
        nn.FixedLinear(12, 10, **of("synapse2", weight_bits=3)),
        nn.LIF(10, **of("neuron2", learn_beta=True, beta=0.5)),
        nn.SCLinear(10, 10, **of("synapse3")),
        nn.SNNReadout(10, **of("readout", output_mode="membrane")),
        num_steps=num_steps,
    )


def state(net: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in net.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return list(a) == list(b) and all(torch.equal(a[key], b[key]) for key in a)


def refused(net: nn.SpikingNetwork, path: Path, message: str) -> None:
    before = state(net)
    with pytest.raises(ConfigError, match=message) as caught:
        load_weights(net, path)
    assert str(path) in str(caught.value)
    assert same(before, state(net)), "a network that was refused a file was changed"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    net = network(seed=1)
    with torch.no_grad():
        net.get_parameter("neuron2.beta").fill_(0.625)
        net.get_buffer("synapse1.mask")[0, :5] = 0
    return save_weights(net, tmp_path / "deep" / "weights.ckpt")


def test_the_same_network_gets_everything_back(written: Path) -> None:
    net = network(seed=2)
    load_weights(net, str(written))
    assert net.get_parameter("neuron2.beta").item() == 0.625
    assert net.get_buffer("synapse1.mask")[0].sum() == 59
    fresh = network(seed=1)
    assert torch.equal(net.get_parameter("synapse3.weight"), fresh.get_parameter("synapse3.weight"))
    assert [p.name for p in written.parent.iterdir()] == ["weights.ckpt"]


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "steps": ({"num_steps": 7}, "num_steps = 6 there and 7 here"),
    "encoder bits": ({"encoder_bits": 5}, "encoder: bits = 4 there and 5 here"),
    "encoder source": ({"encoder_source": "lfsr"}, r"encoder: source.kind = 'counter' there and 'lfsr' here"),
    "encoder decorrelator": (
        {"encoder_decorrelator": "permute"}, r"encoder: source.decorrelator = 'shared' there and 'permute' here",
    ),
    "weight bits": ({"synapse1_weight_bits": 4}, "synapse1: weight_bits = 3 there and 4 here"),
    "length": ({"synapse1_bitstream_length": 4}, "synapse1: bitstream_length = 1 there and 4 here"),
    "source": ({"synapse1_source": "lfsr", "synapse1_seed": 3}, r"synapse1: source.seed = 1 there and 3 here"),
    "polynomial": (
        {"synapse1_polynomial": [5, 2]}, r"synapse1: source.taps = \[5, 3\] there and \[5, 2\] here",
    ),
    "weight frac": ({"synapse2_weight_frac": 2}, "synapse2: weight_frac = 3 there and 2 here"),
    "bias": ({"synapse2_bias": True}, r"synapse2: learnt = \['weight'\] there and \['bias', 'weight'\] here"),
    "beta": ({"neuron1_beta": 0.875}, "neuron1: leak_shift = 2 there and 3 here"),
    "leak": ({"neuron1_leak": "multiply"}, "neuron1: leak = 'shift' there and 'multiply' here"),
    "threshold": ({"neuron1_threshold": 1.25}, "neuron1: threshold = 1.0 there and 1.25 here"),
    "thresholds": (
        {"neuron1_threshold": [1.0] * 11 + [2.0]}, r"neuron1: threshold = 1.0 there and \[1.0, 1.0, .*2.0\] here",
    ),
    "compare": ({"neuron1_compare": "ge"}, "neuron1: compare = 'gt' there and 'ge' here"),
    "reset": ({"neuron1_reset_mechanism": "zero"}, "neuron1: reset_mechanism = 'subtract' there and 'zero' here"),
    "reset delay": ({"neuron1_reset_delay": False}, "neuron1: reset_delay = True there and False here"),
    "frac bits": ({"neuron1_frac_bits": 3}, "neuron1: frac_bits = 2 there and 3 here"),
    "delay": ({"neuron1_delay": 1}, "neuron1: delay = 0 there and 1 here"),
    "learnt": ({"neuron2_learn_beta": False, "neuron2_leak": "multiply"}, r"neuron2: learnt = \['beta'\] there and"),
    "readout beta": ({"readout_beta": 0.5}, "readout: leak = 'none' there and 'shift' here"),
    "readout frac": ({"readout_frac_bits": 5}, "readout: frac_bits = 0 there and 5 here"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_another_network_is_refused_by_the_field(written: Path, name: str) -> None:
    changed, message = OTHERS[name]
    refused(network(**changed), written, f"is of another network: {message}.*; build the network that it was written")


def test_one_threshold_of_many_is_named(tmp_path: Path) -> None:
    path = save_weights(network(neuron1_threshold=[1.0] * 12), tmp_path / "a.ckpt")
    other = network(neuron1_threshold=[1.0] * 7 + [1.5] + [1.0] * 4)
    refused(other, path, r"neuron1: threshold\[7\] = 1.0 there and 1.5 here")


def test_a_surrogate_is_no_part_of_the_network(written: Path) -> None:
    load_weights(network(neuron1_spike_grad=torch.sigmoid), written)


def test_other_sizes_and_layers_are_refused(written: Path) -> None:
    layers = [nn.RateEncoder(64, bits=4), nn.SCLinear(64, 10), nn.SNNReadout(10, output_mode="membrane")]
    refused(
        nn.SpikingNetwork(*layers, num_steps=6), written, "layers = 'RateEncoder, SCLinear, LIF, .*SNNReadout' here"
    )
    wide = network()
    wide.synapse1 = nn.SCLinear(64, 13, weight_bits=3)
    refused(wide, written, "synapse1: out_features = 12 there and 13 here")


# ---------------------------------------------------------------- damaged and foreign files


class Bomb:
    """What a pickle runs when it is loaded as code."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def pickled(value: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(value))


@pytest.mark.parametrize(
    ("dump", "load"),
    [
        (torch.save, lambda path: torch.load(path, weights_only=False)),
        (pickled, lambda p: pickle.loads(p.read_bytes())),
    ],
    ids=["torch", "pickle"],
)
def test_code_in_a_file_is_not_run(tmp_path: Path, dump: Callable[..., None], load: Callable[[Path], Any]) -> None:
    mark, path = tmp_path / "mark", tmp_path / "bomb.ckpt"
    dump({"state_dict": {"net.synapse1.weight": Bomb(mark)}}, path)
    refused(network(), path, "objects or code, which is not run; write it with sctorch.train.save_weights")
    assert not mark.exists()
    load(path)  # the bomb is one
    assert mark.exists()


def changed_file(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, path)
    return path


def spoil(key: str, value: float) -> Callable[[dict[str, Any]], object]:
    return lambda checkpoint: checkpoint["state_dict"][key].view(-1)[1:2].fill_(value)


def renamed(checkpoint: dict[str, Any]) -> None:
    checkpoint["state_dict"] = {f"module.{key}": v for key, v in checkpoint["state_dict"].items()}


def resized(checkpoint: dict[str, Any]) -> None:
    checkpoint["state_dict"]["net.synapse1.weight"] = torch.zeros(12, 63)


def widened(checkpoint: dict[str, Any]) -> None:
    checkpoint["state_dict"]["net.synapse1.weight"] = checkpoint["state_dict"]["net.synapse1.weight"].double()


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "NaN": (spoil("net.synapse1.weight", float("nan")), "synapse1.weight holds NaN or infinity; the training diverged"),
    "inf": (spoil("net.neuron2.beta", float("inf")), "is damaged|neuron2.beta holds NaN or infinity"),
    "mask": (spoil("net.synapse1.mask", 0.5), "synapse1.mask holds values other than 0 and 1"),
    "another weight": (spoil("net.synapse1.weight", 0.25), "is damaged: its weights are not those that were written"),
    "no state": (lambda c: c.pop("state_dict"), "has no state_dict of tensors"),
    "state of texts": (lambda c: c.update(state_dict={"net.synapse1.weight": "a"}), "has no state_dict of tensors"),
    "a key less": (lambda c: c["state_dict"].pop("net.synapse3.mask"), "lacks net.synapse3.mask"),
    "a key more": (lambda c: c["state_dict"].update({"net.x": torch.zeros(1)}), r"besides the network's .* net\.x"),
    "other keys": (renamed, r"lacks net\.synapse1\.weight"),
    "shape": (resized, r"synapse1.weight is torch.float32 \(12, 63\), and here torch.float32 \(12, 64\)"),
    "dtype": (widened, r"synapse1.weight is torch.float64 \(12, 64\), and here torch.float32"),
    "no mark": (lambda c: c.pop("sctorch"), "is no checkpoint of sctorch .sctorch-weights/1."),
    "another format": (lambda c: c["sctorch"].update(format="sctorch-weights/9"), "is no checkpoint of sctorch"),
    "mark of text": (lambda c: c.update(sctorch="x"), "is no checkpoint of sctorch"),
    "no description": (lambda c: c["sctorch"].pop("network"), "of another network: it does not say which"),
    "odd description": (lambda c: c["sctorch"].update(network={"layers": [1], "num_steps": 6}), "another network"),
    "no digest": (lambda c: c["sctorch"].pop("sha256"), "is damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_changed_files_are_refused(written: Path, name: str) -> None:
    change, message = CHANGES[name]
    if name == "inf":
        change = lambda c: c["state_dict"]["net.neuron2.beta"].fill_(float("inf"))  # noqa: E731
    refused(network(seed=3), changed_file(written, change), message)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x80\x02", b"PK\x03\x04" + bytes(100), pickle.dumps([1, 2]), bytes(range(256)) * 8],
    ids=["empty", "text", "start of a pickle", "start of a zip", "list", "bytes"],
)
def test_files_of_other_programs_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    refused(network(), path, "sctorch")


@pytest.mark.parametrize("other", [torch.zeros(3), [1, 2], None, {"a": 1}, {"state_dict": {"net.x": torch.zeros(1)}}])
def test_files_of_torch_that_are_not_ours_are_refused(tmp_path: Path, other: Any) -> None:
    torch.save(other, tmp_path / "x.ckpt")
    refused(network(), tmp_path / "x.ckpt", "is no checkpoint of sctorch")


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    refused(network(), tmp_path / "none.ckpt", "cannot read .*No such file")
    refused(network(), tmp_path, "cannot read .*Is a directory|no checkpoint")


def test_cut_and_flipped_files_never_load_something_else(written: Path) -> None:
    """Wherever a file is cut or a byte of it is changed: an error of ours, or the very same weights."""
    data = written.read_bytes()
    net, wanted = network(seed=3), network(seed=1)
    load_weights(wanted, written)
    numbers = np.random.default_rng(0)
    failures = 0
    for trial in range(120):
        place = int(numbers.integers(len(data)))
        bad = data[:place] if trial % 3 == 0 else data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :]
        written.write_bytes(bad)
        before = state(net)
        try:
            load_weights(net, written)
        except ConfigError:
            failures += 1
            assert same(before, state(net))
        else:
            assert same(state(wanted), state(net)), place
            net = network(seed=3)
    assert failures > 60


@pytest.mark.parametrize("bad", [None, 3, 2.5, ["x"], {}])
def test_a_path_is_a_path(bad: Any) -> None:
    with pytest.raises(ConfigError, match=r"load_weights: path = .* must be a path"):
        load_weights(network(), bad)
    with pytest.raises(ConfigError, match=r"save_weights: path = .* must be a path"):
        save_weights(network(), bad)
    for call in (load_weights, save_weights):
        with pytest.raises(ConfigError, match="_weights: net must be a SpikingNetwork, not Linear"):
            call(torch.nn.Linear(2, 2), "x.ckpt")  # type: ignore[arg-type]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot write .*; choose a folder that can be written"):
        save_weights(network(), tmp_path / "file" / "weights.ckpt")
    (tmp_path / "folder.ckpt").mkdir()
    with pytest.raises(ConfigError, match="cannot write"):
        save_weights(network(), tmp_path / "folder.ckpt")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.ckpt"], "nothing half written"


# ---------------------------------------------------------------- Lightning's own


def test_what_fit_writes_knows_its_network(tmp_path: Path) -> None:
    net = network()
    result = fit(net, Digits(), TrainConfig(epochs=1, progress_bar=False), folder=tmp_path)
    for path in (result.last_checkpoint, result.best_checkpoint):
        assert path is not None
        other = network(seed=1)
        load_weights(other, path)
        assert same(state(net), state(other))
        refused(network(neuron1_compare="ge"), path, "neuron1: compare = 'gt' there and 'ge' here")


@pytest.mark.filterwarnings("ignore")  # of Lightning, on worker processes and on torch's newer names
def test_a_training_is_taken_up_again_by_its_own_network_alone(tmp_path: Path) -> None:
    def trainer(epochs: int) -> lightning.Trainer:
        return lightning.Trainer(
            max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        )  # fmt: skip

    path = tmp_path / "full.ckpt"
    first = trainer(1)
    first.fit(Classifier(network(), schedule="none"), Digits(val_fraction=0))
    first.save_checkpoint(path)
    net = network(seed=1)
    trainer(2).fit(Classifier(net, schedule="none"), Digits(val_fraction=0), ckpt_path=path)
    load_weights(net, path)
    other = network(neuron1_frac_bits=3, seed=1)
    before = state(other)
    with pytest.raises(ConfigError, match="the checkpoint is of another network: neuron1: frac_bits = 2 there and 3"):
        trainer(2).fit(Classifier(other, schedule="none"), Digits(val_fraction=0), ckpt_path=path)
    assert same(before, state(other))
