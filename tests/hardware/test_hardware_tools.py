"""External programs: found where they are said to be, named when missing, and quoted when they fail."""

from __future__ import annotations

import sys
from pathlib import Path

import builders
import pytest

from sctorch.errors import ConfigError, ToolFailedError, ToolNotFoundError
from sctorch.hardware.targets import get_target, target_aliases, target_names
from sctorch.hardware.tools import KNOWN_TOOLS, Tool, find_tool, run_tool, tool_version, yosys_include
from sctorch.hardware.yosys import Synthesis, count_cells, run_yosys


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for name in ("SCTORCH_YOSYS", "SCTORCH_GXX", "SCTORCH_NEXTPNR_ICE40", "SCTORCH_NEXTPNR_ECP5"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


# ---------------------------------------------------------------- finding


@pytest.mark.parametrize(("name", "variable"), [
    ("g++", "SCTORCH_GXX"), ("yosys", "SCTORCH_YOSYS"), ("nextpnr-ecp5", "SCTORCH_NEXTPNR_ECP5"),
])  # fmt: skip
def test_the_environment_comes_first(name: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = script(tmp_path / "a place" / "mine", "echo my own version 7")
    monkeypatch.setenv(variable, str(mine))
    tool = find_tool(name)
    assert tool == Tool(name, (str(mine),))
    assert tool_version(tool) == "my own version 7"


def test_then_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCTORCH_YOSYS", raising=False)
    native = script(tmp_path / "yosys", "true")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_tool("yosys").command == (str(native),)


def test_a_second_command_does_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCTORCH_GXX", raising=False)
    clang = script(tmp_path / "clang++", "true")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_tool("g++").command == (str(clang),)


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("name", KNOWN_TOOLS)
def test_a_missing_tool_is_named_with_what_to_install(name: str) -> None:
    with pytest.raises(ToolNotFoundError) as caught:
        find_tool(name)
    assert str(caught.value).startswith(f"{name} was not found. Install ")
    assert caught.value.tool == name


@pytest.mark.parametrize("override", ["/no/such/program", "no-such-program"])
def test_an_override_that_points_nowhere_is_not_passed_over(override: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCTORCH_YOSYS", override)
    with pytest.raises(ToolNotFoundError, match=f"yosys at '{override}' .from SCTORCH_YOSYS. was not found"):
        find_tool("yosys")


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize(("ci", "outcome"), [(None, pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_missing_tool_skips_here_and_fails_in_ci(
    ci: str | None, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    if ci is None:
        monkeypatch.delenv("CI", raising=False)
    else:
        monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="yosys was not found"):
        builders.require_tool("yosys")


# ---------------------------------------------------------------- running


def test_the_output_comes_back(tmp_path: Path) -> None:
    tool = Tool("speaker", (str(script(tmp_path / "speaker", 'echo "$1 in $(basename $PWD)"; echo aside >&2')),))
    assert run_tool(tool, ["hello"], cwd=tmp_path) == f"hello in {tmp_path.name}\naside\n"


def test_a_failure_shows_the_command_and_the_last_lines(tmp_path: Path) -> None:
    text = "i=0; while [ $i -lt 60 ]; do echo line $i.; i=$((i+1)); done; echo it broke >&2; exit 4"
    tool = Tool("breaker", (str(script(tmp_path / "breaker", text)),))
    with pytest.raises(ToolFailedError) as caught:
        run_tool(tool, ["-x", "two words"], cwd=tmp_path)
    message = str(caught.value)
    assert message.startswith("command failed: breaker -x 'two words' (exit status 4)")
    assert message.endswith("line 59.\nit broke")
    assert "line 36." in message
    assert "line 35." not in message
    assert "line 0." in caught.value.log


def test_a_tool_that_never_ends_is_stopped(tmp_path: Path) -> None:
    tool = Tool("sleeper", (sys.executable, "-c", "import time; time.sleep(60)"))
    with pytest.raises(ToolFailedError, match=r"no end after 0\.2 s"):
        run_tool(tool, [], cwd=tmp_path, timeout=0.2)


def test_a_tool_that_cannot_be_run_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    with pytest.raises(ToolFailedError, match="text"):
        run_tool(Tool("text", (str(tmp_path / "text"),)), [], cwd=tmp_path)


def test_output_that_is_no_text_does_no_harm(tmp_path: Path) -> None:
    tool = Tool("noise", (str(script(tmp_path / "noise", r"printf '\377\376ok'")),))
    assert run_tool(tool, [], cwd=tmp_path).endswith("ok")


def test_the_runtime_of_cxxrtl_is_found() -> None:
    builders.require_tool("yosys")
    assert (yosys_include() / "cxxrtl" / "cxxrtl.h").is_file()


# ---------------------------------------------------------------- targets


def test_targets_are_complete_and_aliases_lead_to_them() -> None:
    assert set(target_names()) == {
        "ice40-hx8k", "ice40-up5k", "ecp5-85k", "artix7-35t", "artix7-100t", "zynq-7020", "zcu102", "alveo-u200",
        "alveo-u250", "vu13p",
    }  # fmt: skip
    for alias, name in target_aliases().items():
        assert get_target(alias) == get_target(name)
        assert alias not in target_names()
    for name in target_names():
        target = get_target(name)
        assert target.name == name
        assert target.lut_inputs == {"ice40": 4, "ecp5": 4, "xc7": 6, "xcup": 6}[target.family]
        assert bool(target.nextpnr) == (target.family in ("ice40", "ecp5"))
        assert target.urams == 0 or target.family == "xcup"
        assert min(target.luts, target.ffs, target.brams, target.bram_kbit) > 0
        assert target.dsps >= 0


def test_totals_of_a_part_by_its_data_sheet() -> None:
    target = get_target("ice40")
    assert (target.luts, target.ffs, target.brams, target.bram_kbit, target.dsps) == (7680, 7680, 32, 4, 0)


def test_an_unknown_target_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        get_target("virtex2")
    for name in ["'virtex2' is unknown", *target_names(), *target_aliases()]:
        assert name in str(caught.value)


# ---------------------------------------------------------------- counting


def test_cells_of_ice40_by_hand() -> None:
    cells = {"SB_LUT4": 10, "SB_CARRY": 3, "SB_DFF": 2, "SB_DFFER": 4, "SB_RAM40_4K": 1, "SB_MAC16": 5, "SB_IO": 9}
    assert count_cells("ice40", cells) == {"luts": 10, "ffs": 6, "carries": 3, "brams": 1, "dsps": 5, "urams": 0}


def test_cells_of_xc7_by_hand() -> None:
    cells = {
        "LUT1": 1, "LUT2": 2, "LUT6": 3, "SRL16E": 4, "FDRE": 5, "FDSE": 6, "CARRY4": 7, "RAMB36E1": 2, "RAMB18E1": 3,
        "DSP48E1": 8, "MUXF7": 9, "IBUF": 10, "RAM32M": 2,
    }  # fmt: skip
    counts = {"luts": 10 + 2 * 4, "ffs": 11, "carries": 7, "brams": 3.5, "dsps": 8, "urams": 0}
    assert count_cells("xc7", cells) == counts


# One of each: an adder, a function of many inputs, a memory, a product. Its flip-flops: 8 + 1 + 36; the memory and, in
# iCE40, nothing else has registers of its own.
SAMPLE = """
module sample (
    input clk, input [7:0] a, input [7:0] b, input [5:0] s, input we, input [9:0] at, input [15:0] d,
    input signed [17:0] x, input signed [17:0] y,
    output reg [7:0] sum, output reg odd, output reg [15:0] q, output reg [35:0] p
);
    reg [15:0] memory [0:1023];
    always @(posedge clk) begin
        sum <= a + b;
        odd <= ^s;
        p <= x * y;
        if (we) memory[at] <= d; else q <= memory[at];
    end
endmodule
"""


def synthesised(tmp_path: Path, target: str, source: str = SAMPLE) -> Synthesis:
    builders.require_tool("yosys")
    (tmp_path / "sample.v").write_text(source)
    return run_yosys(tmp_path, "sample", ["sample.v"], get_target(target))


def test_a_design_in_ecp5(tmp_path: Path) -> None:
    found = synthesised(tmp_path, "ecp5")
    assert (found.ffs, found.brams, found.dsps, found.urams) == (8 + 1 + 36, 1, 1, 0)  # 16 kbit, one 18 x 18 product
    assert found.carries == found.cells["CCU2C"] == 8 // 2
    # The parity of 6 bits: 4 LUT4, joined by PFUMX and L6MUX21, which are no LUTs; or 2 LUT4, one after the other.
    assert found.luts == found.cells["LUT4"] + 2 * 4
    assert 2 <= found.cells["LUT4"] <= 6


def test_a_design_in_xilinx_7(tmp_path: Path) -> None:
    found = synthesised(tmp_path, "artix7")
    assert (found.ffs, found.brams, found.dsps, found.urams) == (8 + 1, 0.5, 1, 0)  # the product's 36 are the DSP's own
    assert found.cells["RAMB18E1"] == 1
    assert found.carries == 2
    assert 8 + 1 <= found.luts <= 8 + 2  # one for each bit of the sum, one or two for the parity


def test_a_design_in_ultrascale_plus(tmp_path: Path) -> None:
    asking = SAMPLE.replace("    reg [15:0] memory", '    (* ram_style = "ultra" *) reg [15:0] memory')
    found = synthesised(tmp_path, "vu13p", asking)
    assert (found.ffs, found.brams, found.dsps, found.urams) == (
        8 + 1 + 36,
        0,
        1,
        1,
    )  # here yosys leaves the DSP's idle
    assert found.carries == 2
    assert 8 + 1 <= found.luts <= 8 + 2 + 1  # as above, and what the memory's write enable may take


def test_cells_of_xcup_by_hand() -> None:
    cells = {"LUT6": 3, "RAM64M8": 1, "CARRY8": 2, "FDRE": 5, "RAMB36E2": 1, "URAM288": 6, "DSP48E2": 7, "MUXF9": 1}
    counts = {"luts": 3 + 8, "ffs": 5, "carries": 2, "brams": 1, "dsps": 7, "urams": 6}
    assert count_cells("xcup", cells) == counts


def test_verilog_that_yosys_does_not_take_is_quoted(tmp_path: Path) -> None:
    builders.require_tool("yosys")
    (tmp_path / "bad.v").write_text("module bad (input a);\n  this is no verilog\nendmodule\n")
    with pytest.raises(ToolFailedError) as caught:
        run_yosys(tmp_path, "bad", ["bad.v"], get_target("ice40"))
    assert "bad.v:2: ERROR: syntax error" in str(caught.value)
    assert "yosys -p" in str(caught.value)


def test_a_module_that_is_missing_is_quoted(tmp_path: Path) -> None:
    builders.require_tool("yosys")
    (tmp_path / "a.v").write_text("module a (input x, output y); b b0 (.x(x), .y(y)); endmodule\n")
    with pytest.raises(ToolFailedError, match=r"(?s)last lines of its output.*\\b"):
        run_yosys(tmp_path, "a", ["a.v"], get_target("ice40"))


def test_a_yosys_that_says_nothing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCTORCH_YOSYS", str(script(tmp_path / "quiet", "echo done")))
    (tmp_path / "a.v").write_text("module a (input x, output y); assign y = ~x; endmodule\n")
    with pytest.raises(ToolFailedError, match="no cell counts in its report"):
        run_yosys(tmp_path, "a", ["a.v"], get_target("ice40"))
