"""Kernels broken on purpose: the comparison sees each of them, and so does the project's own test bench."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hls_networks import LAST, NETWORKS, SENT, inputs, received, run_test_bench, sent

from sctorch import ir
from sctorch.backends import hls
from sctorch.backends.hls.runner import build

Designs = Callable[..., hls.HlsDesign]


def break_kernel(folder: Path, header: str, right: str, wrong: str) -> None:
    path = folder / "firmware" / "nnet_utils" / header
    assert path.read_text().count(right) == 1
    path.write_text(path.read_text().replace(right, wrong))


@pytest.mark.parametrize(
    ("name", "options", "header", "right", "wrong"),
    [
        ("single", {}, "synapse", "magnitude > r", "magnitude >= r"),
        ("single", {}, "encoder", "values[j] > sctorch_random", "values[j] >= sctorch_random"),
        ("single", {}, "encoder", "if (first)\n            sctorch_restart", "if (false)\n            sctorch_restart"),
        ("single", {}, "window", "step = step == CONFIG_T::num_steps - 1", "step = step == CONFIG_T::num_steps"),
        ("logit", {}, "neuron", "m >= threshold : m > threshold", "m > threshold : m >= threshold"),
        ("then", {}, "neuron", "first ? membrane_t(0) : mem[i]", "mem[i]"),
        ("then", {}, "readout", "score[i] > best", "score[i] >= best"),
        ("then", {}, "readout", "first ? res_T(0) : mem[i]", "mem[i]"),
        ("first", {}, "readout", "if (!first && holds)", "if (holds)"),
        ("direct", {}, "neuron", "!first && line[CONFIG_T::delay - 1][i]", "line[CONFIG_T::delay - 1][i]"),
        ("single", LAST, "window", "packet[data_T::size - 1] != 0", "false"),
        ("single", LAST, "window", "answer[res_T::size - 1] = last", "answer[res_T::size - 1] = 0"),
    ],
)
def test_a_broken_kernel_is_seen(
    hls_designs: Designs, tmp_path: Path, name: str, options: dict[str, str], header: str, right: str, wrong: str
) -> None:
    net = NETWORKS[name]
    shutil.copytree(hls_designs(name, **options).folder, tmp_path / "broken")
    break_kernel(tmp_path / "broken", f"sctorch_{header}.h", right, wrong)
    build(tmp_path / "broken")
    design = hls.load(tmp_path / "broken")
    if options == LAST:
        x = inputs(net, windows=len(SENT))
        got, expected = design.feed(*sent(net, x))[2], received(net, x)[1]
    else:
        x = inputs(net)
        got, expected = design.trace(x), ir.simulate(net, x)
    assert any(not np.array_equal(got[key], expected[key]) for key in expected)


@pytest.mark.parametrize(
    ("name", "options", "header", "right", "wrong"),
    [
        ("then", {}, "readout", "score[i] > best", "score[i] < best"),
        ("single", LAST, "window", "bool last = step == CONFIG_T::num_steps - 1", "bool last = false"),
    ],
)
def test_the_test_bench_passes_and_sees_a_broken_kernel(
    hls_designs: Designs, tmp_path: Path, name: str, options: dict[str, str], header: str, right: str, wrong: str
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(hls_designs(name, **options).folder, folder)
    status, output = run_test_bench(folder, "trace")
    rows = 2 * (11 + 6 + 11 + 1) if options == LAST else 8 * NETWORKS[name].num_steps
    assert (status, output) == (0, f"{rows} timesteps, 0 of them wrong\n")
    results = (folder / "tb_data" / "csim_results.log").read_text().split()
    assert results == (folder / "tb_data" / "tb_output_predictions.dat").read_text().split()
    traced = (folder / "tb_data" / f"{NETWORKS[name].encoder.name}_output.log").read_text().splitlines()
    assert len(traced) == rows
    break_kernel(folder, f"sctorch_{header}.h", right, wrong)
    status, output = run_test_bench(folder)
    assert status == 1
    assert "ERROR: row " in output
    (folder / "tb_data" / "tb_output_predictions.dat").write_text("x\n")
    assert subprocess.run(["./test_bench"], cwd=folder, check=False, capture_output=True).returncode == 2
