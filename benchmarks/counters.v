// Parallel counters of other shapes, which benchmarks/synapse_luts.py holds against hdl/sct_popcount.v.

// Full adders of LUTs: no carry chain.
module counter_full_adders #(
    parameter N = 1,
    parameter W = $clog2(N + 1)
) (
    input  wire [N-1:0] in,
    output wire [W-1:0] count
);
    localparam FULL = (1 << $clog2((N + 2) / 2)) - 1;
    localparam LEFT = (FULL > N - 2) ? (FULL >> 1) : FULL;
    localparam RIGHT = N - 1 - LEFT;
    localparam LW = $clog2(LEFT + 1);
    localparam RW = $clog2(RIGHT + 1);
    genvar i;
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
            counter_full_adders #(.N(LEFT)) count_left (.in(in[LEFT-1:0]), .count(left));
            counter_full_adders #(.N(RIGHT)) count_right (.in(in[LEFT +: RIGHT]), .count(right));
            wire [W-1:0] a = {{(W-LW){1'b0}}, left};
            wire [W-1:0] b = {{(W-RW){1'b0}}, right};
            wire [W:0] carry;
            assign carry[0] = in[N-1];
            for (i = 0; i < W; i = i + 1) begin : adder
                assign count[i] = a[i] ^ b[i] ^ carry[i];
                assign carry[i+1] = (a[i] & b[i]) | (a[i] & carry[i]) | (b[i] & carry[i]);
            end
        end
    endgenerate
endmodule

// Tables of six bits, joined by adders with a bit as the carry-in.
module counter_tables #(
    parameter N = 1,
    parameter W = $clog2(N + 1)
) (
    input  wire [N-1:0] in,
    output wire [W-1:0] count
);
    localparam HALF = (N - 1) / 2;
    localparam LEFT = HALF >= 55 ? 55 : HALF >= 27 ? 27 : HALF >= 13 ? 13 : HALF >= 6 ? 6 : HALF;
    localparam RIGHT = N - 1 - LEFT;
    localparam LW = $clog2(LEFT + 1);
    localparam RW = $clog2(RIGHT + 1);
    function [2:0] ones(input [5:0] bits);
        integer value;
        begin
            ones = 3'd0;
            for (value = 0; value < 64; value = value + 1)
                if (bits == value)
                    ones = value % 2 + value / 2 % 2 + value / 4 % 2 + value / 8 % 2 + value / 16 % 2 + value / 32;
        end
    endfunction
    generate
        if (N <= 6) begin : small
            wire [2:0] all = ones({{(6-N){1'b0}}, in});
            assign count = all[W-1:0];
        end else begin : split
            wire [LW-1:0] left;
            wire [RW-1:0] right;
            counter_tables #(.N(LEFT)) count_left (.in(in[LEFT-1:0]), .count(left));
            counter_tables #(.N(RIGHT)) count_right (.in(in[LEFT +: RIGHT]), .count(right));
            wire [W:0] a = {{(W-LW){1'b0}}, left, in[N-1]};
            wire [W:0] b = {{(W-RW){1'b0}}, right, in[N-1]};
            wire [W:0] sum = a + b;
            assign count = sum[W:1];
        end
    endgenerate
endmodule
