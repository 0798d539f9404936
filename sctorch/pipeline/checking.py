"""A recipe's plain data checked against its types, with errors of one line that name the field."""

from __future__ import annotations

import difflib
import importlib
import inspect
import re
from argparse import ArgumentError
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentParser

from sctorch import data, nn
from sctorch.compress import PruneConfig
from sctorch.errors import ConfigError, SctorchError
from sctorch.lower import lower
from sctorch.nn import RateEncoder, SCLinear, SNNReadout, SpikingNetwork
from sctorch.pipeline.recipe import NetworkPart, Recipe, ReferencePart, ReportPart, SynthPart, VerifyPart
from sctorch.train import TrainConfig
from sctorch.train.losses import chosen_loss

__all__ = ["CheckedRecipe", "check"]

_PARTS: Mapping[str, type] = {
    "network": NetworkPart, "train": TrainConfig, "verify": VerifyPart, "synth": SynthPart, "report": ReportPart,
}  # fmt: skip
_OPTIONAL_PARTS: Mapping[str, type] = {"prune": PruneConfig, "reference": ReferencePart}
# Lines of jsonargparse's messages that tell where, and those that tell nothing.
_NOISE = re.compile(
    r"Problem with given class_path '(.+)':|Parser key \"(.+)\":|Errors:|Does not validate.*|Subtypes:.*"
)


@dataclass(frozen=True)
class CheckedRecipe:
    """A recipe whose every field has the right name and type.

    Parameters
    ----------
    plain : all fields, defaults filled in, as JSON can hold them. where : the file it came from.
    """

    plain: dict[str, Any]
    where: str

    def build(self) -> Recipe:
        """Make every object of the recipe, the network's first weights from its seed."""
        parser = _parser()
        config = parser.parse_object(deepcopy(self.plain))  # it changes what it is given
        torch.manual_seed(self.plain["seed"])
        try:
            made = (parser.instantiate if hasattr(parser, "instantiate") else parser.instantiate_classes)(config)
            return Recipe(**{entry.name: getattr(made, entry.name) for entry in fields(Recipe)})
        except SctorchError as error:
            raise ConfigError(f"{self.where}: {error}") from error
        except ValueError as error:  # jsonargparse's, around one of ours, where a field may also be null
            raise ConfigError(f"{self.where}: {_explain(str(error), self.plain)}") from error


@lru_cache(maxsize=1)
def _parser() -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Recipe, None, fail_untyped=True)
    return parser


def check(plain: dict[str, Any], where: str | Path) -> CheckedRecipe:
    """Check names and types, then that the layers fit together.

    Raises
    ------
    ConfigError
        One line: the file, the field, what is wrong and what is allowed.
    """
    _check_groups(plain, str(where))
    try:
        config = _parser().parse_object(deepcopy(plain))
    except ArgumentError as error:
        raise ConfigError(f"{where}: {_explain(str(error), plain)}") from None
    checked = CheckedRecipe(config.as_dict(), str(where))
    recipe = checked.build()
    try:
        net = recipe.network.build()
        if recipe.name in net.names:
            raise ConfigError(f"name: a layer is called {recipe.name!r} as well; choose another")
        _check_name(recipe.name)
        _check_data(recipe, net)
        chosen_loss(recipe.train.loss, net.readout)
    except SctorchError as error:
        raise ConfigError(f"{where}: {error}") from error
    return checked


def _check_name(name: str) -> None:
    """Lower the smallest network under that name, since the integer network has the rules for names."""
    lower(
        SpikingNetwork(RateEncoder(1, 1), SCLinear(1, 1, 1), SNNReadout(1, output_mode="membrane"), num_steps=1), name
    )


