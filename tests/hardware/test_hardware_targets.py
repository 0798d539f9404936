"""Targets as data: totals by the data sheets, targets of other packages, and what `sctorch targets` prints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from sctorch.cli import main
from sctorch.errors import ConfigError
from sctorch.hardware import targets as module
from sctorch.hardware.targets import ENERGY, all_targets, get_target, target_aliases, target_names

# Logic, inputs of a LUT, flip-flops, block RAMs and their kbit, DSPs.
TOTALS = {
    "ice40-hx8k": (7680, 4, 7680, 32, 4, 0),
    "ice40-up5k": (5280, 4, 5280, 30, 4, 8),
    "ecp5-85k": (83640, 4, 83640, 208, 18, 156),
    "artix7-35t": (20800, 6, 41600, 50, 36, 90),
    "artix7-100t": (63400, 6, 126800, 135, 36, 240),
    "zynq-7020": (53200, 6, 106400, 140, 36, 220),
    "zcu102": (274080, 6, 548160, 912, 36, 2520),
    "alveo-u200": (1182240, 6, 2364480, 2160, 36, 6840),
    "alveo-u250": (1728000, 6, 3456000, 2688, 36, 12288),
    "vu13p": (1728000, 6, 3456000, 2688, 36, 12288),
}
GOOD: dict[str, Any] = {
    "family": "xc7", "part": "xc7k70tfbg484-1", "luts": 41000, "lut_inputs": 6, "ffs": 82000, "brams": 135,
    "bram_kbit": 36, "dsps": 240,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _read_again() -> Iterator[None]:
    module._added.cache_clear()
    yield
    module._added.cache_clear()


@pytest.fixture
def bring(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make entry points appear, each of a name and what it loads (or raises)."""

    class Point(EntryPoint):
        def load(self) -> Any:
            found = BROUGHT[self.name]
            if isinstance(found, Exception):
                raise found
            return found

    BROUGHT: dict[str, Any] = {}

    def bring(**brought: Any) -> None:
        BROUGHT.update(brought)
        points = [Point(name, f"package:{name}", "sctorch.targets") for name in brought]
        monkeypatch.setattr(module, "entry_points", lambda group: points if group == "sctorch.targets" else [])

    return bring


# ---------------------------------------------------------------- our own


@pytest.mark.parametrize("name", TOTALS)
def test_totals_by_the_data_sheets(name: str) -> None:
    part = get_target(name)
    assert (part.luts, part.lut_inputs, part.ffs, part.brams, part.bram_kbit, part.dsps) == TOTALS[name]
    assert part.data_sheet
    assert part.package == "sctorch"
    assert (part.clock_mhz is None) == (not part.clock_source)
    assert part.tools[0] == "yosys"
    assert any(tool.startswith("nextpnr") for tool in part.tools) == bool(part.nextpnr)


def test_the_large_memories_are_counted_apart() -> None:
    assert get_target("ice40-up5k").sprams == 4
    assert [get_target(n).urams for n in ("zcu102", "alveo-u200", "alveo-u250", "vu13p")] == [0, 960, 1280, 1280]


def test_the_aliases() -> None:
    assert target_aliases() == {
        "ice40": "ice40-hx8k", "ecp5": "ecp5-85k", "artix7": "artix7-100t", "zynq": "zynq-7020",
    }  # fmt: skip
    assert target_names() == list(TOTALS)


def test_every_energy_coefficient_has_a_source_and_the_others_are_missing() -> None:
    for part in all_targets():
        known = {c.name for c in part.energy}
        assert known | set(part.missing_energy) == set(ENERGY)
        assert not known & set(part.missing_energy)
        assert all(c.source and c.value > 0 for c in part.energy)
    static, clock = get_target("ice40-up5k").energy
    assert static.value == pytest.approx(85.6e-3 * 1.219, rel=1e-3)  # mW, of uA and V
    assert clock.value == pytest.approx((613.5 - 92.1) * 1.219 / 12, rel=1e-2)  # pJ, of uA, V and MHz


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ice40hx8k", "'ice40-hx8k'"),
        ("Artix7", "'artix7'?"),
        ("zcu-102", "'zcu102'?"),
        ("ecp5_85k", "'ecp5-85k'?"),
        ("xc7a35t", "'artix7-35t'?"),
        ("XC7Z020CLG400-1", "'zynq-7020'?"),
    ],
)
def test_an_unknown_target_is_told_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        get_target(name)
    assert str(caught.value).startswith(f"target {name!r} is unknown; did you mean {meant}")
    assert "; known: ice40-hx8k, " in str(caught.value)


@pytest.mark.parametrize("name", [None, 3, [], {}, "", "spartan"])
def test_what_is_near_to_nothing_is_told_all(name: Any) -> None:
    with pytest.raises(ConfigError, match="is unknown; known: ice40-hx8k, "):
        get_target(name)


# ---------------------------------------------------------------- of other packages


