"""The test bench of a wrapped design: it plays rows into the wrapper's own pins and compares every answer.

Full speed, gaps in what comes in, and a taker that makes the answers wait take turns, every 128 clocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sctorch import ir
from sctorch.backends.verilog.clock import clock_text
from sctorch.backends.verilog.interfaces.packets import window_packets
from sctorch.backends.verilog.interfaces.plan import WrapperPlan

__all__ = ["Script", "windows_script", "write_wrapper_bench"]

BEAT, LAST, WAIT, RESET, STEPS, PAUSE, WRITE, READ = range(8)
BOTH, ADDRESS_FIRST, DATA_FIRST = range(3)
_BENCH_CLOCKS = 8  # per bit of the UART, in the bench


@dataclass
class Script:
    """Rows for the bench, and the answers and errors that must come of them.

    rows : (what, data). BEAT and LAST: a beat, the latter with TLAST. WAIT: until data answers have come.
    RESET: after data clocks, for one clock. STEPS: the length of the windows that follow (not for UART and SPI).
    PAUSE: data clocks without a beat; on SPI the transfer ends. WRITE, READ: a register, see `write` and `read`.
    answers : (last, value). windows, errors : since the last reset, as the wrapper counts them.
    rude : on SPI packets are written whether the status allows it or not.
    """

    rows: list[tuple[int, int]] = field(default_factory=list)
    answers: list[tuple[int, int]] = field(default_factory=list)
    windows: int = 0
    errors: int = 0
    rude: bool = False

    def packet(self, beats: Sequence[int], last: bool = True) -> None:
        """Beats of a packet; `last` marks the last one's TLAST."""
        self.rows += [(LAST if last and k == len(beats) - 1 else BEAT, beat) for k, beat in enumerate(beats)]

    def expect(self, decisions: Sequence[int], every_timestep: bool) -> None:
        """The answers of one window, given its decision after every timestep."""
        self.windows += 1
        if every_timestep:
            self.answers += [(int(k == len(decisions) - 1), int(d)) for k, d in enumerate(decisions)]
        else:
            self.answers.append((1, int(decisions[-1])))

    def write(
        self, address: int, value: int, fails: bool = False, strobes: int = 15, order: int = BOTH, held: bool = False
    ) -> None:
        """Write a register on AXI-Lite.

        fails : it must answer SLVERR. order : which channel comes first. held : a beat that is offered meanwhile must
        not be taken.
        """
        self.rows.append(
            (WRITE, int(held) << 47 | order << 45 | (15 - strobes) << 41 | int(fails) << 40 | address << 32 | value)
        )

    def read(self, address: int, value: int = 0, fails: bool = False) -> None:
        """Read a register on AXI-Lite, which must hold this value, or answer SLVERR."""
        self.rows.append((READ, int(fails) << 40 | address << 32 | value))

    def wait(self) -> None:
        """Until everything so far has been answered."""
        self.rows.append((WAIT, len(self.answers)))

    def reset(self, clocks: int = 0) -> None:
        self.rows.append((RESET, clocks))
        self.windows = self.errors = 0


def windows_script(plan: WrapperPlan, x: np.ndarray) -> Script:
    """Whole windows one after another."""
    script = Script()
    decisions = ir.simulate(plan.network, x)[f"{plan.network.readout.name}.decision"][..., 0]
    for window, beats in enumerate(window_packets(plan.network, x, plan.interface.bus_bits)):
        script.packet(beats)
        script.expect(decisions[:, window].tolist(), plan.interface.every_timestep)
        if plan.interface.board:  # a line cannot be told to wait, so that the host does
            script.wait()
    return script


def write_wrapper_bench(folder: Path, plan: WrapperPlan, script: Script) -> None:
    """Write <name>_tb.v and its rows and answers as hexadecimal memory files."""
    name, bus, bits = plan.network.name, _row_bits(plan), plan.answer_bits
    rows = "".join(f"{what << bus | data:x}\n" for what, data in script.rows)
    answers = "".join(f"{last << bits | value % (1 << bits):x}\n" for last, value in script.answers)
    (folder / f"{name}_tb_input.hex").write_text(rows)
    (folder / f"{name}_tb_expect.hex").write_text(answers)
    (folder / f"{name}_tb.v").write_text(_text(plan, script))


def _row_bits(plan: WrapperPlan) -> int:
    """Bits of a row's data: a beat, a number of up to 16 bits, or what is done to a register."""
    return max(48 if plan.interface.axi_lite else 16, plan.interface.bus_bits)


