"""The counts of a design's parts gathered into features of one family: what each costs is fitted, about a first guess.

Every feature grows, or stays, as parts are added, and no coefficient is negative: so is every prediction, and it never
falls when a part is added.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["carry_features", "features", "path_features", "register_features"]

# LUTs of a comparison of a feature of so many bits with R (synapse and encoder are written as a bit recurrence).
_RATE4 = {1: 1, 2: 1, 3: 3, 4: 5, 5: 6, 6: 7, 7: 9, 8: 11}
_RATE6 = {1: 1, 2: 1, 3: 1, 4: 3, 5: 3, 6: 4, 7: 5, 8: 6}


def features(tally: Mapping[str, float], architecture: str, family: str) -> dict[str, tuple[float, float]]:
    """Feature -> (its number in this design, first guess of LUTs for one)."""
    six = family in ("xc7", "xcup")
    found = _counters(tally, family)
    rate = _RATE6 if six else _RATE4
    found["rates"] = (sum(tally.get(f"rates{bits}", 0) * luts for bits, luts in rate.items()), 1.0)
    found |= _unrolled(tally, six) if architecture == "unrolled" else _folded(tally, six)
    return found


def _counters(t: Mapping[str, float], family: str) -> dict[str, tuple[float, float]]:
    # A leaf of three bits costs no less than one of two, so that one more bit never makes a counter smaller.
    leaves3 = t.get("leaves3", 0)
    found = {"leaves": (t.get("leaves2", 0) + leaves3, 2.0), "leaves3": (leaves3, 0.1)}
    if family == "ecp5":  # a carry cell adds two places and takes two LUTs
        return found | {"join_bits": (t.get("join_bits", 0) + t.get("joins", 0), 1.1)}
    if family == "ice40":
        return found | {"join_bits": (t.get("join_bits", 0), 1.0)}
    return found | {
        "join_pairs": (t.get("join_pairs", 0), 1.0),
        "join_singles": (t.get("join_singles", 0), 0.3),
        "joins": (t.get("joins", 0), 0.2),
    }


def _chain(bits: int, six: bool) -> int:
    """LUTs in a row of a comparison of so many bits with a constant."""
    return -(-max(0, bits - 1) // (5 if six else 3))


def _unrolled(t: Mapping[str, float], six: bool) -> dict[str, tuple[float, float]]:
    def n(*names: str) -> float:
        return sum(t.get(name, 0) for name in names)

    small = 0.25 if six else 0.4
    return {
        "sum_bits": (n("sum_bits"), 0.5),
        "carry_save": (n("carry_save_bits"), 2.0),
        "open_bits": (n("open_bits"), 1.7),
        "terms1": (n("terms1"), small),
        "terms2": (n("terms2"), 0.5 if six else 1.0),
        "terms3": (n("terms3"), 0.9),
        "terms4": (n("terms4"), 1.0 if six else 1.6),
        "terms5": (n("terms5", "terms6"), 1.2 if six else 1.8),
        "shared_terms": (sum(n(f"shared_terms{i}") for i in range(2, 7)), 0.4 if six else 0.95),
        "compares": (sum(n(f"compares{i}") * _chain(i, six) for i in range(2, 17)), 1.0),
        "charge_bits": (n("charge_bits"), 1.05),
        "shift_bits": (n("shift_bits"), 1.3),
        "part_bits": (n("part_bits"), 0.6),
        "later_bits": (n("later_bits"), 1.2),
        "reset_bits": (n("reset_bits"), 1.0),
        "again_bits": (n("again_bits"), 2.2),
        "reset_zero": (n("reset_zero"), 1.0),
        "limits": (n("limit_bits"), 0.2 if six else 0.35),
        "neurons": (n("neurons"), 0.3),
        "count_bits": (n("count_bits"), 1.1),
        "product_bits": (n("product_bits"), 1.0),
        "product_save": (n("product_save_bits"), 2.2),
        "product_signs": (n("product_sign_bits"), 0.7),
        "dither_bits": (n("dither_bits"), 0.3),
        "dsp_neurons": (n("dsp_neurons"), 1.0),
        "compared_bits": (n("compared_bits"), 1.9),
        "chosen_bits": (n("chosen_bits"), 1.0),
        "index_bits": (n("index_bits"), 1.0),
        "reached": (n("reached_bits"), 0.3),
        "lowest": (n("lowest_bits"), 0.5),
        "logit_bits": (n("logit_bits"), 1.0),
        "held_bits": (n("held_bits"), 0.9),
        "control": (n("taps", "counter_source_bits", "tick_bits", "stages"), 1.0),
        "levels": (n("levels_small"), 0.6),
    }


def _folded(t: Mapping[str, float], six: bool) -> dict[str, tuple[float, float]]:
    def n(*names: str) -> float:
        return sum(t.get(name, 0) for name in names)

    def luts(bits: int) -> float:
        """Of a comparison of a weight, so many of whose bits vary, with R, and its sign."""
        return max(0.7, bits - 1.0 if six else 1.8 * bits - 2.6)

    return {
        "designs": (n("designs"), 30.0),
        "engines": (n("engines"), 15.0),
        "layers": (n("layers"), 15.0),
        "place_bits": (n("place_bits"), 2.7),
        "repeat_bits": (n("repeat_bits"), 4.0 if six else 4.5),
        "images": (n("images"), 20.0),
        "image_bits": (n("image_bits"), 1.2),
        "levels": (n("levels"), 1.0),
        "walk_bits": (n("walk_bits"), 1.5 if six else 2.0),
        "scans": (n("scans"), 10.0),
        "scan_bits": (n("scan_bits"), 3.0),
        "gathered": (n("gathered", "scan_groups", "active"), 0.25 if six else 0.45),
        "table_bits": (n("table_bits"), 1.0),
        "table_luts": (n("table_luts"), 1.2),
        "sum_bits": (n("sum_bits"), 1.1),
        "step_bits": (n("step_bits"), 0.4 if six else 1.0),
        "add_wide_bits": (n("add_wide_bits"), 0.2),
        "hits": (n("hits"), 0.2),
        "hit_luts": (sum(n(f"hits{bits}") * luts(bits) for bits in range(1, 10)), 0.9),
        "part_bits": (n("part_bits"), 0.3),
        "dot_bits": (n("dot_bits"), 1.0),
        "gated_bits": (n("gated_bits"), 0.5),
        "cone_bits": (n("cone_bits"), 1.0),
        "multiplied_bits": (n("multiplied_bits"), 1.2),
        "chain_bits": (n("chain_bits"), 1.0),
        "lif_bits": (n("lif_bits"), 3.2 if six else 3.5),
        "later_bits": (n("lif_subtract_later_bits", "lif_zero_later_bits"), 0.9 if six else 1.8),
        "now_bits": (n("lif_subtract_now_bits", "lif_zero_now_bits"), 0.7 if six else 1.0),
        "again_bits": (n("lif_subtract_snntorch_now_bits"), 2.5 if six else 4.0),
        "limit_table": (n("limit_table_bits"), 0.5),
        "leak_bits": (n("fold_leak_bits"), 1.0 if six else 1.5),
        "product_ones": (n("product_ones"), 1.7),
        "dither_bits": (n("dither_bits"), 0.5),
        "dsp_neurons": (n("dsp_neurons"), 1.0),
        "score_bits": (n("score_bits"), 3.0),
        "logit_bits": (n("logit_bits"), 1.0),
        "best_bits": (n("best_bits"), 2.0),
        "reached": (n("reached_bits"), 1.0),
        "memory_bits": (n("memory_bits"), 0.6),
        "lutram": (n("lutram_cells"), 4.0 if six else 6.0),
        "stream": (n("stream_bits", "source_bits", "taps"), 1.3),
        "seeded_bits": (n("seeded_bits"), 0.7),
        "permuted_bits": (n("permuted_bits"), 0.5 if six else 0.8),
        "spike_limits": (n("spike_limits"), 0.6),
    }


def carry_features(tally: Mapping[str, float], architecture: str, family: str) -> dict[str, tuple[float, float]]:
    """The same for carry cells: places of adders, with how many places a cell of the family adds."""
    cell = {"ice40": 1.0, "ecp5": 0.5}.get(family, 0.25)
    guesses = {"join_bits": 1.0, "joins": 1.0}
    if architecture == "unrolled":
        guesses |= {
            "sum_bits": 0.8, "open_bits": 1.0, "charge_bits": 1.0, "reset_bits": 0.9, "again_bits": 1.0,
            "product_bits": 1.0, "count_bits": 1.0, "compared_bits": 0.6, "logit_bits": 1.0, "neurons": 0.5,
        }  # fmt: skip
    else:
        guesses |= {
            "designs": 8.0, "engines": 4.0, "walk_bits": 1.0, "place_bits": 1.0, "scan_bits": 0.8, "sum_bits": 1.0,
            "step_bits": 1.0,
            "dot_bits": 1.0, "multiplied_bits": 0.3, "lif_bits": 3.0, "fold_leak_bits": 1.0, "product_ones": 1.0,
            "score_bits": 1.5, "best_bits": 1.0, "logit_bits": 1.0, "dither_bits": 0.5, "later_bits": 0.5,
        }  # fmt: skip
    return {name: (tally.get(name, 0), guess * cell) for name, guess in guesses.items()}


def register_features(tally: Mapping[str, float], architecture: str, family: str) -> dict[str, tuple[float, float]]:
    """The same for flip-flops: registers by what they are for, and on Xilinx those in shift registers and DSPs."""
    found = {name: (number, 1.0) for name, number in sorted(tally.items()) if name.endswith("_ffs")}
    if family in ("xc7", "xcup"):
        found["lines"] = (
            (-tally.get("stages", 0), 1.0) if architecture == "unrolled" else (-3 * tally["late_bits"], 1.0)
        )
        found["in_dsps"] = (-tally.get("dsp_bits", 0) - tally.get("dsp_part_bits", 0), 1.0)
    return found


def path_features(tally: Mapping[str, float], architecture: str, family: str) -> dict[str, tuple[float, float]]:
    """The same for the clock's period in ns: the longest of each kind of path."""
    return {
        "design": (1.0, 4.0),
        "path": (tally.get("path", 0) / 10, {"ice40": 1.0, "ecp5": 0.8}.get(family, 0.5)),
        "size": (float(int(tally.get("current_ffs", 0) + tally.get("sum_ffs", 0)).bit_length()), 0.2),
    }
