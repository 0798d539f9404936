// value > LIMIT, a constant, as the bit recurrence of a comparison; combinational.
module sct_above #(
    parameter W = 8,
    parameter SIGNED = 1,
    parameter [W-1:0] LIMIT = 1
) (
    input  wire [W-1:0] value,
    output wire         above
);
    // A signed number is compared with its sign bit turned over.
    localparam [W-1:0] FLIP = (SIGNED != 0) ? ({{(W-1){1'b0}}, 1'b1} << (W - 1)) : {W{1'b0}};
    localparam [W-1:0] BOUND = LIMIT ^ FLIP;
    wire [W-1:0] key = value ^ FLIP;
    /* verilator lint_off UNOPTFLAT */  // every bit depends on the one below it alone
    wire [W:0] over;
    /* verilator lint_on UNOPTFLAT */
    assign over[0] = 1'b0;
    genvar i;
    generate
        for (i = 0; i < W; i = i + 1) begin : compare
            if (BOUND[i]) assign over[i+1] = key[i] & over[i];
            else assign over[i+1] = key[i] | over[i];
        end
    endgenerate
    assign above = over[W];
endmodule
