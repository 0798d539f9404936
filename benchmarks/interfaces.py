"""What each interface takes on an iCE40, without the core inside: python benchmarks/interfaces.py

yosys synthesises the generated wrapper around a core that is a black box with its ports. Prints a table for docs.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from sctorch import ir
from sctorch.backends.resources import resource_folder
from sctorch.backends.verilog import FoldedDesign, UnrolledDesign, check
from sctorch.backends.verilog.interfaces.emit import emit_wrapper
from sctorch.backends.verilog.ports import answer_port
from sctorch.hardware.tools import find_tool, run_tool
from sctorch.hardware.yosys import count_cells

INTERFACES: dict[str, dict[str, object]] = {
    "stream, 8 bits": {"interface": "stream"},
    "stream, 8 bits, double buffer": {"interface": "stream", "double_buffer": True},
    "axi, 32 bits": {"interface": "axi"},
    "axi, 32 bits, AXI-Lite": {"interface": "axi", "axi_lite": True},
    "uart": {"interface": "uart"},
    "spi": {"interface": "spi"},
}
FOLDED = {name: options | {"architecture": "folded"} for name, options in INTERFACES.items() if "double" not in name}
FOLDED["axi, 32 bits, AXI-Lite, weights"] = FOLDED["axi, 32 bits, AXI-Lite"] | {"load_weights": True}


def network(features: int, bits: int, used: float, steps: int) -> ir.Network:
    """A network whose first synapse reads a share of its features; what is behind does not matter here."""
    rng = np.random.default_rng(0)
    encoder: ir.Encoder = ir.LevelEncoder("encoder", features, (1 << bits) - 1)
    weight = np.zeros((10, encoder.size), dtype=np.int64)
    weight[0] = np.repeat(rng.random(features) < used, encoder.size // features)
    synapse = ir.FixedSynapse("synapse", weight, np.zeros(10), 1, 1)
    readout = ir.Readout("readout", 10, "membrane", "argmax_membrane", 1)
    return ir.Network("net", steps, (encoder, synapse, readout))


NETWORKS = {
    "digits-like, 64 x 8 bits": network(64, 8, 1.0, 32),
    "MNIST-like, 784 x 1 bit": network(784, 1, 1.0, 16),
    "MNIST-like, 784 x 1 bit, half of them read": network(784, 1, 0.5, 16),
    "MNIST-like, 784 x 4 bits": network(784, 4, 1.0, 16),
}


def measure(net: ir.Network, options: dict[str, object]) -> tuple[int, int, int]:
    """(LUT4, flip-flops, flip-flops among them that keep the image)."""
    kind = FoldedDesign if options.get("architecture") == "folded" else UnrolledDesign
    plan = kind(Path(), net, check(net, options)[1]).wrapper
    assert plan is not None
    answer, width, _ = answer_port(net)
    more = f"input [{plan.steps_bits - 1}:0] steps, " if plan.core.folded else ""
    if plan.core.store:
        layer, word, part = plan.core.store
        more += (
            f"input store, input [{layer - 1}:0] store_layer, input [{word - 1}:0] store_word, "
            f"input [{part - 1}:0] store_part, input [31:0] store_data, output store_there, "
        )
    core = (
        f"(* blackbox *) module {net.name} (input clk, input rst, input in_valid, output in_ready, input in_first, "
        f"input in_last, input [{plan.core.word_bits - 1}:0] in_data, {more}"
        "output out_valid, output out_first, output out_last, "
        f"output [{width - 1}:0] {answer}); endmodule\n"
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "core.v").write_text(core)
        (folder / "top.v").write_text(emit_wrapper(plan))
        library = sorted(resource_folder("hdl").glob("sct_io_*.v"))
        for path in library:  # copied, for a yosys that sees only its own folder
            shutil.copy(path, folder)
        files = " ".join(path.name for path in library)
        script = f"read_verilog core.v; read_verilog -defer top.v {files}; synth_ice40 -top {plan.top}; "
        run_tool(find_tool("yosys"), ["-q", "-p", script + "tee -q -o stat.json stat -json"], cwd=folder)
        cells = json.loads((folder / "stat.json").read_text())["design"]["num_cells_by_type"]
    counts = count_cells("ice40", {name: int(count) for name, count in cells.items()})
    return counts["luts"], counts["ffs"], plan.kept_bits


def main() -> None:
    for title, net in NETWORKS.items():
        print(f"\n{title}\n\n| interface | LUT4 | FF | of them the image |\n|---|---|---|---|")
        folded = {f"folded: {name}": options for name, options in FOLDED.items()}
        for name, options in (INTERFACES | folded).items():
            luts, ffs, kept = measure(net, options)
            print(
                f"| {name} | {luts:,} | {ffs:,} | {kept * (2 if options.get('double_buffer') else 1):,} |", flush=True
            )


if __name__ == "__main__":
    main()
