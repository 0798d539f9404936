"""estimate(): what a network would take of a target, without writing or synthesising anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sctorch import ir
from sctorch.backends.verilog.backend import ARCHITECTURES, choose
from sctorch.backends.verilog.folded import design as folded
from sctorch.backends.verilog.folded.plan import FoldedPlan
from sctorch.backends.verilog.unrolled import design as unrolled
from sctorch.checks import check_choice
from sctorch.cost.energy import Activity, Energy, energy_of
from sctorch.cost.structure.folded import count_folded
from sctorch.cost.structure.unrolled import count_unrolled
from sctorch.cost.surrogate.model import predict
from sctorch.errors import ConfigError
from sctorch.hardware.targets import Target, get_target

__all__ = ["Estimate", "Figure", "estimate"]


@dataclass(frozen=True)
class Figure:
    """A number and where it comes from.

    value : None where it is not known. kind : "analytic" (it follows from the plan), "surrogate" (a model fitted to
    synthesis runs), "measured" or "unknown". within : the share of the value that nine of ten networks outside the fit
    were within; 0 where the number is exact. note : what there is to say besides.
    """

    value: float | None
    kind: str
    within: float = 0.0
    note: str = ""

    def __post_init__(self) -> None:
        check_choice(self.kind, ("analytic", "surrogate", "measured", "unknown"), "figure's kind")

    @property
    def low(self) -> float | None:
        return None if self.value is None else self.value * (1 - min(1.0, self.within))

    @property
    def high(self) -> float | None:
        return None if self.value is None else self.value * (1 + self.within)


@dataclass(frozen=True)
class Estimate:
    """What a design would take.

    luts, ffs, carry : as yosys counts them for the family (`sctorch.cost.synthesize`). brams : blocks of the target's
    size. fmax : MHz, as nextpnr reaches it. latency_cycles : clocks from a timestep's first one to its decision; of a
    folded design at most. cycles_per_inference : clocks from one window's start to the next one's. energy_nj : of one
    inference; `energy` has its parts. structure : the counts that all of this follows from, exact.
    outside : in what the design is unlike any network of the runs; its figures may then be far off.
    """

    target: str
    architecture: str
    luts: Figure
    ffs: Figure
    carry: Figure
    brams: Figure
    dsps: Figure
    fmax: Figure
    latency_cycles: Figure
    cycles_per_inference: Figure
    energy_nj: Figure
    energy: Energy | None = None
    structure: Mapping[str, int] = field(default_factory=dict)
    outside: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the part has as many LUTs, flip-flops, block RAMs and DSPs as the estimate says."""
        part = get_target(self.target)
        return all(
            getattr(self, kind).value is not None and getattr(self, kind).value <= getattr(part, kind)
            for kind in ("luts", "ffs", "brams", "dsps")
        )

    def figures(self) -> dict[str, Figure]:
        """Every figure by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), Figure)}


def estimate(
    net: Any,
    target: str = "ice40-hx8k",
    architecture: str = "auto",
    activity: Activity | None = None,
    coefficients: Mapping[str, float] | None = None,
    clock_mhz: float | None = None,
    **options: Any,
) -> Estimate:
    """What a network would take of a target: in milliseconds, where synthesis takes minutes.

    Structure (adders and their bits, registers, memories, clocks) is counted in the plan that the backend emits, and
    is exact; LUTs, carry cells and the clock come of a model that is fitted to synthesis runs (docs/cost.md says how
    well). The bare core is counted, without an interface around it.

    Parameters
    ----------
    net : a torch network or an integer network.
    target : a name or alias of `sctorch.hardware.targets`.
    architecture : "unrolled", "folded", or "auto", which is what an export with "auto" takes.
    activity : of `switching_activity`, for the energy of switching.
    coefficients : energy coefficients that go before the target's own, which have a source each (docs/targets.md).
    clock_mhz : for the energy at rest; by default the target's usual clock.
    options : the backend's own, such as inputs_per_clock.

    Raises
    ------
    ConfigError
        For an unknown target, architecture or option.
    UnsupportedError
        For a network that the architecture cannot do, or that with "auto" fits in neither.
    """
    part = get_target(target)
    check_choice(architecture, ARCHITECTURES, "estimate: architecture")
    if options.get("interface", "core") != "core" or options.get("load_weights"):
        raise ConfigError("estimate: interfaces are not modelled; leave interface and load_weights out")
    network = _network(net)
    if architecture == "auto":
        architecture, _ = choose(network, options, target)
    module: Any = folded if architecture == "folded" else unrolled
    own = {name: value for name, value in options.items() if name in module.OPTIONS}
    for name in options:
        if name not in folded.OPTIONS and name not in unrolled.OPTIONS:
            raise ConfigError(f"estimate: option {name!r} is unknown; known: {', '.join(module.OPTIONS)}")
    plan = module.check(network, own | {"architecture": architecture}, target)[0]
    return _estimate(plan, part, architecture, activity, coefficients, clock_mhz)


def _network(net: Any) -> ir.Network:
    if isinstance(net, ir.Network):
        return net
    from sctorch.lower import lower  # torch loads only for a network of torch

    return lower(net)


def _estimate(
    plan: Any,
    part: Target,
    architecture: str,
    activity: Activity | None,
    coefficients: Mapping[str, float] | None,
    clock_mhz: float | None,
) -> Estimate:
    tally = (count_folded if isinstance(plan, FoldedPlan) else count_unrolled)(plan, part.family)
    outside: list[str] = []
    found: dict[str, Figure] = {}
    for name, what in (("luts", "luts"), ("ffs", "ffs"), ("carry", "carries"), ("fmax", "period_ns")):
        prediction = predict(what, tally, architecture, part.family)
        if prediction is None:
            found[name] = Figure(None, "unknown", note=f"no run for {part.family} says so")
            continue
        value = 1000 / prediction.value if name == "fmax" else float(round(prediction.value))
        found[name] = Figure(value, "surrogate", prediction.within, "; ".join(prediction.outside))
        if name == "luts":
            outside += prediction.outside  # the others' are in their notes
    blocks = tally["block_cells"] / (2 if part.bram_kbit == 36 else 1)  # yosys counts halves of 36 kbit
    found["brams"] = Figure(blocks, "analytic")
    found["dsps"] = Figure(float(tally["dsps"]), "analytic")
    if isinstance(plan, FoldedPlan):
        latency, cycles = plan.beats + sum(plan.stages), plan.most_cycles
    else:
        latency, cycles = plan.latency_cycles, plan.cycles_per_inference
    found["latency_cycles"] = Figure(float(latency), "analytic")
    found["cycles_per_inference"] = Figure(float(cycles), "analytic")
    energy, found["energy_nj"] = _energy(part, found, cycles, activity, coefficients, clock_mhz, blocks)
    structure = {name: int(number) for name, number in sorted(tally.items()) if number}
    return Estimate(part.name, architecture, **found, energy=energy, structure=structure, outside=tuple(outside))


def _energy(
    part: Target,
    found: Mapping[str, Figure],
    cycles: int,
    activity: Activity | None,
    coefficients: Mapping[str, float] | None,
    clock_mhz: float | None,
    brams: float,
) -> tuple[Energy | None, Figure]:
    clock = clock_mhz or part.clock_mhz
    if clock is None:
        return None, Figure(None, "unknown", note=f"{part.name} has no usual clock; give clock_mhz")
    cells = (found["luts"].value or 0.0) + (found["ffs"].value or 0.0)
    energy = energy_of(part, cells, cycles, clock, activity, coefficients, brams)
    if energy.total_nj is None:
        why = f"no source for {', '.join(energy.unknown)}"
        return energy, Figure(None, "unknown", note=f"{why}; a vendor's power report says it (docs/evidence.md)")
    note = f"at {clock:g} MHz, LUTs toggling as registers do; no error is known"
    return energy, Figure(energy.total_nj, "surrogate", note=note)
