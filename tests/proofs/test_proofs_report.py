"""What check_equivalence says: its verdicts, its counterexamples, its files and its errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import z3

import sctorch
from sctorch import ir
from sctorch.backends.design import Design
from sctorch.backends.verilog import UnrolledDesign, VerilogDesign
from sctorch.errors import ConfigError, MismatchError, UnsupportedError
from sctorch.verification.proofs import Counterexample, ProofPart, ProofReport, ProofStatus, check_equivalence
from sctorch.verification.proofs.model import Model
from sctorch.verification.proofs.prover import Claim, Task, run_task, write_task
from sctorch.verification.proofs.terms import symbols_in

Export = Callable[[ir.Network], VerilogDesign]


def _network(steps: int = 4) -> ir.Network:
    source = ir.StreamSource("lfsr", 2, (3, 2), 5, "shift")
    layers = (
        ir.RateEncoder("encoder", 2, ir.StreamSource("counter", 2)),
        ir.StochasticSynapse("synapse1", np.array([[3, -2], [2, 3]]), np.array([0, 1]), 1, source),
        ir.Neuron("neuron1", 2, 1, np.array([2, 3]), ir.Leak("shift", 1), "gt", "subtract", True),
        ir.Readout("readout", 2, "spike", "argmax_spike_count"),
    )
    return ir.Network("little", steps, layers)


@pytest.fixture(scope="module")
def design(exported: Export) -> VerilogDesign:
    return exported(_network())


def _broken(design: VerilogDesign, folder: Path, file: str, old: str, new: str) -> VerilogDesign:
    import shutil

    shutil.copytree(design.folder, folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    return UnrolledDesign(folder, design.network, design.options)


def test_a_small_design_is_proved_end_to_end(design: VerilogDesign) -> None:
    report = sctorch.check_equivalence(design)
    assert report.ok
    assert report.parts[-1].name == "end to end"
    assert "a whole window of 4 timesteps" in report.parts[-1].what
    text = report.summary()
    assert "little: PROVED" in text
    assert "z3 " in text
    assert "Yosys " in text
    report.raise_if_failed()
    assert report.to_dict()["status"] == "PROVED"
    assert not (design.folder / "proof").exists()


def test_depth_limits_the_window(design: VerilogDesign) -> None:
    report = check_equivalence(design, depth=2)
    assert "a window's first 2 timesteps" in report.parts[-1].what
    assert "end to end" not in [part.name for part in check_equivalence(design, depth=0).parts]


def test_a_failure_is_replayed_by_timestep(design: VerilogDesign, tmp_path: Path) -> None:
    """The comparison takes >= for >: the first spike comes too early."""
    broken = _broken(design, tmp_path / "x", "hdl/sct_above.v", "over[0] = 1'b0", "over[0] = 1'b1")
    report = check_equivalence(broken)
    assert report.status is ProofStatus.FAILED
    parts = {part.name: part for part in report.parts}
    assert parts["neuron1"].status is parts["end to end"].status is ProofStatus.FAILED
    assert parts["synapse1"].status is ProofStatus.PROVED
    example = parts["end to end"].counterexample
    assert example is not None
    assert example.signal == "neuron1"
    values = [int(v) for v in example.steps[0].removeprefix("inputs [").rstrip("]").split(", ")]
    trace = ir.simulate(design.network, np.array([values]) / 4)
    assert trace["neuron1"][example.timestep, 0, example.neuron] == example.expected != example.got
    assert example.steps[1].startswith("timestep 0: encoder [")
    assert f"neuron1 {trace['neuron1'][example.timestep, 0].tolist()}" in example.steps[-1]
    assert "simulator 0, RTL 1" in report.summary()
    with pytest.raises(MismatchError, match="proof of neuron1"):
        report.raise_if_failed()


def test_a_failed_step_is_replayed_in_the_rule(design: VerilogDesign, tmp_path: Path) -> None:
    broken = _broken(design, tmp_path / "x", "hdl/sct_charge.v", "assign leaked = mem - part[W-1:0];",
                     "assign leaked = mem;")  # fmt: skip
    part = next(p for p in check_equivalence(broken, depth=0).parts if p.name == "neuron1")
    assert part.counterexample is not None
    assert "before the timestep: state " in part.counterexample.steps[0]
    assert part.counterexample.expected != part.counterexample.got


def test_wiring_is_part_of_it(design: VerilogDesign, tmp_path: Path) -> None:
    """Two neurons whose currents are swapped between the modules, each of which is right."""
    top = design.folder / "little.v"
    assert ".current(synapse1__current0)" in top.read_text()
    broken = _broken(design, tmp_path / "x", "little.v", ".current(synapse1__current0)",
                     ".current(synapse1__current1)")  # fmt: skip
    assert check_equivalence(broken, depth=0).status is ProofStatus.FAILED


def test_a_time_limit_gives_unknown(design: VerilogDesign) -> None:
    report = check_equivalence(design, timeout=1e-9)
    assert report.status is ProofStatus.UNKNOWN
    assert not report.ok
    assert "no end after 1e-09 s" in report.summary()
    report.raise_if_failed()  # unknown is no failure


def test_without_a_run_the_formulas_are_written(design: VerilogDesign) -> None:
    report = check_equivalence(design, run=False, depth=1)
    assert report.status is ProofStatus.NOT_RUN
    assert all(part.prover == "none" for part in report.parts)
    folder = design.folder / "proof"
    assert "yosys-smt2-topmod little" in (folder / "model.smt2").read_text()
    files = sorted((folder / "neuron1").glob("*.smt2"))
    assert len(files) == next(p.claims for p in report.parts if p.name == "neuron1") > 4
    assert {f.name for f in folder.iterdir() if f.is_dir()} == {p.name.replace(" ", "_") for p in report.parts}
    for file in files:
        solver = z3.Solver()
        solver.from_file(str(file))
        assert solver.check() == z3.unsat


def test_formulas_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    """A part that had three formulas and has one; where its making breaks off, those that were there stay."""
    x = z3.BitVec("x", 8)
    claim = Claim(x == x, lambda model: Counterexample("x", 0, 0, 0, 1, ()))

    def broken() -> Iterator[Claim]:
        yield claim
        raise KeyboardInterrupt

    for count in (3, 1):
        write_task(Task("a part", "x", lambda count=count: iter([claim] * count), "x"), tmp_path)  # type: ignore[misc]
        assert len(list((tmp_path / "a_part").iterdir())) == count
    with pytest.raises(KeyboardInterrupt):
        write_task(Task("a part", "x", broken, "x"), tmp_path)
    assert [file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.smt2")] == ["a_part/0000.smt2"]
    assert [folder.name for folder in tmp_path.iterdir()] == ["a_part"]


def test_proved_takes_every_part() -> None:
    def report(*statuses: ProofStatus) -> ProofStatus:
        parts = tuple(ProofPart(s.value, "", s, 1, 0.0, "z3") for s in statuses)
        return ProofReport("x", parts, ()).status

    proved, failed, unknown, not_run = ProofStatus.PROVED, ProofStatus.FAILED, ProofStatus.UNKNOWN, ProofStatus.NOT_RUN
    assert report(proved, proved) is proved
    assert report(proved, unknown) is unknown
    assert report(unknown, failed, proved) is failed
    assert report(proved, not_run) is not_run
    assert report() is unknown
    assert str(not_run) == "NOT RUN"


def test_chosen_parts_are_no_proof_of_the_design(design: VerilogDesign) -> None:
    report = check_equivalence(design, parts=["source", "neuron1"])
    assert [part.name for part in report.parts] == ["source encoder", "source synapse1", "neuron1"]
    assert all(part.status is ProofStatus.PROVED for part in report.parts)
    assert report.status is ProofStatus.PARTS_ONLY
    assert not report.ok
    assert "little: ONLY PARTS PROVED (asked for: source, neuron1; the rest of the design" in report.summary()
    assert report.to_dict()["status"] == "ONLY PARTS PROVED"


@pytest.mark.parametrize("parts", [["neuron2"], [], ["source", "neurons"]])
def test_parts_that_are_not_there(design: VerilogDesign, parts: list[str]) -> None:
    with pytest.raises(ConfigError, match="this design has: flags, source, source encoder"):
        check_equivalence(design, parts=parts)


def test_a_fault_in_a_chosen_part_fails(design: VerilogDesign, tmp_path: Path) -> None:
    broken = _broken(design, tmp_path / "x", "hdl/sct_above.v", "over[0] = 1'b0", "over[0] = 1'b1")
    assert check_equivalence(broken, parts=["neuron"]).status is ProofStatus.FAILED
    assert check_equivalence(broken, parts=["source"]).status is ProofStatus.PARTS_ONLY


@pytest.mark.parametrize("part", ["neuron", "readout", "decision"])
def test_what_never_holds_proves_nothing(design: VerilogDesign, tmp_path: Path, part: str) -> None:
    """No timestep ever leaves the port's stage: of a layer behind it nothing is said, and the flags are wrong."""
    broken = _broken(design, tmp_path / "x", "hdl/sct_flag.v", "valid_q <= valid & ~rst;", "valid_q <= 1'b0;")
    report = check_equivalence(broken, parts=[part])
    assert report.status is ProofStatus.UNKNOWN
    assert "what it assumes never holds" in report.summary()
    assert check_equivalence(broken, parts=[part, "flags"]).status is ProofStatus.FAILED


