"""The generated file of a folded design as it grows."""

from __future__ import annotations

from dataclasses import dataclass, field

from sctorch.backends.verilog.folded.memories import memory
from sctorch.backends.verilog.text import hexadecimal
from sctorch.backends.verilog.unrolled.traces import trace_port

__all__ = ["Text"]


@dataclass
class Text:
    """The file as it grows: memories, the top's lines, and what only the trace build has."""

    top: str
    memories: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)  # lines of the trace build
    valid: dict[str, str] = field(default_factory=dict)  # when each traced signal is
    busy: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)  # which layer has the place that is stored to

    def add(self, *lines: str) -> None:
        self.lines += [f"    {line}" for line in lines]

    def show(self, key: str, value: str, valid: str) -> None:
        self.shown.append(f"    assign {trace_port(key)} = {value};")
        self.valid[key] = valid

    def table(self, name: str, address: str, words: list[int], width: int) -> str:
        """A memory `<name>` and the wire it drives, or the constant that all its words are."""
        if len(set(words)) == 1:
            return hexadecimal(words[0], width)
        self.memories.append(memory(f"{self.top}__{name}", words, width))
        self.add(
            f"wire [{width - 1}:0] {name};",
            f"{self.top}__{name} {name}__memory (.clk(clk), .address({address}), .data({name}));",
        )
        return name
