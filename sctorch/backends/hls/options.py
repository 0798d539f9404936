"""What an hls export may be asked for, and the errors for what it may not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from sctorch import ir
from sctorch.backends.hls.widths import MAX_WIDTH, Tensor
from sctorch.errors import ConfigError, ToolNotFoundError, UnsupportedError

__all__ = [
    "OPTIONS",
    "Multiplier",
    "check_installed",
    "check_options",
    "check_precision",
    "multipliers",
    "valid_reuse_factors",
]

OPTIONS: dict[str, Any] = {
    "part": "xc7a100tcsg324-1",
    "clock_period_ns": 5,
    "io_type": "io_parallel",
    "window": "fixed",
    "strategy": "latency",
    "reuse_factor": 1,
    "precision": {},
    "native": False,
}
IO_TYPES = ("io_parallel", "io_stream")
WINDOWS = ("fixed", "last")
STRATEGIES = ("latency", "resource", "distributed_arithmetic")


@dataclass(frozen=True)
class Multiplier:
    """hls4ml's knobs of one fixed synapse."""

    strategy: str = "latency"
    reuse_factor: int = 1


def valid_reuse_factors(n_in: int, n_out: int) -> list[int]:
    """Those that hls4ml's resource strategy can do for n_in x n_out weights; it changes any other silently."""
    below = [r for r in range(1, n_in + 1) if n_in % r == 0]
    return below + [n_in * k for k in range(2, n_out + 1) if n_out % k == 0]


def check_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """All options, those not given at their defaults; those of single layers are left to the functions below."""
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ConfigError(f"hls backend: option {unknown[0]!r} is unknown; known: {', '.join(OPTIONS)}")
    chosen = {**OPTIONS, **options}
    if not isinstance(chosen["part"], str) or not re.fullmatch(r"[A-Za-z0-9_-]+", chosen["part"]):
        raise ConfigError(f"hls backend: part = {chosen['part']!r} is not a part name such as {OPTIONS['part']}")
    period = chosen["clock_period_ns"]
    if isinstance(period, bool) or not isinstance(period, int | float) or not 0 < period <= 1000:
        raise ConfigError(f"hls backend: clock_period_ns = {period!r} is outside 0 to 1000")
    for name, allowed in (("io_type", IO_TYPES), ("window", WINDOWS)):
        if chosen[name] not in allowed:
            raise ConfigError(f"hls backend: {name} = {chosen[name]!r} is not one of {', '.join(allowed)}")
    if not isinstance(chosen["native"], bool):
        raise ConfigError(f"hls backend: native = {chosen['native']!r} must be True or False")
    if chosen["window"] == "last" and chosen["io_type"] != "io_stream":
        raise ConfigError("hls backend: window = 'last' travels in packets; choose io_type 'io_stream' with it")
    return chosen


def multipliers(network: ir.Network, chosen: Mapping[str, Any]) -> dict[str, Multiplier]:
    """The knobs of every fixed synapse, by layer name."""
    strategies = _by_layer(network, "strategy", chosen["strategy"])
    factors = _by_layer(network, "reuse_factor", chosen["reuse_factor"])
    return {
        layer.name: _multiplier(layer, strategies[layer.name], factors[layer.name])
        for layer in network.synapses
        if isinstance(layer, ir.FixedSynapse)
    }


def _by_layer(network: ir.Network, option: str, value: Any) -> dict[str, Any]:
    """One value for all fixed synapses, or a mapping of some of their names."""
    fixed = [layer.name for layer in network.synapses if isinstance(layer, ir.FixedSynapse)]
    if not isinstance(value, Mapping):
        if value != OPTIONS[option] and not fixed:
            raise _no_multipliers(f"{option} = {value!r}", "this network has stochastic synapses alone")
        return dict.fromkeys(fixed, value)
    for name in value:
        if name in {layer.name for layer in network.synapses} - set(fixed):
            raise _no_multipliers(f"{option} of {name!r}", "it is a stochastic synapse")
        if name not in fixed:
            known = ", ".join(fixed) or "none"
            raise ConfigError(f"hls backend: {option} names {name!r}, which is no fixed synapse; there are: {known}")
    return {name: value.get(name, OPTIONS[option]) for name in fixed}


def _no_multipliers(what: str, why: str) -> UnsupportedError:
    return UnsupportedError(
        what, "hls backend", f"It shares multipliers, but {why}: it has none. Leave the option out, or use FixedLinear."
    )


def _multiplier(layer: ir.FixedSynapse, strategy: Any, factor: Any) -> Multiplier:
    where = f"hls backend, layer {layer.name}"
    if strategy not in STRATEGIES:
        raise ConfigError(f"{where}: strategy = {strategy!r} is not one of {', '.join(STRATEGIES)}")
    if strategy == "distributed_arithmetic":
        allowed = [1]
    elif strategy == "resource":
        allowed = valid_reuse_factors(layer.n_inputs, layer.size)
    else:
        allowed = list(range(1, layer.n_inputs * layer.size + 1))
    if isinstance(factor, bool) or not isinstance(factor, int) or factor not in allowed:
        known = f"1 to {allowed[-1]}" if strategy == "latency" else ", ".join(str(f) for f in allowed)
        raise ConfigError(
            f"{where}: reuse_factor = {factor!r} does not fit {layer.n_inputs} x {layer.size} weights with strategy "
            f"{strategy!r}; valid: {known}"
        )
    return Multiplier(strategy, factor)


def check_installed(knobs: Mapping[str, Multiplier]) -> None:
    """ToolNotFoundError where a layer's strategy needs da4ml and there is none; a finished export needs none."""
    for name, knob in knobs.items():
        if knob.strategy == "distributed_arithmetic" and find_spec("da4ml") is None:
            raise ToolNotFoundError(
                f"hls backend, layer {name}: the package da4ml, for strategy 'distributed_arithmetic',",
                "Install it with: pip install da4ml. Or choose strategy 'latency' or 'resource'.",
            )


def check_precision(
    chosen: Mapping[str, Any], tensors: Mapping[str, Tensor], knobs: Mapping[str, Multiplier], trained: bool = True
) -> dict[str, int]:
    """The widths that the user gave, by tensor; the values of constants count only once they are `trained`."""
    given = chosen["precision"]
    if not isinstance(given, Mapping):
        raise ConfigError(
            f"hls backend: precision = {given!r} must map tensors to bits, such as {{'neuron1.membrane': 8}}"
        )
    for name, bits in given.items():
        if name not in tensors:
            raise ConfigError(f"hls backend: precision names {name!r}; known: {', '.join(tensors)}")
        layer, _, part = name.rpartition(".")
        if part != "result" and layer in knobs and knobs[layer].strategy == "distributed_arithmetic":
            raise UnsupportedError(
                f"a precision of {name}", "hls backend",
                "distributed_arithmetic makes adders of the constants; only the result has a width of its own.",
            )  # fmt: skip
        least = tensors[name].least if trained or part == "decision" else 1
        if isinstance(bits, bool) or not isinstance(bits, int) or not least <= bits <= MAX_WIDTH:
            why = f"; its values need {least}" if tensors[name].is_constant and bits in range(least) else ""
            raise ConfigError(
                f"hls backend: precision of {name} = {bits!r} is outside {least} to {MAX_WIDTH} bits{why}"
            )
    return dict(given)
