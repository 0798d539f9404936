"""The module that gives a test bench its clock, under simulators that have time."""

from __future__ import annotations

__all__ = ["clock_text"]


def clock_text(name: str, answers: int, limit: int) -> str:
    """`<name>_tb`: runs `<name>_bench`, prints its verdict on `answers` decisions, gives up after `limit` clocks."""
    return f"""\
`ifndef SCTORCH_NO_CLOCK
module {name}_tb;
    reg clk;
    wire done;
    wire [31:0] errors;
    integer clocks;
    {name}_bench bench (.clk(clk), .done(done), .errors(errors));
    initial begin
        clk = 1'b0;
        clocks = 0;
        if ($test$plusargs("vcd")) begin
            $dumpfile("{name}_tb.vcd");
            $dumpvars(0, {name}_tb);
        end
    end
    always #5 clk = ~clk;
    always @(posedge clk) begin
        clocks <= clocks + 1;
        if (done) begin
            if (errors == 0) $display("PASS: {answers} decisions");
            else $display("FAIL: %0d of {answers} decisions differ", errors);
            $finish;
        end
        if (clocks > {limit}) begin
            $display("FAIL: no end after %0d clocks", clocks);
            $finish;
        end
    end
endmodule
`endif
"""
