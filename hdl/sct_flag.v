// valid, first and last, one pipeline stage later. rst empties the stage.
module sct_flag (
    input  wire clk,
    input  wire rst,
    input  wire valid,
    input  wire first,
    input  wire last,
    output reg  valid_q,
    output reg  first_q,
    output reg  last_q
);
    initial valid_q = 1'b0;
    always @(posedge clk) begin
        valid_q <= valid & ~rst;
        first_q <= first;
        last_q  <= last;
    end
endmodule
