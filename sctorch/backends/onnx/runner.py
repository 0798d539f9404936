"""Running a model: onnxruntime, or the reference evaluator of the onnx package."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from onnx import ModelProto, helper

from sctorch.errors import ToolFailedError, ToolNotFoundError

__all__ = ["RUNTIMES", "run_steps", "run_window"]

Run = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]


def _onnxruntime(model: ModelProto) -> Run:
    try:
        import onnxruntime
    except ImportError as error:
        raise ToolNotFoundError(
            "onnxruntime",
            "Install it with: pip install 'sctorch[onnx]'. Without it, design.using(runtime='reference') runs the "
            "same files with the onnx package alone, slowly.",
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; they are raised, too
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(names, dict(feeds)), strict=True))


def _reference(model: ModelProto) -> Run:
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(model)
    names = list(evaluator.output_names)
    return lambda feeds: dict(zip(names, evaluator.run(names, dict(feeds)), strict=True))


RUNTIMES: Mapping[str, Callable[[ModelProto], Run]] = {"onnxruntime": _onnxruntime, "reference": _reference}


def _opened(model: ModelProto, runtime: str) -> Run:
    """The model in a runtime, whose errors become one of ours."""

    def guarded(function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except ToolNotFoundError:
            raise
        except Exception as error:  # each runtime has its own kinds
            raise ToolFailedError(f"{runtime} on {model.graph.name}", str(error)) from error

    run = guarded(RUNTIMES[runtime], model)
    return lambda feeds: guarded(run, feeds)


def run_window(model: ModelProto, runtime: str, x: np.ndarray) -> dict[str, np.ndarray]:
    """All outputs of a window's model for features or spikes."""
    (given,) = model.graph.input
    kind = helper.tensor_dtype_to_np_dtype(given.type.tensor_type.elem_type)
    return _opened(model, runtime)({given.name: np.asarray(x).astype(kind)})


def run_steps(model: ModelProto, runtime: str, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """A step's model called for every timestep: [T, ...] inputs in, its outputs stacked in time.

    What the model's metadata calls states goes round; they start at 0.
    """
    carried: dict[str, str] = json.loads({p.key: p.value for p in model.metadata_props}["sctorch.states"])
    run, batch = _opened(model, runtime), inputs.shape[1]
    feeds = {}
    for given in model.graph.input:
        kind = given.type.tensor_type
        shape = [d.dim_value if d.HasField("dim_value") else batch for d in kind.shape.dim]
        feeds[given.name] = np.zeros(shape, helper.tensor_dtype_to_np_dtype(kind.elem_type))
    rows: dict[str, list[np.ndarray]] = {output.name: [] for output in model.graph.output}
    for values in inputs:
        found = run(feeds | {"input": values.astype(feeds["input"].dtype)})
        feeds |= {before: found[after] for before, after in carried.items()}
        for name, row in rows.items():
            row.append(found[name])
    return {name: np.stack(row) for name, row in rows.items()}
