"""A design's logic as z3 expressions, read from the SMT model that yosys writes of the exported files.

All modules are flattened; registers and inputs become bit-vector symbols, every named wire an expression over them,
and `next` says what a register holds one clock later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import z3

from sctorch.errors import ToolFailedError
from sctorch.hardware.tools import find_tool, run_tool

__all__ = ["Model", "read_model", "replaced", "symbols_in", "write_smt2"]


@dataclass(frozen=True, eq=False)
class Model:
    """The logic of one clock.

    wires : expressions by hierarchical name, bit-vectors throughout. inputs, registers : symbols by name.
    next : what each register's symbol becomes, by the symbol's own name.
    """

    wires: Mapping[str, Any]
    inputs: Mapping[str, Any]
    registers: Mapping[str, Any]
    next: Mapping[str, Any]

    def wire(self, name: str) -> Any:
        if name not in self.wires:
            raise ToolFailedError("write_smt2", f"the exported design has no wire {name!r}; it was changed by hand?")
        return self.wires[name]

    def after(self, term: Any, inputs: Mapping[str, Any] | None = None) -> Any:
        """A term one clock later, as a term of the state now; `inputs` replaces inputs at that later clock."""
        there = {str(self.inputs[n]): v for n, v in (inputs or {}).items()}
        return replaced(term, {**self.next, **there})


def symbols_in(term: Any) -> dict[str, Any]:
    """The symbols that a term depends on, by name."""
    found: dict[str, Any] = {}
    seen: set[int] = set()
    stack = [term]
    while stack:
        t = stack.pop()
        if t.get_id() in seen:
            continue
        seen.add(t.get_id())
        if z3.is_const(t) and t.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found[str(t)] = t
        stack += t.children()
    return found


def replaced(term: Any, values: Mapping[str, Any]) -> Any:
    """A term with symbols replaced at once, simplified."""
    pairs = [(s, values[name]) for name, s in symbols_in(term).items() if name in values]
    return z3.simplify(z3.substitute(term, *pairs)) if pairs else term


def write_smt2(folder: Path, top: str, sources: Sequence[str], into: Path, timeout: float | None = None) -> None:
    """Have yosys write the SMT model of a design's files, trace ports included."""
    script = (
        f"read_verilog -defer -DSCTORCH_TRACE {' '.join(sources)}; hierarchy -check -top {top}; proc; flatten; "
        "opt_clean; memory_map; check -assert; write_smt2 -wires model.smt2"
    )
    run_tool(find_tool("yosys"), ["-q", "-p", script], cwd=folder, timeout=timeout)
    (folder / "model.smt2").replace(into)


_DECLARED = re.compile(r"^\(declare-fun \|([^|]+#\d+)\| \(\|[^|]+\|\) (.+?)\) ; (.+)$", re.MULTILINE)
_WIRE = re.compile(r"^; yosys-smt2-wire (\S+) (\d+)$", re.MULTILINE)
_INPUT = re.compile(r"^; yosys-smt2-input (\S+) (\d+)$", re.MULTILINE)


def read_model(text: str, top: str) -> Model:
    """Parse what `write_smt2` wrote."""
    wires = list(dict.fromkeys(name for name, _ in _WIRE.findall(text)))
    inputs = [name for name, _ in _INPUT.findall(text)]
    declared = {function: comment.strip().lstrip("\\") for function, _, comment in _DECLARED.findall(text)}
    goals = [f"(declare-const |s| |{top}_s|)", f"(declare-const |s'| |{top}_s|)", f"(assert (|{top}_t| |s| |s'|))"]
    names = list(dict.fromkeys([*wires, *inputs]))
    sizes = {name: int(bits) for name, bits in [*_WIRE.findall(text), *_INPUT.findall(text)]}
    for i, name in enumerate(names):
        sort = "Bool" if sizes[name] == 1 else f"(_ BitVec {sizes[name]})"
        goals += [f"(declare-const |wire {i}| {sort})", f"(assert (= |wire {i}| (|{top}_n {name}| |s|)))"]
    parsed = z3.parse_smt2_string("\n".join([text, *goals]))
    step, shown = parsed[0], {name: parsed[i + 1].arg(1) for i, name in enumerate(names)}
    rows = step.children() if z3.is_and(step) else [step]
    now: dict[str, Any] = {}  # declared function -> symbol
    pairs: list[tuple[Any, Any]] = []
    for term in [*shown.values(), *rows]:
        for application in _applications(term, declared):
            function = application.decl().name()
            if application.arg(0).decl().name() != "s" or function in now:
                continue
            sort = application.sort()
            width = 1 if sort == z3.BoolSort() else sort.size()
            symbol = now[function] = z3.BitVec(f"{declared[function]} ({function})", width)
            pairs.append((application, symbol == 1 if sort == z3.BoolSort() else symbol))
    following: dict[str, Any] = {}
    registers: dict[str, Any] = {}
    for row in rows:
        if not z3.is_eq(row):
            continue
        value, place = row.children()
        function = place.decl().name()
        symbol = now.get(function)
        if symbol is None:  # nobody reads it
            continue
        following[str(symbol)] = z3.simplify(_vector(z3.substitute(value, *pairs)))
        registers[declared[function]] = symbol
    expressions = {name: z3.simplify(_vector(z3.substitute(term, *pairs))) for name, term in shown.items()}
    return Model(expressions, {name: expressions[name] for name in inputs}, registers, following)


def _vector(term: Any) -> Any:
    return z3.If(term, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)) if z3.is_bool(term) else term


def _applications(term: Any, declared: Mapping[str, str]) -> list[Any]:
    found, seen, stack = [], set(), [term]
    while stack:
        t = stack.pop()
        if t.get_id() in seen:
            continue
        seen.add(t.get_id())
        if z3.is_app(t) and t.num_args() == 1 and t.decl().name() in declared:
            found.append(t)
        else:
            stack += t.children()
    return found