def test_what_cannot_hold_at_once_proves_nothing() -> None:
    x = z3.BitVec("x", 8)
    claim = Claim(x == 3, lambda model: Counterexample("x", 0, 0, 0, 1, ()), [x < 2, x > 4])
    part = run_task(Task("x", "x", lambda: iter([claim]), "x"), 60.0)
    assert part.status is ProofStatus.UNKNOWN
    assert part.reason == "what it assumes never holds"


@pytest.mark.parametrize("other", ["goal", "given"])
def test_formulas_of_the_same_names_are_not_merged(other: str) -> None:
    """x + y >= x follows from y = 0 and x + x >= x does not; nor does it without y = 0."""
    x, y = z3.BitVec("x", 8), z3.BitVec("y", 8)
    no = Counterexample("x", 0, 0, 0, 1, ())
    first = Claim(z3.UGE(x + y, x), lambda model: no, [y == 0])
    second = Claim(z3.UGE(x + x, x), first.replay, [y == 0]) if other == "goal" else replace(first, given=[x == x | y])
    assert run_task(Task("x", "x", lambda: iter([first]), "x"), 60.0).status is ProofStatus.PROVED
    part = run_task(Task("x", "x", lambda: iter([first, second]), "x"), 60.0)
    assert (part.status, part.claims) == (ProofStatus.FAILED, 2)


