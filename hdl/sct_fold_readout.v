// Scores and decision (semantics 7), one class after another from the last to the first.
//
// `load` takes the currents, or with CW = 1 and COUNT the spikes, of a timestep; `factor` is that of the class visited
// (`go`) in the clock before. `valid` marks one clock, and the next currents may come with it or later.
// RULE as in sct_decision; a rule with a threshold has scores that are counts.
module sct_fold_readout #(
    parameter N = 2,
    parameter CW = 4,
    parameter COUNT = 0,
    parameter W = 8,
    parameter SHIFT = 0,
    parameter LEAK = 0,
    parameter LEAK_SHIFT = 1,
    parameter RULE = 0,
    parameter THRESHOLD = 1,
    parameter OW = 1,
    parameter NW = (N > 1) ? $clog2(N) : 1
) (
    input  wire                clk,
    input  wire                rst,
    input  wire                load,
    input  wire                in_first,
    input  wire                in_last,
    input  wire [N*CW-1:0]     currents,
    output wire                go,
    output reg  [NW-1:0]       place,
    input  wire [LEAK_SHIFT:0] factor,
    output reg                 valid,
    output reg                 first,
    output reg                 last,
`ifdef SCTORCH_TRACE
    output wire [N*W-1:0]      trace_scores,
`endif
    output reg  [OW-1:0]       decision
);
    /* verilator lint_off WIDTH */
    localparam [NW-1:0] TOP = N - 1;
    localparam signed [W-1:0] LIMIT = THRESHOLD;
    /* verilator lint_on WIDTH */
    (* no_rw_check *) reg [W-1:0] scores [0:(1<<NW)-1];
    reg [W-1:0]    word;
    reg [N*CW-1:0] chain;
    reg            run, go1, go2, go3;
    reg [NW-1:0]   place1, place2, place3;
    assign go = run;

    wire [W-1:0] leaked;
    sct_fold_leak #(.W(W), .LEAK(LEAK), .LEAK_SHIFT(LEAK_SHIFT)) leak (
        .mem(first ? {W{1'b0}} : word), .factor(factor), .random({LEAK_SHIFT{1'b0}}), .leaked(leaked));
    wire [CW-1:0] current = chain[N*CW-1 -: CW];
    wire sign = (COUNT == 0) & current[CW-1];
    /* verilator lint_off UNUSEDSIGNAL */
    wire [W+CW+SHIFT-1:0] scaled = {{(W+SHIFT){sign}}, current} << SHIFT;
    wire [(N+1)*CW-1:0] chained = {chain, {CW{1'b0}}};
    /* verilator lint_on UNUSEDSIGNAL */
    reg [W-1:0] base, drive;
    wire signed [W-1:0] sum = base + drive;
    reg signed [W-1:0] score;
    always @(posedge clk) begin
        word  <= scores[place];
        base  <= leaked;
        drive <= scaled[W-1:0];
        score <= sum;
        if (load) begin
            chain <= currents;
            first <= in_first;
            last  <= in_last;
        end else if (go1) chain <= chained[N*CW-1:0];
        place1 <= place;
        place2 <= place1;
        place3 <= place2;
        if (go2) scores[place2] <= sum;
        if (rst) begin
            run   <= 1'b0;
            go1   <= 1'b0;
            go2   <= 1'b0;
            go3   <= 1'b0;
            valid <= 1'b0;
            place <= TOP;
        end else begin
            if (load) run <= 1'b1;
            else if (place == {NW{1'b0}}) run <= 1'b0;
            if (run) place <= (place == {NW{1'b0}}) ? TOP : place - 1'b1;
            go1   <= run;
            go2   <= go1;
            go3   <= go2;
            valid <= go3 & (place3 == {NW{1'b0}});
        end
    end

    wire head = place3 == TOP;
    wire ends = go3 & (place3 == {NW{1'b0}});
    generate
        if (RULE == 3) begin : logit
            reg signed [W-1:0] other;  // score 1
            /* verilator lint_off UNUSEDSIGNAL */
            wire [OW+W:0] wide1 = {{(OW+1){other[W-1]}}, other};
            wire [OW+W:0] wide0 = {{(OW+1){score[W-1]}}, score};
            /* verilator lint_on UNUSEDSIGNAL */
            always @(posedge clk) begin
                if (go3 & head) other <= score;
                if (ends) decision <= wide1[OW-1:0] - wide0[OW-1:0];
            end
        end else begin : by_class
            // Classes come from the last to the first, so an equal score takes over.
            reg signed [W-1:0] best;
            reg [NW-1:0] largest;
            wire takes = head | (score >= best);
            wire [NW-1:0] largest_now = takes ? place3 : largest;
            /* verilator lint_off UNUSEDSIGNAL */
            wire [OW+NW-1:0] by_size = {{OW{1'b0}}, largest_now};
            /* verilator lint_on UNUSEDSIGNAL */
            always @(posedge clk)
                if (go3) begin
                    if (takes) best <= score;
                    largest <= largest_now;
                end
            if (RULE == 0) begin : plain
                always @(posedge clk) if (ends) decision <= by_size[OW-1:0];
            end else begin : threshold
                reg any, held;
                reg [NW-1:0] lowest;
                wire reached = score >= LIMIT;
                wire any_now = reached | (any & ~head);
                wire [NW-1:0] lowest_now = reached ? place3 : lowest;
                /* verilator lint_off UNUSEDSIGNAL */
                wire [OW+NW-1:0] by_limit = {{OW{1'b0}}, lowest_now};
                /* verilator lint_on UNUSEDSIGNAL */
                wire keep = (RULE == 1) & held & ~first;
                always @(posedge clk)
                    if (go3) begin
                        any    <= any_now;
                        lowest <= lowest_now;
                        if (ends) begin
                            held <= keep | any_now;
                            if (~keep) decision <= any_now ? by_limit[OW-1:0] : by_size[OW-1:0];
                        end
                    end
            end
        end
    endgenerate
`ifdef SCTORCH_TRACE
    reg [N*W-1:0] shown;
    assign trace_scores = shown;
    /* verilator lint_off UNUSEDSIGNAL */
    wire [(N+1)*W-1:0] showing = {shown, score};
    /* verilator lint_on UNUSEDSIGNAL */
    always @(posedge clk) if (go3) shown <= showing[N*W-1:0];
`endif
endmodule