def test_a_package_brings_targets(bring: Callable[..., None], tmp_path: Path) -> None:
    file = tmp_path / "more.json"
    energy = {"toggle_pj": {"value": 0.5, "source": "a paper"}}
    file.write_text(json.dumps({"kintex7-160t": {**GOOD, "luts": 101400, "energy": energy}}))
    bring(mine={"kintex7-70t": {**GOOD, "aliases": ["kintex7"], "clock_mhz": 200}}, more=file)
    assert target_names() == [*TOTALS, "kintex7-70t", "kintex7-160t"]
    assert get_target("kintex7").luts == 41000
    assert get_target("kintex7").package == "entry point 'mine' (package:mine)"
    assert get_target("kintex7-160t").energy[0].value == 0.5
    with pytest.raises(ConfigError, match="did you mean 'kintex7"):
        get_target("kintex-7")


@pytest.mark.parametrize(
    ("brought", "says"),
    [
        (ImportError("no module named x"), "cannot be loaded: ImportError: no module named x"),
        ("/none/targets.json", "cannot be loaded: FileNotFoundError"),
        (3, "gives int, where targets by name"),
        ({"k": 3}, "target 'k' of entry point 'mine' .package:mine.: 3 must be an object of fields"),
        ({"k": {**GOOD, "lutz": 3}}, "'lutz' is no field; known: aliases, bram_kbit"),
        ({"k": {key: GOOD[key] for key in GOOD if key != "luts"}}, "luts missing"),
        ({"k": {**GOOD, "luts": 0}}, "luts = 0 must be at least 1"),
        ({"k": {**GOOD, "luts": 4.5}}, "luts = 4.5 must be an integer"),
        ({"k": {**GOOD, "luts": True}}, "luts = True must be an integer"),
        ({"k": {**GOOD, "family": "cyclone"}}, "family = 'cyclone' is unknown; allowed: ice40, ecp5, xc7, xcup"),
        ({"k": {**GOOD, "part": 3}}, "part = 3 must be a text"),
        ({"k": {**GOOD, "tools": "yosys"}}, "tools = 'yosys' must be a list of texts"),
        ({"k": {**GOOD, "clock_mhz": 0}}, "clock_mhz = 0 is outside 0 to 10000"),
        ({"k": {**GOOD, "energy": {"toggle_pj": {"value": 1}}}}, "must have a value and a source"),
        ({"k": {**GOOD, "energy": {"toggle_pj": {"value": -1, "source": "s"}}}},
         "energy toggle_pj = -1 must be at least 0"),
        ({"k": {**GOOD, "energy": {"spark_pj": {"value": 1, "source": "s"}}}},
         "energy = 'spark_pj' is unknown; allowed: static_mw"),
        ({"zynq": GOOD}, "the name 'zynq' is taken"),
        ({"k": {**GOOD, "aliases": ["ecp5"]}}, "the name 'ecp5' is taken"),
        ({"k": {**GOOD, "aliases": ["k"]}}, "the name 'k' is taken"),
    ],
)  # fmt: skip
def test_what_a_package_brings_is_checked(brought: Any, says: str, bring: Callable[..., None]) -> None:
    bring(mine=brought)
    with pytest.raises(ConfigError, match=says):
        target_names()
    assert get_target("ice40").luts == 7680  # our own do not ask for it


# ---------------------------------------------------------------- the command


def test_the_command_lists_every_target(bring: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    bring(mine={"kintex7-70t": GOOD})
    assert main(["targets"]) == 0
    rows = capsys.readouterr().out.splitlines()
    for name in [*TOTALS, "kintex7-70t"]:
        (row,) = [row.split() for row in rows if row.split()[:1] == [name]]
        part = get_target(name)
        assert {f"{part.luts:,}", f"LUT{part.lut_inputs}", f"{part.ffs:,}", f"{part.dsps:,}"} <= set(row)
        assert set(part.aliases) <= set(row)
        assert f"{part.brams:,} x {part.bram_kbit}" in " ".join(row)
        assert ", ".join(part.tools) in " ".join(row)
    text = "\n".join(rows)
    assert "30 x 4 + 4 x 256" in text
    assert "brought by entry point 'mine' (package:mine)" in text


def test_the_command_tells_all_of_a_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets", "ice40-up5k", "zynq"]) == 0
    text = capsys.readouterr().out
    assert "static_mw = 0.1043 (power at rest, mW): 85.6 uA of a blank design x 1.219 V. Source: tinyvision" in text
    assert "toggle_pj is missing" in text
    assert "125 MHz, system clock of the Pynq-Z2 board" in text
    assert "Zynq-7000 SoC Data Sheet: Overview, DS190" in text


def test_the_command_refuses_an_unknown_name_before_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets", "zynq", "zynk"]) == 2
    captured = capsys.readouterr()
    assert "target 'zynk' is unknown; did you mean 'zynq'" in captured.err
    assert captured.out == ""


def test_the_energy_of_a_clock_says_that_its_two_counters_differ() -> None:
    """The source measured 28 bits with the clock running, and 24 bits with it halted."""
    (found,) = (c for c in get_target("ice40-up5k").energy if c.name == "clock_pj")
    assert found.value == round((613.5 - 92.1) * 1.219 / 12)  # uA V / MHz = pJ
    assert "613.5 uA of a 28-bit counter" in found.how
    assert "92.1 uA of a 24-bit counter" in found.how
