"""import_nir(): a NIR graph, of any library, becomes a torch network on integers."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import torch

from sctorch.backends.nir.files import DT, DT_RANGE, chain, nir_package, open_graph
from sctorch.backends.nir.reading import description
from sctorch.backends.nir.writing import KEY
from sctorch.checks import check_number, check_range
from sctorch.errors import ConfigError, ShapeError, UnsupportedError
from sctorch.nn import ConvertedNetwork, Encoder, from_snntorch

__all__ = ["import_nir"]

OPTIONS = ("weight_bits", "frac_bits", "off_grid", "output_mode", "decision_rule", "class_threshold")
NEAR = 2.0**-20  # float32 constants give beta = 1 - dt / tau as near as this to the one that was meant
WAY_OUT = "What can be kept: a chain of Linear or Affine and LIF or IF nodes, ended by one of them or by an LI."
FIRST = "Put a Linear before it; the identity keeps what it computes."


def import_nir(
    source: Any, num_steps: int | None = None, encoder: Encoder | None = None, dt: float | None = None, **options: Any
) -> ConvertedNetwork:
    """A NIR graph as a `SpikingNetwork` of fixed synapses, to be trained on, exported and verified.

    The graph is stepped as snntorch steps it: v = (1 - dt / tau) v + (r dt / tau) I, a spike where v > v_threshold, and
    v = 0 after it. An IF is a LIF without a leak, v = v + r dt I.

    Parameters
    ----------
    source : the path of a file, or a nir.NIRGraph: one chain of Linear or Affine and LIF or IF nodes.
    num_steps : timesteps of one window; a graph that sctorch wrote has its own.
    encoder : what feeds the first synapse, by default `EventEncoder`: spikes [T, B, n].
    dt : seconds of a timestep, by default 1e-4 as in snntorch, or what a graph of ours says.
    options : weight_bits, frac_bits, off_grid, output_mode, decision_rule, class_threshold of `nn.from_snntorch`; a
        graph that sctorch wrote has its own rule and class_threshold.

    Returns
    -------
    The network; its `conversion` says what was rounded, and how far. What was rounded is also a QuantisationWarning.

    Raises
    ------
    UnsupportedError
        For a node or constant that cannot be kept, by name.
    ConfigError, ShapeError
        For a file that cannot be read, an argument out of range, or nodes whose sizes do not fit.
    """
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ConfigError(f"import_nir: option {unknown[0]!r} is unknown; known: {', '.join(OPTIONS)}")
    graph = open_graph(source)
    ours = _described(graph)
    lost = [what for what in ours.get("beyond", []) if not what.startswith(f"{ours['layers'][0]['name']}:")]
    if lost:
        raise UnsupportedError(
            f"a graph that holds its network in part alone ({'; '.join(lost)})", "import_nir",
            "sctorch.backends.nir.read_network reads it whole.",
        )  # fmt: skip
    if num_steps is None and "num_steps" not in ours:
        raise ConfigError("import_nir: the graph needs num_steps, the timesteps of one window")
    kind = ours["layers"][0]["kind"] if ours else "event_encoder"
    if encoder is None and kind != "event_encoder":
        raise ConfigError(
            f"import_nir: the graph's network is fed by a {kind}; give that encoder ({ours['layers'][0]})"
        )
    step = check_number(dt if dt is not None else ours.get("dt", DT), *DT_RANGE, "import_nir: dt")
    modules, scores = _modules(chain(graph, "import_nir"), step)
    if scores:
        options.setdefault("output_mode", "membrane")
    if ours:
        _keep_rule(options, ours["layers"][-1])
    steps = check_range(ours["num_steps"] if num_steps is None else num_steps, 1, 1 << 16, "import_nir: num_steps")
    return from_snntorch(torch.nn.Sequential(modules), steps, encoder, **options)


def _described(graph: Any) -> dict[str, Any]:
    """What metadata of ours says, as far as it is used here; ConfigError if it was damaged."""
    ours = description(graph)
    if not ours:
        return {}
    beyond = ours.get("beyond", [])
    named = all(
        isinstance(layer, dict) and isinstance(layer.get(key), str)
        for layer in ours["layers"] for key in ("kind", "name")
    )  # fmt: skip
    if not named or not isinstance(beyond, list) or not all(isinstance(what, str) for what in beyond):
        raise ConfigError(f"import_nir: the metadata under {KEY!r} is damaged; export again, or remove it")
    return ours


def _keep_rule(options: dict[str, Any], readout: dict[str, Any]) -> None:
    """Add the rule of the readout that a graph was made from, unless another rule or kind of readout is wished."""
    if readout["kind"] != "readout" or options.get("output_mode", readout.get("output_mode")) != readout.get(
        "output_mode"
    ):
        return
    rule = readout.get("decision_rule")
    if options.setdefault("decision_rule", rule) == rule:
        options.setdefault("class_threshold", readout.get("class_threshold", 1))


def _modules(nodes: list[tuple[str, Any]], dt: float) -> tuple[OrderedDict[str, torch.nn.Module], bool]:
    """snntorch's modules for a chain of nodes, under their names, and whether it ends in scores."""
    nir = nir_package()
    modules: OrderedDict[str, torch.nn.Module] = OrderedDict()
    scores, size = False, 0
    for place, (name, node) in enumerate(nodes):
        if isinstance(node, nir.Linear | nir.Affine):
            modules[_free(name, modules)] = _linear(name, node)
            size = int(np.shape(node.weight)[0])
            scores = place == len(nodes) - 1
        elif isinstance(node, nir.LIF | nir.IF | nir.LI):
            scores = isinstance(node, nir.LI)
            if scores and place != len(nodes) - 1:
                raise UnsupportedError("an LI node before the end", f"import_nir: {name}", WAY_OUT)
            if not size:
                raise UnsupportedError(f"a {type(node).__name__} node at the beginning", f"import_nir: {name}", FIRST)
            modules[_free(name, modules)] = _leaky(name, node, size, dt, scores)
        else:
            raise UnsupportedError(f"a node of type {type(node).__name__}", f"import_nir: {name}", WAY_OUT)
    return modules, scores


