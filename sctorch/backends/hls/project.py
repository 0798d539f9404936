"""Writing an hls4ml project: its files, our arrays and bridge, and the test bench."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends.hls import native
from sctorch.backends.hls.axis import write_axis
from sctorch.backends.hls.plan import Plan
from sctorch.backends.hls.testbench import write_test_bench
from sctorch.backends.resources import resource_folder
from sctorch.errors import ToolNotFoundError

__all__ = ["model_graph", "quiet", "write_project"]


def write_project(parts: Plan, network: ir.Network, folder: Path, chosen: Mapping[str, Any]) -> str:
    """Write the hls4ml project of a plan into a folder, and return hls4ml's version."""
    with quiet():
        graph = model_graph(parts, folder, chosen)
        graph.write()
    # A moved folder stays true, and the same network gives the same files: hls4ml's stamp is random.
    _replace(folder / "hls4ml_config.yml", str(folder), ".")
    for name in ("hls4ml_config.yml", "build_lib.sh"):
        _replace(folder / name, graph.config.get_config_value("Stamp"), ir.digest(network)[:8])
    _write_arrays(graph, folder)
    _write_bridge(parts, folder)
    write_test_bench(parts, network, folder)
    if parts.has_last:
        write_axis(parts, folder)
    if parts.native:
        (folder / "README.md").write_text(native.readme(parts.native, network))
    return str(version("hls4ml"))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what hls4ml and its imports say; mistakes show in the comparison and the compiler."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def model_graph(parts: Plan, folder: Path, chosen: Mapping[str, Any]) -> Any:
    """hls4ml's own model of a plan; it writes, compiles, predicts and traces as any other."""
    try:
        from hls4ml.model.graph import ModelGraph

        from sctorch.backends.hls.layers import register
    except ImportError as error:
        raise ToolNotFoundError(f"hls4ml ({error})", "Install it with: pip install 'hls4ml>=1.3'.") from error
    native.check_installed(parts.layers)
    register(resource_folder("hls"))
    port = {"class_name": "InputLayer", "name": parts.port, "input_shape": [parts.n_inputs + parts.has_last]}
    return ModelGraph.from_layer_list(_config(parts, folder, chosen), [port, *parts.layers])


def _config(parts: Plan, folder: Path, chosen: Mapping[str, Any]) -> dict[str, Any]:
    # Ticks of a timestep are a loop: unrolled they would be as much hardware again each, so such a
    # network becomes a chain of processes whose tick loops are pipelined, not one pipeline. So do shared multipliers.
    processes = parts.io_type == "io_stream" or any(entry["looped"] for entry in parts.layers)
    model = {
        "Precision": "fixed<16,6>", "ReuseFactor": 1, "Strategy": "Latency",
        "PipelineStyle": "dataflow" if processes else "pipeline",
    }  # fmt: skip
    names: dict[str, Any] = {parts.port: {"Precision": {"result": f"uint<{parts.input_width}>"}}}
    names |= {k: {"Strategy": v.strategy, "ReuseFactor": v.reuse_factor} for k, v in parts.knobs.items()}
    names |= parts.types
    return {
        "OutputDir": str(folder), "ProjectName": parts.top, "Backend": "Vitis", "IOType": parts.io_type,
        "Part": chosen["part"], "ClockPeriod": chosen["clock_period_ns"], "TraceOutput": True,
        "HLSConfig": {"Model": model, "LayerName": names},
        # A text file of weights would be looked for under an absolute path; our constants stand in the headers.
        "WriterConfig": {"Namespace": None, "WriteWeightsTxt": False, "WriteTar": False, "TBOutputStream": "both"},
    }  # fmt: skip


def _replace(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new))


def _write_arrays(graph: Any, folder: Path) -> None:
    """The arrays of fixed synapses once more, so that C++ compiles them quickly; Vitis synthesises hls4ml's own."""
    weights = folder / "firmware" / "weights"
    # Vitis is told to add this folder; it should not be empty.
    (weights / "README").write_text("Arrays of fixed synapses; all other constants stand in ../parameters.h.\n")
    for layer in graph.get_layers():
        for array in layer.get_weights():
            values = ", ".join(str(int(v)) for v in np.asarray(array.data).ravel())
            guard, definition = f"SCTORCH_{array.name.upper()}_H_", array.definition_cpp()
            (weights / f"{array.name}.h").write_text(
                f"#ifndef {guard}\n#define {guard}\n\n// Shape {array.shape}.\n#ifndef __SYNTHESIS__\n"
                f"static const long long {array.name}_values[] = {{{values}}};\n"
                f"{definition};\n"
                f"static const bool {array.name}_filled = nnet::sctorch_fill({array.name}, {array.name}_values);\n"
                f"#else\n{definition} = {{{values}}};\n#endif\n\n#endif\n"
            )


def _write_bridge(parts: Plan, folder: Path) -> None:
    source = "sctorch_bridge.cpp"
    (folder / source).write_text((resource_folder("hls") / source).read_text())
    (folder / "sctorch_top.h").write_text(
        "// What sctorch_bridge.cpp must know of this project. It includes the source: one file to compile,\n"
        "// since most of the compiler's time goes into the headers.\n"
        f'#include "firmware/{parts.top}.cpp"\n\n'
        f"#define SCTORCH_TOP {parts.top}\n"
        f"#define SCTORCH_N_IN {parts.n_inputs}\n"
        f"#define SCTORCH_HAS_LAST {int(parts.has_last)}\n"
    )
