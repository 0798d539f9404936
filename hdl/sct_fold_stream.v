// Stream source of the "shift" decorrelator, R_j[k] = R[k - j], P inputs a clock from the last group to the first.
//
// state[i] is the bit b[m - i]; a group whose lowest input is j has m = k - j, so the next group is P bits on and the
// next tick starts one bit later than this one did. SEED: the bits at the last group of the window's first tick.
// `random` belongs to the group that was visited (`go`) in the clock before.
module sct_fold_stream #(
    parameter P = 1,
    parameter B = 4,
    parameter W = 5,                  // degree of the polynomial
    parameter N = 5,                  // register length, at least W and B + P - 1
    parameter [W-1:0] TAPS = 5'h14,   // bit e-1 is set for each exponent e of the polynomial
    parameter [N-1:0] SEED = 1
) (
    input  wire           clk,
    input  wire           go,
    input  wire           head,
    input  wire           fresh,
    output wire [P*B-1:0] random
);
    reg  [N-1:0] start, state;
    wire [N-1:0] now = fresh ? SEED : start;
    /* verilator lint_off UNOPTFLAT */  // every step depends on the one before it alone
    /* verilator lint_off UNUSEDSIGNAL */  // the oldest bit leaves
    wire [(P+1)*N-1:0] ahead;
    /* verilator lint_on UNUSEDSIGNAL */
    /* verilator lint_on UNOPTFLAT */
    assign ahead[N-1:0] = state;
    always @(posedge clk)
        if (go) begin
            if (head) start <= {now[N-2:0], ^(now[W-1:0] & TAPS)};
            state <= head ? now : ahead[P*N +: N];
        end
    genvar p;
    generate
        for (p = 0; p < P; p = p + 1) begin : inputs
            assign random[p*B +: B] = state[p +: B];
            assign ahead[(p+1)*N +: N] = {ahead[p*N +: N-1], ^(ahead[p*N +: W] & TAPS)};
        end
    endgenerate
endmodule
