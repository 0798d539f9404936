"""Terms of z3: the symbols in them, and values in the symbols' places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

__all__ = ["replaced", "symbols_in"]

FEW = 200  # replacements: more are first looked for in the term
MOST_KNOWN = 50_000  # terms whose symbols are remembered

_known: dict[int, tuple[Any, dict[str, Any]]] = {}  # by z3's number of a term, which lives as long as it is here


def symbols_in(term: Any) -> dict[str, Any]:
    """The symbols that a term depends on, by name."""
    number = term.get_id()
    if number not in _known:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[number] = term, _symbols_in(term)
    return _known[number][1]


def _symbols_in(term: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    seen: set[int] = set()
    stack = [term]
    while stack:
        t = stack.pop()
        if t.get_id() in seen:
            continue
        seen.add(t.get_id())
        if t.num_args():
            stack += t.children()
        elif t.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found[t.decl().name()] = t
    return found


def replaced(term: Any, values: Mapping[str, Any]) -> Any:
    """A term with symbols replaced at once, by values of their size; simplified."""
    if len(values) > FEW:
        values = {name: values[name] for name in symbols_in(term) if name in values}
    pairs = [(z3.BitVec(name, value.size()), value) for name, value in values.items()]
    return z3.simplify(z3.substitute(term, *pairs)) if pairs else term
