// The clocks of a timestep that lasts STEP ticks (semantics 1), and of its encoder, which works in the first LAYER.
//
// EVENTS 0: a beat is a timestep. It stays on the port for STEP clocks and is taken with the last one.
// EVENTS 1: a beat is one tick's spikes, taken in the first LAYER clocks; in the others nothing is.
// tick: the encoder's clock. open, close: its timestep's first and last. first: restarts the window's sources.
// step_first, step_last: the timestep is the window's first or last.
module sct_ticks #(
    parameter LAYER = 1,
    parameter STEP = 2,
    parameter EVENTS = 0,
    parameter W = $clog2(STEP)
) (
    input  wire clk,
    input  wire rst,
    input  wire in_valid,
    input  wire in_first,
    input  wire in_last,
    output wire in_ready,
    output wire tick,
    output wire first,
    output wire open,
    output wire close,
    output wire step_first,
    output wire step_last
);
    /* verilator lint_off WIDTH */
    localparam [W-1:0] LAYER_END = LAYER - 1;
    localparam [W-1:0] STEP_END = STEP - 1;
    /* verilator lint_on WIDTH */
    reg [W-1:0] count;
    initial count = {W{1'b0}};
    /* verilator lint_off CMPCONST */  // always so where LAYER is STEP
    wire active = count <= LAYER_END;
    /* verilator lint_on CMPCONST */
    wire [W-1:0] now;
    assign tick = in_valid & active & ~rst;
    assign first = in_first & open;
    assign open = now == {W{1'b0}};
    assign close = now == LAYER_END;
    assign step_last = in_last;
    generate
        if (EVENTS != 0) begin : per_tick
            // A window's first beat starts a timestep, whatever was left of one before.
            reg held;
            assign now = (in_valid & in_first & active) ? {W{1'b0}} : count;
            assign in_ready = active;
            assign step_first = open ? in_first : held;
            always @(posedge clk) begin
                if (rst) count <= {W{1'b0}};
                else if (in_valid | ~active) count <= now + 1'b1;
                if (tick & open) held <= in_first;
            end
        end else begin : per_step
            assign now = count;
            assign in_ready = count == STEP_END;
            assign step_first = in_first;
            always @(posedge clk)
                if (rst) count <= {W{1'b0}};
                else if (in_valid) count <= count + 1'b1;
        end
    endgenerate
endmodule
