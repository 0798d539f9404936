// Leaky integrate and fire (semantics 6): charge, fire, reset, in one clock.
//
// The state n may be the membrane less a constant (the backend then hides the synapse's constant
// in the leak's fixed point): START is the n of an empty membrane, and n fires above LIMIT.
// RESET 0: none; 1: subtract THETA; 2: to START. DELAY: a subtraction acts at the next timestep,
// after the leak. (A delayed reset to zero equals one at once, but for what the membrane shows
// in between, so there is one circuit for both.)
// `clear` comes with the clock before the window's first current.
module sct_lif #(
    parameter W = 8,
    parameter SIGNED = 1,
    parameter CW = 4,
    parameter CURRENT_SIGNED = 0,
    parameter SHIFT = 0,
    parameter LEAK = 0,
    parameter LEAK_SHIFT = 1,
    parameter FACTOR = 0,
    parameter [W-1:0] START = 0,
    parameter [W-1:0] LIMIT = 1,
    parameter [W-1:0] THETA = 1,
    parameter RESET = 1,
    parameter DELAY = 1
) (
    input  wire          clk,
    input  wire          clear,
    input  wire          valid,
    input  wire [CW-1:0] current,
    output reg           spike,
    output wire [W-1:0]  charged,  // for traces: the state before an at-once reset
    output wire          fire      // for traces: what `spike` becomes
);
    reg  [W-1:0] mem;
    wire [W-1:0] leaked, scaled;
    sct_charge #(
        .W(W), .SIGNED(SIGNED), .CW(CW), .CURRENT_SIGNED(CURRENT_SIGNED), .SHIFT(SHIFT),
        .LEAK(LEAK), .LEAK_SHIFT(LEAK_SHIFT), .FACTOR(FACTOR)
    ) charge (.mem(mem), .current(current), .leaked(leaked), .scaled(scaled));

    // charged > LIMIT, as the bit recurrence of a comparison with a constant. A signed number is
    // compared with its sign bit turned over.
    localparam [W-1:0] FLIP = (SIGNED != 0) ? ({{(W-1){1'b0}}, 1'b1} << (W - 1)) : {W{1'b0}};
    localparam [W-1:0] BOUND = LIMIT ^ FLIP;
    wire [W-1:0] key = charged ^ FLIP;
    /* verilator lint_off UNOPTFLAT */  // every bit depends on the one below it alone
    wire [W:0] above;
    /* verilator lint_on UNOPTFLAT */
    assign above[0] = 1'b0;
    genvar i;
    generate
        for (i = 0; i < W; i = i + 1) begin : compare
            if (BOUND[i]) assign above[i+1] = key[i] & above[i];
            else assign above[i+1] = key[i] | above[i];
        end
    endgenerate
    assign fire = above[W];

    generate
        if (RESET == 1 && DELAY != 0) begin : later
            reg fired;
            assign charged = leaked - (fired ? THETA : {W{1'b0}}) + scaled;
            always @(posedge clk)
                if (clear) begin
                    mem   <= START;
                    fired <= 1'b0;
                end else if (valid) begin
                    mem   <= charged;
                    fired <= fire;
                end
        end else if (RESET == 1) begin : at_once
            assign charged = leaked + scaled;
            always @(posedge clk)
                if (clear) mem <= START;
                else if (valid) mem <= charged - (fire ? THETA : {W{1'b0}});
        end else if (RESET == 2) begin : to_zero
            assign charged = leaked + scaled;
            always @(posedge clk)
                if (clear | (valid & fire)) mem <= START;
                else if (valid) mem <= charged;
        end else begin : never
            assign charged = leaked + scaled;
            always @(posedge clk)
                if (clear) mem <= START;
                else if (valid) mem <= charged;
        end
    endgenerate

    always @(posedge clk)
        if (valid) spike <= fire;
endmodule
