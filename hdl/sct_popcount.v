// Exact parallel counter: the number of ones among N bits (semantics 5).
//
// Two halves and one bit as the carry-in of the adder that joins them: about 1.15 LUT4 per bit on
// ice40, where one chain of additions takes 1.5. The joining adder has a lowest place that makes the
// carry-in explicit, so that synthesis keeps one carry chain: 1 + bit, or, where SCTORCH_BIT_CARRY is
// defined, bit + bit. Both carry the bit. Which one is smaller is the part's: docs/hardware.md.
module sct_popcount #(
    parameter N = 1,
    parameter W = $clog2(N + 1)
) (
    input  wire [N-1:0] in,
    output wire [W-1:0] count
);
    // The left part: the largest 2**k - 1 that leaves a right part not longer, if there is one.
    localparam FULL = (1 << $clog2((N + 2) / 2)) - 1;
    localparam LEFT = (FULL > N - 2) ? (FULL >> 1) : FULL;
    localparam RIGHT = N - 1 - LEFT;
    localparam LW = $clog2(LEFT + 1);
    localparam RW = $clog2(RIGHT + 1);
    generate
        if (N == 1) begin : one
            assign count = in;
        end else if (N == 2) begin : two
            assign count = {in[0] & in[1], in[0] ^ in[1]};
        end else if (N == 3) begin : three
            assign count = {(in[0] & in[1]) | (in[0] & in[2]) | (in[1] & in[2]), in[0] ^ in[1] ^ in[2]};
        end else begin : split
            wire [LW-1:0] left;
            wire [RW-1:0] right;
            sct_popcount #(.N(LEFT)) count_left (.in(in[LEFT-1:0]), .count(left));
            sct_popcount #(.N(RIGHT)) count_right (.in(in[LEFT +: RIGHT]), .count(right));
`ifdef SCTORCH_BIT_CARRY
            wire [W:0] a = {{(W-LW){1'b0}}, left, in[N-1]};
`else
            wire [W:0] a = {{(W-LW){1'b0}}, left, 1'b1};
`endif
            wire [W:0] b = {{(W-RW){1'b0}}, right, in[N-1]};
            /* verilator lint_off UNUSEDSIGNAL */
            wire [W:0] sum = a + b;  // its lowest bit only carries
            /* verilator lint_on UNUSEDSIGNAL */
            assign count = sum[W:1];
        end
    endgenerate
endmodule
