// The schedule of a synapse that visits every group of inputs in every tick, from the last group to the first.
//
// The descending order lets the LFSR of R_j[k] = R[k - j] run forward. A timestep is offered with `valid`, and `take`
// ends it (PER_TICK: each of its L ticks is offered and taken by itself). One clock rests between two ticks.
// The last group waits for `room` behind the synapse. `drop`: what was summed belongs to an aborted window.
module sct_fold_walk #(
    parameter G = 1,
    parameter L = 1,
    parameter PER_TICK = 0,
    parameter GW = (G > 1) ? $clog2(G) : 1
) (
    input  wire          clk,
    input  wire          rst,
    input  wire          valid,
    input  wire          first,
    input  wire          room,
    output wire          take,
    output wire          go,          // a group is visited in this clock
    output reg  [GW-1:0] group,
    output wire          head,        // it is the tick's first
    output wire          tail,        // go, and it is the tick's last
    output wire          fresh,       // the tick is its window's first
    output wire          finish,      // go, and it is the timestep's last
    output wire          drop,
    output wire          step_first   // with `finish`: the timestep is its window's first
);
    localparam LW = (L > 1) ? $clog2(L) : 1;
    /* verilator lint_off WIDTH */
    localparam [GW-1:0] TOP = G - 1;
    localparam [LW-1:0] LAST_TICK = L - 1;
    /* verilator lint_on WIDTH */
    reg [LW-1:0] tick;
    reg pause, began;
    wire bottom = group == {GW{1'b0}};
    wire start = tick == {LW{1'b0}};
    wire last_tick = tick == LAST_TICK;
    wire stale = (PER_TICK != 0) & first & ~start & head;
    assign head = group == TOP;
    assign go = valid & ~pause & ~stale & (room | ~(bottom & last_tick));
    assign drop = valid & ~pause & stale;
    assign tail = go & bottom;
    assign finish = tail & last_tick;
    assign take = (PER_TICK != 0) ? tail : finish;
    assign fresh = start & first;
    assign step_first = start ? first : began;
    always @(posedge clk)
        if (rst) begin
            group <= TOP;
            tick  <= {LW{1'b0}};
            pause <= 1'b0;
        end else begin
            pause <= drop | tail;
            if (drop) tick <= {LW{1'b0}};
            if (go) begin
                group <= bottom ? TOP : group - 1'b1;
                if (bottom) tick <= last_tick ? {LW{1'b0}} : tick + 1'b1;
                if (start) began <= first;
            end
        end
endmodule
