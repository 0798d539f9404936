"""What a proof says: its parts, and a counterexample where it fails."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from rich.console import Console
from rich.table import Table

from sctorch.errors import MismatchError

__all__ = ["Counterexample", "ProofPart", "ProofReport", "ProofStatus"]


class ProofStatus(str, Enum):
    """PROVED and FAILED come from a prover that ran; UNKNOWN is a time limit or something that no part covers.

    PARTS_ONLY is a report's, never a part's: what was asked for is proved, and it is not the whole design.
    """

    PROVED = "PROVED"
    PARTS_ONLY = "ONLY PARTS PROVED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    NOT_RUN = "NOT RUN"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Counterexample:
    """Where the exported RTL and the simulator part.

    signal, timestep, neuron : as in the simulator's trace; a part that starts from any state counts from it.
    expected, got : the simulator's integer and the RTL's.
    steps : the way there, one line for each timestep, from a replay in the simulator.
    """

    signal: str
    timestep: int
    neuron: int
    expected: int
    got: int
    steps: tuple[str, ...]

    def __str__(self) -> str:
        first = f"{self.signal}[{self.neuron}], timestep {self.timestep}: simulator {self.expected}, RTL {self.got}"
        return "\n".join([first, *(f"    {line}" for line in self.steps)])


@dataclass(frozen=True)
class ProofPart:
    """One part: its name, what it says, and how it went.

    claims : how many formulas were proved. seconds : of the prover and of writing the formulas down.
    reason : why it is UNKNOWN. counterexample : why it FAILED.
    """

    name: str
    what: str
    status: ProofStatus
    claims: int
    seconds: float
    prover: str
    reason: str = ""
    counterexample: Counterexample | None = None


@dataclass(frozen=True)
class ProofReport:
    """The outcome of `check_equivalence`.

    design : its name. tools : versions of what made the formulas and proved them.
    asked : the parts that were asked for, where that was not the whole design.
    """

    design: str
    parts: tuple[ProofPart, ...]
    tools: tuple[str, ...]
    asked: tuple[str, ...] = ()

    @property
    def status(self) -> ProofStatus:
        """The worst of the parts: PROVED only if every one is, and none was left out."""
        found = {part.status for part in self.parts}
        order = (ProofStatus.FAILED, ProofStatus.UNKNOWN, ProofStatus.NOT_RUN, ProofStatus.PROVED)
        worst = next((s for s in order if s in found), ProofStatus.UNKNOWN)
        return ProofStatus.PARTS_ONLY if worst is ProofStatus.PROVED and self.asked else worst

    @property
    def ok(self) -> bool:
        return self.status is ProofStatus.PROVED

    @property
    def seconds(self) -> float:
        return round(sum(part.seconds for part in self.parts), 2)

    def summary(self) -> str:
        """A table of the parts, and every counterexample by timestep."""
        only = f" (asked for: {', '.join(self.asked)}; the rest of the design is not proved)" if self.asked else ""
        table = Table(title=f"{self.design}: {self.status}{only}", title_justify="left")
        for column, justify in (("part", "left"), ("what", "left"), ("claims", "right"), ("seconds", "right")):
            table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
        table.add_column("status", no_wrap=True)
        for part in self.parts:
            table.add_row(part.name, part.what, f"{part.claims:,}", f"{part.seconds:.2f}", str(part.status))
        text = io.StringIO()
        Console(file=text, width=110, color_system=None).print(table)
        lines = [text.getvalue().rstrip(), *self.tools]
        for part in self.parts:
            if part.reason:
                lines.append(f"{part.name}: {part.status}, {part.reason}")
            if part.counterexample is not None:
                lines.append(f"{part.name}: {part.counterexample}")
        return "\n".join(lines)

    def raise_if_failed(self) -> None:
        """Raise the first counterexample as a MismatchError, if there is one."""
        for part in self.parts:
            if part.counterexample is not None:
                c = part.counterexample
                raise MismatchError(f"proof of {part.name}", c.signal, c.timestep, 0, c.neuron, c.expected, c.got)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"status": str(self.status), "seconds": self.seconds}
