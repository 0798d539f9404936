// What the sums of a synapse start from, where other weights may be loaded: INIT until a part of 32 bits is stored.
module sct_fold_start #(
    parameter W = 40,
    parameter [W-1:0] INIT = 0,
    parameter PW = 1
) (
    input  wire          clk,
    input  wire          store,
    input  wire [PW-1:0] part,
    input  wire [31:0]   value,
    output reg  [W-1:0]  start
);
    initial start = INIT;
    integer i;
    always @(posedge clk)
        if (store)
            for (i = 0; i < W; i = i + 1)
                if ({{(32-PW){1'b0}}, part} == i / 32) start[i] <= value[i % 32];
endmodule
