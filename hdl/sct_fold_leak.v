// What a leak leaves of a membrane (semantics 6), combinational; LEAK as in sct_charge, the factor of a product given.
module sct_fold_leak #(
    parameter W = 8,
    parameter LEAK = 0,
    parameter LEAK_SHIFT = 1
) (
    input  wire [W-1:0]          mem,
    /* verilator lint_off UNUSEDSIGNAL */
    input  wire [LEAK_SHIFT:0]   factor,
    input  wire [LEAK_SHIFT-1:0] random,
    /* verilator lint_on UNUSEDSIGNAL */
    output wire [W-1:0]          leaked
);
    localparam PW = W + LEAK_SHIFT + 2;
    generate
        if (LEAK == 1) begin : shift
            wire signed [W-1:0] m = mem;
            wire signed [W-1:0] part = m >>> LEAK_SHIFT;
            assign leaked = m - part;
        end else if (LEAK >= 2) begin : multiply
            wire signed [PW-1:0] m = {{(PW-W){mem[W-1]}}, mem};
            wire signed [PW-1:0] f = {{(PW-LEAK_SHIFT-1){1'b0}}, factor};
            wire signed [PW-1:0] dither = (LEAK == 3) ? {{(PW-LEAK_SHIFT){1'b0}}, random} : {PW{1'b0}};
            /* verilator lint_off UNUSEDSIGNAL */
            wire signed [PW-1:0] product = (m * f + dither) >>> LEAK_SHIFT;
            /* verilator lint_on UNUSEDSIGNAL */
            assign leaked = product[W-1:0];
        end else begin : none
            assign leaked = mem;
        end
    endgenerate
endmodule
