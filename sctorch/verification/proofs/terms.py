"""Terms of z3: the symbols in them, and values in the symbols' places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

__all__ = ["replaced", "symbols_in"]

FEW = 200  # replacements: more are first looked for in the term


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
    """A term with symbols replaced at once, by values of their size; simplified."""
    if len(values) > FEW:
        values = {name: values[name] for name in symbols_in(term) if name in values}
    pairs = [(z3.BitVec(name, value.size()), value) for name, value in values.items()]
    return z3.simplify(z3.substitute(term, *pairs)) if pairs else term
