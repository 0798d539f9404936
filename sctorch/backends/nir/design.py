"""The nir backend: export, load, and running the exported graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sctorch import ir
from sctorch.backends.design import Design, read_description, write_description, writing_folder
from sctorch.backends.nir.files import DT, DT_RANGE, nir_package, open_graph
from sctorch.backends.nir.reading import description
from sctorch.backends.nir.running import run_graph
from sctorch.backends.nir.writing import beyond, make_graph, refuse
from sctorch.checks import check_flag, check_number
from sctorch.errors import ConfigError
from sctorch.ir.simulator import decide, encode

__all__ = ["OPTIONS", "NirDesign", "check", "export", "load"]

FILE = "network.nir"
OPTIONS: dict[str, Any] = {"dt": DT, "attach": False}


class NirDesign(Design):
    """A NIR graph in network.nir: from the first synapse to the last neurons, or to a membrane readout."""

    backend = "nir"

    @property
    def path(self) -> Path:
        return self.folder / FILE

    @property
    def attached(self) -> tuple[str, ...]:
        """What is in the metadata and not in the graph."""
        return tuple(f"{found.layer}: {found.what}" for found in beyond(self.network))

    def trace(self, x: np.ndarray) -> ir.Trace:
        """The graph's own equations on what the encoder gives; the readout's counts and rule are added behind it.

        Raises
        ------
        UnsupportedError
            If the graph alone does not hold the network.
        """
        network = self.network
        for found in beyond(network):
            if not found.outside:
                raise refuse(found)
        encoded = encode(network, ir.check_input(network, x))
        bits = network.encoder.bits if isinstance(network.encoder, ir.DirectEncoder) else 0
        values = self._run(encoded / 2**bits)
        trace: ir.Trace = {network.encoder.name: encoded}
        last = encoded
        for layer in network.layers[1:]:
            if isinstance(layer, ir.Readout) and layer.output_mode == "spike":
                trace[layer.name] = np.cumsum(last, axis=0)
                continue
            frac = layer.frac if isinstance(layer, ir.StochasticSynapse | ir.FixedSynapse | ir.Readout) else 0
            last = trace[layer.name] = _whole(layer.name, values[layer.name], frac)
            if isinstance(layer, ir.Neuron):
                mem = values[f"{layer.name}.charged" if layer.reset_delay else f"{layer.name}.v"]
                trace[f"{layer.name}.mem"] = _whole(layer.name, mem, layer.frac)
        held = np.full((encoded.shape[1], 1), -1, dtype=np.int64)
        decisions = []
        for scores in trace[network.readout.name]:
            decision, held = decide(network.readout, scores, held)
            decisions.append(decision)
        return trace | {f"{network.readout.name}.decision": np.stack(decisions).astype(np.int64)}

    def _run(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        """What the graph's nodes give; ConfigError unless it was written for this network."""
        graph = open_graph(self.path)
        if description(graph).get("network_sha256") != ir.digest(self.network):
            raise ConfigError(f"{self.path} is not the graph of the network {self.network.name!r}; export again")
        try:
            values = run_graph(graph, inputs, self.options["dt"])
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
            raise ConfigError(f"{self.path} was changed and cannot be run ({error}); export again") from error
        for layer in self.network.layers[1:]:
            counts = isinstance(layer, ir.Readout) and layer.output_mode == "spike"
            names = (layer.name, f"{layer.name}.v") if isinstance(layer, ir.Neuron) else (layer.name,)
            shapes = {values[name].shape if name in values else None for name in names}
            if not counts and shapes != {(*inputs.shape[:2], layer.size)}:
                raise ConfigError(f"{self.path}: {layer.name} is not the network's node; export again")
        return values


def _whole(name: str, values: np.ndarray, frac: int) -> np.ndarray:
    """Values as integers with `frac` fractional bits; ConfigError if they are none."""
    scaled = values * 2.0**frac
    if not np.array_equal(scaled, np.rint(scaled)):
        raise ConfigError(
            f"{name}: the graph gives values between the network's integers; it was changed, export again"
        )
    return scaled.astype(np.int64)


def check(network: ir.Network, options: Mapping[str, Any], target: str | None = None) -> dict[str, Any]:
    """The full options, or the error that `export` would raise for them."""
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ConfigError(f"nir backend: option {unknown[0]!r} is unknown; known: {', '.join(OPTIONS)}")
    chosen = {**OPTIONS, **options}
    chosen["dt"] = check_number(chosen["dt"], *DT_RANGE, "nir backend: dt")
    check_flag(chosen["attach"], "nir backend: attach")
    ir.analyse(network)
    found = beyond(network)
    if found and not chosen["attach"]:
        raise refuse(found[0])
    nir_package()
    return chosen


def export(network: ir.Network, folder: Path, options: Mapping[str, Any], target: str | None = None) -> NirDesign:
    """Write the graph and its description.

    Parameters
    ----------
    options : dt, seconds of a timestep, 1e-12 to 1e12 (1e-4, what snntorch takes it for); attach, whether what NIR
        cannot say goes into the metadata instead of being refused.
    """
    folder = Path(folder)
    chosen = check(network, options, target)
    nir, graph = nir_package(), make_graph(network, chosen["dt"])
    attached = [f"{found.layer}: {found.what}" for found in beyond(network)]
    with writing_folder(folder) as written:
        nir.write(written / FILE, graph)
        write_description(written, "nir", network, chosen, attached=attached, nir=str(nir.version))
    return NirDesign(folder, network, chosen)


def load(folder: Path) -> NirDesign:
    """A design that `export` wrote."""
    network, description = read_description(Path(folder))
    return NirDesign(Path(folder), network, description["options"])
