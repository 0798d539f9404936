"""LUTs per synapse of each family: python benchmarks/synapse_luts.py [--family ...] [--json].

First the parallel counter alone, by its number of bits, beside other shapes (counters.v); then whole synapse layers
(terms and counters, no neurons) of 64 inputs and 16 neurons, a quarter of the weights not 0, by kind and bits of the
weights. All of a family is one run of yosys, each part a module that is kept apart; nothing is routed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from machine import describe, print_table

from sctorch import ir
from sctorch.backends.resources import resource_folder
from sctorch.backends.verilog.unrolled.emit import emit
from sctorch.backends.verilog.unrolled.plan import plan
from sctorch.hardware.targets import get_target
from sctorch.hardware.yosys import count_cells, run_yosys

FAMILIES = {"ice40": "ice40-hx8k", "ecp5": "ecp5-85k", "xc7": "artix7-35t", "xcup": "zcu102"}
SIZES = (3, 4, 7, 8, 12, 16, 24, 32, 64, 128)
SHAPES = {
    "counter": "sct_popcount",
    "carry": "counter_other_carry",
    "adders": "counter_full_adders",
    "tables": "counter_tables",
}
NAMES = {
    "counter": "in use", "carry": "the other carry-in", "adders": "full adders of LUTs", "tables": "tables of six bits",
}  # fmt: skip
OTHER_SIZES = (16, 32, 64)
KINDS = ("stochastic", "fixed")
BITS = (1, 2, 3, 4, 5, 6)
INPUTS, NEURONS = 64, 16


def counter(bits: int, shape: str = "counter") -> tuple[str, str]:
    """A module around a parallel counter, and an instance of it in the top."""
    name, width = f"{shape}{bits}", bits.bit_length()
    text = (
        f"(* keep_hierarchy *) module {name} (input [{bits - 1}:0] in, output [{width - 1}:0] count);\n"
        f"    {SHAPES[shape]} #(.N({bits})) counter (.in(in), .count(count));\nendmodule\n"
    )
    return text, f"    (* keep *) {name} {name}_it (.in(in[{bits - 1}:0]));\n"


def layer(kind: str, bits: int) -> tuple[str, str, int]:
    """The module of a synapse layer, an instance of it, and its nonzero synapses."""
    numbers = np.random.default_rng(bits)
    weight = numbers.integers(1, 2**bits, (NEURONS, INPUTS)) * numbers.choice((-1, 1), (NEURONS, INPUTS))
    weight[numbers.random((NEURONS, INPUTS)) < 0.75] = 0
    synapse: ir.Synapse = (
        ir.StochasticSynapse("synapse1", weight, np.zeros(NEURONS), 1, ir.StreamSource("counter", bits))
        if kind == "stochastic"
        else ir.FixedSynapse("synapse1", weight, np.zeros(NEURONS), bits, bits)
    )
    readout = ir.Readout("readout", NEURONS, "membrane", "argmax_membrane", synapse.frac)
    network = ir.Network(f"{kind}{bits}", 8, (ir.EventEncoder("spikes_in", INPUTS), synapse, readout))
    name = f"{kind}{bits}__synapse1"
    (text,) = [t for t in emit(plan(network)).split("\nendmodule") if f"module {name} " in t]
    random = f", .random(random[{INPUTS * bits - 1}:0])" if kind == "stochastic" else ""
    instance = f"    (* keep *) {name} {name}_it (.clk(clk), .spikes(in[{INPUTS - 1}:0]){random});\n"
    kept = text.replace(f"module {name} ", f"(* keep_hierarchy *) module {name} ")
    return kept + "\nendmodule\n", instance, int((weight != 0).sum())


def measure(family: str) -> dict[str, int]:
    """LUTs of every module."""
    counters = [counter(bits) for bits in SIZES]
    counters += [counter(bits, shape) for shape in ("carry", "adders", "tables") for bits in OTHER_SIZES]
    layers = [layer(kind, bits) for kind in KINDS for bits in BITS]
    parts = [text for text, *_ in (*counters, *layers)]
    instances = [part[1] for part in (*counters, *layers)]
    top = (
        f"module top (input clk, input [{max(*SIZES, INPUTS) - 1}:0] in, input [{INPUTS * max(BITS) - 1}:0] random);\n"
        + "".join(instances)
        + "endmodule\n"
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for path in [*resource_folder("hdl").glob("*.v"), Path(__file__).parent / "counters.v"]:
            (folder / path.name).write_text(path.read_text())
        other = (folder / "sct_popcount.v").read_text().replace("sct_popcount", SHAPES["carry"])
        (folder / "other_carry.v").write_text(other.replace("`ifdef", "`ifndef"))
        (folder / "top.v").write_text("\n".join([*parts, top]))
        sources = [path.name for path in folder.glob("*.v")]
        run_yosys(folder, "top", sources, get_target(FAMILIES[family]), folder / "all.json")
        modules = json.loads((folder / "all.json").read_text())["modules"]
    return {
        name: count_cells(family, Counter(cell["type"] for cell in module["cells"].values()))["luts"]
        for name, module in modules.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", action="append", default=[], choices=list(FAMILIES))
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    options = parser.parse_args()
    families = options.family or list(FAMILIES)
    counters: list[dict[str, Any]] = []
    layers: list[dict[str, Any]] = []
    for family in families:
        luts = measure(family)
        counters += [
            {"family": family, "shape": shape, "bits": bits, "luts": luts[f"{shape}{bits}"]}
            for shape in SHAPES for bits in (SIZES if shape == "counter" else OTHER_SIZES)
        ]  # fmt: skip
        layers += [
            {"family": family, "kind": kind, "weight_bits": bits,
             "luts_per_synapse": luts[f"{kind}{bits}__synapse1"] / layer(kind, bits)[2]}
            for kind in KINDS for bits in BITS
        ]  # fmt: skip
    if options.json:
        print(json.dumps({"machine": describe(), "counters": counters, "layers": layers}))
        return
    rows = [
        [NAMES[shape], str(bits), *(
            f"{c['luts']} ({c['luts'] / bits:.2f})" for c in counters if (c["shape"], c["bits"]) == (shape, bits)
        )]
        for shape in SHAPES for bits in (SIZES if shape == "counter" else OTHER_SIZES)
    ]  # fmt: skip
    print_table("parallel counters alone: LUT (LUT per bit)", ["shape", "bits", *families], rows)
    rows = [
        [f"{kind}, {bits} bit", *(
            f"{c['luts_per_synapse']:.2f}" for c in layers if (c["kind"], c["weight_bits"]) == (kind, bits)
        )]
        for kind in KINDS for bits in BITS
    ]  # fmt: skip
    print_table("a synapse layer: LUT per nonzero synapse, terms and counters", ["synapses", *families], rows)


if __name__ == "__main__":
    main()
