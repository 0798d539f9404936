// Thermometer code: bit j * LEVELS + l is value j > l (semantics 4), registered.
module sct_level_encoder #(
    parameter N = 1,
    parameter B = 2,
    parameter LEVELS = 3
) (
    input  wire                clk,
    input  wire [N*B-1:0]      value,
    output reg  [N*LEVELS-1:0] bits
);
    integer j, l;
    always @(posedge clk)
        for (j = 0; j < N; j = j + 1)
            for (l = 0; l < LEVELS; l = l + 1)
                bits[j*LEVELS + l] <= value[j*B +: B] > l[B-1:0];
endmodule
