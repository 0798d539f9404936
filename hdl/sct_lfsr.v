// Stream source: a Fibonacci LFSR as one long shift register (semantics 3).
//
// state[0] is the stream's newest bit b[k], state[i] is b[k - i]; the next bit is the parity of the
// tapped ones. R_j of the "shift" decorrelator is state[j +: B], one flip-flop per input and no logic.
// SEED holds the bits at the window's first tick, those before tick 0 included.
//
// REGISTERED = 0: state belongs to the tick that `en` and `first` belong to.
// REGISTERED = 1: state belongs to that tick one clock later, beside a register that took the tick's data.
module sct_lfsr #(
    parameter N = 8,                  // register length, at least W
    parameter W = 8,                  // degree of the polynomial
    parameter [W-1:0] TAPS = 8'hb8,   // bit e-1 is set for each exponent e of the polynomial
    parameter [N-1:0] SEED = 1,
    parameter REGISTERED = 0
) (
    input  wire         clk,
    input  wire         en,
    input  wire         first,
    output wire [N-1:0] state
);
    reg [N-1:0] bits;
    generate
        if (REGISTERED) begin : registered
            assign state = bits;
            always @(posedge clk)
                if (en) begin
                    if (first) bits <= SEED;
                    else bits <= {bits[N-2:0], ^(bits[W-1:0] & TAPS)};
                end
        end else begin : direct
            assign state = first ? SEED : bits;
            always @(posedge clk)
                if (en) bits <= {state[N-2:0], ^(state[W-1:0] & TAPS)};
        end
    endgenerate
endmodule
