// Thermometer code: bit j * LEVELS + l is value j > l (semantics 4), registered if REGISTERED.
module sct_level_encoder #(
    parameter N = 1,
    parameter B = 2,
    parameter LEVELS = 3,
    parameter REGISTERED = 1
) (
    /* verilator lint_off UNUSEDSIGNAL */
    input  wire                clk,
    /* verilator lint_on UNUSEDSIGNAL */
    input  wire [N*B-1:0]      value,
    output wire [N*LEVELS-1:0] bits
);
    wire [N*LEVELS-1:0] now;
    genvar j, l;
    generate
        for (j = 0; j < N; j = j + 1) begin : feature
            for (l = 0; l < LEVELS; l = l + 1) begin : level
                localparam [B-1:0] BOUND = l;
                assign now[j*LEVELS + l] = value[j*B +: B] > BOUND;
            end
        end
    endgenerate
    sct_line #(.W(N*LEVELS), .D((REGISTERED != 0) ? 1 : 0)) line (.clk(clk), .in(now), .out(bits));
endmodule
