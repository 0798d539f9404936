"""From the integer network to an hls4ml project on disk."""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends.resources import resource_folder
from sctorch.errors import ToolNotFoundError, UnsupportedError
from sctorch.ir.ranges import LayerRanges

__all__ = ["Plan", "Traced", "plan", "write_project"]

# hls4ml hands every traced value over as a double.
MAX_WIDTH = 53
# The top function holds all its layers' results of one timestep on the stack.
MAX_RESULTS = 1 << 18
TEST_BENCH_WINDOWS = 2


@dataclass(frozen=True)
class Traced:
    """One traced signal: its key in a trace, entries per timestep, and the rows per timestep they make up."""

    key: str
    size: int
    rows: int = 1


@dataclass(frozen=True, eq=False)
class Plan:
    """What hls4ml is given.

    top : name of the project and its top function. The suffix keeps it off the words of C++.
    port : name and entries of the input, and bits of one entry.
    layers : our layers, as hls4ml's list of dicts. traces : signals to record, the decision excepted.
    """

    top: str
    port: str
    n_inputs: int
    input_width: int
    layers: list[dict[str, Any]]
    traces: tuple[Traced, ...]


def plan(network: ir.Network) -> Plan:
    """Lay the network out as hls4ml layers; UnsupportedError if it is too large or a value too wide for them."""
    ranges = ir.analyse(network)
    ticks, encoder = network.encoder_ticks, network.encoder
    events = isinstance(encoder, ir.EventEncoder)
    layers = [_encoder(encoder, ticks)]
    traces = [Traced(encoder.name, ticks * encoder.size, ticks)]
    rows, frac = ticks, 0
    for layer in network.layers[1:]:
        bounds = ranges[layer.name]
        if isinstance(layer, ir.Synapse):
            layers.append(_synapse(layer, bounds, rows))
            rows, frac = 1, layer.frac
        elif isinstance(layer, ir.Neuron):
            layers.append(_neuron(layer, bounds, layer.frac - frac))
            frac = 0
        elif isinstance(layer, ir.Delay):
            layers.append(_entry("Delay", layer.name, layer, layer.size, 1, False))
        elif isinstance(layer, ir.Readout):
            layers += _readout(layer, bounds, layer.frac - frac if layer.output_mode == "membrane" else 0)
        traces.append(Traced(layer.name, layer.size))
        if isinstance(layer, ir.Neuron):
            traces.append(Traced(f"{layer.name}.mem", layer.size))
    port = "in_data"
    while port in {layer.name for layer in network.layers}:
        port += "_"
    source = port
    for entry in layers:
        # hls4ml keeps a layer's output among its attributes: no attribute has a dot in its name.
        entry |= {"inputs": [source], "outputs": [f"{entry['name']}.out"]}
        entry["trace"] = entry["class_name"] != "SctorchDecision"  # the answer comes out of the top function itself
        entry |= {"num_steps": network.num_steps, "step_width": ir.unsigned_width(network.num_steps - 1)}
        source = entry["outputs"][0]
    _check_sizes(layers)
    return Plan(
        top=f"{network.name}_hls",
        port=port,
        n_inputs=ticks * encoder.size if events else encoder.n_features,
        input_width=1 if isinstance(encoder, ir.EventEncoder) else encoder.bits,
        layers=layers,
        traces=tuple(traces),
    )


def _entry(kind: str, name: str, layer: ir.Layer, size: int, width: int, signed: bool) -> dict[str, Any]:
    return {
        "class_name": f"Sctorch{kind}", "name": name, "ir": layer,
        "n_result": size, "result_width": width, "result_signed": signed,
    }  # fmt: skip


_ENCODERS = {
    ir.RateEncoder: "RateEncoder", ir.LevelEncoder: "LevelEncoder",
    ir.DirectEncoder: "DirectEncoder", ir.EventEncoder: "EventEncoder",
}  # fmt: skip


def _encoder(layer: ir.Encoder, ticks: int) -> dict[str, Any]:
    width = layer.bits if isinstance(layer, ir.DirectEncoder) else 1
    return _entry(_ENCODERS[type(layer)], layer.name, layer, ticks * layer.size, width, False) | {"n_ticks": ticks}


def _synapse(layer: ir.Synapse, bounds: LayerRanges, data_ticks: int) -> dict[str, Any]:
    assert bounds.current is not None
    width = bounds.current.width
    if isinstance(layer, ir.FixedSynapse):
        return _entry("FixedSynapse", layer.name, layer, layer.size, width, True)
    return _entry("StochasticSynapse", layer.name, layer, layer.size, width, True) | {"data_ticks": data_ticks}


def _neuron(layer: ir.Neuron, bounds: LayerRanges, shift: int) -> dict[str, Any]:
    assert bounds.charged is not None
    assert bounds.membrane is not None
    # The charged membrane before its reset must fit too. What lies between (the leaked membrane less
    # a delayed reset) may leave these bounds for a moment: adding the current brings it back.
    width = bounds.charged.union(bounds.membrane).width
    return _entry("Neuron", layer.name, layer, layer.size, 1, False) | {
        "current_shift": shift, "membrane_width": width, "membrane_key": f"{layer.name}.mem",
    }  # fmt: skip


def _readout(layer: ir.Readout, bounds: LayerRanges, shift: int) -> list[dict[str, Any]]:
    assert bounds.membrane is not None
    scores = _entry("Readout", layer.name, layer, layer.size, bounds.membrane.width, True) | {"current_shift": shift}
    assert bounds.decision is not None
    logit = layer.decision_rule == "binary_logit"
    width = bounds.decision.width if logit else ir.unsigned_width(layer.size - 1)
    decision = _entry("Decision", f"{layer.name}.decision", layer, 1, width, logit)
    return [scores, decision]


