// Words of N bytes as bytes, the lowest first.
module sct_io_bytes #(
    parameter N = 2
) (
    input  wire           clk,
    input  wire           rst,
    input  wire           in_valid,
    output wire           in_ready,
    input  wire [8*N-1:0] in_data,
    output wire           out_valid,
    input  wire           out_ready,
    output wire [7:0]     out_data
);
    generate
        if (N == 1) begin : same
            wire unused = clk | rst;
            assign out_valid = in_valid;
            assign in_ready = out_ready;
            assign out_data = in_data;
        end else begin : split
            localparam NW = $clog2(N);
            localparam [31:0] TOP = N - 1;
            reg [NW-1:0] place;
            wire whole = place == TOP[NW-1:0];
            assign out_valid = in_valid;
            assign out_data = in_data[8*place +: 8];
            assign in_ready = out_ready & whole;
            always @(posedge clk)
                if (rst) place <= {NW{1'b0}};
                else if (in_valid & out_ready) place <= whole ? {NW{1'b0}} : place + 1'b1;
        end
    endgenerate
endmodule
