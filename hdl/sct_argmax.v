// Index of the largest of N scores, the lowest index on a tie (semantics 7).
//
// A tournament: each level compares neighbours and hands the winners on, so that a winner's index is the
// results of its comparisons, one bit per level. After every EVERY-th level but the last one there are
// registers, (ceil(log2 N) - 1) / EVERY of them in a row; EVERY = 0 is combinational.
// LEVEL and `low`, the index bits so far, are for the module's own use.
module sct_argmax #(
    parameter N = 1,
    parameter W = 8,
    parameter SIGNED = 1,
    parameter EVERY = 0,
    parameter LEVEL = 0,
    parameter IW = LEVEL + ((N > 1) ? $clog2(N) : (LEVEL == 0) ? 1 : 0)
) (
    /* verilator lint_off UNUSEDSIGNAL */
    input  wire                                clk,
    input  wire [((LEVEL > 0) ? N*LEVEL : 1)-1:0] low,
    /* verilator lint_on UNUSEDSIGNAL */
    input  wire [N*W-1:0]                      scores,
    output wire [W-1:0]                        best,
    output wire [IW-1:0]                       index
);
    localparam M = (N + 1) / 2;
    localparam B = LEVEL + 1;
    localparam REGISTERED = (EVERY != 0) && (M > 1) && (B % ((EVERY != 0) ? EVERY : 1) == 0);
    genvar i;
    generate
        if (N == 1) begin : one
            assign best = scores;
            if (LEVEL == 0) begin : alone
                assign index = {IW{1'b0}};
            end else begin : last
                assign index = low;
            end
        end else begin : level
            wire [M*W-1:0] won;
            wire [M*B-1:0] places;
            for (i = 0; i < M; i = i + 1) begin : match
                if (2 * i + 1 < N) begin : pair
                    wire [W-1:0] left = scores[2*i*W +: W];
                    wire [W-1:0] right = scores[(2*i+1)*W +: W];
                    wire signed [W:0] a = {(SIGNED != 0) & left[W-1], left};
                    wire signed [W:0] b = {(SIGNED != 0) & right[W-1], right};
                    wire later = b > a;
                    assign won[i*W +: W] = later ? right : left;
                    assign places[i*B + LEVEL] = later;
                    if (LEVEL > 0) begin : lower
                        assign places[i*B +: LEVEL] = later ? low[(2*i+1)*LEVEL +: LEVEL] : low[2*i*LEVEL +: LEVEL];
                    end
                end else begin : bye
                    assign won[i*W +: W] = scores[2*i*W +: W];
                    assign places[i*B + LEVEL] = 1'b0;
                    if (LEVEL > 0) begin : lower
                        assign places[i*B +: LEVEL] = low[2*i*LEVEL +: LEVEL];
                    end
                end
            end
            wire [M*(W+B)-1:0] kept;
            sct_line #(.W(M*(W+B)), .D(REGISTERED ? 1 : 0)) registers (.clk(clk), .in({won, places}), .out(kept));
            sct_argmax #(.N(M), .W(W), .SIGNED(SIGNED), .EVERY(EVERY), .LEVEL(B), .IW(IW)) rest (
                .clk(clk), .low(kept[M*B-1:0]), .scores(kept[M*B +: M*W]), .best(best), .index(index));
        end
    endgenerate
endmodule
