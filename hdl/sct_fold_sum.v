// The sums of a stochastic synapse (semantics 5): N neurons at once, P inputs a clock.
//
// `word` holds for neuron i and input p the magnitude and above it the sign, at (i * P + p) * (B + 1). An inhibitory
// input counts its inverted term, one too many at every visit; `start`, the neuron's bias less those, takes it back. So
// a sum only counts upwards, and W bits of it are right when every group was visited once per tick.
module sct_fold_sum #(
    parameter N = 1,
    parameter P = 1,
    parameter B = 4,
    parameter W = 8
) (
    input  wire                 clk,
    input  wire                 clear,
    input  wire                 add,
    input  wire [N*W-1:0]       start,
    input  wire [P-1:0]         spikes,
    input  wire [P*B-1:0]       random,
    input  wire [N*P*(B+1)-1:0] word,
    output reg  [N*W-1:0]       sums
);
    // Without a spike R is its largest, which no magnitude is above.
    wire [P*B-1:0] limit;
    localparam CW = $clog2(P + 1);
    genvar i, p;
    generate
        for (p = 0; p < P; p = p + 1) begin : inputs
            assign limit[p*B +: B] = random[p*B +: B] | {B{~spikes[p]}};
        end
        for (i = 0; i < N; i = i + 1) begin : neurons
            wire [P*(B+1)-1:0] mine = word[i*P*(B+1) +: P*(B+1)];
            reg  [P-1:0]  hit;
            wire [CW-1:0] count;
            /* verilator lint_off UNUSEDSIGNAL */
            wire [W+CW-1:0] wide = {{W{1'b0}}, count};
            /* verilator lint_on UNUSEDSIGNAL */
            sct_popcount #(.N(P)) counter (.in(hit), .count(count));
            integer b, q;
            reg above;
            /* verilator lint_off BLKSEQ */
            always @(posedge clk)
                for (q = 0; q < P; q = q + 1) begin
                    above = 1'b0;
                    for (b = 0; b < B; b = b + 1)
                        above = (mine[q*(B+1) + b] & ~limit[q*B + b]) |
                                ((mine[q*(B+1) + b] ^~ limit[q*B + b]) & above);
                    hit[q] <= add & (above ^ mine[q*(B+1) + B]);
                end
            /* verilator lint_on BLKSEQ */
            always @(posedge clk)
                if (clear) sums[i*W +: W] <= start[i*W +: W];
                else sums[i*W +: W] <= sums[i*W +: W] + wide[W-1:0];
        end
    endgenerate
endmodule
