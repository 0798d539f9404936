// Stream source: the tick's number modulo 2**B with its bits reversed (van der Corput, semantics 3).
// REGISTERED as in sct_lfsr.
module sct_counter #(
    parameter B = 4,
    parameter REGISTERED = 0
) (
    input  wire         clk,
    input  wire         en,
    input  wire         first,
    output wire [B-1:0] random
);
    reg  [B-1:0] count;
    wire [B-1:0] now;
    generate
        if (REGISTERED) begin : registered
            assign now = count;
            always @(posedge clk)
                if (en) count <= first ? {B{1'b0}} : count + 1'b1;
        end else begin : direct
            assign now = first ? {B{1'b0}} : count;
            always @(posedge clk)
                if (en) count <= now + 1'b1;
        end
        genvar i;
        for (i = 0; i < B; i = i + 1) begin : reversed
            assign random[i] = now[B-1-i];
        end
    endgenerate
endmodule
