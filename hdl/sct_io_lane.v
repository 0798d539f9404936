// One lane of a bus, kept beat by beat: a shift register, the newest beat highest. Nothing but flip-flops.
module sct_io_lane #(
    parameter N = 2
) (
    input  wire         clk,
    input  wire         en,
    input  wire         in,
    output reg  [N-1:0] bits
);
    /* verilator lint_off UNUSEDSIGNAL */  // the oldest beat falls out
    wire [N:0] next = {in, bits};
    /* verilator lint_on UNUSEDSIGNAL */
    always @(posedge clk) if (en) bits <= next[N:1];
endmodule
