"""The command line: one small function per verb; anything heavy loads when a verb needs it."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sctorch.errors import SctorchError

__all__ = ["main"]

_ABOUT = "Train stochastic-computing spiking neural networks in PyTorch; ship them to hardware bit for bit."
_RUN_HELP = """\
Run a recipe from data to report: train, lower to integers, export the hardware, compare all of
them bit for bit, synthesise, write results.json and report.html. Everything goes to one folder.

A stage that is finished is kept, and runs again only when something that it depends on changed.
"""
_RUN_EPILOG = """\
change any field of the recipe from here:
  sctorch run recipes/digits.yaml --train.epochs 5 --out build/quick
  sctorch run recipes/digits.yaml --network.layers.1.weight_bits 4 --prune null
  sctorch run recipes/digits.yaml --synth.targets '[ice40-hx8k]' --verify.windows 20

exit status:
  0 all well   1 the hardware differs, or a stage failed   2 the recipe or the usage is wrong
"""
_SYNTH_HELP = """\
Synthesise an exported Verilog design with yosys and count what it takes; with --route, place and
route it with nextpnr and measure its clock (ice40 and ecp5). An exported HLS design goes through
Vitis, where there is one. docs/hardware.md says what each number is.
"""
_SYNTH_EPILOG = """\
examples:
  sctorch synth build/digits/verilog --target ice40-hx8k --route
  sctorch synth build/digits/verilog --target ecp5-85k --target artix7-35t --json build/cost.json
  sctorch synth build/hls --cosim --vivado

exit status:
  0 all well   1 a tool is missing or failed, or the design does not fit   2 the usage is wrong
"""
_COLLECT_HELP = """\
Read the reports of one synthesis (Vivado, Vitis HLS, Quartus, yosys, nextpnr) and keep them as one
checked record of evidence in JSON. docs/evidence.md says which files are read and what a record holds.
"""
_COLLECT_EPILOG = """\
examples:
  sctorch collect-synthesis --design settings.json --utilisation top_utilization.rpt \\
      --timing top_timing.rpt --power top_power.rpt --accuracy-score 0.972 \\
      --latency-cycles 64 --clock-mhz 100 --inferences-per-run 1 --out evidence.json
  sctorch collect-synthesis --schema > observations.schema.json

exit status:
  0 all well   1 a report, or a figure, does not pass; nothing is written   2 the usage is wrong
"""
_ESTIMATE_HELP = """\
Say what a network would take of a part, without synthesising it: counted in the plan of its design,
and mapped to LUTs by a model that is fitted to synthesis runs. docs/cost.md says how well.
"""
_TARGETS_HELP = """\
List the parts that designs are made for, or say of some what is known of them and by whom.
docs/targets.md tells how to add one.
"""


@dataclass(frozen=True)
class _Verb:
    about: str
    work: Callable[[Sequence[str]], int]
    interrupted: str


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb and return its exit status: 141 where what reads its output has gone, as of a killed process."""
    try:
        status = _main(argv)
        sys.stdout.flush()  # what cannot be written is told here, and not after the end
        return status
    except BrokenPipeError:
        _discard_output()
        return 141
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # what rich makes of it
            return 141
        raise
    except OSError as error:
        _discard_output()
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", 1)


def _discard_output() -> None:
    """Point standard output at nothing, so that closing it at the end does not fail again."""
    with contextlib.suppress(OSError, ValueError):  # of a stream that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _main(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        "sctorch", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
        epilog="verbs:\n" + "\n".join(f"  {name:<18} {verb.about}" for name, verb in _VERBS.items())
        + "\n\nsctorch VERB --help says more.",
    )  # fmt: skip
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument("verb", nargs="?", metavar="VERB", help="what to do; see below")
    own = arguments[: next((i + 1 for i, a in enumerate(arguments) if not a.startswith("-")), len(arguments))]
    try:
        asked = _parsed(parser, own)
        if asked.version:
            from sctorch.pipeline.version import package_version

            print(f"sctorch {package_version()}")
            return 0
        if asked.verb is None:
            parser.print_help()
            return 2
        if asked.verb not in _VERBS:
            return _fail(f"{asked.verb!r} is no verb; known: {', '.join(_VERBS)}", 2)
        return _VERBS[asked.verb].work(arguments[len(own) :])
    except _Ended as end:
        return end.status
    except KeyboardInterrupt:
        return _fail(_VERBS[asked.verb].interrupted, 130)


class _Ended(Exception):
    """argparse printed its help, or what is wrong with the usage."""

    def __init__(self, status: int) -> None:
        self.status = status


