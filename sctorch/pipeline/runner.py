"""Running a recipe: which stages are due, in order, each finished one stamped."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sctorch.errors import ConfigError
from sctorch.hardware.tools import find_tool
from sctorch.pipeline.console import Printer, duration
from sctorch.pipeline.overrides import Overrides, read_plain, with_overrides
from sctorch.pipeline.stamps import (
    Stamp,
    digest_of,
    file_digests,
    read_stamp,
    source_digest,
    sweep,
    write_stamp,
    write_text,
)
from sctorch.pipeline.version import package_version

if TYPE_CHECKING:
    from sctorch.pipeline.stages import Context, Stage

__all__ = ["Job", "execute", "prepare", "show"]

_REPORT_FILES = ("results.json", "report.html")


@dataclass(frozen=True)
class Job:
    """A run that was asked for and whose recipe is good.

    Parameters
    ----------
    plain : the recipe with overrides, as the files and the command line give it.
    out : the output folder. key : digest of everything that the whole run depends on.
    done : the whole run is finished already. context : what stages are given; None when done.
    """

    plain: dict[str, Any]
    out: Path
    key: str
    command: str
    force: bool
    done: bool = False
    context: Context | None = None


def prepare(path: Path, overrides: Overrides, command: str, force: bool = False, interactive: bool = False) -> Job:
    """Read and check a recipe; a ConfigError here means that the recipe or its use is wrong.

    A run that is finished as it stands is recognised by its text alone, without loading torch.
    """
    plain = with_overrides(read_plain(path), overrides)
    key = digest_of([plain, source_digest((".", "../hdl", "../hls")), package_version()])
    out = Path(str(plain.get("out") or Path("build") / str(plain.get("name"))))
    if not force and _all_done(out, key):
        return Job(plain, out, key, command, force, done=True)

    from sctorch.pipeline.checking import check
    from sctorch.pipeline.stages import Context, check_names

    checked = check(plain, path)
    check_names(checked)
    return Job(plain, out, key, command, force, context=Context(checked, out, interactive))


def show(path: Path, overrides: Overrides) -> str:
    """The checked recipe with every default filled in, as YAML."""
    import yaml  # type: ignore[import-untyped]

    from sctorch.pipeline.checking import check

    text: str = yaml.safe_dump(check(with_overrides(read_plain(path), overrides), path).plain, sort_keys=False)
    return text


def execute(job: Job, printer: Printer) -> int:
    """Run what is due; the exit status: 0, or 1 when the hardware differs from the network."""
    printer.line(f"sctorch {package_version()}: recipe {job.plain.get('name')} in {job.out}")
    start = time.perf_counter()
    if job.context is None:
        for stamp in _stamps_of(job.out):
            printer.resumed(stamp.stage, stamp.seconds)
        return _conclude(job, printer, start)
    with _locked(job.out):
        sweep(job.out)
        _run_stages(job, job.context, printer)
        status = _conclude(job, printer, start)
        if status == 0:
            stages = [stamp.stage for stamp in _stamps_of(job.out, job.context)]
            write_stamp(job.out / ".stamps" / "run.json", Stamp("run", job.key, 0.0, _now(), dict.fromkeys(stages, "")))
    return status


def _run_stages(job: Job, context: Context, printer: Printer) -> None:
    from sctorch.pipeline.stages import plan

    stages = plan(context)
    _check_tools(stages, job)
    write_text(job.out / "recipe.json", json.dumps(context.recipe.plain, indent=1, default=str) + "\n")
    done: dict[str, Stamp] = {}
    for stage in [*stages, _report_stage(stages, done, job)]:
        key = _key(stage, done)
        stamp = None if job.force else _finished(job.out, stage, key)
        if stamp is not None:
            printer.resumed(stage.name, stamp.seconds)
        else:
            stamp = _run_stage(job, context, stage, key, printer)
        done[stage.name] = stamp


def _run_stage(job: Job, context: Context, stage: Stage, key: str, printer: Printer) -> Stamp:
    """Do one stage; the old stamp goes first and the new one comes last."""
    printer.started(stage.name, stage.note)
    for stale in (_stamp_path(job.out, stage.name), job.out / ".stamps" / "run.json", *_reports(job.out)):
        stale.unlink(missing_ok=True)
    start = time.perf_counter()
    try:
        good = stage.work(context)
    except OSError as error:  # a full disk, a folder taken away
        raise ConfigError(f"{stage.name}: {error}") from error
    seconds = time.perf_counter() - start
    stamp = Stamp(stage.name, key, seconds, _now(), file_digests(job.out, [job.out / file for file in stage.files]))
    if good:
        write_stamp(_stamp_path(job.out, stage.name), stamp)
    printer.ended(stage.name, seconds, good)
    return stamp


def _report_stage(stages: Sequence[Stage], done: dict[str, Stamp], job: Job) -> Stage:
    from sctorch.pipeline.stages import Stage

    def work(context: Context) -> bool:
        from sctorch.pipeline.report import write_report
        from sctorch.pipeline.results import collect

        results = collect(context, {name: stamp.seconds for name, stamp in done.items()}, job.command)
        write_report(context, results)
        write_text(job.out / "results.json", json.dumps(results, indent=1, default=str) + "\n")
        return True

    assert job.context is not None
    return Stage(
        "report", "results.json and report.html", work, _REPORT_FILES, job.context.recipe.plain["report"],
        tuple(stage.name for stage in stages), ("pipeline", "ir"),
    )  # fmt: skip


def _conclude(job: Job, printer: Printer, start: float) -> int:
    results = json.loads((job.out / "results.json").read_text(encoding="utf-8"))
    printer.table(results)
    printer.line(f"report: {job.out / 'report.html'}   results: {job.out / 'results.json'}")
    if not results["ok"]:
        printer.line(f"MISMATCH: {results['first_difference']}", style="bold red")
        return 1
    printer.line(f"done in {duration(time.perf_counter() - start)}")
    return 0


def _key(stage: Stage, done: dict[str, Stamp]) -> str:
    upstream = {name: done[name].content for name in stage.after}
    return digest_of([stage.name, stage.part, upstream, package_version(), source_digest(stage.sources)])


def _finished(out: Path, stage: Stage, key: str) -> Stamp | None:
    stamp = read_stamp(_stamp_path(out, stage.name))
    return stamp if stamp is not None and stamp.key == key and stamp.holds(out) else None


def _check_tools(stages: Sequence[Stage], job: Job) -> None:
    """ToolNotFoundError before any work, if a stage that is due needs a program or package that is missing."""
    from sctorch.pipeline.stages import find_package

    done: dict[str, Stamp] = {}
    for stage in stages:
        stamp = None
        if not job.force and all(name in done for name in stage.after):
            stamp = _finished(job.out, stage, _key(stage, done))
        if stamp is None:  # what follows a stage that is due is taken to be due as well
            for tool in stage.tools:
                find_tool(tool)
            for package, extra in stage.packages:
                find_package(package, extra)
        else:
            done[stage.name] = stamp


def _stamp_path(out: Path, stage: str) -> Path:
    return out / ".stamps" / f"{stage.replace(' ', '-')}.json"


def _stamps_of(out: Path, context: Context | None = None) -> list[Stamp]:
    """The stamps of a run: those that its own stamp names, or those of a recipe's stages."""
    if context is None:
        whole = read_stamp(out / ".stamps" / "run.json")
        names = list(whole.files) if whole else []
    else:
        from sctorch.pipeline.stages import plan

        names = [*(stage.name for stage in plan(context)), "report"]
    return [stamp for name in names if (stamp := read_stamp(_stamp_path(out, name))) is not None]


def _all_done(out: Path, key: str) -> bool:
    whole = read_stamp(out / ".stamps" / "run.json")
    if whole is None or whole.key != key:
        return False
    stamps = _stamps_of(out)
    return len(stamps) == len(whole.files) and all(stamp.holds(out) for stamp in stamps)


def _reports(out: Path) -> list[Path]:
    return [out / name for name in _REPORT_FILES]


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """The output folder, made, found writable, and held against a second run at the same time."""
    if out.is_dir() and any(out.iterdir()) and not (out / ".stamps").is_dir():
        raise ConfigError(f"{out} holds other things than a run of ours; choose another folder with --out")
    try:
        (out / ".stamps").mkdir(parents=True, exist_ok=True)
        lock = (out / ".stamps" / "lock").open("w")
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror}; choose another folder with --out") from error
    with lock:
        _hold(lock, out)
        yield


def _hold(lock: IO[str], out: Path) -> None:
    if os.name == "posix":
        import fcntl

        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(f"another run is at work in {out}; wait for it or choose another --out") from error
    free = shutil.disk_usage(out).free
    if free < 1 << 20:
        raise ConfigError(f"cannot write {out}: the disk is full; free some space or choose another --out")
