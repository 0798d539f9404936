"""The onnx backend: export, load, and running the exported graphs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from sctorch import ir
from sctorch.backends.design import Design, read_description, write_description, writing_folder
from sctorch.backends.onnx.layers import check_count
from sctorch.backends.onnx.models import signals, step_model, window_model, with_signals
from sctorch.backends.onnx.runner import RUNTIMES, run_steps, run_window
from sctorch.backends.onnx.streams import check_table
from sctorch.checks import check_choice
from sctorch.errors import ConfigError

__all__ = ["OPTIONS", "OnnxDesign", "check", "export", "load"]

FORMS = ("window", "step")
OPTIONS: dict[str, Any] = {}


class OnnxDesign(Design):
    """Integer ONNX graphs: step.onnx is one timestep, window.onnx a whole window of them.

    form : which of the two `trace` and `predict` run. runtime : "onnxruntime" or "reference" (onnx's own evaluator).
    """

    backend = "onnx"

    def __init__(
        self, folder: Path, network: ir.Network, options: Mapping[str, Any],
        form: str = "window", runtime: str = "onnxruntime",
    ) -> None:  # fmt: skip
        super().__init__(folder, network, options)
        self.form = check_choice(form, FORMS, "onnx design: form")
        self.runtime = check_choice(runtime, tuple(RUNTIMES), "onnx design: runtime")

    @property
    def label(self) -> str:
        return f"onnx {self.form}" + ("" if self.runtime == "onnxruntime" else f" ({self.runtime})")

    @property
    def forms(self) -> tuple[Design, ...]:
        """Both files; of a design that was told to use the step alone, that one."""
        return (self, self.using("step")) if self.form == "window" else (self,)

    def using(self, form: str | None = None, runtime: str | None = None) -> OnnxDesign:
        """The same files, run by the other form or runtime."""
        return OnnxDesign(self.folder, self.network, self.options, form or self.form, runtime or self.runtime)

    def model(self, form: str | None = None) -> onnx.ModelProto:
        """The model in the folder, "window" or "step"; ConfigError unless it was written for this network."""
        form = check_choice(form or self.form, FORMS, "onnx design: form")
        path = self.folder / f"{form}.onnx"
        try:
            model = onnx.load(path)
        except Exception as error:  # what a damaged file makes protobuf raise
            raise ConfigError(f"cannot read {path} ({error}); export again") from error
        said = {entry.key: entry.value for entry in model.metadata_props}
        if (said.get("sctorch.form"), said.get("sctorch.network_sha256")) != (form, self._digest):
            raise ConfigError(f"{path} is not the {form} of the network {self.network.name!r}; export again")
        return model

    @cached_property
    def _digest(self) -> str:
        return ir.digest(self.network)

    def trace(self, x: np.ndarray) -> ir.Trace:
        keys = signals(self.network)
        found = self._run(with_signals(self.model(), keys), x)
        trace = {key: found[f"trace.{key}"].astype(np.int64) for key in keys}
        bits = trace[self.network.encoder.name]  # [T, B, L, n] -> [T L, B, n]
        steps, windows, ticks, size = bits.shape
        trace[self.network.encoder.name] = bits.transpose(0, 2, 1, 3).reshape(steps * ticks, windows, size)
        return trace

    def predict(self, x: np.ndarray) -> np.ndarray:
        found = self._run(self.model(), x)
        return found["decision"] if self.form == "window" else found[f"{self.network.readout.name}.decision"][..., 0]

    def _run(self, model: onnx.ModelProto, x: np.ndarray) -> dict[str, np.ndarray]:
        """A model's outputs, time first; x as for `ir.simulate`, checked as there."""
        network, values = self.network, ir.check_input(self.network, x)
        if self.form == "window":
            return run_window(model, self.runtime, x)
        if values.ndim == 2:
            return run_steps(model, self.runtime, np.broadcast_to(values, (network.num_steps, *values.shape)))
        spikes = values.reshape(network.num_steps, network.encoder_ticks, *values.shape[1:])
        return run_steps(model, self.runtime, spikes.transpose(0, 2, 1, 3))


def check(network: ir.Network, options: Mapping[str, Any], target: str | None = None) -> dict[str, Any]:
    """The full options, or the error that `export` would raise for them."""
    if options:
        raise ConfigError(f"onnx backend: option {sorted(options)[0]!r} is unknown; it has none")
    for key in network.meta:
        if key.startswith("sctorch."):
            raise ConfigError(f"onnx backend: meta {key!r} begins as the file's own entries do; rename it")
    ir.analyse(network)
    for layer in network.layers:
        if isinstance(layer, ir.RateEncoder):
            check_table(layer.name, layer.source, layer.size, network.num_steps * network.encoder_ticks)
        elif isinstance(layer, ir.StochasticSynapse):
            check_table(layer.name, layer.source, layer.n_inputs, network.num_steps * layer.bitstream_length)
            check_count(layer)
        elif isinstance(layer, ir.Neuron) and layer.leak.source is not None:
            check_table(layer.name, layer.leak.source, layer.size, network.num_steps)
    return {}


def export(network: ir.Network, folder: Path, options: Mapping[str, Any], target: str | None = None) -> OnnxDesign:
    """Write step.onnx and window.onnx, both past onnx's full check, and their description."""
    folder = Path(folder)
    chosen = check(network, options, target)
    models = {"step": step_model(network), "window": window_model(network)}  # before anything is written
    with writing_folder(folder) as written:
        for name, model in models.items():
            (written / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
        opset, made_by = models["step"].opset_import[0].version, onnx.__version__
        write_description(written, "onnx", network, chosen, opset=opset, onnx=made_by)
    return OnnxDesign(folder, network, chosen)


def load(folder: Path) -> OnnxDesign:
    """A design that `export` wrote."""
    network, description = read_description(Path(folder))
    return OnnxDesign(Path(folder), network, description["options"])
