"""Constraint stubs, pin files of example boards, and a build script per family of parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sctorch.hardware.targets import get_target
from sctorch.hardware.yosys import COMMANDS, DEFINES

__all__ = ["build_files"]

_DEFAULTS = {"ice40": "ice40-hx8k", "ecp5": "ecp5-85k", "xilinx": "artix7-100t"}
_FREQ = {"ice40": 12.0, "ecp5": 25.0, "xilinx": 100.0}  # MHz: of the boards' oscillators, to be changed with the clock


@dataclass(frozen=True)
class _Board:
    """Where the signals of a UART wrapper go; SPI has no fixed place and goes to a connector."""

    file: str
    title: str
    family: str
    device: str
    mhz: float
    pins: dict[str, dict[str, str]]


_BOARDS = (
    _Board(
        "hx8k_breakout.pcf", "iCE40-HX8K breakout board", "ice40", "--hx8k --package ct256", 12.0,
        {
            "uart": {"clk": "J3", "rst_n": "B1", "rx": "B10", "tx": "B12", "busy": "B5", "failed": "B4"},
            "spi": {"clk": "J3", "rst_n": "B1", "sck": "C1", "cs_n": "C2", "mosi": "D1", "miso": "D2", "busy": "B5",
                    "failed": "B4"},
        },
    ),
    _Board(
        "icebreaker.pcf", "iCEBreaker (iCE40 UP5K); its LEDs light on 0; SPI is on PMOD 1A", "ice40",
        "--up5k --package sg48", 12.0,
        {
            "uart": {"clk": "35", "rst_n": "10", "rx": "6", "tx": "9", "busy": "37", "failed": "11"},
            "spi": {"clk": "35", "rst_n": "10", "sck": "45", "cs_n": "4", "mosi": "2", "miso": "47", "busy": "37",
                    "failed": "11"},
        },
    ),
    _Board(
        "ulx3s.lpf", "ULX3S (ECP5 85F); reset is the button PWR; SPI is on its header", "ecp5",
        "--85k --package CABGA381", 25.0,
        {
            "uart": {"clk": "G2", "rst_n": "D6", "rx": "M1", "tx": "L4", "busy": "B2", "failed": "C2"},
            "spi": {"clk": "G2", "rst_n": "D6", "sck": "B11", "cs_n": "C11", "mosi": "A10", "miso": "A11",
                    "busy": "B2", "failed": "C2"},
        },
    ),
)  # fmt: skip


def build_files(
    top: str, kind: str, ports: Sequence[str], sources: Sequence[str], target: str | None, narrow: bool = False
) -> dict[str, str]:
    """The texts of scripts and constraints by file name.

    Parameters
    ----------
    top : module. kind : interface. ports : its ports, for the stubs. sources : Verilog files, relative to the folder.
    target : the part that the design is meant for; other families get the part of a common board.
    narrow : whether even the bare core has few enough ports for a package.
    """
    part = get_target(target) if target else None
    xilinx = part.part if part and part.family.startswith("xc") else get_target(_DEFAULTS["xilinx"]).part
    files = {
        f"{top}.pcf": _pcf(top, {}, ports, _FREQ["ice40"]),
        f"{top}.lpf": _lpf(top, {}, ports, _FREQ["ecp5"]),
        f"{top}.xdc": _xdc(top, kind, ports),
        "build_ice40.sh": _shell("ice40", top, kind == "core" and not narrow, sources, _device("ice40", target)),
        "build_ecp5.sh": _shell("ecp5", top, kind == "core" and not narrow, sources, _device("ecp5", target)),
        "build_xilinx.tcl": _tcl(top, kind, sources, xilinx),
    }
    for board in _BOARDS:
        if kind in board.pins:
            make = _pcf if board.family == "ice40" else _lpf
            title = f"{board.title}. Flags of nextpnr: {board.device}"
            files[board.file] = make(title, board.pins[kind], (), board.mhz)
    return files


def _device(family: str, target: str | None) -> str:
    part = get_target(target) if target else None
    chosen = part if part and part.family == family else get_target(_DEFAULTS[family])
    return " ".join(chosen.nextpnr)


def _pcf(title: str, pins: dict[str, str], free: Sequence[str], mhz: float) -> str:
    free = [port for port in free if port.isidentifier()]
    lines = [f"# {title}. The clock's frequency is what nextpnr measures against.", f"set_frequency clk {mhz:g}"]
    lines += [f"set_io {'-pullup yes ' if port == 'rst_n' else ''}{port} {pin}" for port, pin in pins.items()]
    return "\n".join([*lines, *(f"# set_io {port} PIN" for port in free), ""])


def _lpf(title: str, pins: dict[str, str], free: Sequence[str], mhz: float) -> str:
    free = [port for port in free if port.isidentifier()]
    lines = [f"# {title}. The clock's frequency is what nextpnr measures against."]
    lines.append(f'FREQUENCY PORT "clk" {mhz:g} MHZ;')
    for port, pin in pins.items():
        lines.append(f'LOCATE COMP "{port}" SITE "{pin}";')
        lines.append(f'IOBUF PORT "{port}" IO_TYPE=LVCMOS33 PULLMODE={"UP" if port == "rst_n" else "NONE"};')
    return "\n".join([*lines, *(f'# LOCATE COMP "{port}" SITE "PIN";' for port in free), ""])


def _xdc(top: str, kind: str, ports: Sequence[str]) -> str:
    period = 1000 / _FREQ["xilinx"]
    lines = [f"# {top}", f"create_clock -name clk -period {period:.3f} [get_ports clk]"]
    if kind in ("uart", "spi"):
        lines += [f"# set_property -dict {{PACKAGE_PIN PIN IOSTANDARD LVCMOS33}} [get_ports {p}]" for p in ports]
        lines.append("# These pins are asynchronous to clk and taken through flip-flops:")
        lines.append("# set_false_path -from [get_ports {rx sck cs_n mosi rst_n}]")
    return "\n".join([*lines, ""])


def _shell(family: str, top: str, wide: bool, sources: Sequence[str], device: str) -> str:
    """yosys, nextpnr and the packer; a wide core has more ports than a package has pins and stops after yosys."""
    ice = family == "ice40"
    macros = [f"-D{macro}" for macro in DEFINES[family]]
    suffix, routed, packer, bits = ("pcf", "asc", "icepack", "bin") if ice else ("lpf", "config", "ecppack", "bit")
    head = f"""\