def _text(plan: WrapperPlan, script: Script) -> str:
    name, data, bits = plan.network.name, _row_bits(plan), plan.answer_bits
    rows, answers = len(script.rows), len(script.answers)
    kind = plan.interface.kind
    slow = {"uart": 20 * _BENCH_CLOCKS, "spi": 64}.get(kind, 1)
    idle = sum(d for what, d in script.rows if what in (RESET, PAUSE))
    windows = answers + sum(what in (LAST, WAIT) for what, _ in script.rows)
    per_window = 2 * plan.core.window_clocks + plan.core.latency + 600
    limit = 20_000 + 2 * idle + (16 + 4 * slow) * rows + per_window * windows
    drain = 64 + plan.core.latency + 2 * plan.core.window_clocks
    drain += {"uart": 60 * _BENCH_CLOCKS, "spi": 600}.get(kind, 0)
    link = {"stream": _stream_link, "axi": _axi_link, "uart": _uart_link, "spi": _spi_link}[kind](plan, script)
    stalls = "1'b0" if plan.interface.board else "clocks[8]"  # on a line there is no waiting
    checked = "m_last" if not plan.interface.board else "expected_now[" + str(bits) + "]"
    return f"""\
// Self-checking test bench of {plan.top}: {answers} answers, every one compared. Generated by sctorch.
// Run it in this folder, for example: iverilog -g2005 -o tb {name}_tb.v {plan.top}.v {name}.v hdl/*.v && ./tb
/* verilator lint_off DECLFILENAME */
/* verilator lint_off UNUSEDSIGNAL */
/* verilator lint_off INITIALDLY */
`timescale 1ns / 1ps
module {name}_bench (
    input  wire clk,
    output reg  done,
    output reg  [31:0] errors
);
    localparam [31:0] ROWS = {rows}, ANSWERS = {answers};
    reg [{data + 2}:0] rows [0:{max(rows, 1) - 1}];
    reg [{bits}:0] expected [0:{max(answers, 1) - 1}];
    initial begin
        $readmemh("{name}_tb_input.hex", rows);
        $readmemh("{name}_tb_expect.hex", expected);
    end

    // What is played: a row at a time.
    reg [31:0] at, seen, clocks, pause, drain, random;
    reg [{plan.steps_bits - 1}:0] steps;
    reg go, started, checked;
    initial begin
        done = 1'b0;
        errors = 32'd0;
        at = 32'd0;
        seen = 32'd0;
        clocks = 32'd0;
        pause = 32'd0;
        drain = 32'd0;
        random = 32'h12345678;
        steps = {plan.steps_bits}'d{plan.network.num_steps};
        go = 1'b0;
        started = 1'b0;
        checked = 1'b0;
    end
    wire playing = started & (at != ROWS);
    wire [{data + 2}:0] row = rows[at == ROWS ? 32'd0 : at];
    wire [2:0] what = row[{data + 2}:{data}];
    wire [{data - 1}:0] data = row[{data - 1}:0];
    wire [31:0] number = {{16'd0, data[15:0]}};
    wire is_beat = playing & (what <= 3'd1);
    wire is_reset = playing & (what == 3'd3) & (pause == number);
    wire rst = ~started | is_reset;
    wire gaps = clocks[7], stalls = {stalls};
    wire valid = (is_beat{" | (playing & what == 3'd6 & data[47])" if plan.interface.axi_lite else ""}) & go;
    wire last = what[0];
    wire ready, stepped, wrong, m_valid, m_last;  // wrong: on the way to the pins something is
    wire [{bits - 1}:0] m_data;
    wire m_ready = ~stalls | (random[9:4] == 6'd0);
    wire [{bits}:0] expected_now = expected[seen < ANSWERS ? seen : 32'd0];
    wire settled, sound;  // at the end: the wrapper's own counters have been read, and are right
    reg held, held_last;
    reg [{bits - 1}:0] held_data;
    initial held = 1'b0;

{link}
    always @(posedge clk) begin
        started <= 1'b1;
        clocks <= clocks + 32'd1;
        random <= {{random[30:0], random[31] ^ random[21] ^ random[1] ^ random[0]}};
        // Once offered, a beat stays until it is taken.
        if (~valid | ready) go <= ~gaps | (random[1:0] == 2'd0);
        pause <= (playing & (what == 3'd3 | what == 3'd5)) ? pause + 32'd1 : 32'd0;
        if (playing)
            case (what)
                3'd0, 3'd1: if (valid & ready) at <= at + 32'd1;
                3'd2: if (seen >= number) at <= at + 32'd1;
                3'd3: if (is_reset) begin
                    at <= at + 32'd1;
                    pause <= 32'd0;
                end
                3'd4: begin
                    steps <= data[{plan.steps_bits - 1}:0];
                    if (stepped) at <= at + 32'd1;
                end
                3'd6, 3'd7: if (stepped) at <= at + 32'd1;
                default: if (pause == number) begin
                    at <= at + 32'd1;
                    pause <= 32'd0;
                end
            endcase
        if (~rst & m_valid & m_ready) begin
            seen <= seen + 32'd1;
            if (seen >= ANSWERS || {{{checked}, m_data}} !== expected_now) errors <= errors + 32'd1;
        end
        if (wrong) errors <= errors + 32'd1;
        // An answer that waits must stay as it is.
        held <= ~rst & m_valid & ~m_ready;
        held_last <= m_last;
        held_data <= m_data;
        if (held & ~rst & (~m_valid | held_data !== m_data | held_last !== m_last)) errors <= errors + 32'd1;
        if (started & ~playing & seen >= ANSWERS) drain <= drain + 32'd1;
        if (drain >= 32'd{drain} & settled & ~checked) begin
            checked <= 1'b1;
            if (~sound) errors <= errors + 32'd1;
        end
        if (checked) done <= 1'b1;
    end
    wire finish = drain >= 32'd{drain};
endmodule

{clock_text(name, answers, limit)}"""


