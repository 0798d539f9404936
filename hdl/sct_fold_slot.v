// Room for one word between two that work at their own pace.
module sct_fold_slot #(
    parameter W = 1
) (
    input  wire         clk,
    input  wire         rst,
    input  wire         in_valid,
    output wire         in_ready,
    input  wire [W-1:0] in,
    output reg          valid,
    input  wire         take,
    output reg  [W-1:0] out
);
    assign in_ready = ~valid | take;
    always @(posedge clk) begin
        if (in_valid & in_ready) out <= in;
        valid <= ~rst & (in_valid | (valid & ~take));
    end
endmodule
