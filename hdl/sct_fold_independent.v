// Stream sources of the "independent" decorrelator: a register of an LFSR per input, kept in a memory, P a clock.
// `seeds` is the word of the group visited in the clock before, from a read-only memory; so is `random`.
// A group may be visited again two clocks later, not sooner.
module sct_fold_independent #(
    parameter G = 1,
    parameter P = 1,
    parameter B = 4,
    parameter W = 5,
    parameter [W-1:0] TAPS = 5'h14,
    parameter GW = (G > 1) ? $clog2(G) : 1
) (
    input  wire           clk,
    input  wire           go,
    input  wire           fresh,
    input  wire [GW-1:0]  group,
    input  wire [P*W-1:0] seeds,
    output wire [P*B-1:0] random
);
    (* no_rw_check *) reg [P*W-1:0] states [0:(1<<GW)-1];
    reg [P*W-1:0] kept;
    reg [GW-1:0]  place;
    reg gone, seeded;
    wire [P*W-1:0] now = seeded ? seeds : kept;
    wire [P*W-1:0] next;
    genvar p;
    generate
        for (p = 0; p < P; p = p + 1) begin : inputs
            assign random[p*B +: B] = now[p*W +: B];
            assign next[p*W +: W] = {now[p*W +: W-1], ^(now[p*W +: W] & TAPS)};
        end
    endgenerate
    always @(posedge clk) begin
        kept   <= states[group];
        place  <= group;
        gone   <= go;
        seeded <= fresh;
        if (gone) states[place] <= next;
    end
endmodule
