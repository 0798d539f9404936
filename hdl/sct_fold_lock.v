// Whether the unit behind a synapse is promised to a timestep: from that timestep's last group on.
module sct_fold_lock (
    input  wire clk,
    input  wire rst,
    input  wire on,
    input  wire free,
    output reg  held
);
    always @(posedge clk) held <= ~rst & (on | (held & ~free));
endmodule
