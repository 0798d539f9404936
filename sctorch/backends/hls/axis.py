"""A second top function with AXI-Stream's own pins, TLAST among them, for projects whose packets have a flag."""

from __future__ import annotations

from pathlib import Path

from sctorch.backends.hls.plan import Plan
from sctorch.backends.resources import resource_folder

__all__ = ["write_axis"]

# Bits of TDATA: the widest ap_int without a macro that all sources would have to agree on.
MAX_BEAT = 1024


def write_axis(parts: Plan, folder: Path) -> None:
    """firmware/<top>_axis.h and .cpp, and the script that synthesises it."""
    width = parts.input_width
    per_beat = min(parts.n_inputs, MAX_BEAT // width)
    name, header = f"{parts.top}_axis", "sctorch_axis.h"
    firmware = folder / "firmware"
    (firmware / "nnet_utils" / header).write_text((resource_folder("hls") / header).read_text())
    (firmware / f"{name}.h").write_text(
        f"#ifndef SCTORCH_{name.upper()}_H_\n#define SCTORCH_{name.upper()}_H_\n\n"
        f'#include "{parts.top}.h"\n#include "nnet_utils/{header}"\n\n'
        "// Entries of a packet, in one beat, and bits of an entry.\n"
        f"#define SCTORCH_ENTRIES {parts.n_inputs}\n#define SCTORCH_PER_BEAT {per_beat}\n"
        f"#define SCTORCH_WIDTH {width}\n"
        f"typedef ap_axiu<{_bytes(per_beat * width)}, 0, 0, 0> sctorch_in_beat;\n"
        f"typedef ap_axiu<{_bytes(parts.layers[-1]['result_width'])}, 0, 0, 0> sctorch_out_beat;\n\n"
        f"void {name}(hls::stream<sctorch_in_beat> &in, hls::stream<sctorch_out_beat> &out);\n\n#endif\n"
    )
    (firmware / f"{name}.cpp").write_text(
        f'#include "{name}.h"\n\n'
        f"void {name}(hls::stream<sctorch_in_beat> &in, hls::stream<sctorch_out_beat> &out) {{\n"
        "    #pragma HLS INTERFACE axis port=in,out\n"
        "    #pragma HLS DATAFLOW\n"
        '    hls::stream<input_t> packets("packets");\n'
        '    hls::stream<result_t> answers("answers");\n'
        "    nnet::sctorch_from_axis<SCTORCH_ENTRIES, SCTORCH_PER_BEAT, SCTORCH_WIDTH>(in, packets);\n"
        f"    {parts.top}(packets, answers);\n"
        "    nnet::sctorch_to_axis(answers, out);\n"
        "}\n"
    )
    (folder / "build_axis.tcl").write_text(
        f"# Synthesis of {name}, the top with TLAST: vitis-run --mode hls --tcl build_axis.tcl\n"
        "source project.tcl\n"
        f"open_project -reset {name}_prj\n"
        f"set_top {name}\n"
        f'add_files firmware/{parts.top}.cpp -cflags "-std=c++0x"\n'
        f'add_files firmware/{name}.cpp -cflags "-std=c++0x"\n'
        f'add_files -tb {name}_test.cpp -cflags "-std=c++0x"\n'
        "add_files -tb tb_data\n"
        'open_solution -reset "solution1"\n'
        "set_part $part\n"
        "create_clock -period $clock_period -name default\n"
        "set_clock_uncertainty $clock_uncertainty default\n"
        "csim_design\n"
        "csynth_design\n"
        "exit\n"
    )


def _bytes(bits: int) -> int:
    """As many bits in whole bytes."""
    return (bits + 7) // 8 * 8
