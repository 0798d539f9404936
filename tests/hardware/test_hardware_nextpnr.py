"""Place and route: registers at every pin and nothing else changed, and a clock read from the router's own report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import builders
import pytest

from sctorch.errors import ConfigError, ToolFailedError, ToolNotFoundError, UnsupportedError
from sctorch.hardware.nextpnr import Routing, add_harness, place_and_route, router
from sctorch.hardware.targets import get_target, target_names
from sctorch.hardware.yosys import run_yosys

# More bits in than any package has pins; `slow` puts 32 bits of carry between two registers.
QUICK = """
module some (input clk, input [299:0] a, output reg y, output [1:0] fixed);
    always @(posedge clk) y <= a[0] & a[299];
    assign fixed = 2'b10;
endmodule
"""
SLOW = """
module some (input clk, input [299:0] a, output reg y, output [1:0] fixed);
    reg [31:0] sum;
    always @(posedge clk) begin sum <= a[31:0] + a[63:32]; y <= sum < a[95:64]; end
    assign fixed = 2'b10;
endmodule
"""


def netlist(tmp_path: Path, text: str, target: str) -> Path:
    builders.require_tool("yosys")
    (tmp_path / "some.v").write_text(text)
    path = tmp_path / "netlist.json"
    run_yosys(tmp_path, "some", ["some.v"], get_target(target), path)
    return path


def routed(tmp_path: Path, text: str, target: str) -> Routing:
    part = get_target(target)
    builders.require_tool(router(part) or "")
    return place_and_route(netlist(tmp_path, text, target), "some", part)


def fake(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The smallest netlist there is."""
    module = {"ports": {"clk": {"direction": "input", "bits": [2]}}, "cells": {}, "netnames": {}}
    path = tmp_path / "netlist.json"
    path.write_text(json.dumps({"modules": {"some": module}}))
    return path


# ---------------------------------------------------------------- the harness


@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_every_pin_gets_a_register_and_the_design_stays(family: str) -> None:
    inner: dict[str, Any] = {"type": "LUT", "connections": {"A": [3], "B": [4], "Z": [5]}}
    module: dict[str, Any] = {
        "ports": {
            "a": {"direction": "input", "bits": [3, 4]},
            "clk": {"direction": "input", "bits": [2]},
            "y": {"direction": "output", "bits": [5, "1", 4]},  # logic, a constant, an input handed through
        },
        "cells": {"inner": dict(inner)},
        "netnames": {"hidden": {"bits": [9]}},
    }
    assert add_harness(module, family) == (2 + 2, 2)
    assert module["cells"].pop("inner") == inner
    assert list(module["ports"]) == ["clk", "shift_in", "fold_out"]

    pins = {"ice40": ("D", "Q", "C", "I0", "I1", "O"), "ecp5": ("DI", "Q", "CLK", "A", "B", "Z")}[family]
    nets = {
        name: [cell["connections"][pin][0] for pin in (pins[:3] if "Q" in cell["connections"] else pins[3:])]
        for name, cell in module["cells"].items()
    }
    (shift_in,), (fold_out,) = (module["ports"][name]["bits"] for name in ("shift_in", "fold_out"))
    assert nets["sct_feed0"] == [shift_in, 3, 2]
    assert nets["sct_feed1"] == [3, 4, 2]
    assert nets["sct_mix0"][:2] == [5, "0"]
    assert nets["sct_fold0"] == [nets["sct_mix0"][2], nets["sct_mix1"][1], 2]
    assert nets["sct_mix1"][0] == 4
    assert nets["sct_fold1"] == [nets["sct_mix1"][2], fold_out, 2]
    # Every net has one driver, and none of them is one of the design's own.
    made = [shift_in, *(net[1] for name, net in nets.items() if "feed" not in name and "mix" not in name)]
    made += [net[2] for name, net in nets.items() if "mix" in name]
    assert len(set(made)) == len(made) == 5
    assert not set(made) & {2, 3, 4, 5, 9}


# ---------------------------------------------------------------- real runs


