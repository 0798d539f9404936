// Rate code: one bit per feature and tick, value > R (semantics 4), registered if REGISTERED.
//
// The comparison is written as its bit recurrence, lowest bit first: a bit decides, and on a tie the
// bits below it do. That is B - 1 LUT4 per feature, where a carry chain needs twice B.
module sct_rate_encoder #(
    parameter N = 1,
    parameter B = 4,
    parameter REGISTERED = 1
) (
    /* verilator lint_off UNUSEDSIGNAL */
    input  wire           clk,
    /* verilator lint_on UNUSEDSIGNAL */
    input  wire [N*B-1:0] value,
    input  wire [N*B-1:0] random,
    output wire [N-1:0]   bits
);
    reg [N-1:0] now;
    integer i, j;
    reg above;
    /* verilator lint_off BLKSEQ */  // `above` is used up within the evaluation
    always @*
        for (j = 0; j < N; j = j + 1) begin
            above = 1'b0;
            for (i = 0; i < B; i = i + 1)
                above = (value[j*B + i] & ~random[j*B + i]) | ((value[j*B + i] ^~ random[j*B + i]) & above);
            now[j] = above;
        end
    /* verilator lint_on BLKSEQ */
    sct_line #(.W(N), .D((REGISTERED != 0) ? 1 : 0)) line (.clk(clk), .in(now), .out(bits));
endmodule
