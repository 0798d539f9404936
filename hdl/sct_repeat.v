// A timestep's spikes held for the L ticks of the synapse layer that reads them (semantics 1).
//
// valid, first and last come with new spikes, at least L clocks apart. tick: a clock in which the layer works;
// open, close: the timestep's first and last one. held_first and held_last are the timestep's flags in all of them.
module sct_repeat #(
    parameter L = 2,
    parameter W = $clog2(L)
) (
    input  wire clk,
    input  wire rst,
    input  wire valid,
    input  wire first,
    input  wire last,
    output wire tick,
    output wire open,
    output wire close,
    output wire held_first,
    output wire held_last
);
    reg [W-1:0] left;  // ticks still to come
    reg first_q, last_q;
    initial left = {W{1'b0}};
    assign tick = valid | (left != {W{1'b0}});
    assign open = valid;
    assign close = ~valid & (left == {{(W-1){1'b0}}, 1'b1});
    assign held_first = valid ? first : first_q;
    assign held_last = valid ? last : last_q;
    always @(posedge clk) begin
        if (rst) left <= {W{1'b0}};
        else if (valid) left <= {W{1'b1}};
        else if (tick) left <= left - 1'b1;
        if (valid) begin
            first_q <= first;
            last_q  <= last;
        end
    end
endmodule
