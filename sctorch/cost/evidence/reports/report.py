"""What a tool's report says, whichever tool wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Origin", "Power", "Report", "Timing", "Utilisation"]


@dataclass(frozen=True)
class Origin:
    """Which file says so, and who wrote it. What the file leaves out is None.

    file : its name. sha256 : of its bytes. tool, version : as the tool names itself. design : the top. device : the
    part. stage : how far the tool had come, in its own words ("Synthesized", "routed", "HLS estimate"). family : of
    parts, as far as the tool and its cells tell: AMD, Altera, ice40 or ecp5.
    """

    file: str
    sha256: str
    tool: str
    version: str | None = None
    design: str | None = None
    device: str | None = None
    stage: str | None = None
    family: str | None = None


@dataclass(frozen=True)
class Utilisation:
    """What a design takes. What the report leaves out is None, never 0.

    luts : of the kind that `lut_kind` names, in the tool's own counting. ffs : flip-flops. carries : carry cells.
    brams : blocks of the part's own size (36 kbit on AMD parts, where halves are possible). dsps : multipliers or DSP
    blocks. urams : blocks of 288 kbit.
    """

    luts: int
    lut_kind: str
    ffs: int | None = None
    carries: int | None = None
    brams: float | None = None
    dsps: int | None = None
    urams: int | None = None


@dataclass(frozen=True)
class Timing:
    """How fast it runs.

    fmax_mhz : the lowest of `clocks_mhz`, the highest frequency of each clock, MHz. wns_ns : worst setup slack, ns;
    below 0 where the requirement is missed. requirement_ns : what that path was allowed, ns.
    """

    fmax_mhz: float
    clocks_mhz: Mapping[str, float]
    wns_ns: float | None = None
    requirement_ns: float | None = None


@dataclass(frozen=True)
class Power:
    """What it draws by the tool's own estimate, mW, static and dynamic apart.

    io_mw : of the pins, where the tool keeps it apart from the two. confidence : in the tool's own words.
    """

    total_mw: float
    static_mw: float
    dynamic_mw: float
    io_mw: float | None = None
    confidence: str | None = None


@dataclass(frozen=True)
class Report:
    """One report file. A part that this kind of report does not have is None.

    latency_cycles : clocks from the first input to the result, the worst case. interval_cycles : clocks between inputs.
    """

    origin: Origin
    utilisation: Utilisation | None = None
    timing: Timing | None = None
    power: Power | None = None
    latency_cycles: int | None = None
    interval_cycles: int | None = None

    @property
    def holds(self) -> str:
        """The parts that it has, in words."""
        parts = {"utilisation": self.utilisation, "timing": self.timing, "power": self.power}
        return " and ".join(name for name, part in parts.items() if part is not None)
