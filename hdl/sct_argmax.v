// Index of the largest of N scores, the lowest index on a tie (semantics 7), combinational.
module sct_argmax #(
    parameter N = 2,
    parameter W = 8,
    parameter SIGNED = 1,
    parameter IW = (N > 1) ? $clog2(N) : 1
) (
    input  wire [N*W-1:0] scores,
    output wire [W-1:0]   best,
    output wire [IW-1:0]  index
);
    localparam LEFT = (N + 1) / 2;
    localparam RIGHT = N - LEFT;
    localparam LW = (LEFT > 1) ? $clog2(LEFT) : 1;
    localparam RW = (RIGHT > 1) ? $clog2(RIGHT) : 1;
    generate
        if (N == 1) begin : one
            assign best = scores;
            assign index = {IW{1'b0}};
        end else begin : split
            wire [W-1:0] left, right;
            wire [LW-1:0] left_index;
            wire [RW-1:0] right_index;
            sct_argmax #(.N(LEFT), .W(W), .SIGNED(SIGNED)) lower (
                .scores(scores[LEFT*W-1:0]), .best(left), .index(left_index));
            sct_argmax #(.N(RIGHT), .W(W), .SIGNED(SIGNED)) upper (
                .scores(scores[N*W-1:LEFT*W]), .best(right), .index(right_index));
            wire signed [W:0] a = {(SIGNED != 0) & left[W-1], left};
            wire signed [W:0] b = {(SIGNED != 0) & right[W-1], right};
            wire later = b > a;
            /* verilator lint_off WIDTH */
            localparam [IW-1:0] OFFSET = LEFT;
            wire [IW-1:0] left_wide = {{IW{1'b0}}, left_index};
            wire [IW-1:0] right_wide = {{IW{1'b0}}, right_index};
            /* verilator lint_on WIDTH */
            assign best = later ? right : left;
            assign index = later ? right_wide + OFFSET : left_wide;
        end
    endgenerate
endmodule
