// Axonal delay of D timesteps (semantics 6) as a ring of D vectors; silent at the window's start.
// `move` marks the clock in which a timestep passes.
module sct_fold_delay #(
    parameter N = 1,
    parameter D = 1
) (
    input  wire         clk,
    input  wire         move,
    input  wire         first,
    input  wire [N-1:0] spikes,
    output wire [N-1:0] delayed
);
    localparam DW = (D > 1) ? $clog2(D) : 1;
    /* verilator lint_off WIDTH */
    localparam [DW-1:0] END = D - 1;
    /* verilator lint_on WIDTH */
    reg [N-1:0]  ring [0:(1<<DW)-1];
    reg [DW-1:0] next;
    reg          full;
    wire [DW-1:0] place = first ? {DW{1'b0}} : next;
    wire          round = ~first & full;
    assign delayed = round ? ring[place] : {N{1'b0}};
    always @(posedge clk)
        if (move) begin
            ring[place] <= spikes;
            next <= (place == END) ? {DW{1'b0}} : place + 1'b1;
            full <= round | (place == END);
        end
endmodule
