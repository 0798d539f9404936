// Beats of C bits become a vector of BEATS * C bits, the first beat lowest; it is offered until it is taken.
module sct_fold_gather #(
    parameter BEATS = 1,
    parameter C = 1,
    parameter M = 1  // bits that go with the vector
) (
    input  wire               clk,
    input  wire               rst,
    output wire               ready,
    input  wire               write,
    input  wire               complete,
    input  wire [C-1:0]       beat,
    input  wire [M-1:0]       mark,      // taken with `complete`
    output reg                valid,
    input  wire               take,
    output reg  [BEATS*C-1:0] gathered,
    output reg  [M-1:0]       marked
);
    assign ready = ~valid | take;
    /* verilator lint_off UNUSEDSIGNAL */
    wire [(BEATS+1)*C-1:0] moved = {beat, gathered};
    /* verilator lint_on UNUSEDSIGNAL */
    always @(posedge clk) begin
        if (write) gathered <= moved[(BEATS+1)*C-1:C];
        if (complete) marked <= mark;
        valid <= ~rst & (complete | (valid & ~take));
    end
endmodule
