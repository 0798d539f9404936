// Axonal delay of D timesteps (semantics 6): a line of D spikes per axon, silent at the window's start.
// `clear` comes with the clock before the window's first spikes.
module sct_delay #(
    parameter N = 1,
    parameter D = 1
) (
    input  wire         clk,
    input  wire         clear,
    input  wire         valid,
    input  wire [N-1:0] spikes,
    output reg  [N-1:0] delayed
);
    reg [N*D-1:0] line;
    /* verilator lint_off UNUSEDSIGNAL */  // the oldest spikes leave
    wire [N*D+N-1:0] moved = {line, spikes};
    /* verilator lint_on UNUSEDSIGNAL */
    always @(posedge clk) begin
        if (clear) line <= {(N*D){1'b0}};
        else if (valid) line <= moved[N*D-1:0];
        if (valid) delayed <= line[N*D-1 -: N];
    end
endmodule
