// The "permute" decorrelator: bit i of input p's R is bit order[p][i] of the shared one.
module sct_fold_permute #(
    parameter P = 1,
    parameter B = 4,
    parameter SW = (B > 1) ? $clog2(B) : 1
) (
    input  wire [B-1:0]      shared,
    input  wire [P*B*SW-1:0] order,
    output wire [P*B-1:0]    random
);
    genvar i;
    generate
        for (i = 0; i < P * B; i = i + 1) begin : bits
            assign random[i] = shared[order[i*SW +: SW]];
        end
    endgenerate
endmodule
