"""The table of docs/architecture.md: which folder may import which, read from the sources themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sctorch

PACKAGE = Path(sctorch.__file__).parent
ALL = "all"

# Folder or file of the package -> others that it may import. `errors`, `checks` and the part itself are open to all.
MAY_IMPORT: dict[str, set[str] | str] = {
    "__init__": ALL,
    "cli": {"pipeline"},
    "exporting": ALL,
    "importing": ALL,
    "pipeline": ALL,
    "errors": set(),
    "checks": set(),
    "ir": set(),
    "nn": {"ir"},
    "data": set(),
    "train": {"nn", "data"},
    "compress": {"nn", "train", "cost", "lower"},
    "lower": {"nn", "ir"},
    "backends": {"ir", "hardware"},
    "hardware": {"ir"},
    "cost": {"ir", "hardware", "backends", "lower"},
    "verification": {"lower", "ir", "backends", "hardware", "nn"},
}
# Packages from outside that a part may not import; the front door and the IR stay light.
OUTSIDE: dict[str, set[str]] = {
    "ir": {"numpy"},
    "errors": set(),
    "checks": set(),
    "__init__": set(),
    "hardware": {"numpy"},
}


def part_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, dotted module) of every import of a file, also those inside functions; `from sctorch import x` is
    sctorch.x."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            assert not any(alias.name == "*" for alias in node.names), f"{path}:{node.lineno}: star import"
            if node.module == "sctorch":
                found += [(node.lineno, f"sctorch.{alias.name}") for alias in node.names]
            else:
                found.append((node.lineno, str(node.module)))
    return found


SOURCES = sorted(p for p in PACKAGE.rglob("*.py") if "_resources" not in p.parts)


def test_every_part_of_the_package_is_in_the_table() -> None:
    parts = {part_of(path) for path in SOURCES}
    assert parts <= set(MAY_IMPORT), f"add {sorted(parts - set(MAY_IMPORT))} to the table"
    assert len(SOURCES) > 30


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_keep_to_the_table(path: Path) -> None:
    part = part_of(path)
    allowed = MAY_IMPORT[part]
    for line, module in imports(path):
        names = module.split(".")
        where = f"{path.relative_to(PACKAGE.parent)}:{line} imports {module}"
        if names[0] == "sctorch":
            if len(names) > 1 and isinstance(allowed, set):
                public = names[1] in sctorch.__all__ and names[1] not in MAY_IMPORT
                assert public or names[1] in allowed | {part, "errors", "checks"}, where
        elif part in OUTSIDE:
            assert names[0] in OUTSIDE[part] or names[0] in sys.stdlib_module_names, where


def test_the_reader_of_imports_sees_what_is_forbidden(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text(
        "def f():\n    from sctorch import nn\n    import torch.nn\n    from sctorch.cost import synthesize\n"
    )
    assert [m for _, m in imports(file)] == ["sctorch.nn", "torch.nn", "sctorch.cost"]


def _modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sorted(m.split('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    return set(done.stdout.split())


def test_the_integer_network_loads_without_torch() -> None:
    loaded = _modules_after("import sctorch.ir")
    assert "numpy" in loaded
    assert not loaded & {"torch", "snntorch", "lightning", "hls4ml", "matplotlib"}


def test_importing_sctorch_loads_nothing_heavy() -> None:
    loaded = _modules_after("import sctorch; sctorch.__version__")
    heavy = {"torch", "numpy", "snntorch", "lightning", "hls4ml", "matplotlib", "onnx", "onnxruntime", "nir"}
    assert not loaded & heavy


def test_the_command_line_starts_without_torch() -> None:
    assert "torch" not in _modules_after("import sctorch.cli")


def test_the_public_face_holds_what_it_lists() -> None:
    for name in sctorch.__all__:
        assert getattr(sctorch, name) is not None
    with pytest.raises(AttributeError, match="'sctorch' has no attribute 'nonesuch'"):
        sctorch.nonesuch  # noqa: B018