def _check_sizes(layers: list[dict[str, Any]]) -> None:
    results = sum(entry["n_result"] for entry in layers)
    if results > MAX_RESULTS:
        raise UnsupportedError(
            f"a timestep of {results} signals", "hls backend",
            f"At most {MAX_RESULTS} fit; use fewer inputs or a shorter bitstream_length.",
        )  # fmt: skip
    for entry in layers:
        width = max(entry["result_width"], entry.get("membrane_width", 0))
        if width > MAX_WIDTH:
            raise UnsupportedError(
                f"a value of {width} bits", f"hls backend, layer {entry['name']}",
                f"At most {MAX_WIDTH} bits go through the trace exactly; use fewer frac bits or smaller weights.",
            )  # fmt: skip


def write_project(parts: Plan, network: ir.Network, folder: Path, part: str, clock_period_ns: float) -> str:
    """Write the hls4ml project of a plan into a folder, and return hls4ml's version."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of hls4ml's imports; its mistakes show in the comparison and the compiler
        try:
            import hls4ml
            from hls4ml.model.graph import ModelGraph

            from sctorch.backends.hls.layers import register
        except ImportError as error:
            raise ToolNotFoundError(f"hls4ml ({error})", "Install it with: pip install 'hls4ml>=1.3'.") from error
        register(resource_folder("hls"))
        port = {"class_name": "InputLayer", "name": parts.port, "input_shape": [parts.n_inputs]}
        graph = ModelGraph.from_layer_list(_config(parts, folder, part, clock_period_ns), [port, *parts.layers])
        graph.write()
    # A moved folder stays true, and the same network gives the same files: hls4ml's stamp is random.
    _replace(folder / "hls4ml_config.yml", str(folder), ".")
    for name in ("hls4ml_config.yml", "build_lib.sh"):
        _replace(folder / name, graph.config.get_config_value("Stamp"), ir.digest(network)[:8])
    _write_bridge(parts, network, folder)
    _write_test_bench(network, folder)
    version: str = hls4ml.__version__
    return version


def _config(parts: Plan, folder: Path, part: str, clock_period_ns: float) -> dict[str, Any]:
    # Ticks of a timestep are a loop: unrolled they would be as much hardware again each, so such a
    # network becomes a chain of processes whose tick loops are pipelined, not one pipeline.
    looped = any(e["class_name"] == "SctorchStochasticSynapse" and e["ir"].bitstream_length > 1 for e in parts.layers)
    model = {
        "Precision": "fixed<16,6>", "ReuseFactor": 1, "Strategy": "Latency",
        "PipelineStyle": "dataflow" if looped else "pipeline",
    }  # fmt: skip
    names = {parts.port: {"Precision": {"result": f"uint<{parts.input_width}>"}}}
    return {
        "OutputDir": str(folder), "ProjectName": parts.top, "Backend": "Vitis", "IOType": "io_parallel",
        "Part": part, "ClockPeriod": clock_period_ns, "TraceOutput": True,
        "HLSConfig": {"Model": model, "LayerName": names},
        # A text file of weights would be looked for under an absolute path; our constants stand in the headers.
        "WriterConfig": {"Namespace": None, "WriteWeightsTxt": False, "WriteTar": False, "TBOutputStream": "both"},
    }  # fmt: skip


def _replace(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new))


def _write_bridge(parts: Plan, network: ir.Network, folder: Path) -> None:
    # Vitis is told to add this folder; it should not be empty.
    (folder / "firmware" / "weights" / "README").write_text("All constants stand in ../parameters.h.\n")
    source = "sctorch_bridge.cpp"
    (folder / source).write_text((resource_folder("hls") / source).read_text())
    (folder / "sctorch_top.h").write_text(
        "// What sctorch_bridge.cpp must know of this project. It includes the source: one file to compile,\n"
        "// since most of the compiler's time goes into the headers.\n"
        f'#include "firmware/{parts.top}.cpp"\n\n'
        f"#define SCTORCH_TOP {parts.top}\n"
        f"#define SCTORCH_N_IN {parts.n_inputs}\n"
        "#define SCTORCH_N_OUT 1\n"
        f"#define SCTORCH_NUM_STEPS {network.num_steps}\n"
    )


def _write_test_bench(network: ir.Network, folder: Path) -> None:
    """Vectors for hls4ml's test bench, a row per timestep: random windows and their decisions."""
    rng = np.random.default_rng(0)
    x: np.ndarray
    encoder, windows, steps = network.encoder, TEST_BENCH_WINDOWS, network.num_steps
    if not isinstance(encoder, ir.EventEncoder):
        x = rng.random((windows, encoder.n_features), dtype=np.float32)
        rows = np.repeat(ir.check_input(network, x), steps, axis=0)
    else:
        x = rng.integers(0, 2, (steps * network.encoder_ticks, windows, encoder.size))
        rows = x.transpose(1, 0, 2).reshape(windows * steps, -1)
    decisions = ir.simulate(network, x)[f"{network.readout.name}.decision"].transpose(1, 0, 2).reshape(-1, 1)
    for name, values in (("tb_input_features", rows), ("tb_output_predictions", decisions)):
        lines = [" ".join(str(v) for v in row) + "\n" for row in values.tolist()]
        (folder / "tb_data" / f"{name}.dat").write_text("".join(lines))