#!/bin/sh
# {top} for {"an iCE40" if ice else "an ECP5"}: ./build_{family}.sh; results are in build/.
# DEVICE: flags of nextpnr. CONSTRAINTS: its file of pins and clock. Both can be set in the environment.
set -e
cd "$(dirname "$0")"
tool() {{ command -v "$1" || command -v "yowasp-$1" || {{ echo "$1 is not on PATH" >&2; exit 1; }}; }}
mkdir -p build
YOSYS=$(tool yosys)
"$YOSYS" -q -l build/yosys.log -p "read_verilog -defer {" ".join([*macros, *sources])}; \\
    {COMMANDS[family].format(top=top)} -json build/{top}.json; stat"
"""
    if wide:
        return (
            head + "# A bare core has more ports than a package has pins: it is placed as a part of something larger.\n"
        )
    packing = f'"$PACK" build/{top}.asc build/{top}.bin' if ice else f'"$PACK" build/{top}.config --bit build/{top}.bit'
    output = f"--{'asc' if ice else 'textcfg'} build/{top}.{routed}"
    return (
        head
        + f"""\
: "${{DEVICE:={device}}}"
: "${{CONSTRAINTS:={top}.{suffix}}}"
ROUTE=$(tool nextpnr-{family})
PACK=$(tool {packer})
# A pin without a place goes where nextpnr likes: good for figures, not for a board.
"$ROUTE" $DEVICE --json build/{top}.json --{suffix} "$CONSTRAINTS" --{suffix}-allow-unconstrained \\
    {output} --report build/report.json --timing-allow-fail -l build/nextpnr.log -q
{packing}
echo "build/{top}.{bits}"
"""
    )


def _tcl(top: str, kind: str, sources: Sequence[str], part: str) -> str:
    whole = kind in ("uart", "spi")
    macros = "".join(f" -verilog_define {macro}" for macro in DEFINES["xc7"])
    mode = "" if whole else " -mode out_of_context"
    ending = (
        "# Give the pins their places in the .xdc first; Vivado refuses a bitstream without.\n"
        f"# write_bitstream -force build/{top}.bit"
        if whole
        else "# Out of context: the checkpoint goes into a larger design; no pin of the part is used."
    )
    return f"""\
# {top} in Vivado, without a project: vivado -mode batch -source build_xilinx.tcl [-tclargs PART]
# Written by sctorch, whose tests do not run Vivado: read the reports before you rely on it.
set part [expr {{$argc > 0 ? [lindex $argv 0] : "{part}"}}]
file mkdir build
read_verilog {{{" ".join(sources)}}}
read_xdc {top}.xdc
synth_design -top {top} -part $part{mode}{macros}
opt_design
place_design
phys_opt_design
route_design
report_utilization -file build/utilization.txt
report_timing_summary -file build/timing.txt
write_checkpoint -force build/{top}.dcp
{ending}
"""
