"""Packets with a flag end a window early; nothing leaks from one window into the next."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hls_networks import LAST, NETWORKS, SENT, STREAM, assert_same, inputs, packets, received, run_test_bench, sent

from sctorch import ir
from sctorch.backends import hls
from sctorch.errors import ConfigError, ShapeError
from sctorch.hardware.tools import find_tool

Designs = Callable[..., hls.HlsDesign]
T = 11  # num_steps of the networks here


@pytest.mark.parametrize("name", ["events", "first", "logit"])
def test_a_window_ends_at_its_flag_or_by_itself(hls_designs: Designs, name: str) -> None:
    net, design = NETWORKS[name], hls_designs(name, **LAST)
    x = inputs(net, windows=len(SENT), seed=8)
    answers, ends, trace = design.feed(*sent(net, x))
    expected_ends, expected = received(net, x)
    assert np.array_equal(ends, expected_ends)
    assert_same(trace, expected)
    assert np.array_equal(answers, trace["scores.decision"][:, 0, 0])


@pytest.mark.parametrize("lost", [1, 4, 10])
def test_a_window_cut_short_without_its_flag_spoils_one_more_at_most(hls_designs: Designs, lost: int) -> None:
    """Nothing could tell it from the next one's start; from the next flag on all is whole again."""
    net, design = NETWORKS["first"], hls_designs("first", **LAST)
    x = inputs(net, windows=3, seed=8)
    rows = packets(net, x)
    flags = np.zeros((3, T), dtype=bool)
    flags[:, -1] = True
    cut = np.concatenate([rows[0, : T - lost], rows[1], rows[2]])
    _, ends, trace = design.feed(cut, np.concatenate([np.zeros(T - lost, dtype=bool), *flags[1:]]))
    for key, values in ir.simulate(net, x).items():
        assert np.array_equal(trace[key][-T:, 0], values[:, 2]), key
    assert np.flatnonzero(ends).tolist() == [T - 1, 2 * T - lost - 1, 3 * T - lost - 1]


def test_answers_of_windows_that_end_early(hls_designs: Designs) -> None:
    net, design = NETWORKS["first"], hls_designs("first", **LAST)
    x = inputs(net, windows=40, seed=2)
    lengths = np.random.default_rng(0).integers(1, T + 1, 40)
    decisions = ir.simulate(net, x)["scores.decision"][..., 0]
    assert np.array_equal(design.answers(x, lengths), decisions[lengths - 1, np.arange(40)])
    assert (decisions[lengths - 1, np.arange(40)] != decisions[-1]).any()
    assert np.array_equal(design.answers(x, np.full(40, T)), design.predict(x)[-1])
    assert design.answers(x[:0], np.zeros(0, dtype=int)).shape == (0,)


def test_a_fixed_window_takes_no_notice_of_a_flag(hls_designs: Designs) -> None:
    net, design = NETWORKS["then"], hls_designs("then", **STREAM)
    x = inputs(net, windows=3)
    rows = packets(net, x).reshape(3 * T, -1)
    answers, ends, _ = design.feed(rows, np.ones(3 * T, dtype=bool))
    assert not ends.any()
    assert np.array_equal(answers.reshape(3, T).T, ir.simulate(net, x)["scores.decision"][..., 0])


def test_the_top_with_tlast_pins_gives_the_same_answers(hls_designs: Designs, tmp_path: Path) -> None:
    shutil.copytree(hls_designs("logit", **LAST).folder, tmp_path / "copy")  # its answers have a sign
    status, output = run_test_bench(tmp_path / "copy", axis=True)
    assert (status, output) == (0, "58 timesteps, 0 of them wrong\n")


BEATS = """
#include "sctorch_axis.h"
#include "nnet_types.h"
#include <cstdio>
typedef nnet::array<ap_uint<4>, 6> packet_t; // 5 entries and the flag, in beats of 2
int main() {
    hls::stream<ap_axiu<8, 0, 0, 0>> in("in");
    hls::stream<packet_t> out("out");
    const unsigned data[] = {0x21, 0x43, 0x05, 0x87, 0x09, 0x21, 0x43, 0x05};
    for (unsigned i = 0; i < 8; i++) {
        ap_axiu<8, 0, 0, 0> beat;
        beat.data = data[i];
        beat.last = i == 4 || i == 7; // the second packet was cut short
        in.write(beat);
    }
    for (unsigned p = 0; p < 3; p++) {
        nnet::sctorch_from_axis<5, 2, 4>(in, out);
        const packet_t packet = out.read();
        for (unsigned i = 0; i < 6; i++)
            std::printf("%d ", int(packet[i]));
    }
    return in.empty() ? 0 : 1;
}
"""


def test_a_packet_that_was_cut_short_does_not_shift_the_next(hls_designs: Designs, tmp_path: Path) -> None:
    firmware = hls_designs("single", **LAST).folder / "firmware"
    (tmp_path / "beats.cpp").write_text(BEATS)
    command = [*find_tool("g++").command, "-std=c++11", "-w", f"-I{firmware}/ap_types", f"-I{firmware}/nnet_utils"]
    subprocess.run([*command, "beats.cpp", "-o", "beats"], cwd=tmp_path, check=True)
    done = subprocess.run(["./beats"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.replace(" ", "") == "123450" + "789001" + "123451"


@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        ([3], ShapeError, "lengths must be 2 integers"),
        ([1.0, 2.0], ShapeError, "lengths must be 2 integers"),
        ([[1], [1, 2]], ShapeError, "lengths must be 2 integers"),
        ([0, 2], ConfigError, "lengths run from 0 to 2, outside 1 to 11"),
        ([1, 12], ConfigError, "lengths run from 1 to 12, outside 1 to 11"),
    ],
)
def test_lengths_are_checked(hls_designs: Designs, lengths: list[int], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        hls_designs("first", **LAST).answers(inputs(NETWORKS["first"], windows=2), lengths)


def test_feeding_is_checked(hls_designs: Designs) -> None:
    design = hls_designs("then", **STREAM)
    with pytest.raises(ConfigError, match="windows of 11 timesteps alone; export it with window='last'"):
        design.answers(inputs(NETWORKS["then"]), [1] * 5)
    with pytest.raises(ShapeError, match=r"expected packets \[N, 6\], got shape \(4, 5\)"):
        design.feed(np.zeros((4, 5), dtype=int))
    for wrong in (np.full((4, 6), 16), np.full((4, 6), -1), np.zeros((4, 6))):
        with pytest.raises(ConfigError, match="packets must hold integers from 0 to 15"):
            design.feed(wrong)
    with pytest.raises(ShapeError, match=r"last must be 4 flags"):
        design.feed(np.zeros((4, 6), dtype=int), [True] * 3)


def test_flags_are_flags_and_no_windows_have_no_answers(hls_designs: Designs) -> None:
    design = hls_designs("first", **LAST)
    x = inputs(NETWORKS["first"], windows=2)
    packets = np.zeros((1, design._plan.n_inputs), dtype=np.int64)
    for bad in (["no"], [0.0], [True, False], [[True], []]):
        with pytest.raises(ShapeError, match="last must be 1 flags"):
            design.feed(packets, last=bad)
    assert design.feed(packets, last=[1])[1].tolist() == [True]
    assert design.answers(x[:0], []).shape == (0,)
