"""What lies beside the Verilog in a design's folder: README, scripts and constraints."""

from __future__ import annotations

from pathlib import Path

from sctorch import ir
from sctorch.backends.verilog.interfaces.plan import Core, WrapperPlan
from sctorch.backends.verilog.interfaces.readme import port_table, readme_text
from sctorch.backends.verilog.interfaces.scripts import build_files

__all__ = ["write_papers"]


def write_papers(
    folder: Path,
    network: ir.Network,
    wrapper: WrapperPlan | None,
    core: Core,
    sources: list[str],
    target: str | None,
) -> None:
    """Write README.md, build scripts and constraint files of a design whose Verilog is there."""
    top, kind = (wrapper.top, wrapper.interface.kind) if wrapper else (network.name, "core")
    ports = [name for name, *_ in port_table(network, wrapper, core)]
    for name, text in build_files(top, kind, ports, sources, target, narrow=core.folded).items():
        (folder / name).write_text(text)
        if name.endswith(".sh"):
            (folder / name).chmod(0o755)
    (folder / "README.md").write_text(readme_text(network, wrapper, core, target))