# ---------------------------------------------------------------- links: from rows to the wrapper's pins


def _stream_link(plan: WrapperPlan, script: Script) -> str:
    bus = plan.interface.bus_bits
    return f"""\
    wire busy;
    wire [7:0] counted;
    {plan.top} dut (
        .clk(clk), .rst(rst), .steps(steps),
        .s_valid(valid), .s_ready(ready), .s_last(last), .s_data(data[{bus - 1}:0]),
        .m_valid(m_valid), .m_ready(m_ready), .m_last(m_last), .m_data(m_data), .busy(busy), .errors(counted));
    assign stepped = 1'b1;
    assign wrong = 1'b0;
    assign settled = 1'b1;
    assign sound = ~busy & (counted == 8'd{script.errors % 256});
"""


def _axi_link(plan: WrapperPlan, script: Script) -> str:
    bus = plan.interface.bus_bits
    streams = (
        f".clk(clk), .aresetn(~rst), .s_axis_tvalid(valid), .s_axis_tready(ready), .s_axis_tlast(last), "
        f".s_axis_tdata(data[{bus - 1}:0]),\n        .m_axis_tvalid(m_valid), .m_axis_tready(m_ready), "
        ".m_axis_tlast(m_last), .m_axis_tdata(m_data)"
    )
    if not plan.interface.axi_lite:
        return f"""\
    wire busy;
    wire [7:0] counted;
    {plan.top} dut (
        {streams},
        .steps(steps), .busy(busy), .errors(counted));
    assign stepped = 1'b1;
    assign wrong = 1'b0;
    assign settled = 1'b1;
    assign sound = ~busy & (counted == 8'd{script.errors % 256});
"""
    return f"""\
    // Registers are written and read; at the end status, windows and errors are.
    wire awready, wready, bvalid, arready, rvalid;
    wire [1:0] bresp, rresp;
    wire [31:0] rdata;
    reg sent, asked;
    reg [1:0] reading, late;
    reg [31:0] status, windows, counted;
    initial begin
        sent = 1'b0;
        late = 2'd0;
        reading = 2'd0;
        asked = 1'b0;
    end
    wire to_steps = what == 3'd4;
    wire write = playing & (to_steps | (what == 3'd6)) & ~sent;
    wire [1:0] order = to_steps ? 2'd0 : data[46:45];
    wire awvalid = write & (order != 2'd2 | late == 2'd3);
    wire wvalid = write & (order != 2'd1 | late == 2'd3);
    wire [7:0] awaddr = ~awvalid ? 8'hff : to_steps ? 8'h10 : data[39:32];
    wire [31:0] wdata = ~wvalid ? 32'hffffffff : to_steps ? {{16'd0, data[15:0]}} : data[31:0];
    wire bready = ~stalls | random[12], rready = ~stalls | random[13];
    wire is_read = playing & (what == 3'd7);
    wire read = ((finish & (reading != 2'd3)) | is_read) & ~asked;
    wire [7:0] place = is_read ? data[39:32] : (reading == 2'd0) ? 8'h0c : (reading == 2'd1) ? 8'h14 : 8'h1c;
    {plan.top} dut (
        {streams},
        .s_axi_awvalid(awvalid), .s_axi_awready(awready), .s_axi_awaddr(awaddr),
        .s_axi_wvalid(wvalid), .s_axi_wready(wready), .s_axi_wdata(wdata),
        .s_axi_wstrb(to_steps ? 4'hf : ~data[44:41]), .s_axi_bvalid(bvalid), .s_axi_bready(bready),
        .s_axi_bresp(bresp), .s_axi_arvalid(read), .s_axi_arready(arready), .s_axi_araddr(place),
        .s_axi_rvalid(rvalid), .s_axi_rready(rready), .s_axi_rdata(rdata), .s_axi_rresp(rresp));
    wire written = bvalid & bready & sent, came = rvalid & rready & asked;
    assign stepped = is_read ? came : written;
    assign wrong = (written & (bresp !== {{~to_steps & data[40], 1'b0}}))
        | (valid & ~is_beat & ready) | (bvalid & ~sent)
        | (came & is_read & (rresp !== {{data[40], 1'b0}} | rdata !== data[31:0])) | (awready != wready);
    assign settled = reading == 2'd3;
    assign sound = (windows == 32'd{script.windows}) & (counted == 32'd{script.errors}) & ~status[0]
        & (status[1] == (counted != 32'd0));
    always @(posedge clk) begin
        late <= (write & late != 2'd3) ? late + 2'd1 : write & ~awready ? late : 2'd0;
        if (awvalid & awready) sent <= 1'b1;
        else if (written) sent <= 1'b0;
        if (read & arready) asked <= 1'b1;
        else if (came) begin
            asked <= 1'b0;
            if (~is_read) begin
                reading <= reading + 2'd1;
                if (reading == 2'd0) status <= rdata;
                if (reading == 2'd1) windows <= rdata;
                if (reading == 2'd2) counted <= rdata;
            end
        end
    end
"""


