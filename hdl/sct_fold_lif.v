// One timestep of one neuron after another (semantics 6), in three clocks: leak and the delayed reset; charge; fire and
// the reset at once.
//
// `mem`, `current`, `theta`, `factor` and `random` come in one clock, `spike` and `kept` two clocks later.
// RESET 0: none; 1: subtract theta; 2: to zero; 3: subtract at once, and a membrane that is still above theta is
// compared less theta (snntorch). DELAY: the reset acts at the next timestep, after the leak. GE: >= for >.
module sct_fold_lif #(
    parameter W = 8,
    parameter CW = 4,
    parameter SHIFT = 0,
    parameter LEAK = 0,
    parameter LEAK_SHIFT = 1,
    parameter RESET = 1,
    parameter DELAY = 1,
    parameter GE = 0
) (
    input  wire                  clk,
    input  wire [W-1:0]          mem,
    input  wire [CW-1:0]         current,
    input  wire [W-1:0]          theta,
    input  wire [LEAK_SHIFT:0]   factor,
    input  wire [LEAK_SHIFT-1:0] random,
    output wire                  spike,
    output wire [W-1:0]          kept
);
    wire [W-1:0] leaked;
    sct_fold_leak #(.W(W), .LEAK(LEAK), .LEAK_SHIFT(LEAK_SHIFT)) leak (
        .mem(mem), .factor(factor), .random(random), .leaked(leaked));
    function above;
        input signed [W-1:0] value;
        input signed [W-1:0] limit;
        above = (GE != 0) ? value >= limit : value > limit;
    endfunction

    wire fired = above(mem, theta);
    /* verilator lint_off UNUSEDSIGNAL */
    wire [W+CW+SHIFT-1:0] scaled = {{(W+SHIFT){current[CW-1]}}, current} << SHIFT;
    /* verilator lint_on UNUSEDSIGNAL */
    reg [W-1:0] base, drive, theta1, theta2, charged;
    /* verilator lint_off UNUSEDSIGNAL */
    reg again1, again2;
    /* verilator lint_on UNUSEDSIGNAL */
    always @(posedge clk) begin
        if (DELAY != 0 && RESET == 1) base <= leaked - (fired ? theta : {W{1'b0}});
        else if (DELAY != 0 && RESET == 2) base <= fired ? {W{1'b0}} : leaked;
        else base <= leaked;
        drive   <= scaled[W-1:0];
        theta1  <= theta;
        again1  <= fired;
        charged <= base + drive;
        theta2  <= theta1;
        again2  <= again1;
    end
    wire [W-1:0] less = charged - theta2;
    wire [W-1:0] compared = (RESET == 3 && again2) ? less : charged;
    assign spike = above(compared, theta2);
    assign kept = (DELAY != 0 || RESET == 0 || ~spike) ? charged : (RESET == 2) ? {W{1'b0}} : less;
endmodule
