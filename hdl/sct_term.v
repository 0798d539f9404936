// One term of a stochastic synapse: spike & (MAGNITUDE > R), the magnitude a constant (semantics 5).
//
// Written as a table over R, so that it becomes a look-up table and not a carry chain.
module sct_term #(
    parameter B = 4,
    parameter [B-1:0] MAGNITUDE = 1
) (
    input  wire         spike,
    input  wire [B-1:0] random,
    output wire         term
);
    localparam [(1<<B)-1:0] ABOVE = ({{((1<<B)-1){1'b0}}, 1'b1} << MAGNITUDE) - 1'b1;
    assign term = spike & ABOVE[random];
endmodule
