// Packets of spikes: BEATS beats are a tick, TICKS ticks a timestep, and `last` with a timestep's last beat ends the
// window. The tick's last beat goes to the core as it arrives; `take` marks the beats before it, which are kept.
//
// steps (1 to STEPS; anything else stands for STEPS) bounds the window, sampled in its first timestep. A `last` within
// a timestep is an error: the window is given up and has no answer. A window without `last` ends after `steps`
// timesteps, with its answer and an error, and what follows until `last` is swallowed. With LAST = 0 windows end
// by count alone. `cut` gives a window up from outside, in a clock without a beat. `free`: there is room for a beat.
module sct_io_ticks #(
    parameter BEATS = 2,
    parameter IW = 1,
    parameter TICKS = 1,
    parameter TW = 1,
    parameter STEPS = 2,
    parameter SW = 2,
    parameter LAST = 1,
    parameter EVERY = 0
) (
    input  wire          clk,
    input  wire          rst,
    input  wire          open,
    input  wire [SW-1:0] steps,
    input  wire          valid,
    input  wire          last,
    input  wire          cut,
    input  wire          free,
    output wire          ready,
    output wire          take,
    output reg  [IW-1:0] beat,
    input  wire          room,
    input  wire          core_ready,
    output wire          core_valid,
    output reg           core_first,
    output wire          core_last,
    output wire          issue,
    output wire          error,
    output wire          spoilt,       // and the beats of the unfinished timestep are void
    output wire          busy
);
    localparam [31:0] TOP = STEPS - 1;
    localparam [31:0] TOP_BEAT = BEATS - 1;
    localparam [31:0] TOP_TICK = TICKS - 1;
    reg on, drop, fresh;  // fresh: no timestep of the window has ended
    reg [TW-1:0] tick;
    reg [SW-1:0] kept;
    wire [SW-1:0] asked = steps - 1'b1;  // of 0 it is the largest number, and TOP is less
    wire [SW-1:0] sampled = (asked > TOP[SW-1:0]) ? TOP[SW-1:0] : asked;
    wire [SW-1:0] left = fresh ? sampled : kept;
    wire whole = beat == TOP_BEAT[IW-1:0];
    wire step_end = whole & (tick == TOP_TICK[TW-1:0]);
    wire limit = left == {SW{1'b0}};
    wire ends = (LAST != 0) & last;
    // A tick waits for room whether it will answer or not, so that `ready` does not hang on `last`.
    assign ready = ~rst & (drop | (on & free & (~whole | (core_ready & room))));
    wire beat_taken = valid & ready & ~drop;
    assign take = beat_taken & ~whole;
    assign core_valid = valid & on & whole & room & ~drop;
    assign core_last = step_end & (limit | ends);
    wire taken = core_valid & core_ready;
    assign issue = taken & step_end & (core_last | (EVERY != 0));
    wire late = beat_taken & step_end & limit & ~ends & (LAST != 0);
    wire over = beat_taken & (ends | core_last);
    assign spoilt = (beat_taken & ends & ~step_end) | (cut & busy);
    assign error = spoilt | late;
    assign busy = ~core_first | (beat != {IW{1'b0}});
    always @(posedge clk) begin
        // A tick that the core has been shown stays until it is taken.
        if (rst) on <= 1'b0;
        else if (~core_valid | core_ready) on <= open;
        if (rst | cut) drop <= 1'b0;
        else if (late) drop <= 1'b1;
        else if (valid & ends) drop <= 1'b0;
        if (rst | cut | over) begin
            beat <= {IW{1'b0}};
            tick <= {TW{1'b0}};
            core_first <= 1'b1;
            fresh <= 1'b1;
        end else if (beat_taken) begin
            beat <= whole ? {IW{1'b0}} : beat + 1'b1;
            if (whole) begin
                core_first <= 1'b0;
                tick <= step_end ? {TW{1'b0}} : tick + 1'b1;
            end
            if (step_end) begin
                fresh <= 1'b0;
                kept <= left - 1'b1;
            end
        end
    end
endmodule
