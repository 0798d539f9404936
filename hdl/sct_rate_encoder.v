// Rate code: one bit per feature and tick, value > R (semantics 4), registered.
//
// The comparison is written as its bit recurrence, lowest bit first: a bit decides, and on a tie the
// bits below it do. That is B - 1 LUT4 per feature, where a carry chain needs twice B.
module sct_rate_encoder #(
    parameter N = 1,
    parameter B = 4
) (
    input  wire           clk,
    input  wire [N*B-1:0] value,
    input  wire [N*B-1:0] random,
    output reg  [N-1:0]   bits
);
    integer i, j;
    reg above;
    /* verilator lint_off BLKSEQ */  // `above` is used up within the clock
    always @(posedge clk)
        for (j = 0; j < N; j = j + 1) begin
            above = 1'b0;
            for (i = 0; i < B; i = i + 1)
                above = (value[j*B + i] & ~random[j*B + i]) | ((value[j*B + i] ^~ random[j*B + i]) & above);
            bits[j] <= above;
        end
    /* verilator lint_on BLKSEQ */
endmodule
