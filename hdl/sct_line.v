// A value D clocks later; D = 0 is a wire.
module sct_line #(
    parameter W = 1,
    parameter D = 1
) (
    input  wire         clk,
    input  wire [W-1:0] in,
    output wire [W-1:0] out
);
    generate
        if (D == 0) begin : wires
            /* verilator lint_off UNUSEDSIGNAL */
            wire unused = clk;
            /* verilator lint_on UNUSEDSIGNAL */
            assign out = in;
        end else begin : registers
            reg [W*D-1:0] held;
            /* verilator lint_off UNUSEDSIGNAL */  // the oldest value leaves
            wire [W*D+W-1:0] moved = {held, in};
            /* verilator lint_on UNUSEDSIGNAL */
            always @(posedge clk) held <= moved[W*D-1:0];
            assign out = held[W*D-1 -: W];
        end
    endgenerate
endmodule
