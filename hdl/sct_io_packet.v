// Beats of packets that must be BEATS long: counts them, and drops a packet of another length whole.
//
// done marks the last beat of a good packet. An early `last` is an error at that beat, and the packet is over; a
// late one is an error at beat BEATS, and what follows until `last` is swallowed. With LAST = 0 packets end by count
// alone. `cut` ends a packet too early from outside, in a clock without a beat.
module sct_io_packet #(
    parameter BEATS = 2,
    parameter LAST = 1,
    parameter IW = 1
) (
    input  wire          clk,
    input  wire          rst,
    input  wire          open,
    input  wire          valid,
    input  wire          last,
    input  wire          cut,
    output wire          ready,
    output wire          take,
    output reg  [IW-1:0] beat,
    output wire          done,
    output wire          error
);
    localparam [31:0] TOP = BEATS - 1;
    reg drop;
    wire full = beat == TOP[IW-1:0];
    wire ends = (LAST != 0) ? last : full;
    assign ready = (open | drop) & ~rst;
    assign take = valid & open & ~drop & ~rst;
    assign done = take & full & ends;
    assign error = (take & (full ^ ends)) | (cut & (beat != {IW{1'b0}}));
    always @(posedge clk) begin
        if (rst | cut) beat <= {IW{1'b0}};
        else if (take) beat <= (full | ends) ? {IW{1'b0}} : beat + 1'b1;
        if (rst | cut) drop <= 1'b0;
        else if (take & full & ~ends) drop <= 1'b1;
        else if (valid & ends) drop <= 1'b0;
    end
endmodule
