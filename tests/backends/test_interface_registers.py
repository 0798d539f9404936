"""The registers on AXI-Lite, what lines lose, and the waves: what windows alone do not show."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import builders
import pytest
from simulators import run_bench
from wrapped import WINDOWS, Bench

from sctorch import ir
from sctorch.backends.verilog.folded.plan import FoldedPlan
from sctorch.backends.verilog.interfaces.bench import ADDRESS_FIRST, DATA_FIRST, PAUSE, Script, write_wrapper_bench
from sctorch.backends.verilog.interfaces.emit import REGISTERS_VERSION

VERSION, NETWORK, CONTROL, STATUS, STEPS, COUNTED, CLOCKS, ERRORS, NUM_STEPS = range(0, 0x24, 4)
LITE = ("axi lite", "folded, axi lite")


def played(bench: Bench, script: Script, folder: Path) -> str:
    shutil.copytree(bench.design.folder, folder)
    write_wrapper_bench(folder, bench.plan, script)
    return run_bench("icarus", folder, bench.design.sources)


def registers(bench: Bench) -> Script:
    """Every register after reset, after windows and after a clear; everything that must be refused."""
    network, script = bench.plan.network, Script()
    steps, digest = network.num_steps, int(ir.digest(network)[:8], 16)
    fresh = {VERSION: REGISTERS_VERSION, NETWORK: digest, CONTROL: 1, STATUS: 0, STEPS: steps, COUNTED: 0, CLOCKS: 0,
             ERRORS: 0, NUM_STEPS: steps}  # fmt: skip

    def all_are(values: dict[int, int]) -> None:
        for address, value in values.items():
            script.read(address, value)

    all_are(fresh)
    for address in (0x24, 0x3C, 0x40, 0x44, 0x80, 0xFC, 0x01, 0x0A, 0x13):
        script.read(address, fails=True)
        script.write(address, 1, fails=True)
    for address in (VERSION, NETWORK, STATUS, COUNTED, CLOCKS, ERRORS, NUM_STEPS):
        script.write(address, 1, fails=True)
    for strobes in (0, 1, 3, 7, 14):
        script.write(STEPS, 1, fails=True, strobes=strobes)
        script.write(CONTROL, 0, fails=True, strobes=strobes)
    for number in (0, steps + 1, 1 << 16 | 1):
        script.write(STEPS, number, fails=True)
    all_are(fresh)
    script.write(STEPS, 1, order=ADDRESS_FIRST)
    script.read(STEPS, 1)
    script.write(STEPS, steps, order=DATA_FIRST)
    script.read(STEPS, steps)
    script.write(CONTROL, 0)
    script.read(CONTROL, 0)
    for _ in range(8):
        script.write(STEPS, steps, held=True)
    script.write(CONTROL, 1)
    bench.send(script, 0)
    script.wait()
    counts = {COUNTED: 1, CLOCKS: clocks_of(bench), ERRORS: 0, STATUS: 0}
    all_are(fresh | counts)
    script.packet(bench.packets[1][:-1])
    script.errors += 1
    bench.send(script, 2)
    script.wait()
    all_are(fresh | counts | {COUNTED: 2, ERRORS: 1, STATUS: 2})
    script.write(STEPS, 2)
    script.write(CONTROL, 3)  # clears, and goes on
    script.windows = script.errors = 0
    all_are(fresh | {STEPS: 2})
    script.packet(bench.packets[3])
    bench.answer(script, 3, 2)
    script.wait()
    return script


def clocks_of(bench: Bench) -> int:
    network, plan = bench.plan.network, bench.design.plan
    if isinstance(plan, FoldedPlan):
        assert not plan.synapses[0].scan
        return (network.num_steps - 1) * max(plan.stages) + 1
    return network.num_steps * network.ticks_per_step


@pytest.mark.parametrize("name", LITE)
def test_registers(name: str, benches: Callable[[str], Bench], tmp_path: Path) -> None:
    bench = benches(name)
    assert played(bench, registers(bench), tmp_path / "copy").startswith("PASS")


FAULTS = {
    "a write needs no strobes": ("sct_io_axilite.v", "(wstrb == 4'hf) &", ""),
    "an address may be odd": ("sct_io_axilite.v", "& (awaddr[1:0] == 2'b00)", ""),
    "steps may be 0": ("sct_io_axilite.v", "& (wdata != 32'd0)", ""),
    "steps may be too many": ("sct_io_axilite.v", "& (wdata <= LIMIT)", ""),
    "an address is enough": ("sct_io_axilite.v", "~rst & awvalid & wvalid & ~bvalid", "~rst & awvalid & ~bvalid"),
    "data are enough": ("sct_io_axilite.v", "~rst & awvalid & wvalid & ~bvalid", "~rst & wvalid & ~bvalid"),
    "what is not there reads well": ("sct_io_axilite.v", "rresp <= SLVERR", "rresp <= OKAY"),
    "every write answers well": ("sct_io_axilite.v", "? OKAY : SLVERR;", "? OKAY : OKAY;"),
    "input is never held": ("sct_io_axilite.v", "if (to_control) enable <= wdata[0];", ""),
    "clear does nothing": ("sct_io_axilite.v", "write & to_control & wdata[1]", "1'b0"),
    "clear sets the steps back": ("sct_io_axilite.v", "if (rst) begin", "if (rst | clear) begin"),
    "clocks count on": ("sct_io_axilite.v", "first ? 32'd1 :", ""),
    "an answer does not wait": ("sct_io_axilite.v", "else if (rready) rvalid", "else if (1'b1) rvalid"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_registers_is_caught(fault: str, benches: Callable[[str], Bench], tmp_path: Path) -> None:
    bench = benches("axi lite")
    shutil.copytree(bench.design.folder, tmp_path / "mutant")
    write_wrapper_bench(tmp_path / "mutant", bench.plan, registers(bench))
    name, old, new = FAULTS[fault]
    file = tmp_path / "mutant" / "hdl" / name
    text = file.read_text()
    assert old in text, f"{name} no longer holds {old!r}; plant this fault anew"
    file.write_text(text.replace(old, new, 1))
    assert run_bench("icarus", tmp_path / "mutant", bench.design.sources).startswith("FAIL")


def lost(bench: Bench) -> Script:
    """A packet meets a design that is busy: its bytes are lost, one is told of it, and the next packet is sound."""
    script = Script(rude=True)
    for round_ in range(3):
        script.packet(bench.packets[round_])
        bench.answer(script, round_)
        more = bench.plan.core.window_clocks // 60 // bench.plan.beats + 3  # while the window before runs, and after
        script.packet(bench.packets[round_ + 3] * more)
        script.errors += 1
        script.rows.append((PAUSE, 900))
        script.wait()
    bench.send(script, WINDOWS - 1)
    return script


def told(bench: Bench) -> Script:
    """Of three packets of one byte the second waits for the first one's window, and the third is lost."""
    script = Script()
    for window in range(3):
        script.packet(bench.packets[window])
        if window < 2:
            bench.answer(script, window)
    script.errors += 1
    script.rows.append((PAUSE, 900))
    script.wait()
    bench.send(script, WINDOWS - 1)
    return script


