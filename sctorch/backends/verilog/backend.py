"""The verilog backend's door: which architecture a design gets, and which one a folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sctorch import ir
from sctorch.backends.design import read_description
from sctorch.backends.verilog.design import VerilogDesign
from sctorch.backends.verilog.estimate import estimate_folded, estimate_unrolled
from sctorch.backends.verilog.folded import design as folded
from sctorch.backends.verilog.unrolled import design as unrolled
from sctorch.errors import ConfigError, UnsupportedError
from sctorch.hardware.targets import get_target

__all__ = ["ARCHITECTURES", "OPTIONS", "check", "choose", "export", "load"]

ARCHITECTURES = ("unrolled", "folded", "auto")
OPTIONS: dict[str, Any] = {**unrolled.OPTIONS, **folded.OPTIONS}  # of any architecture, with their defaults
# Shares of a part's LUTs that an estimate may take: it may be wrong, and routing needs room.
UNROLLED_SHARE, FOLDED_SHARE = 0.6, 0.8


def check(network: ir.Network, options: Mapping[str, Any], target: str | None = None) -> tuple[Any, dict[str, Any]]:
    """The design's parts and the full options, or the error that `export` would raise for them."""
    chosen, _ = _resolve(network, options, target)
    return _module(chosen).check(network, chosen, target)


def export(network: ir.Network, folder: Path, options: Mapping[str, Any], target: str | None = None) -> VerilogDesign:
    """Write the design of the architecture asked for; "auto" picks one by the target, and design.json says why."""
    chosen, reason = _resolve(network, options, target)
    facts = {"architecture_reason": reason} if reason else {}
    design: VerilogDesign = _module(chosen).export(network, folder, chosen, target, facts)
    return design


def load(folder: Path) -> VerilogDesign:
    """A design that `export` wrote."""
    network, description = read_description(Path(folder))
    options = description["options"]
    kind: type[VerilogDesign] = unrolled.UnrolledDesign
    if options.get("architecture") == "folded":
        kind = folded.FoldedDesign
    return kind(Path(folder), network, options)


def _module(options: Mapping[str, Any]) -> Any:
    return folded if options.get("architecture") == "folded" else unrolled


def _resolve(network: ir.Network, options: Mapping[str, Any], target: str | None) -> tuple[dict[str, Any], str]:
    """The options with the architecture decided, and why if that was left open."""
    wanted = options.get("architecture", "unrolled")
    if wanted not in ARCHITECTURES:
        raise ConfigError(
            f"verilog backend: architecture {wanted!r} is unknown; known: {', '.join(ARCHITECTURES)}"
        )  # fmt: skip
    if wanted != "auto":
        return dict(options), ""
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ConfigError(f"verilog backend: option {unknown[0]!r} is unknown; known: {', '.join(OPTIONS)}")
    if target is None:
        raise ConfigError("verilog backend: architecture 'auto' needs a target; name one, or choose unrolled or folded")
    picked, reason = choose(network, options, target)
    own = (folded if picked == "folded" else unrolled).OPTIONS
    return {name: value for name, value in options.items() if name in own} | {"architecture": picked}, reason


def choose(network: ir.Network, options: Mapping[str, Any], target: str) -> tuple[str, str]:
    """The architecture for a target, and the reason as a sentence.

    Unrolled if its estimate fits, since it is faster; folded if that one's does.

    Raises
    ------
    UnsupportedError
        If neither fits.
    """
    part = get_target(target)
    reasons = []
    for name, share in (("unrolled", UNROLLED_SHARE), ("folded", FOLDED_SHARE)):
        if name == "unrolled" and options.get("load_weights"):
            reasons.append("unrolled has its weights in logic, where none can be loaded")
            continue
        module = folded if name == "folded" else unrolled
        own = {k: v for k, v in options.items() if k in module.OPTIONS} | {"architecture": name}
        try:
            parts = module.check(network, own, target)[0]
        except UnsupportedError as error:
            reasons.append(f"{name} cannot do it ({error})")
            continue
        needs = estimate_folded(parts, part) if name == "folded" else estimate_unrolled(parts, part)
        text = f"{name} takes an estimated {needs.luts} LUTs and {needs.brams} memory blocks"
        if needs.fits(part, share):
            reasons.append(
                f"{text}, within {share:.0%} of the {part.luts} LUTs and the {part.brams} blocks of {part.name}"
            )
            return name, "; ".join(reasons)
        reasons.append(f"{text}, too much for {part.name}")
    raise UnsupportedError(
        f"a network of this size ({'; '.join(reasons)})",
        "verilog backend, architecture 'auto'",
        "Prune it, take a larger target, or name the architecture yourself.",
    )
