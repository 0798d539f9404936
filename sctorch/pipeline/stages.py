"""The stages of a run: what each does, what it depends on, which tools it needs.

Every stage reads what it needs from the output folder and writes there, so that any of them can
run on its own once those before it have.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sctorch.errors import ConfigError, ToolNotFoundError
from sctorch.pipeline.checking import CheckedRecipe
from sctorch.pipeline.stamps import replacing, write_text

__all__ = ["Context", "Stage", "check_names", "find_package", "plan"]


@dataclass(frozen=True)
class Context:
    """What a stage is given.

    Parameters
    ----------
    recipe : the checked recipe. out : the output folder. interactive : a person looks at a terminal.
    """

    recipe: CheckedRecipe
    out: Path
    interactive: bool = False

    @property
    def name(self) -> str:
        return str(self.recipe.plain["name"])

    @property
    def network_file(self) -> Path:
        return self.out / "lower" / "network.json"

    @property
    def backends(self) -> list[str]:
        return [export["backend"] for export in self.recipe.plain["exports"]]


@dataclass(frozen=True)
class Stage:
    """One step of a run.

    Parameters
    ----------
    name : shown, and the stamp's name. note : a few words on what it will do.
    work : does it, and returns whether the result is good (False: written, but not to be resumed).
    files : what it makes, relative to the output folder.
    part : the recipe's values that matter to it. after : stages it depends on.
    sources : parts of the package whose code decides its result. tools : programs it needs.
    packages : Python packages it needs beyond those that sctorch always has, each with the extra that installs it.
    """

    name: str
    note: str
    work: Callable[[Context], bool]
    files: tuple[str, ...]
    part: Any = None
    after: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    tools: tuple[str, ...] = field(default=())
    packages: tuple[tuple[str, str], ...] = field(default=())


def plan(context: Context) -> list[Stage]:
    """The stages of a recipe, in order; the report is not among them."""
    plain = context.recipe.plain
    shape = {key: plain[key] for key in ("name", "seed", "data", "network")}
    fitting = {"train": _without(plain["train"], "progress_bar"), "prune": plain["prune"], "threads": plain["threads"]}
    windows = plain["verify"]["windows"]
    return [
        Stage(
            name="train",
            note=_training_note(plain),
            work=_train,
            files=("train/weights.ckpt", "train/history.json"),
            part={**shape, **fitting},
            sources=("nn", "ir/streams.py", "data", "train", "compress", "pipeline/training.py"),
        ),
        *_reference_stage(plain),
        Stage(
            name="lower",
            note="weights to integers",
            work=_lower,
            files=("lower/network.json",),
            part=shape,
            after=("train",),
            sources=("lower", "ir", "nn"),
        ),
        *(_export_stage(export) for export in plain["exports"]),
        Stage(
            name="verify",
            note=f"{windows or 'all'} windows of the test split, bit for bit",
            work=_verify,
            files=("verify/verify.json",),
            part=[plain["verify"], plain["data"]],
            after=("train", "lower", *context.backends),
            sources=("verification", "lower", "ir", "nn", "data", "backends", "pipeline/verifying.py"),
            tools=tuple(sorted({tool for backend in context.backends for tool in _TOOLS.get(backend, ())})),
            packages=tuple(package for backend in context.backends for package in _PACKAGES.get(backend, ())),
        ),
        *(_synth_stage(target, plain["synth"]["route"]) for target in plain["synth"]["targets"]),
    ]


def _reference_stage(plain: dict[str, Any]) -> list[Stage]:
    reference = plain["reference"]
    if reference is None:
        return []
    times = "once" if reference["seeds"] == 1 else f"{reference['seeds']} times"
    return [
        Stage(
            name="reference",
            note=f"a float MLP on the same rows, {times} {reference['epochs']} epochs",
            work=_reference,
            files=("reference/reference.json",),
            part={key: plain[key] for key in ("reference", "data", "threads")},
            sources=("data", "pipeline/reference.py", "pipeline/training.py"),
        )
    ]


def _export_stage(export: dict[str, Any]) -> Stage:
    backend = export["backend"]
    return Stage(
        name=backend,
        note="export" + (f" for {export['target']}" if export["target"] else ""),
        work=_exporter(export),
        files=(backend,),
        part=export,
        after=("lower",),
        sources=("ir", "backends/design.py", f"backends/{backend}", *_RESOURCES.get(backend, ())),
        tools=_TOOLS.get(backend, ()),
        packages=_PACKAGES.get(backend, ()),
    )


def _synth_stage(target: str, route: bool) -> Stage:
    from sctorch.hardware.nextpnr import router
    from sctorch.hardware.targets import get_target

    routes = router(get_target(target)) if route else None
    return Stage(
        name=f"synth {target}",
        note="synthesis, placing and routing" if routes else "synthesis",
        work=_synthesiser(target, route=routes is not None),
        files=(f"synth/{target}.json",),
        part=[target, routes],
        after=("verilog",),
        sources=("cost", "hardware"),
        tools=("yosys", routes) if routes else ("yosys",),
    )


_RESOURCES = {"verilog": ("../hdl",), "hls": ("../hls",)}  # hand-written sources that an export takes with it
# To run an export: CXXRTL (in yosys) turns Verilog into C++; HLS is C++ already.
_TOOLS: dict[str, tuple[str, ...]] = {"verilog": ("yosys", "g++"), "hls": ("g++",)}
# (package, extra)
_PACKAGES: dict[str, tuple[tuple[str, str], ...]] = {"onnx": (("onnxruntime", "onnx"),), "nir": (("nir", "nir"),)}


def find_package(name: str, extra: str) -> None:
    """ToolNotFoundError with what to install, unless Python finds the package; it is not imported."""
    if find_spec(name) is None:
        raise ToolNotFoundError(f"the package {name}", f"Install it with: pip install 'sctorch[{extra}]'.")


def _without(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in names}


def _training_note(plain: dict[str, Any]) -> str:
    prune = plain["prune"]
    pruning = f", pruned to {100 * prune['sparsity']:.0f} % zeros" if prune else ""
    return f"{plain['train']['epochs']} epochs{pruning}"


def _train(context: Context) -> bool:
    from sctorch.pipeline.training import train

    with replacing(context.out / "train") as folder:
        history = train(context.recipe.build(), folder, context.interactive)
        write_text(folder / "history.json", json.dumps(history, indent=1) + "\n")
    return True


def _reference(context: Context) -> bool:
    from sctorch.pipeline.reference import train_reference

    result = train_reference(context.recipe.build())
    with replacing(context.out / "reference") as folder:
        write_text(folder / "reference.json", json.dumps(asdict(result), indent=1) + "\n")
    return True


def _lower(context: Context) -> bool:
    from sctorch import ir
    from sctorch.lower import lower
    from sctorch.pipeline.training import trained_network

    recipe = context.recipe.build()
    # What a user of the hardware must do to the features; data of one's own may say nothing.
    meta = getattr(recipe.data, "meta", {})
    network = lower(trained_network(recipe, context.out), recipe.name, meta)
    with replacing(context.out / "lower") as folder:
        ir.save(network, folder / "network.json")
    return True


def _exporter(export: dict[str, Any]) -> Callable[[Context], bool]:
    def work(context: Context) -> bool:
        from sctorch import ir
        from sctorch.exporting import export as write

        network = ir.load(context.network_file)
        folder = context.out / export["backend"]
        target = {} if export["target"] is None else {"target": export["target"]}
        write(network, folder, backend=export["backend"], **target, **export["options"])
        return True

    return work


def _verify(context: Context) -> bool:
    from sctorch.pipeline.verifying import verify

    result = verify(context.recipe.build(), context.out)
    with replacing(context.out / "verify") as folder:
        write_text(folder / "verify.json", json.dumps(asdict(result), indent=1) + "\n")
    return result.ok


def _synthesiser(target: str, route: bool) -> Callable[[Context], bool]:
    def work(context: Context) -> bool:
        from sctorch import backends
        from sctorch.cost import synthesize

        result = synthesize(backends.load(context.out / "verilog"), target, route=route)
        write_text(context.out / "synth" / f"{target}.json", json.dumps(result.to_dict(), indent=1) + "\n")
        return True

    return work


def check_names(recipe: CheckedRecipe) -> None:
    """ConfigError for a backend, an option or a target that nobody knows, before any work."""
    from sctorch.backends.registry import backend_names, backend_options
    from sctorch.hardware.targets import get_target

    for export in recipe.plain["exports"]:
        if export["backend"] not in backend_names():
            known = ", ".join(backend_names())
            raise ConfigError(f"{recipe.where}: backend {export['backend']!r} is unknown; known: {known}")
        options = backend_options(export["backend"])
        for option in export["options"]:
            if option not in options:
                allowed = f"known: {', '.join(options)}" if options else "it has none"
                raise ConfigError(f"{recipe.where}: exports: {export['backend']} has no option {option!r}; {allowed}")
    targets = [export["target"] for export in recipe.plain["exports"] if export["target"] is not None]
    names = [*targets, *recipe.plain["synth"]["targets"]]
    for name in names:
        try:
            get_target(name)
        except ConfigError as error:
            raise ConfigError(f"{recipe.where}: {error}") from error