def _board_end(script: Script) -> str:
    return f"""\
    assign stepped = 1'b1;
    assign settled = 1'b1;
    assign sound = ~busy & (failed == 1'b{int(script.errors > 0)});
    assign m_last = 1'b0;
"""


def _uart_link(plan: WrapperPlan, script: Script) -> str:
    n, clocks = plan.answer_bits // 8, _BENCH_CLOCKS
    return f"""\
    // A UART of the bench's own: a frame goes out, an answer of {n} byte(s) comes in.
    wire tx, busy, failed;
    reg [9:0] frame;
    reg [3:0] frame_bits, got_bits;
    reg [7:0] frame_wait, got_wait, got;
    reg [7:0] hush;
    reg [{plan.answer_bits - 1}:0] word;
    reg [7:0] word_bytes;
    reg word_valid;
    initial begin
        frame_bits = 4'd0;
        got_bits = 4'd0;
        hush = 8'd40;
        word_bytes = 8'd0;
        word_valid = 1'b0;
    end
    wire rx = (frame_bits == 4'd0) | frame[0];
    {plan.top} #(.CLOCKS_PER_BIT({clocks}), .IDLE({40 * clocks})) dut (
        .clk(clk), .rst_n(~rst), .rx(rx), .tx(tx), .busy(busy), .failed(failed));
    assign ready = (frame_bits == 4'd0) & (hush == 8'd0);
    wire sampled = ~rst & (hush == 8'd0) & (got_bits != 4'd0) & (got_wait == 8'd0);
    assign wrong = sampled & ((got_bits == 4'd10 & tx) | (got_bits == 4'd1 & (~tx | word_valid)));
    assign m_valid = word_valid;
    assign m_data = word;
    always @(posedge clk) begin
        hush <= rst ? 8'd40 : (hush != 8'd0) ? hush - 8'd1 : hush;
        if (rst) frame_bits <= 4'd0;
        else if (valid & ready) begin
            frame <= {{1'b1, data[7:0], 1'b0}};
            frame_bits <= 4'd10;
            frame_wait <= 8'd{clocks - 1};
        end else if (frame_wait != 8'd0) frame_wait <= frame_wait - 8'd1;
        else if (frame_bits != 4'd0) begin
            frame <= {{1'b1, frame[9:1]}};
            frame_bits <= frame_bits - 4'd1;
            frame_wait <= 8'd{clocks - 1};
        end
        if (m_ready) word_valid <= 1'b0;
        if (rst | hush != 8'd0) begin
            got_bits <= 4'd0;
            word_bytes <= 8'd0;
            word_valid <= 1'b0;
        end else if (got_bits == 4'd0) begin
            if (~tx) got_bits <= 4'd10;
            got_wait <= 8'd{clocks // 2 - 1};
        end else if (got_wait != 8'd0) got_wait <= got_wait - 8'd1;
        else begin
            got_wait <= 8'd{clocks - 1};
            got_bits <= got_bits - 4'd1;
            got <= {{tx, got[7:1]}};
            if (got_bits == 4'd1) begin
                word <= {_shifted_in("got", n)};
                word_bytes <= (word_bytes == 8'd{n - 1}) ? 8'd0 : word_bytes + 8'd1;
                word_valid <= word_bytes == 8'd{n - 1};
            end
        end
    end
{_board_end(script)}"""