def _check_data(recipe: Recipe, net: SpikingNetwork) -> None:
    data: Any = recipe.data
    encoder: Any = net.encoder
    if not hasattr(data, "test_arrays"):
        raise ConfigError(f"data: {type(data).__name__} has no test_arrays(), which a recipe needs")
    for what, has, wants in (
        ("features", data.n_features, encoder.n_features),
        ("classes", data.n_classes, net.readout.size),
    ):
        if has != wants:
            raise ConfigError(f"the data has {has} {what}, but the network is made for {wants}")
    rows = len(data.test_arrays()[0])
    for field, value in (("report.window", recipe.report.window), ("verify.windows", (recipe.verify.windows or 1) - 1)):
        if value >= rows:
            raise ConfigError(f"{field} goes beyond the {rows} rows of the test split")


def _check_groups(plain: dict[str, Any], where: str) -> None:
    known = [entry.name for entry in fields(Recipe)]
    for key, value in plain.items():
        if key not in known:
            raise ConfigError(f"{where}: {key!r} is no field of a recipe{_hint(key, known)}")
        if key in _PARTS and not isinstance(value, dict):
            raise ConfigError(f"{where}: {_must_hold(key, value)}")


def _must_hold(key: str, value: object) -> str:
    part = _PARTS.get(key) or _OPTIONAL_PARTS[key]
    none = ", or be null" if key in _OPTIONAL_PARTS else ""
    return f"{key} must hold the fields {', '.join(entry.name for entry in fields(part))}{none}; got {value!r}"


def _hint(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"


def _explain(text: str, plain: dict[str, Any]) -> str:
    """jsonargparse's message, many lines deep, as one line with the whole path of the field."""
    group = re.fullmatch(r"Group '(.+)' does not accept option '(.+)'", text)
    if group:
        known = [entry.name for entry in fields(_PARTS[group[1]])]
        return f"{group[1]}.{group[2]} is unknown{_hint(group[2], known)}"
    lines = [line.strip().lstrip("- ") for line in text.splitlines()]
    path: list[str] = []
    class_path = ""
    for line in lines:
        found = _NOISE.fullmatch(line)
        if found is None:
            return _line(path, class_path, line)
        if found[2]:
            path += found[2].split(".")
            path += _first_bad_item(path, plain)
        class_path = found[1] or class_path
    return " ".join(lines)


def _line(path: list[str], class_path: str, line: str) -> str:
    option = re.fullmatch(r"Option '(.+)' is not accepted", line)
    shown = class_path and not class_path.startswith("sctorch.pipeline")
    place = ".".join(path) + (f" ({class_path})" if shown else "")
    unknown = re.fullmatch(r"Expected a dot import path string: (.*)", line)
    if unknown and path[0] in _OPTIONAL_PARTS:
        return _must_hold(path[0], unknown[1])
    if unknown:
        module = data if path[0] == "data" else nn
        classes = [f"{module.__name__}.{name}" for name in module.__all__]
        return f"{place}: {unknown[1]!r} is no class{_hint(unknown[1], classes)}"
    if option:
        return f"{place}: {option[1]!r} is unknown{_hint(option[1], _names(class_path))}"
    line = re.sub(r"Expected an? <class '(\w+)'>\.", r"expected \1.", line)
    return f"{place}: {line}" if place else line


def _first_bad_item(path: list[str], plain: dict[str, Any]) -> list[str]:
    """Which item of a list is meant: the first that makes a shorter list fail."""
    value: Any = plain
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return []
    for count in range(1, len(value) + 1):
        part: Any = value[:count]
        if len(path) == 2:  # lists lie at the top of a recipe, or in one of its parts
            part = {**plain[path[0]], path[1]: part}
        try:
            _parser().parse_object(deepcopy({**plain, path[0]: part}))
        except ArgumentError:
            return [str(count - 1)]
    return []


def _names(class_path: str) -> list[str]:
    module, _, name = class_path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module or "sctorch.nn"), name)
    except (ImportError, AttributeError):
        return []
    if is_dataclass(found):
        return [entry.name for entry in fields(found)]
    parameters = inspect.signature(found.__init__).parameters.values()
    names = [p.name for p in parameters if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if issubclass(found, nn.Block):  # which hands every other field on to its neurons
        names += [name for name in inspect.signature(nn.LIF).parameters if name != "size"]
    return names
