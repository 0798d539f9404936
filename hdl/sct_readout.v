// One score of the readout (semantics 7): a membrane without a threshold, or (LEAK 0, CW 1) a count of spikes.
// `clear` comes with the clock before the window's first current.
module sct_readout #(
    parameter W = 8,
    parameter SIGNED = 1,
    parameter CW = 4,
    parameter CURRENT_SIGNED = 1,
    parameter SHIFT = 0,
    parameter LEAK = 0,
    parameter LEAK_SHIFT = 1,
    parameter FACTOR = 0
) (
    input  wire          clk,
    input  wire          clear,
    input  wire          valid,
    input  wire [CW-1:0] current,
    output reg  [W-1:0]  score
);
    reg  [W-1:0] mem;
    wire [W-1:0] leaked, scaled;
    sct_charge #(
        .W(W), .SIGNED(SIGNED), .CW(CW), .CURRENT_SIGNED(CURRENT_SIGNED), .SHIFT(SHIFT),
        .LEAK(LEAK), .LEAK_SHIFT(LEAK_SHIFT), .FACTOR(FACTOR)
    ) charge (.mem(mem), .current(current), .random({LEAK_SHIFT{1'b0}}), .leaked(leaked), .scaled(scaled));
    wire [W-1:0] charged = leaked + scaled;
    always @(posedge clk) begin
        if (clear) mem <= {W{1'b0}};
        else if (valid) mem <= charged;
        if (valid) score <= charged;
    end
endmodule