def _shifted_in(byte: str, n: int) -> str:
    """The answer with one more byte, the lowest one having come first."""
    return byte if n == 1 else f"{{{byte}, word[{8 * n - 1}:8]}}"


def _spi_link(plan: WrapperPlan, script: Script) -> str:
    n, may = plan.answer_bits // 8, "1'b1" if script.rude else "can_write"
    return f"""\
    // A SPI master: it reads the status, and an answer of {n} byte(s) if one waits, before each packet that it writes.
    localparam [2:0] IDLE = 0, BITS = 2, NEXT = 3, FETCH = 4, CLOSE = 5;
    wire miso, busy, failed;
    reg [2:0] state;
    reg [7:0] spi_wait, so, si, got;
    reg [2:0] place;
    reg sck, cs_n, writing, first_byte, ending, can_write, word_valid;
    reg [{plan.answer_bits - 1}:0] word;
    initial begin
        state = IDLE;
        spi_wait = 8'd40;
        sck = 1'b0;
        cs_n = 1'b1;
        can_write = 1'b0;
        word_valid = 1'b0;
    end
    {plan.top} dut (
        .clk(clk), .rst_n(~rst), .sck(sck), .cs_n(cs_n), .mosi(so[7]), .miso(miso), .busy(busy), .failed(failed));
    assign ready = (state == FETCH) & (spi_wait == 8'd0);
    assign wrong = ~rst & (spi_wait == 8'd0) & (state == NEXT) & first_byte & (si[7:2] != 6'b100000);
    assign m_valid = word_valid;
    assign m_data = word;
    always @(posedge clk)
        if (rst) begin
            state <= IDLE;
            spi_wait <= 8'd40;
            sck <= 1'b0;
            cs_n <= 1'b1;
            can_write <= 1'b0;
            word_valid <= 1'b0;
        end else begin
            if (m_ready) word_valid <= 1'b0;
            if (spi_wait != 8'd0) spi_wait <= spi_wait - 8'd1;
            else
                case (state)
                    IDLE: begin
                        writing <= valid & {may};
                        so <= (valid & {may}) ? 8'd1 : 8'd2;
                        can_write <= 1'b0;
                        first_byte <= 1'b1;
                        cs_n <= 1'b0;
                        spi_wait <= 8'd12;
                        place <= 3'd0;
                        state <= BITS;
                    end
                    BITS: begin
                        spi_wait <= 8'd3;
                        sck <= ~sck;
                        if (~sck) si <= {{si[6:0], miso}};
                        else begin
                            so <= {{so[6:0], 1'b0}};
                            place <= place + 3'd1;
                            if (place == 3'd7) state <= NEXT;
                        end
                    end
                    NEXT: begin
                        first_byte <= 1'b0;
                        got <= first_byte ? 8'd0 : got + 8'd1;
                        if (first_byte & ~writing) can_write <= si[1];
                        if (~first_byte & ~writing) begin
                            word <= {_shifted_in("si", n)};
                            word_valid <= got == 8'd{n - 1};
                        end
                        if (writing) state <= (~first_byte & ending) ? CLOSE : FETCH;
                        else state <= (first_byte ? si[0] : got != 8'd{n - 1}) ? BITS : CLOSE;
                    end
                    FETCH: if (valid) begin
                        so <= data[7:0];
                        ending <= last;
                        state <= BITS;
                    end else if (~is_beat) state <= CLOSE;
                    default: begin
                        cs_n <= 1'b1;
                        spi_wait <= 8'd12;
                        state <= IDLE;
                    end
                endcase
        end
{_board_end(script)}"""
