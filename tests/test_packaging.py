"""A wheel, installed into an environment of its own, exports hardware without the checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SCRIPT = """
import sys, numpy as np, sctorch, torch
from sctorch import nn
assert sys.prefix in sctorch.__file__, sctorch.__file__
torch.manual_seed(0)
net = nn.SpikingNetwork(nn.RateEncoder(4, bits=4), nn.SCLinear(4, 3), nn.LIF(3, beta=0.5, threshold=0.5),
                        nn.SCLinear(3, 2), nn.SNNReadout(2, output_mode="membrane"), num_steps=8)
designs = [sctorch.export(net, f"out/{backend}", backend=backend, name="tiny") for backend in ("verilog", "hls")]
report = sctorch.verify(net, designs, np.random.default_rng(0).random((20, 4)))
report.raise_if_failed()
print("spikes", report.spikes_compared, "pairs", len(report.pairs))
print(sctorch.cost.synthesize(designs[0], "ice40").luts)
"""


def run(command: list[str], cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_built_wheel_works_without_the_checkout(tmp_path: Path) -> None:
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)], ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for part in ("hdl/sct_lif.v", "hdl/sim/driver.h", "hls/sctorch_neuron.h"):
        assert f"sctorch/_resources/{part}" in names
    assert not any(name.startswith(("tests/", "recipes/", "docs/")) for name in names)

    environment = tmp_path / "venv"
    run([sys.executable, "-m", "venv", "--without-pip", str(environment)], tmp_path)
    python = environment / "bin" / "python"
    run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)],
        tmp_path,
    )
    # The dependencies come from this environment; an editable install of the checkout does not travel along,
    # because the .pth files of a folder named in a .pth file are not read.
    packages = Path(
        run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], tmp_path).strip()
    )
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    output = run([str(python), "-c", SCRIPT], tmp_path)
    assert "pairs 3" in output
    assert run([str(environment / "bin" / "sctorch"), "--version"], tmp_path).strip().endswith("0.1.0")
