// The schedule of a fixed synapse behind spikes: only groups with a spike are visited, lowest first.
//
// `active` has one bit per group. It is read S bits at a time: a word without spikes costs one clock, any other as many
// clocks as it has active groups. One clock rests between two timesteps; the last one waits for `room`.
module sct_fold_scan #(
    parameter G = 1,
    parameter S = 32,
    parameter GW = (G > 1) ? $clog2(G) : 1
) (
    input  wire          clk,
    input  wire          rst,
    input  wire          valid,
    input  wire          room,
    input  wire [G-1:0]  active,
    output wire          go,      // a group is visited in this clock
    output wire [GW-1:0] group,
    output wire          finish   // the timestep ends with this clock
);
    localparam WORDS = (G + S - 1) / S;
    localparam SW = (S > 1) ? $clog2(S) : 1;  // S is a power of two
    localparam WW = (WORDS > 1) ? $clog2(WORDS) : 1;
    /* verilator lint_off WIDTH */
    localparam [WW-1:0] END = WORDS - 1;
    /* verilator lint_on WIDTH */
    wire [WORDS*S-1:0] padded;
    generate
        if (WORDS * S > G) assign padded = {{(WORDS*S-G){1'b0}}, active};
        else assign padded = active;
    endgenerate
    reg [WW-1:0] word;
    reg [S-1:0]  left;
    reg          partly, pause;
    wire [S-1:0] now = partly ? left : padded[word*S +: S];
    wire [S-1:0] others = now & (now - 1'b1);
    wire word_done = others == {S{1'b0}};
    wire at_end = word_done & (word == END);
    wire run = valid & ~pause & (room | ~at_end);
    reg [SW-1:0] lowest;
    integer i;
    /* verilator lint_off BLKSEQ */
    always @* begin
        lowest = {SW{1'b0}};
        for (i = S - 1; i >= 0; i = i - 1)
            if (now[i]) lowest = i[SW-1:0];
    end
    /* verilator lint_on BLKSEQ */
    /* verilator lint_off UNUSEDSIGNAL */
    wire [WW+SW-1:0] place = (S > 1) ? {word, lowest} : {lowest, word};
    /* verilator lint_on UNUSEDSIGNAL */
    assign group = place[GW-1:0];
    assign go = run & (now != {S{1'b0}});
    assign finish = run & at_end;
    always @(posedge clk)
        if (rst) begin
            word   <= {WW{1'b0}};
            partly <= 1'b0;
            pause  <= 1'b0;
        end else begin
            pause <= finish;
            if (run) begin
                partly <= ~word_done;
                left   <= others;
                if (word_done) word <= at_end ? {WW{1'b0}} : word + 1'b1;
            end
        end
endmodule
