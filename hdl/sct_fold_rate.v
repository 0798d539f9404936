// Rate code of P features (semantics 4): value > R, registered. The comparison is written as in sct_rate_encoder.
module sct_fold_rate #(
    parameter P = 1,
    parameter B = 8
) (
    input  wire           clk,
    input  wire [P*B-1:0] value,
    input  wire [P*B-1:0] random,
    output reg  [P-1:0]   bits
);
    integer i, p;
    reg above;
    /* verilator lint_off BLKSEQ */
    always @(posedge clk)
        for (p = 0; p < P; p = p + 1) begin
            above = 1'b0;
            for (i = 0; i < B; i = i + 1)
                above = (value[p*B + i] & ~random[p*B + i]) | ((value[p*B + i] ^~ random[p*B + i]) & above);
            bits[p] <= above;
        end
    /* verilator lint_on BLKSEQ */
endmodule
