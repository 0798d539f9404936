// Counts the beats of an image or of a tick, and knows which of them belong to a window.
//
// WHOLE 1: a frame is one window's image; it is complete with the beat that is both the BEATS-th and marked `last`.
// A window that ends early or late is dropped, and one that begins anew drops what came before it.
// WHOLE 0: a frame is one tick of a window; TICKS of them are a timestep, and the window ends with the timestep whose
// last beat is marked. Beats outside a window are taken and dropped.
module sct_fold_frame #(
    parameter BEATS = 1,
    parameter WHOLE = 1,
    parameter TICKS = 1,
    parameter AW = (BEATS > 1) ? $clog2(BEATS) : 1
) (
    input  wire          clk,
    input  wire          rst,
    input  wire          beat,      // a beat is taken in this clock
    input  wire          in_first,
    input  wire          in_last,
    output wire          write,     // it belongs to a window
    output wire [AW-1:0] index,     // its place in the frame
    output wire          complete,  // the frame ends with it
    output wire          first,     // the frame is its window's first
    output wire          last       // the frame belongs to its window's last timestep
);
    localparam TW = (TICKS > 1) ? $clog2(TICKS) : 1;
    /* verilator lint_off WIDTH */
    localparam [AW-1:0] END = BEATS - 1;
    localparam [TW-1:0] LAST_TICK = TICKS - 1;
    /* verilator lint_on WIDTH */
    reg          open, fresh;
    reg [AW-1:0] next;
    reg [TW-1:0] tick;
    wire [TW-1:0] now = in_first ? {TW{1'b0}} : tick;
    wire at_end = index == END;
    wire ends = (WHOLE != 0) | (now == LAST_TICK);
    assign index = in_first ? {AW{1'b0}} : next;
    assign write = beat & (in_first | open);
    assign complete = write & at_end & (in_last | (WHOLE == 0));
    assign first = in_first | fresh;
    assign last = in_last;
    always @(posedge clk)
        if (rst) open <= 1'b0;
        else if (write) begin
            open  <= (WHOLE != 0) ? ~(at_end | in_last) : ~(at_end & in_last & ends);
            next  <= at_end ? {AW{1'b0}} : index + 1'b1;
            fresh <= first & ~at_end;
            tick  <= at_end ? (ends ? {TW{1'b0}} : now + 1'b1) : now;
        end
endmodule
