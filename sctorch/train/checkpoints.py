"""Files of weights that know which network they belong to, and are loaded whole or not at all.

The form is Lightning's: a dict with "state_dict", keys "net.<...>". Beside it stands, under
"sctorch", what the network was: every field that decides what the weights mean.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sctorch.checks import check_instance, check_path
from sctorch.errors import ConfigError
from sctorch.nn import SpikingNetwork
from sctorch.nn.description import describe

__all__ = ["check_checkpoint", "load_weights", "mark_checkpoint", "save_weights"]

FORMAT = "sctorch-weights/1"
PREFIX = "net."
_OURS = "write it with sctorch.train.save_weights, fit or Classifier"


def mark_checkpoint(checkpoint: dict[str, Any], net: SpikingNetwork) -> None:
    """Add to a checkpoint whose state_dict is there what its network is, and a digest of the network's tensors."""
    checkpoint["sctorch"] = {
        "format": FORMAT,
        "network": describe(net.named_layers(), net.num_steps),
        "sha256": _digest(_own(checkpoint["state_dict"])),
    }


def save_weights(net: SpikingNetwork, path: str | Path) -> Path:
    """Write the weights and masks of a network to a file that `load_weights` reads; written whole or not at all.

    Raises
    ------
    ConfigError
        If the file cannot be written.
    """
    check_instance(net, SpikingNetwork, "save_weights: net", "a SpikingNetwork")
    check_path(path, "save_weights: path")
    checkpoint: dict[str, Any] = {"state_dict": {f"{PREFIX}{k}": v.cpu() for k, v in net.state_dict().items()}}
    mark_checkpoint(checkpoint, net)
    path = Path(path)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            torch.save(checkpoint, file)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise ConfigError(f"cannot write {path}: {error.strerror}; choose a folder that can be written") from error
    return path


def load_weights(net: SpikingNetwork, path: str | Path) -> None:
    """Put the weights and masks of a file that `save_weights`, `fit` or a `Classifier` wrote into the same network.

    The file is read as data; code in it is not run. A network is changed when everything fits,
    and not at all otherwise.

    Raises
    ------
    ConfigError
        If the file cannot be read, is damaged or another program's, holds values that are not
        finite, or was written by a network that differs in any field: the first one is named.
    """
    check_instance(net, SpikingNetwork, "load_weights: net", "a SpikingNetwork")
    check_path(path, "load_weights: path")
    net.load_state_dict(check_checkpoint(net, _read(Path(path)), str(path)))


def _read(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, on what a damaged file looks like
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}; give the path of a checkpoint") from error
    except pickle.UnpicklingError as error:
        raise ConfigError(
            f"{path} is no file of weights alone: it is damaged, or holds objects or code, which is not run; {_OURS}"
        ) from error
    except Exception as error:  # a damaged file can make the unpickler fail in any way
        raise ConfigError(
            f"{path} is no checkpoint, or a damaged one ({type(error).__name__}: {_line(error)}); {_OURS}"
        ) from error


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:120]


def check_checkpoint(net: SpikingNetwork, checkpoint: Any, where: str) -> dict[str, Tensor]:
    """The state of the network in a checkpoint; ConfigError unless all of it fits. The network stays as it is."""
    about = checkpoint.get("sctorch") if isinstance(checkpoint, Mapping) else None
    if not isinstance(about, Mapping) or about.get("format") != FORMAT:
        raise ConfigError(f"{where} is no checkpoint of sctorch ({FORMAT}); {_OURS}")
    state = checkpoint.get("state_dict")
    if not isinstance(state, Mapping) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()
    ):
        raise ConfigError(f"{where} has no state_dict of tensors; {_OURS}")
    difference = _difference(about.get("network"), describe(net.named_layers(), net.num_steps))
    if difference:
        raise ConfigError(f"{where} is of another network: {difference}; build the network that it was written by")
    own = _own(state)
    _check_tensors(own, net.state_dict(), where)
    if _digest(own) != about.get("sha256"):
        raise ConfigError(f"{where} is damaged: its weights are not those that were written; get the file again")
    return own


def _own(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(PREFIX): value for key, value in state.items() if key.startswith(PREFIX)}


def _digest(state: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for key in sorted(state):
        value = state[key].detach().cpu().contiguous()
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _check_tensors(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], where: str) -> None:
    for key in [*wanted, *given]:
        if key not in given or key not in wanted:
            text = "lacks" if key not in given else "has besides the network's tensors"
            raise ConfigError(f"{where} {text} {PREFIX}{key}; {_OURS}")
        has, needs = given[key], wanted[key]
        if has.layout != torch.strided or (has.shape, has.dtype) != (needs.shape, needs.dtype):
            raise ConfigError(
                f"{where}: {key} is {has.dtype} {tuple(has.shape)}, and here {needs.dtype} {tuple(needs.shape)}; "
                "build the network that it was written by"
            )
        if not torch.isfinite(has).all():
            raise ConfigError(
                f"{where}: {key} holds NaN or infinity; the training diverged: take an earlier checkpoint"
            )
        if key.rpartition(".")[2] == "mask" and not ((has == 0) | (has == 1)).all():
            raise ConfigError(f"{where}: {key} holds values other than 0 and 1; {_OURS}")


def _difference(given: Any, wanted: Mapping[str, Any]) -> str:
    """The first field in which two networks differ, with both values; empty where they do not."""
    there, here = (given.get("layers") if isinstance(given, Mapping) else None), wanted["layers"]
    if not isinstance(there, list) or not all(isinstance(layer, Mapping) for layer in there):
        return "it does not say which"
    if given.get("num_steps") != wanted["num_steps"]:
        return _both("num_steps", given.get("num_steps"), wanted["num_steps"])
    kinds = [", ".join(str(layer.get("kind")) for layer in layers) for layers in (there, here)]
    if kinds[0] != kinds[1]:
        return _both("layers", *kinds)
    pairs = zip(there, here, strict=True)
    return next(filter(None, (_field(a, b, b["name"] + ": ") for a, b in pairs)), "")


def _field(there: Any, here: Any, path: str) -> str:
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        inside = path if path.endswith(": ") else f"{path}."
        keys = [*here, *(key for key in there if key not in here)]
        return next(filter(None, (_field(there.get(k), here.get(k), f"{inside}{k}") for k in keys)), "")
    if isinstance(there, list) and isinstance(here, list) and len(there) == len(here) > 8:
        return next(filter(None, (_field(there[k], here[k], f"{path}[{k}]") for k in range(len(here)))), "")
    return "" if type(there) is type(here) and there == here else _both(path, there, here)


def _both(path: str, there: Any, here: Any) -> str:
    shown = [text if len(text) < 100 else f"{text[:100]}..." for text in (repr(there), repr(here))]
    return f"{path} = {shown[0]} there and {shown[1]} here"
