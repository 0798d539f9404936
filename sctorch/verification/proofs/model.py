"""A design's logic as z3 expressions, read from the SMT model that yosys writes of the exported files.

All modules are flattened; registers and inputs become bit-vector symbols, every named wire an expression over them,
and `next` says what a register holds one clock later.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import z3

from sctorch.errors import ConfigError
from sctorch.hardware.tools import find_tool, run_tool
from sctorch.verification.proofs.prover import NotCoveredError
from sctorch.verification.proofs.terms import replaced, symbols_in

__all__ = ["Model", "read_model", "write_smt2"]


@dataclass(frozen=True, eq=False)
class Model:
    """The logic of one clock.

    wires : expressions by hierarchical name, bit-vectors throughout. inputs : those of the input ports.
    registers : symbols by name.
    next : what each register's symbol becomes, by the symbol's own name.
    """

    wires: Mapping[str, Any]
    inputs: Mapping[str, Any]
    registers: Mapping[str, Any]
    next: Mapping[str, Any]

    def wire(self, name: str) -> Any:
        if name not in self.wires:
            raise NotCoveredError(f"the exported design has no wire {name}")
        return self.wires[name]

    def symbol(self, name: str) -> Any:
        """A register by its symbol's own name."""
        return z3.BitVec(name, self.next[name].size())

    def after(self, term: Any) -> Any:
        """A term one clock later, as a term of the state now; inputs and free wires of then are new symbols."""
        later = {
            name: self.next.get(name, z3.FreshConst(symbol.sort(), f"{name} later"))
            for name, symbol in symbols_in(term).items()
        }
        return replaced(term, later)

    def driven(self, name: str, value: Any) -> dict[str, Any]:
        """The symbols of an input port (yosys may take it apart), as the parts of a value on it."""
        found: dict[str, Any] = {}
        parts, place = [self.inputs[name]], 0
        while parts:
            part = parts.pop()
            if z3.is_app_of(part, z3.Z3_OP_CONCAT):
                parts += part.children()
                continue
            found[str(part)] = z3.simplify(z3.Extract(place + part.size() - 1, place, value))
            place += part.size()
        return found


def write_smt2(
    folder: Path, top: str, sources: Sequence[str], wires: Sequence[str] = (), cells: Sequence[str] = ()
) -> str:
    """The SMT model that yosys writes of a design's files, trace ports included.

    Parameters
    ----------
    wires : wires of the top that are to be anything, whatever drives them.
    cells : instances in the top whose outputs are to be anything; what is in them is not read.

    Raises
    ------
    ConfigError
        If a source cannot be read.
    ToolNotFoundError, ToolFailedError
        When yosys is missing or fails.
    """
    with tempfile.TemporaryDirectory(prefix="sctorch-proof-") as scratch:
        work = Path(scratch)
        for source in sources:  # copied, so that a tool that sees only its own folder finds them
            try:
                shutil.copy(folder / source, work / Path(source).name)
            except OSError as error:
                raise ConfigError(f"cannot read {source}: {error.strerror}; export the design again") from error
        free = "".join(f"setattr -set keep 1 {top}/w:{wire}; cutpoint {top}/w:{wire}; " for wire in wires)
        unread = "".join(f"cutpoint {top}/c:{cell}; " for cell in cells)
        files = " ".join(Path(source).name for source in sources)
        script = (
            f"read_verilog -defer -DSCTORCH_TRACE {files}; hierarchy -check -top {top}; {unread}"
            f"setattr -set keep 1 {top}/w:*__random {top}/w:first {top}/w:last; proc; flatten; {free}opt_clean; "
            "memory_map; check -assert; write_smt2 -wires model.smt2"
        )
        run_tool(find_tool("yosys"), ["-q", "-p", script], cwd=work)
        return (work / "model.smt2").read_text()


_DECLARED = re.compile(r"^\(declare-fun \|([^|]+#\d+)\| \(\|[^|]+\|\) (.+?)\) ; (.+)$", re.MULTILINE)
_WIRE = re.compile(r"^; yosys-smt2-(?:wire|input) (\S+) (\d+)$", re.MULTILINE)
_INPUT = re.compile(r"^; yosys-smt2-input (\S+) (\d+)$", re.MULTILINE)


def read_model(text: str, top: str, wanted: Callable[[str], bool] = lambda name: "." not in name) -> Model:
    """Parse what `write_smt2` wrote; of the wires those whose name is wanted, by default the top's own."""
    sizes = {name: int(bits) for name, bits in _WIRE.findall(text)}
    inputs = [name for name, _ in _INPUT.findall(text)]
    names = list(dict.fromkeys([*(name for name in sizes if wanted(name)), *inputs]))
    declared = {function: comment.strip().lstrip("\\") for function, _, comment in _DECLARED.findall(text)}
    goals = [f"(declare-const |s| |{top}_s|)", f"(declare-const |s'| |{top}_s|)", f"(assert (|{top}_t| |s| |s'|))"]
    for i, name in enumerate(names):
        sort = "Bool" if sizes[name] == 1 else f"(_ BitVec {sizes[name]})"
        goals += [f"(declare-const |wire {i}| {sort})", f"(assert (= |wire {i}| (|{top}_n {name}| |s|)))"]
    parsed = z3.parse_smt2_string("\n".join([text, *goals]))
    shown = [row.arg(1) for row in parsed[1:]] if len(parsed) > 1 else []
    rows = [row for row in (parsed[0].children() if z3.is_and(parsed[0]) else [parsed[0]]) if z3.is_eq(row)]
    now: dict[str, Any] = {}  # declared function -> symbol
    pairs: list[tuple[Any, Any]] = []
    for application in _applications([*shown, *rows], declared):
        function, sort = application.decl().name(), application.sort()
        if application.arg(0).decl().name() != "s":
            continue
        symbol = now[function] = z3.BitVec(f"{declared[function]} ({function})", _size(sort))
        pairs.append((application, symbol == 1 if sort == z3.BoolSort() else symbol))
    moves = [(row.arg(1).decl().name(), row.arg(0)) for row in rows]
    moves = [(function, value) for function, value in moves if function in now]  # the others nobody reads
    terms = _substituted([_vector(t) for t in [*shown, *(value for _, value in moves)]], pairs)
    wires = dict(zip(names, terms, strict=False))
    following = {str(now[f]): term for (f, _), term in zip(moves, terms[len(names) :], strict=True)}
    registers = {declared[f]: now[f] for f, _ in moves}
    return Model(wires, {name: wires[name] for name in inputs}, registers, following)


def _size(sort: Any) -> int:
    return 1 if sort == z3.BoolSort() else int(sort.size())


def _substituted(terms: list[Any], pairs: list[tuple[Any, Any]]) -> list[Any]:
    """All terms with the pairs replaced, simplified; in one go, since each would read the whole list of pairs."""
    if not terms:
        return []
    together = z3.Function("together", *(t.sort() for t in terms), z3.BoolSort())(*terms)
    return z3.simplify(z3.substitute(together, *pairs)).children()


def _vector(term: Any) -> Any:
    return z3.If(term, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)) if z3.is_bool(term) else term


def _applications(terms: Sequence[Any], declared: Mapping[str, str]) -> list[Any]:
    """Every declared function applied to a state, each once."""
    found, seen, stack = [], set(), list(terms)
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
