// The sums of a fixed synapse (semantics 5): N neurons at once, P inputs a clock, each a spike or a number of X bits.
//
// `word` holds the weight of neuron i and input p in two's complement, B + 1 bits at (i * P + p) * (B + 1). `start`
// holds the biases. DW bits hold what one clock adds, W bits the sum; both by interval analysis.
module sct_fold_dot #(
    parameter N = 1,
    parameter P = 1,
    parameter B = 4,
    parameter X = 0,
    parameter XW = (X > 0) ? X : 1,
    parameter DW = 8,
    parameter W = 8
) (
    input  wire                 clk,
    input  wire                 clear,
    input  wire                 add,
    input  wire [N*W-1:0]       start,
    input  wire [P*XW-1:0]      in,
    input  wire [N*P*(B+1)-1:0] word,
    output reg  [N*W-1:0]       sums
);
    genvar i;
    generate
        for (i = 0; i < N; i = i + 1) begin : neurons
            wire [P*(B+1)-1:0] mine = word[i*P*(B+1) +: P*(B+1)];
            reg signed [DW-1:0] total, part;
            /* verilator lint_off UNUSEDSIGNAL */
            wire [W+DW-1:0] wide = {{W{part[DW-1]}}, part};
            /* verilator lint_on UNUSEDSIGNAL */
            integer p;
            reg signed [B:0] weight;
            reg signed [XW:0] x;
            /* verilator lint_off BLKSEQ */
            /* verilator lint_off WIDTH */
            always @* begin
                total = {DW{1'b0}};
                weight = {(B+1){1'b0}};
                x = {(XW+1){1'b0}};
                for (p = 0; p < P; p = p + 1) begin
                    weight = mine[p*(B+1) +: B+1];
                    x = {1'b0, in[p*XW +: XW]};
                    if (X > 0) total = total + x * weight;
                    else if (in[p]) total = total + weight;
                end
            end
            /* verilator lint_on WIDTH */
            /* verilator lint_on BLKSEQ */
            always @(posedge clk) begin
                part <= add ? total : {DW{1'b0}};
                if (clear) sums[i*W +: W] <= start[i*W +: W];
                else sums[i*W +: W] <= sums[i*W +: W] + wide[W-1:0];
            end
        end
    endgenerate
endmodule
