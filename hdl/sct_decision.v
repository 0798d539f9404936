// The readout's answer after every timestep (semantics 7), registered.
//
// RULE 0: index of the largest score. 1: the class whose score reached THRESHOLD first, the lowest index on a
// tie, and until one has, the largest. 2: the lowest index at or above THRESHOLD, else the largest.
// 3: score 1 less score 0 (two classes; OW holds it).
// EVERY: registers within the comparison, as in sct_argmax; D of them in a row. `valid` and `first` come with the
// last one, D clocks after the scores.
module sct_decision #(
    parameter N = 2,
    parameter W = 8,
    parameter SIGNED = 1,
    parameter RULE = 0,
    parameter THRESHOLD = 1,
    parameter EVERY = 0,
    parameter D = 0,
    parameter OW = 1
) (
    input  wire           clk,
    input  wire           valid,
    input  wire           first,
    input  wire [N*W-1:0] scores,
    output reg  [OW-1:0]  decision
);
    generate
        if (RULE == 3) begin : logit
            wire [W-1:0] a = scores[W-1:0];
            wire [W-1:0] b = scores[2*W-1:W];
            /* verilator lint_off UNUSEDSIGNAL */
            wire [OW:0] difference = {{(OW+1-W){(SIGNED != 0) & b[W-1]}}, b} - {{(OW+1-W){(SIGNED != 0) & a[W-1]}}, a};
            wire unused = first;
            /* verilator lint_on UNUSEDSIGNAL */
            always @(posedge clk) if (valid) decision <= difference[OW-1:0];
        end else begin : by_class
            wire [W-1:0] best;
            wire [OW-1:0] largest;
            sct_argmax #(.N(N), .W(W), .SIGNED(SIGNED), .EVERY(EVERY), .IW(OW)) argmax (
                .clk(clk), .low(1'b0), .scores(scores), .best(best), .index(largest));
            if (RULE == 0) begin : plain
                /* verilator lint_off UNUSEDSIGNAL */
                wire unused = ^{first, best};
                /* verilator lint_on UNUSEDSIGNAL */
                always @(posedge clk) if (valid) decision <= largest;
            end else begin : threshold
                // `decision` itself keeps the class that was first; `held` says that there is one.
                localparam [W-1:0] LIMIT = THRESHOLD;
                wire any = best >= LIMIT;
                reg [OW-1:0] reached;
                wire [OW-1:0] lowest;
                integer i;
                /* verilator lint_off BLKSEQ */
                always @* begin
                    reached = {OW{1'b0}};
                    for (i = N - 1; i >= 0; i = i - 1)
                        if (scores[i*W +: W] >= LIMIT) reached = i[OW-1:0];
                end
                /* verilator lint_on BLKSEQ */
                sct_line #(.W(OW), .D(D)) line (.clk(clk), .in(reached), .out(lowest));
                reg held;
                wire keep = (RULE == 1) & held & ~first;
                always @(posedge clk)
                    if (valid) begin
                        held <= keep | any;
                        if (~keep) decision <= any ? lowest : largest;
                    end
            end
        end
    endgenerate
endmodule
