"""The recipe's YAML text as plain data, and fields given on the command line put into it. No torch here."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from sctorch.errors import ConfigError

__all__ = ["read_plain", "split_arguments", "with_overrides"]

Overrides = list[tuple[str, str]]


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML that refuses a key given twice; plain YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_plain(path: Path) -> dict[str, Any]:
    """The recipe as YAML gives it, unchecked; ConfigError if it is no mapping at all."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot read the recipe {path}: {reason}") from error
    try:
        plain = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f"{error.problem_mark.line + 1}" if error.problem_mark else "?"
        raise ConfigError(f"{path}, line {line}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(plain, dict) or not all(isinstance(key, str) for key in plain):
        raise ConfigError(f"{path} holds no recipe: expected fields such as name, data, network, train")
    return plain


def split_arguments(arguments: Sequence[str], flags: Sequence[str]) -> tuple[list[str], Overrides]:
    """Separate `--field value` and `--field=value` from the verb's own flags and positionals."""
    rest: list[str] = []
    overrides: Overrides = []
    left = list(arguments)
    while left:
        token = left.pop(0)
        name, equals, value = token.partition("=")
        if not token.startswith("--") or name in flags or token == "--":
            rest.append(token)
        elif equals:
            overrides.append((name[2:], value))
        elif left and not left[0].startswith("--"):
            overrides.append((name[2:], left.pop(0)))
        else:
            raise ConfigError(f"{token} needs a value: {token} VALUE")
    return rest, overrides


def with_overrides(plain: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    """A copy of the recipe with fields replaced.

    A field is a dotted path; an item of a list goes by its number from 0, and the init_args of a
    class need not be named: ``network.layers.1.weight_bits``. Values stay text; the recipe's types
    read them.
    """
    result: dict[str, Any] = _copy(plain)
    for path, value in overrides:
        where: Any = result
        *parents, last = path.replace("-", "_").split(".")
        for i, key in enumerate([*parents, last]):
            if isinstance(where, dict) and "class_path" in where and key not in ("class_path", "init_args"):
                where = _enter(where, "init_args", path)
            if i == len(parents):
                # a backend's options have no types here to read the text by, so YAML reads it
                _put(where, last, yaml.safe_load(value) if "options" in parents else value, path)
            else:
                where = _enter(where, key, path)
    return result


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(entry) for key, entry in value.items()}
    return [_copy(entry) for entry in value] if isinstance(value, list) else value


def _index(where: list[Any], key: str, path: str) -> int:
    if not key.isdecimal() or int(key) >= len(where):
        raise ConfigError(f"--{path}: {key!r} is no item of that list; allowed: 0 to {len(where) - 1}")
    return int(key)


def _enter(where: Any, key: str, path: str) -> Any:
    if isinstance(where, list):
        return where[_index(where, key, path)]
    if not isinstance(where, dict):
        raise ConfigError(f"--{path}: there is nothing inside {where!r}")
    if where.get(key) is None:
        where[key] = {}
    return where[key]


def _put(where: Any, key: str, value: Any, path: str) -> None:
    if isinstance(where, list):
        where[_index(where, key, path)] = value
    elif isinstance(where, dict):
        where[key] = value
    else:
        raise ConfigError(f"--{path}: there is nothing inside {where!r}")