def test_a_design_wider_than_the_package_is_routed_and_its_clock_read(tmp_path: Path) -> None:
    quick, slow = routed(tmp_path, QUICK, "ice40-up5k"), routed(tmp_path, SLOW, "ice40-up5k")
    assert quick.clocks_mhz == {"clk": quick.fmax_mhz}
    # 32 bits of carry at 0.28 ns each cannot be faster in an UltraPlus.
    assert 10 < slow.fmax_mhz < min(1000 / (32 * 0.27), quick.fmax_mhz)
    assert (quick.harness_ffs, quick.harness_luts) == (300 + 1, 1)
    # Each register takes a logic cell; the XOR shares one with its register, and the AND with its own.
    assert 300 + 1 + 1 <= quick.used["ICESTORM_LC"] <= 300 + 1 + 1 + 8
    assert quick.used["SB_IO"] == 3
    assert quick.available["ICESTORM_LC"] == get_target("ice40-up5k").luts
    assert quick.tool_version.split()[0] == quick.tool == "nextpnr-ice40"
    assert quick.tool_version.split()[1][0].isdigit()
    assert quick.command.startswith("nextpnr-ice40 --up5k --package sg48 ")
    assert " --seed 1 --freq 100 " in quick.command


def test_ecp5_likewise(tmp_path: Path) -> None:
    slow = routed(tmp_path, SLOW, "ecp5")
    assert slow.clocks_mhz == {"clk": slow.fmax_mhz}
    assert 100 < slow.fmax_mhz < 500
    assert slow.used["TRELLIS_FF"] == 32 + 1 + 300 + 1
    assert slow.used["TRELLIS_IO"] == 3
    assert slow.available["TRELLIS_COMB"] == get_target("ecp5").luts


def test_a_design_that_does_not_fit_is_told_what_was_asked_and_what_is_there(tmp_path: Path) -> None:
    wide = "module some (input clk, input [5399:0] a, output reg y); always @(posedge clk) y <= a[0]; endmodule\n"
    with pytest.raises(ConfigError) as caught:
        routed(tmp_path, wide, "ice40-up5k")
    message = str(caught.value)
    assert message.startswith("'some' does not fit ice40-up5k: it takes 5,4")
    assert "ICESTORM_LC, and the part has 5,280 (5,401 flip-flops and 1 LUTs of it" in message


# ---------------------------------------------------------------- what goes wrong


def test_only_what_nextpnr_knows_is_routed(written: Path) -> None:
    known = {name for name in target_names() if router(get_target(name))}
    assert known == {"ice40-hx8k", "ice40-up5k", "ecp5-85k"}
    with pytest.raises(UnsupportedError, match="target artix7-35t: place and route is not supported"):
        place_and_route(written, "some", get_target("artix7-35t"))


def test_a_missing_router_is_named(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCTORCH_NEXTPNR_ECP5", "/no/such/program")
    with pytest.raises(ToolNotFoundError, match=r"nextpnr-ecp5 at '/no/such/program' .from SCTORCH_NEXTPNR_ECP5."):
        place_and_route(written, "some", get_target("ecp5"))


@pytest.mark.parametrize(
    ("work", "says"),
    [
        ("echo ERROR: it broke; exit 3", "(?s)nextpnr-ice40 --hx8k .*exit status 3.*it broke"),
        ("echo done", "(?s)its report cannot be read.*done"),
        ("echo '{}' > report.json", "its report cannot be read: 'fmax'"),
        ('echo \'{"fmax": {}, "utilization": {}}\' > report.json', "its report has no clock"),
    ],
)
def test_a_router_that_fails_is_quoted(
    work: str, says: str, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCTORCH_NEXTPNR_ICE40", fake(tmp_path / "router", work))
    with pytest.raises(ToolFailedError, match=says):
        place_and_route(written, "some", get_target("ice40"))


def test_the_slowest_clock_counts(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = {
        "fmax": {"$glbnet$clk$TRELLIS_IO_IN": {"achieved": 80.00049}, "fast": {"achieved": 200}},
        "utilization": {"LC": {"used": 7, "available": 9}, "PLL": {"used": 0, "available": 2}},
    }
    text = f"""if [ "$1" = --version ]; then echo '"it" -- Place and Route (Version 0.4-1)'; exit; fi
cat > report.json <<'END'\n{json.dumps(report)}\nEND"""
    monkeypatch.setenv("SCTORCH_NEXTPNR_ECP5", fake(tmp_path / "router", text))
    found = place_and_route(written, "some", get_target("ecp5"), freq_mhz=62.5, seed=4)
    assert found.fmax_mhz == 80.0
    assert found.clocks_mhz == {"clk": 80.0, "fast": 200.0}
    assert (found.used, found.available) == ({"LC": 7}, {"LC": 9})
    assert found.tool_version == "nextpnr-ecp5 0.4-1"
    assert found.command.endswith("--seed 4 --freq 62.5 --timing-allow-fail")
