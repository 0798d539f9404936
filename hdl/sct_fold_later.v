// A word D clocks later. rst empties it.
module sct_fold_later #(
    parameter W = 1,
    parameter D = 1
) (
    input  wire         clk,
    input  wire         rst,
    input  wire [W-1:0] in,
    output wire [W-1:0] out
);
    reg [D*W-1:0] line;
    assign out = line[D*W-1 -: W];
    generate
        if (D == 1) begin : one
            always @(posedge clk) line <= rst ? {W{1'b0}} : in;
        end else begin : more
            always @(posedge clk) line <= rst ? {D*W{1'b0}} : {line[(D-1)*W-1:0], in};
        end
    endgenerate
endmodule
