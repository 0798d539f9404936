// A membrane before firing: leak and input current (semantics 6), combinational.
//
// LEAK 0: none; 1: mem - floor(mem / 2**LEAK_SHIFT); 2: floor(mem * FACTOR / 2**LEAK_SHIFT);
// 3: floor((mem * FACTOR + random) / 2**LEAK_SHIFT).
// mem is signed if SIGNED, the current if CURRENT_SIGNED; it counts in steps of 2**SHIFT.
// W holds every result by interval analysis, so the additions may wrap in between.
module sct_charge #(
    parameter W = 8,
    parameter SIGNED = 1,
    parameter CW = 4,
    parameter CURRENT_SIGNED = 0,
    parameter SHIFT = 0,
    parameter LEAK = 0,
    parameter LEAK_SHIFT = 1,
    parameter FACTOR = 0
) (
    input  wire [W-1:0]  mem,
    input  wire [CW-1:0] current,
    /* verilator lint_off UNUSEDSIGNAL */
    input  wire [LEAK_SHIFT-1:0] random,
    /* verilator lint_on UNUSEDSIGNAL */
    output wire [W-1:0]  leaked,
    output wire [W-1:0]  scaled
);
    localparam PW = W + LEAK_SHIFT + 2;
    /* verilator lint_off UNUSEDSIGNAL */  // without a leak
    wire signed [W:0] m = {(SIGNED != 0) & mem[W-1], mem};
    /* verilator lint_on UNUSEDSIGNAL */
    generate
        if (LEAK == 1) begin : shift
            /* verilator lint_off UNUSEDSIGNAL */
            wire signed [W:0] part = m >>> LEAK_SHIFT;
            /* verilator lint_on UNUSEDSIGNAL */
            assign leaked = mem - part[W-1:0];
        end else if (LEAK >= 2) begin : multiply
            localparam signed [LEAK_SHIFT+1:0] F = FACTOR;
            /* verilator lint_off UNUSEDSIGNAL */
            wire signed [PW:0] dither = (LEAK == 3) ? {{(PW+1-LEAK_SHIFT){1'b0}}, random} : {(PW+1){1'b0}};
            wire signed [PW:0] product = (m * F + dither) >>> LEAK_SHIFT;
            /* verilator lint_on UNUSEDSIGNAL */
            assign leaked = product[W-1:0];
        end else begin : none
            assign leaked = mem;
        end
        wire sign = (CURRENT_SIGNED != 0) & current[CW-1];
        /* verilator lint_off UNUSEDSIGNAL */
        wire [W+CW+SHIFT-1:0] wide = {{(W+SHIFT){sign}}, current} << SHIFT;
        /* verilator lint_on UNUSEDSIGNAL */
        assign scaled = wide[W-1:0];
    endgenerate
endmodule
