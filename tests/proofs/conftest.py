"""Designs to be proved, exported without compiling a simulation, and the score of the planted faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import builders
import pytest

import sctorch
from sctorch import ir
from sctorch.backends.verilog import VerilogDesign
from sctorch.backends.verilog.folded.design import FoldedDesign


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., VerilogDesign]:
    """The design of a network; nothing here simulates it."""
    builders.require_tool("yosys")
    builders.require_tool("g++")

    def export(network: ir.Network, **options: Any) -> VerilogDesign:
        with pytest.MonkeyPatch.context() as patch:
            for kind in (VerilogDesign, FoldedDesign):
                patch.setattr(kind, "build", lambda self: None)
            design = sctorch.export(network, tmp_path_factory.mktemp("proofs") / "design", **options)
        assert isinstance(design, VerilogDesign)
        return design

    return export


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):  # type: ignore[no-untyped-def]
    """Carry a fault's verdict to the process that prints the summary."""
    report = yield
    if call.when == "call" and "planted" in item.keywords:
        report.user_properties.append(("planted fault", item.callspec.params["name"]))
    return report


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "planted: a fault planted in the RTL, which a proof must catch")


def pytest_terminal_summary(terminalreporter) -> None:  # type: ignore[no-untyped-def]
    """How many of the planted faults were caught, printed whatever the verbosity."""
    caught, missed = ([dict(r.user_properties).get("planted fault") for r in terminalreporter.getreports(outcome)]
                      for outcome in ("passed", "failed"))  # fmt: skip
    caught, missed = ([name for name in names if name] for names in (caught, missed))
    if caught or missed:
        terminalreporter.write_line(f"proofs: {len(caught)} of {len(caught) + len(missed)} planted faults caught")
        for name in missed:
            terminalreporter.write_line(f"proofs: not caught: {name}")
