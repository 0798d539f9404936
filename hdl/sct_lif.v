// Leaky integrate and fire (semantics 6): charge, fire, reset, in one clock.
//
// The state n may be the membrane less a constant (the backend then hides the synapse's constant
// in the leak's fixed point): START is the n of an empty membrane, and n fires above LIMIT.
// ADDED is the synapse's constant where the reset subtracts: one addition for both.
// RESET 0: none; 1: subtract THETA; 2: to START. DELAY: a subtraction acts at the next timestep,
// after the leak. (A delayed reset to zero equals one at once, but for what the membrane shows
// in between, so there is one circuit for both.)
// RESET 3: as 1 at once, but a membrane that is still above LIMIT is compared less THETA (snntorch).
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
    parameter [W-1:0] ADDED = 0,
    parameter RESET = 1,
    parameter DELAY = 1
) (
    input  wire          clk,
    input  wire          clear,
    input  wire          valid,
    input  wire [CW-1:0] current,
    input  wire [LEAK_SHIFT-1:0] random,  // of a stochastic leak
    output reg           spike,
    output wire [W-1:0]  shown  // for traces: the membrane after this timestep
);
    reg  [W-1:0] mem;
    wire [W-1:0] leaked, scaled;
    wire [W-1:0] charged;  // what is compared
    wire         fire;     // what `spike` becomes
    sct_charge #(
        .W(W), .SIGNED(SIGNED), .CW(CW), .CURRENT_SIGNED(CURRENT_SIGNED), .SHIFT(SHIFT),
        .LEAK(LEAK), .LEAK_SHIFT(LEAK_SHIFT), .FACTOR(FACTOR)
    ) charge (.mem(mem), .current(current), .random(random), .leaked(leaked), .scaled(scaled));

    sct_above #(.W(W), .SIGNED(SIGNED), .LIMIT(LIMIT)) compare (.value(charged), .above(fire));

    generate
        if (RESET == 1 && DELAY != 0) begin : later
            reg fired;
            assign charged = leaked + (fired ? ADDED - THETA : ADDED) + scaled;
            assign shown = charged;
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
            assign shown = charged + (fire ? ADDED - THETA : ADDED);
            always @(posedge clk)
                if (clear) mem <= START;
                else if (valid) mem <= shown;
        end else if (RESET == 2) begin : to_zero
            assign charged = leaked + scaled;
            assign shown = (fire && DELAY == 0) ? START : charged;
            always @(posedge clk)
                if (clear | (valid & fire)) mem <= START;
                else if (valid) mem <= charged;
        end else if (RESET == 3) begin : twice
            wire [W-1:0] full = leaked + scaled;
            wire again;
            sct_above #(.W(W), .SIGNED(SIGNED), .LIMIT(LIMIT)) compare_kept (.value(mem), .above(again));
            assign charged = full - (again ? THETA : {W{1'b0}});
            assign shown = full - (fire ? THETA : {W{1'b0}});
            always @(posedge clk)
                if (clear) mem <= START;
                else if (valid) mem <= shown;
        end else begin : never
            assign charged = leaked + scaled;
            assign shown = charged;
            always @(posedge clk)
                if (clear) mem <= START;
                else if (valid) mem <= charged;
        end
    endgenerate

    always @(posedge clk)
        if (valid) spike <= fire;
endmodule