def _parsed(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    try:
        return parser.parse_args(arguments)
    except SystemExit as end:
        raise _Ended(int(end.code or 0)) from None


def _fail(message: object, status: int) -> int:
    print(f"sctorch: error: {message}", file=sys.stderr)
    return status


def _run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        "sctorch run", usage="sctorch run RECIPE.yaml [--force] [--show] [--FIELD VALUE ...]", description=_RUN_HELP,
        epilog=_RUN_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("recipe", metavar="RECIPE.yaml", type=Path, help="the recipe")
    parser.add_argument("--force", action="store_true", help="run every stage again")
    parser.add_argument("--show", action="store_true", help="print the checked recipe with every default, and stop")
    parser.add_argument(
        "--FIELD", metavar="VALUE", help="any field of the recipe, as a dotted path (--out, --seed, --train.lr ...)"
    )
    from sctorch.pipeline.overrides import split_arguments

    try:
        rest, overrides = split_arguments(arguments, ("--force", "--show", "--help"))
    except SctorchError as error:
        return _fail(error, 2)
    asked = _parsed(parser, rest)
    from sctorch.pipeline.console import Printer
    from sctorch.pipeline.runner import execute, prepare, show

    printer = Printer()
    command = shlex.join(["sctorch", "run", *arguments])
    try:
        if asked.show:
            print(show(asked.recipe, overrides), end="")
            return 0
        job = prepare(asked.recipe, overrides, command, asked.force, printer.console.is_terminal)
    except SctorchError as error:
        return _fail(error, 2)
    try:
        return execute(job, printer)
    except SctorchError as error:
        return _fail(error, 1)


def _synth(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        "sctorch synth", description=_SYNTH_HELP, epilog=_SYNTH_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("design", metavar="DESIGN_FOLDER", type=Path, help="what sctorch.export wrote")
    parser.add_argument(
        "--target", action="append", default=[], metavar="NAME",
        help="a part; may be given again (default: the one that the design was exported for)",
    )  # fmt: skip
    parser.add_argument("--route", action="store_true", help="place and route too: minutes, where synthesis is seconds")
    parser.add_argument("--freq", type=float, default=100.0, metavar="MHZ", help="what the router aims at (100)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the placement (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, tool versions included")
    parser.add_argument("--cosim", action="store_true", help="of an HLS design: simulate its RTL too")
    parser.add_argument("--vivado", action="store_true", help="of an HLS design: synthesise its RTL with Vivado too")
    asked = _parsed(parser, arguments)
    from sctorch.errors import ToolNotFoundError
    from sctorch.pipeline.synthesising import prepare, run

    try:
        job = prepare(
            asked.design, asked.target, asked.route, asked.freq, asked.seed, asked.json, asked.cosim, asked.vivado
        )
    except ToolNotFoundError as error:
        return _fail(error, 1)
    except SctorchError as error:
        return _fail(error, 2)
    try:
        run(job)
    except SctorchError as error:
        return _fail(error, 1)
    return 0


def _collect(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        "sctorch collect-synthesis", description=_COLLECT_HELP, epilog=_COLLECT_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    schema = "--schema" in arguments
    parser.add_argument(
        "--design", type=Path, metavar="PATH", required=not schema,
        help="the settings that were synthesised: a JSON file, or the folder of an exported design",
    )  # fmt: skip
    parser.add_argument(
        "--utilisation", "--utilization", type=Path, metavar="FILE", required=not schema, help="the report that counts"
    )
    parser.add_argument("--power", type=Path, metavar="FILE", help="the power report")
    parser.add_argument("--timing", type=Path, metavar="FILE", help="the timing report")
    parser.add_argument("--accuracy-score", type=float, metavar="SHARE", required=not schema, help="measured, 0 to 1")
    parser.add_argument(
        "--latency-cycles", type=int, metavar="N", help="clocks of a run, if no report and no design says"
    )
    parser.add_argument("--clock-mhz", type=float, metavar="MHZ", help="the clock that it runs at; for the energy")
    parser.add_argument("--inferences-per-run", type=int, metavar="N", help="inferences of a run; for the energy")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the record goes (default: standard output)")
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of records, and stop")
    asked = _parsed(parser, arguments)
    from sctorch.errors import ConfigError, ObservationLoadError
    from sctorch.pipeline.collecting import collect, print_schema

    if asked.schema:
        print_schema()
        return 0
    try:
        collect(
            asked.design, asked.utilisation, asked.power, asked.timing, accuracy_score=asked.accuracy_score,
            latency_cycles=asked.latency_cycles, clock_mhz=asked.clock_mhz, inferences_per_run=asked.inferences_per_run,
            out=asked.out,
        )  # fmt: skip
    except ObservationLoadError as error:
        return _fail(error, 1)
    except ConfigError as error:
        return _fail(error, 2)
    return 0


def _estimate(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        "sctorch estimate", description=_ESTIMATE_HELP, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("network", metavar="PATH", type=Path, help="an exported design's folder, or its network.json")
    parser.add_argument(
        "--target", action="append", default=[], metavar="NAME", help="a part; may be given again (ice40-hx8k)"
    )
    parser.add_argument(
        "--architecture",
        default="auto",
        choices=("auto", "unrolled", "folded"),
        help="of the design (its own; of a network what suits the part)",
    )
    asked = _parsed(parser, arguments)
    from sctorch.pipeline.estimating import tell_estimates

    try:
        tell_estimates(asked.network, asked.target or ["ice40-hx8k"], asked.architecture)
    except SctorchError as error:
        return _fail(error, 2)
    return 0


def _targets(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        "sctorch targets", description=_TARGETS_HELP, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="NAME", help="tell all of these parts, sources included")
    asked = _parsed(parser, arguments)
    from sctorch.pipeline.listing import list_targets, tell_targets

    try:
        if asked.names:
            tell_targets(asked.names)
        else:
            list_targets()
    except SctorchError as error:
        return _fail(error, 2)
    return 0


_VERBS: Mapping[str, _Verb] = {  # name -> what it is, what does it, what an interrupt says
    "run": _Verb(
        "run a recipe from data to report", _run,
        "interrupted; finished stages are kept, and the same command goes on from there",
    ),
    "synth": _Verb(
        "synthesise an exported design, and place and route it", _synth,
        "interrupted; the design is as it was",
    ),
    "estimate": _Verb(
        "say what a network would take of a part", _estimate,
        "interrupted",
    ),
    "collect-synthesis": _Verb(
        "keep the reports of a synthesis as evidence", _collect,
        "interrupted; nothing is written",
    ),
    "targets": _Verb(
        "list the parts that designs are made for", _targets,
        "interrupted",
    ),
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