def test_a_free_wire_is_another_one_a_clock_later() -> None:
    """Of q <= w, q after a clock is w now; w itself, an input or free, is nothing that is known now."""
    q, w, x = z3.BitVec("q", 1), z3.BitVec("w", 1), z3.BitVec("x", 1)
    model = Model({"w": w}, {"x": x}, {"q": q}, {"q": w})
    assert model.after(q).eq(w)
    for free in (w, x):
        assert not model.after(free).eq(free)
    assert symbols_in(model.after(q & w)).keys() > {"w"}


def test_formulas_alike_are_proved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three, two are the same but for their symbols' names and one has another constant."""
    solved = []
    check = z3.Solver.check
    monkeypatch.setattr(z3.Solver, "check", lambda self, *more: solved.append(1) or check(self, *more))

    def claims() -> Iterator[Claim]:
        for name, divisor in (("mem 0", 7), ("mem 1", 7), ("mem 2", 5)):
            x = z3.BitVec(name, 8)
            yield Claim(z3.ULE(z3.UDiv(x, divisor), x), lambda model: Counterexample("x", 0, 0, 0, 1, ()))

    part = run_task(Task("x", "x", claims, "x"), 60.0)
    assert part.status is ProofStatus.PROVED
    assert part.claims == 3
    assert len(solved) == 2


def test_what_cannot_be_proved_is_named(design: VerilogDesign, tmp_path: Path) -> None:
    class Other(Design):
        backend = "hls"

        def trace(self, x: np.ndarray) -> ir.Trace:
            raise NotImplementedError

    with pytest.raises(UnsupportedError, match="hls design"):
        check_equivalence(Other(tmp_path, design.network, {}))
    with pytest.raises(UnsupportedError, match="architecture systolic"):
        check_equivalence(UnrolledDesign(tmp_path, design.network, design.options | {"architecture": "systolic"}))
    with pytest.raises(ConfigError, match="depth = 5 is outside 0 to 4"):
        check_equivalence(design, depth=5)
    with pytest.raises(ConfigError, match="timeout = 0"):
        check_equivalence(design, timeout=0)
    with pytest.raises(ConfigError, match="an exported design"):
        check_equivalence("design")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"cannot read little\.v"):
        check_equivalence(UnrolledDesign(tmp_path, design.network, design.options))


def test_another_network_is_not_proved(design: VerilogDesign, tmp_path: Path) -> None:
    """The files are those of another seed of the weights' source."""
    layers = list(design.network.layers)
    layers[1] = replace(layers[1], source=ir.StreamSource("lfsr", 2, (3, 2), 6, "shift"))
    other = UnrolledDesign(design.folder, replace(design.network, layers=tuple(layers)), design.options)
    failed = [p.name for p in check_equivalence(other, depth=0).parts if p.status is ProofStatus.FAILED]
    assert failed == ["source synapse1"]
