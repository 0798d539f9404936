"""What tests/backends/test_hls_native.py runs in a process of its own: exports with an hls4ml that has spiking layers.

`python native_run.py before FOLDER` takes hls4ml's names first and exports with and without them; `after` takes them
when ours are registered, which then happens twice more. Both print what they found as JSON.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends import hls

STEPS = 6


def networks() -> dict[str, ir.Network]:
    """Two that hls4ml's layers compute exactly, with all that those know between them."""
    rng = np.random.default_rng(3)
    first, second = rng.integers(-7, 8, (9, 6)), rng.integers(-5, 8, (4, 9))
    bias, zeros = rng.integers(-2, 3, 9), np.zeros(4, np.int64)
    factors = rng.integers(150, 257, 4)
    spikes = ir.Network("counts", STEPS, (
        ir.RateEncoder("encoder", 6, ir.StreamSource("counter", 4)),
        ir.FixedSynapse("synapse1", first, bias, 3, 3),
        ir.Neuron("neuron1", 9, 5, rng.integers(12, 40, 9), ir.Leak("multiply", 8, np.array([200])), "ge", "subtract",
                  False),
        ir.FixedSynapse("synapse2", second, zeros, 3, 3),
        ir.Neuron("neuron2", 4, 3, np.full(4, 5), ir.Leak("multiply", 8, factors), "ge", "zero", False),
        ir.Readout("readout", 4, "spike", "threshold_then_argmax", class_threshold=2),
    ))  # fmt: skip
    scores = ir.Network("scores", STEPS, (
        ir.EventEncoder("encoder", 6),
        ir.FixedSynapse("synapse1", first, bias, 3, 3),
        # A shift leak that divides without a rest: 5 leaks of 1 bit, and 5 bits that are 0 at first.
        ir.Neuron("neuron1", 9, 8, np.full(9, 11 * 32), ir.Leak("shift", 1), "ge", "subtract", False),
        ir.FixedSynapse("synapse2", second, zeros, 3, 3),
        ir.Neuron("neuron2", 4, 3, np.full(4, 5), ir.Leak(), "ge", "subtract", False),
        ir.FixedSynapse("synapse3", rng.integers(-7, 8, (3, 4)), np.zeros(3, np.int64), 3, 3),
        ir.Readout("readout", 3, "membrane", "argmax_membrane", 5, ir.Leak("multiply", 8, np.array([192]))),
    ))  # fmt: skip
    return {"counts": spikes, "scores": scores}


def inputs(network: ir.Network) -> np.ndarray:
    rng = np.random.default_rng(0)
    if isinstance(network.encoder, ir.EventEncoder):
        return (rng.random((STEPS, 300, 6)) < 0.5).astype(np.int64)
    return rng.random((300, 6), dtype=np.float32)


def project_digest(folder: Path) -> str:
    """Digest of a project without hls4ml's own layers, as it is written now; headers of others are left out."""
    from sctorch.backends.hls.options import check_options
    from sctorch.backends.hls.plan import plan
    from sctorch.backends.hls.project import write_project

    network, chosen = networks()["counts"], check_options({"io_type": "io_stream"})
    folder.mkdir(parents=True)
    write_project(plan(network, chosen), network, folder, chosen)
    files = [p for p in folder.rglob("*") if p.is_file() and "_neuron.h" not in p.name.replace("sctorch_neuron.h", "")]
    files = sorted(p for p in files if not p.name.startswith("nnet_snn_"))
    assert any(p.name == "sctorch_neuron.h" for p in files)
    whole = b"".join(str(p.relative_to(folder)).encode() + b"\0" + p.read_bytes() for p in files)
    return hashlib.sha256(whole).hexdigest()


def exported(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, network in networks().items():
        design = hls.export(network, folder / name, {"io_type": "io_stream", "native": True})
        x = inputs(network)
        expected, got = ir.simulate(network, x), hls.load(folder / name).trace(x)
        found[name] = {
            "native": design.native,
            "readme": (design.folder / "README.md").read_text(),
            "description": json.loads((design.folder / "design.json").read_text())["native"],
            "differ": {key: int((got[key] != expected[key]).sum()) for key in got},
            "answers": sorted(set(expected["readout.decision"].ravel().tolist())),
            "spikes": {key: float(expected[key].mean()) for key in expected if key in ("neuron1", "neuron2")},
        }
    return found


def main(order: str, folder: Path) -> dict[str, Any]:
    import native_hls4ml

    from sctorch.backends.hls import layers
    from sctorch.backends.resources import resource_folder

    if order == "before":
        native_hls4ml.register(folder / "headers")
        return {"digests": [project_digest(folder / "plain")], "exports": exported(folder)}
    digests = [project_digest(folder / "first")]
    native_hls4ml.register(folder / "headers")
    layers.register(resource_folder("hls"))
    layers.register(resource_folder("hls"))
    digests.append(project_digest(folder / "twice"))
    importlib.reload(layers).register(resource_folder("hls"))
    digests.append(project_digest(folder / "reloaded"))
    return {"digests": digests}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(Path(__file__).parent))
    print("\n" + json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