def _free(name: str, taken: OrderedDict[str, torch.nn.Module]) -> str:
    """A node's name as a module's: without dots, and neither another's nor an attribute of torch's."""
    free = name.replace(".", "_") or "node"
    while free in taken or hasattr(torch.nn.Sequential(), free):
        free += "_"
    return free


def _linear(name: str, node: Any) -> torch.nn.Linear:
    weight = np.asarray(node.weight, dtype=np.float64)
    if weight.ndim != 2:
        raise ShapeError(f"import_nir: {name}: weight has shape {weight.shape}, expected [n_out, n_in]")
    with torch.random.fork_rng(devices=[]):  # a new layer draws weights, which are not used here
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=hasattr(node, "bias"))
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(weight))
        if hasattr(node, "bias"):
            linear.bias.copy_(torch.from_numpy(_column(name, "bias", node.bias, weight.shape[0]).copy()))
    return linear


def _leaky(name: str, node: Any, size: int, dt: float, scores: bool) -> torch.nn.Module:
    import snntorch

    nir = nir_package()
    for constant in ("v_leak", "v_reset"):
        if np.any(np.asarray(getattr(node, constant, 0.0)) != 0):
            raise UnsupportedError(f"a {constant} other than 0", f"import_nir: {name}", "Shift its potentials to 0.")
    r = _column(name, "r", node.r, size)
    if isinstance(node, nir.IF):
        beta, gain = np.ones(size), r * dt
    else:
        tau = _column(name, "tau", node.tau, size)
        if not (tau >= dt * (1 - NEAR)).all():
            raise ConfigError(f"import_nir: {name}: tau = {tau.min():g} is below dt = {dt:g}, so its decay is negative")
        beta, gain = 1 - dt / tau, r * dt / tau
    if not (gain > 0).all():
        raise ConfigError(f"import_nir: {name}: r = {r.min():g} must be above 0")
    gain = np.where(np.abs(gain - 1) < NEAR, 1.0, gain)
    if scores:
        if (gain != gain[0]).any():
            raise UnsupportedError("an r dt / tau that differs between scores", f"import_nir: {name}", "Use one.")
        threshold = np.ones(1)
    else:
        # v = gain u with u = beta u + I: the current keeps its scale, the threshold gives way.
        threshold = _column(name, "v_threshold", node.v_threshold, size) / gain
    return snntorch.Leaky(
        beta=_one_or_all(np.array([_meant(b) for b in beta])), threshold=_one_or_all(threshold), init_hidden=True,
        reset_mechanism="none" if scores else "zero", reset_delay=False,
    )  # fmt: skip


def _column(name: str, what: str, values: Any, size: int) -> np.ndarray:
    """A constant for each neuron; some libraries write one for all."""
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    if not np.isfinite(array).all():
        raise ConfigError(f"import_nir: {name}: {what} holds NaN or infinity")
    if len(array) not in (1, size):
        raise ShapeError(f"import_nir: {name}: {what} has {len(array)} entries for {size} neurons")
    return np.broadcast_to(array, (size,))


def _meant(beta: float) -> float:
    """The multiple of 1/256, or 1 - 2^-k, that float32 constants stand for; any other beta as it is."""
    near = [np.rint(beta * 256) / 256, *(1 - 2.0**-k for k in range(1, 17))]
    best = min(near, key=lambda b: abs(b - beta))
    return float(best) if abs(best - beta) < NEAR else float(beta)


def _one_or_all(values: np.ndarray) -> Any:
    return float(values[0]) if (values == values[0]).all() else torch.from_numpy(values.astype(np.float32))
