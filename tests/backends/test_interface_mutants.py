"""Small faults put into the wrappers must be caught by the script of tests/wrapped.py."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from simulators import run_bench
from wrapped import Bench, everything

from sctorch.backends.verilog.interfaces.bench import write_wrapper_bench


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` in a file of the library, or of the design, seen on a case of tests/wrapped.py."""

    case: str
    file: str
    old: str
    new: str


IMAGE, WORDS = "folded, stream", "folded, stream, spikes"
ACROSS = "folded, stream, features across beats"
MUTANTS = {
    "a lane keeps the wrong end": Mutant("stream, bytes", "lane", "next[N:1]", "next[N-1:0]"),
    "an early end is no error": Mutant("stream, bytes", "packet", "take & (full ^ ends)", "take & full & ~ends"),
    "a late end is no error": Mutant("stream, bytes", "packet", "take & (full ^ ends)", "take & ends & ~full"),
    "an early end runs the window": Mutant("stream, bytes", "packet", "take & full & ends", "take & ends"),
    "a long packet runs the window": Mutant("stream, bytes", "packet", "take & full & ends", "take & full"),
    "a long packet's rest is taken": Mutant("stream, bytes", "packet", "drop <= 1'b1", "drop <= 1'b0"),
    "an early end keeps the count": Mutant("stream, bytes", "packet", "(full | ends) ?", "full ?"),
    "a reset keeps the count of beats": Mutant("stream, bytes", "packet", "if (rst | cut) beat", "if (cut) beat"),
    "a cut keeps the count of beats": Mutant("uart", "packet", "if (rst | cut) beat", "if (rst) beat"),
    "a cut is no error": Mutant("spi", "packet", "(cut & (beat != {IW{1'b0}}))", "1'b0"),
    "an image is loaded over a running window": Mutant("stream, bytes", "window", "open = ~running", "open = 1'b1"),
    "a second image before the first is copied": Mutant(
        "stream, double buffer", "window", "open = ~loaded", "open = 1'b1"
    ),
    "an image is copied under a running window": Mutant(
        "stream, double buffer", "window", "loaded & (~running | (taken & core_last))", "loaded"
    ),
    "a window is one step short": Mutant(
        "stream, bytes", "window", "? TOP[SW-1:0] : asked", "? TOP[SW-1:0] - 1'b1 : asked"
    ),
    "steps are not bounded": Mutant("stream, bytes", "window", "(asked > TOP[SW-1:0]) ? TOP[SW-1:0] : asked", "asked"),
    "a window goes on after a reset": Mutant(
        "stream, bytes", "window", "if (rst) running <= 1'b0;\n        else if", "if"
    ),
    "a core that is not ready is passed by": Mutant(
        "stream, ticks", "window", "taken = core_valid & core_ready", "taken = core_valid"
    ),
    "every timestep is the first": Mutant("stream, bytes", "window", "core_first <= 1'b0", "core_first <= 1'b1"),
    "no room is kept": Mutant("stream, bytes", "answers", "promised != ALL[CW-1:0]", "1'b1"),
    "no room is kept, each timestep": Mutant("axi, each timestep", "answers", "promised != ALL[CW-1:0]", "1'b1"),
    "room never comes back": Mutant(
        "stream, bytes", "answers", "else if (get & ~issue) promised", "else if (1'b0) promised"
    ),
    "a reset keeps an answer": Mutant("stream, one answer", "answers", "held <= ~rst & (put", "held <= (put"),
    "a reset keeps promises": Mutant("stream, bytes", "answers", "if (rst) promised", "if (1'b0) promised"),
    "an answer does not wait": Mutant("stream, one answer", "answers", "(held & ~get)", "1'b0"),
    "every timestep answers": Mutant("stream, bytes", "answers", "in_last | (EVERY != 0)", "1'b1"),
    "a tick waits for nothing": Mutant("stream, spikes", "ticks", "core_ready & room", "core_ready"),
    "a tick does not wait for the core": Mutant("stream, spikes in ticks", "ticks", "core_ready & room", "room"),
    "spikes too long are no error": Mutant("stream, spikes", "ticks", "spoilt | late", "spoilt"),
    "an end within a timestep is no error": Mutant("stream, spikes", "ticks", "spoilt | late", "late"),
    "an end within a timestep ends the window": Mutant(
        "stream, spikes in ticks",
        "ticks",
        "core_last = step_end & (",
        "core_last = whole & (",
    ),
    "an end within a timestep keeps the count": Mutant(
        "stream, spikes", "ticks", "over = beat_taken & (ends | core_last)", "over = beat_taken & core_last"
    ),
    "spikes too long start a window": Mutant("stream, spikes", "ticks", "drop <= 1'b1", "drop <= 1'b0"),
    "the first tick is not marked": Mutant("stream, spikes", "ticks", "core_first <= 1'b1", "core_first <= 1'b0"),
    "steps of spikes are not bounded": Mutant(
        "stream, spikes, each timestep", "ticks", "(asked > TOP[SW-1:0]) ? TOP[SW-1:0] : asked", "asked"
    ),
    "ticks are not counted": Mutant("stream, spikes in ticks", "ticks", "tick == TOP_TICK[TW-1:0]", "1'b1"),
    "silence keeps a window of spikes": Mutant("uart, spikes", "ticks", "if (rst | cut | over)", "if (rst | over)"),
    "the queue reads one too far": Mutant("stream, bytes", "answers", "kept[tail[AW-1:0]]", "kept[head[AW-1:0]]"),
    "errors are not counted": Mutant("axi lite", "axilite", "if (error) errors", "if (1'b0) errors"),
    "windows are not counted": Mutant("axi lite", "axilite", "if (answer) windows", "if (1'b0) windows"),
    "steps cannot be written": Mutant("axi lite", "axilite", "if (to_steps) steps", "if (1'b0) steps"),
    "the receiver takes the stop bit": Mutant("uart", "uart_rx", "bits <= 4'd10;", "bits <= 4'd11;"),
    "the receiver has no silence": Mutant("uart", "uart_rx", "cut <= 1'b1;", "cut <= 1'b0;"),
    "the sender forgets the start bit": Mutant("uart", "uart_tx", "{data, 1'b0}", "{1'b1, data}"),
    "the sender is a bit short": Mutant("uart", "uart_tx", "bits <= 4'd10;", "bits <= 4'd8;"),
    "the lowest bit first on SPI": Mutant("spi", "spi", "{in, mosi_q[1]}", "{mosi_q[1], in}"),
    "SPI takes an answer with the command": Mutant(
        "spi, each timestep", "spi", "m_ready <= sending;", "m_ready <= sending | ~begun;"
    ),
    "SPI never takes the answer": Mutant("spi", "spi", "m_ready <= sending;", "m_ready <= 1'b0;"),
    "the end of a transfer is not seen": Mutant("spi", "spi", "cut <= 1'b1;", "cut <= 1'b0;"),
    "a dropped packet leaves features": Mutant(IMAGE, "split", "(clear & ~(ending & ~over))", "1'b0"),
    "a beat is put over the one before": Mutant(ACROSS, "split", "left == k", "k == 0"),
    "a feature comes twice": Mutant(ACROSS, "split", "buffer >> B", "buffer"),
    "beats go on though words wait": Mutant(WORDS, "ticks", "(on & free &", "(on &"),
    "every word ends a window": Mutant(
        "folded, stream, spikes", "net_stream.v", "core_last = marked[1]", "core_last = 1'b1"
    ),
    "folded windows are not counted": Mutant(
        "folded, axi lite", "net_axi.v", "answered = out_valid & out_last", "answered = 1'b0"
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_is_caught(name: str, benches: Callable[[str], Bench], tmp_path: Path) -> None:
    mutant = MUTANTS[name]
    bench = benches(mutant.case)
    folder = tmp_path / "mutant"
    shutil.copytree(bench.design.folder, folder)
    write_wrapper_bench(folder, bench.plan, everything(bench))
    file = folder / (mutant.file if mutant.file.endswith(".v") else f"hdl/sct_io_{mutant.file}.v")
    text = file.read_text()
    assert mutant.old in text, f"{file.name} no longer holds {mutant.old!r}; plant this fault anew"
    file.write_text(text.replace(mutant.old, mutant.new))
    assert run_bench("icarus", folder, bench.design.sources).startswith("FAIL")


def test_an_image_waits_for_room_for_its_answer(benches: Callable[[str], Bench], tmp_path: Path) -> None:
    """With a queue of one answer all is sound, and slower; images that do not wait for it lose answers."""
    bench = benches(IMAGE)
    shutil.copytree(bench.design.folder, tmp_path / "small")
    write_wrapper_bench(tmp_path / "small", bench.plan, everything(bench))
    file = tmp_path / "small" / "net_stream.v"
    small = file.read_text().replace(f".DEPTH({bench.plan.depth})", ".DEPTH(1)")
    offered = "offered & (room | ~core_last)"
    assert ".DEPTH(1)" in small
    assert offered in small
    file.write_text(small)
    assert run_bench("icarus", file.parent, bench.design.sources).startswith("PASS")
    file.write_text(small.replace(offered, "offered"))
    assert run_bench("icarus", file.parent, bench.design.sources).startswith("FAIL")