def line_script(bench: Bench) -> Script:
    return lost(bench) if bench.plan.beats > 1 else told(bench)


@pytest.mark.parametrize("name", ["uart, slow", "uart, a byte", "spi, slow"])
def test_bytes_that_meet_a_busy_design_are_lost(name: str, benches: Callable[[str], Bench], tmp_path: Path) -> None:
    bench = benches(name)
    assert played(bench, line_script(bench), tmp_path / "copy").startswith("PASS")


LINES = {
    "an overrun is not told": ("uart, a byte", "uart_rx", "overrun <= blocked & ~lost", "overrun <= 1'b0"),
    "bytes after an overrun are taken": ("uart, slow", "uart_rx", "if (blocked) lost", "if (1'b0) lost"),
    "bytes after an overrun are taken on SPI": ("spi, slow", "spi", "lost <= 1'b1", "lost <= 1'b0"),
    "a waiting byte is written over": ("spi, slow", "spi", "if (s_valid & ~s_ready)", "if (1'b0)"),
}


@pytest.mark.parametrize("fault", LINES)
def test_a_fault_of_a_line_is_caught(fault: str, benches: Callable[[str], Bench], tmp_path: Path) -> None:
    name, part, old, new = LINES[fault]
    bench = benches(name)
    shutil.copytree(bench.design.folder, tmp_path / "mutant")
    write_wrapper_bench(tmp_path / "mutant", bench.plan, line_script(bench))
    file = tmp_path / "mutant" / "hdl" / f"sct_io_{part}.v"
    text = file.read_text()
    assert old in text, f"{file.name} no longer holds {old!r}; plant this fault anew"
    file.write_text(text.replace(old, new))
    assert run_bench("icarus", tmp_path / "mutant", bench.design.sources).startswith("FAIL")


def test_the_waves_are_written_when_asked_for(benches: Callable[[str], Bench], tmp_path: Path) -> None:
    builders.require_tool("iverilog")
    bench = benches("folded, stream")
    shutil.copytree(bench.design.folder, tmp_path / "copy")
    run_bench("icarus", tmp_path / "copy", bench.design.sources)
    assert not (tmp_path / "copy" / "net_tb.vcd").exists()
    done = subprocess.run(
        ["vvp", "-n", "tb", "+vcd"], cwd=tmp_path / "copy", capture_output=True, text=True, check=True
    )  # fmt: skip
    assert "PASS" in done.stdout
    waves = (tmp_path / "copy" / "net_tb.vcd").read_text()
    for name in ("m_valid", "s_ready", "out_valid"):
        assert f" {name} " in waves
