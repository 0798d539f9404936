"""Arrays of symbolic integers that numpy code computes with: what lets the simulator run on symbols.

An entry is a signed bit-vector of z3, or a plain integer. All bit-vectors of one proof have one
width, wide enough that nothing wraps (`needed_width`); a comparison gives 0 or 1 of that width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import z3

from sctorch import ir
from sctorch.ir.layers import Neuron, Readout

__all__ = ["Symbols", "as_term", "condition", "extended", "needed_width", "symbols", "widest"]


def condition(value: Any) -> Any:
    """Whether an entry is not 0, for z3's If."""
    return value != 0


def choose(c: Any, a: Any, b: Any) -> Any:
    """One entry of `np.where`."""
    if isinstance(c, int | np.bool_ | bool | np.integer):
        return a if c else b
    if a is b or (isinstance(a, int) and isinstance(b, int) and a == b):
        return a
    width = c.size()
    return z3.If(condition(c), as_term(a, width), as_term(b, width))


def as_term(value: Any, width: int) -> Any:
    """An entry as a bit-vector."""
    return value if isinstance(value, z3.ExprRef) else z3.BitVecVal(int(value), width)


def _bit(test: Any, width: int) -> Any:
    return z3.If(test, z3.BitVecVal(1, width), z3.BitVecVal(0, width))


def _compared(operator: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def entry(a: Any, b: Any) -> Any:
        for side in (a, b):
            if isinstance(side, z3.ExprRef):
                return _bit(operator(as_term(a, side.size()), as_term(b, side.size())), side.size())
        return int(operator(a, b))

    return entry


_COMPARISONS: dict[Any, Any] = {
    np.greater: np.frompyfunc(_compared(lambda a, b: a > b), 2, 1),
    np.greater_equal: np.frompyfunc(_compared(lambda a, b: a >= b), 2, 1),
    np.less: np.frompyfunc(_compared(lambda a, b: a < b), 2, 1),
    np.less_equal: np.frompyfunc(_compared(lambda a, b: a <= b), 2, 1),
}
_CHOOSE = np.frompyfunc(choose, 3, 1)


class Symbols(np.ndarray):
    """An object array whose comparisons, `where`, `argmax` and `any` give symbols too."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        plain = [np.asarray(x).astype(object) for x in (np.asarray(i).view(np.ndarray) for i in inputs)]
        if ufunc in _COMPARISONS:
            return symbols(_COMPARISONS[ufunc](*plain))
        return symbols(getattr(ufunc, method)(*plain, **kwargs))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is np.where:
            return symbols(_CHOOSE(*(np.asarray(a).view(np.ndarray).astype(object) for a in args)))
        if func is np.argmax:
            return _argmax(*args, **kwargs)
        return super().__array_function__(func, types, args, kwargs)

    def astype(self, *args: Any, **kwargs: Any) -> Symbols:
        """Itself: entries are integers already."""
        return self

    def any(self, axis: Any = 0, out: Any = None, keepdims: Any = False, **kwargs: Any) -> Any:
        """Whether some entry along an axis is not 0, as 0 or 1."""
        rows = np.moveaxis(self.view(np.ndarray), axis, 0)
        found = symbols(reduce(lambda a, b: _CHOOSE(a, 1, b), rows))
        return symbols(np.expand_dims(found, axis)) if keepdims else found


def symbols(values: Any) -> Symbols:
    """Entries as an array of symbols."""
    array = np.asarray(values, dtype=object)
    return array.view(Symbols)


def _argmax(scores: Symbols, axis: int, keepdims: bool) -> Symbols:
    rows = list(np.moveaxis(scores.view(np.ndarray), axis, 0))
    best, index = rows[0], np.zeros(rows[0].shape, dtype=object)
    for i, row in enumerate(rows[1:], start=1):
        later = _COMPARISONS[np.greater](row, best)
        best, index = _CHOOSE(later, row, best), _CHOOSE(later, i, index)
    return symbols(np.expand_dims(index, axis) if keepdims else index)


def extended(term: Any, width: int, signed: bool) -> Any:
    """A bit-vector as one of `width` bits, by its sign or by zeros."""
    more = width - term.size()
    assert more >= 0
    return z3.SignExt(more, term) if signed else z3.ZeroExt(more, term)


def needed_width(network: ir.Network) -> int:
    """Bits in which the simulator's numbers, those on the way to a result included, cannot wrap.

    From the same analysis that sizes the registers: every sum and difference is of two numbers within a layer's
    bounds, and a product with a leak's factor takes its shift more.
    """
    bits = [8, network.encoder.size.bit_length()]
    bits += [1 if isinstance(network.encoder, ir.EventEncoder) else network.encoder.bits]
    bits += [s.weight_bits for s in network.synapses]
    current = 0
    for layer, bounds in ((layer, ir.analyse(network).get(layer.name)) for layer in network.layers):
        if bounds is None:
            continue
        known = [i.width for i in (bounds.tick, bounds.current, bounds.charged, bounds.membrane, bounds.decision) if i]
        if isinstance(layer, ir.Synapse):
            current = layer.frac
        more = layer.leak.shift + layer.frac - min(current, layer.frac) if isinstance(layer, Neuron | Readout) else 0
        limit = max(int(layer.threshold.max()).bit_length(), layer.leak.shift) if isinstance(layer, Neuron) else 0
        if isinstance(layer, Readout):
            limit = max(layer.class_threshold.bit_length(), layer.size.bit_length())
        bits += [width + more for width in known] + [limit + 1]
    return max(bits) + 3


def widest(terms: Sequence[Any]) -> int:
    return max(t.size() for t in terms)
