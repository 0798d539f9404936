// A layer of N neurons, Q of them a clock, from the last group to the first; their membranes lie in a memory.
//
// `load` takes the currents of a timestep. `theta`, `factor` and `random` are those of the group that was visited (`go`)
// in the clock before. The spikes are offered until they are taken, and only then the next currents may come.
// Membranes are taken as 0 in a window's first timestep, whatever the memory holds.
module sct_fold_neurons #(
    parameter N = 1,
    parameter Q = 1,
    parameter CW = 4,
    parameter W = 8,
    parameter SHIFT = 0,
    parameter LEAK = 0,
    parameter LEAK_SHIFT = 1,
    parameter RESET = 1,
    parameter DELAY = 1,
    parameter GE = 0,
    parameter G = (N + Q - 1) / Q,
    parameter GW = (G > 1) ? $clog2(G) : 1
) (
    input  wire                      clk,
    input  wire                      rst,
    input  wire                      load,
    input  wire                      in_first,
    input  wire                      in_last,
    input  wire [N*CW-1:0]           currents,
    output wire                      go,
    output wire                      head,
    output reg  [GW-1:0]             group,
    input  wire [Q*W-1:0]            theta,
    input  wire [Q*(LEAK_SHIFT+1)-1:0] factor,
    input  wire [Q*LEAK_SHIFT-1:0]   random,
    output reg                       valid,
    input  wire                      take,
    output reg                       first,
    output reg                       last,
`ifdef SCTORCH_TRACE
    output wire [N*W-1:0]            trace_mem,
`endif
    output wire [N-1:0]              spikes
);
    /* verilator lint_off WIDTH */
    localparam [GW-1:0] TOP = G - 1;
    /* verilator lint_on WIDTH */
    localparam M = G * Q;
    wire [M*CW-1:0] padded;
    generate
        if (M > N) assign padded = {{((M-N)*CW){1'b0}}, currents};
        else assign padded = currents;
    endgenerate

    (* no_rw_check *) reg [Q*W-1:0] membranes [0:(1<<GW)-1];
    reg [Q*W-1:0]  word;
    reg [M*CW-1:0] chain;
    reg            run, go1, go2, go3;
    reg [GW-1:0]   group1, group2, group3;
    reg [M-1:0]    fired;
    wire [Q-1:0]   spike;
    wire [Q*W-1:0] kept;
    assign go = run;
    assign head = group == TOP;
    assign spikes = fired[N-1:0];

    /* verilator lint_off UNUSEDSIGNAL */
    wire [M*CW+Q*CW-1:0] chained = {chain, {(Q*CW){1'b0}}};
    wire [M+Q-1:0] joined = {fired, spike};
    /* verilator lint_on UNUSEDSIGNAL */
    always @(posedge clk) begin
        word <= membranes[group];
        if (load) begin
            chain <= padded;
            first <= in_first;
            last  <= in_last;
        end else if (go1) chain <= chained[M*CW-1:0];
        group1 <= group;
        group2 <= group1;
        group3 <= group2;
        if (go3) begin
            membranes[group3] <= kept;
            fired <= joined[M-1:0];
        end
        if (rst) begin
            run   <= 1'b0;
            go1   <= 1'b0;
            go2   <= 1'b0;
            go3   <= 1'b0;
            valid <= 1'b0;
            group <= TOP;
        end else begin
            if (load) run <= 1'b1;
            else if (group == {GW{1'b0}}) run <= 1'b0;
            if (run) group <= (group == {GW{1'b0}}) ? TOP : group - 1'b1;
            go1 <= run;
            go2 <= go1;
            go3 <= go2;
            valid <= (go3 & (group3 == {GW{1'b0}})) | (valid & ~take);
        end
    end
    genvar q;
    generate
        for (q = 0; q < Q; q = q + 1) begin : lanes
            sct_fold_lif #(
                .W(W), .CW(CW), .SHIFT(SHIFT), .LEAK(LEAK), .LEAK_SHIFT(LEAK_SHIFT), .RESET(RESET), .DELAY(DELAY), .GE(GE)
            ) lif (
                .clk(clk), .mem(first ? {W{1'b0}} : word[q*W +: W]), .current(chain[(M-Q+q)*CW +: CW]),
                .theta(theta[q*W +: W]), .factor(factor[q*(LEAK_SHIFT+1) +: LEAK_SHIFT+1]),
                .random(random[q*LEAK_SHIFT +: LEAK_SHIFT]), .spike(spike[q]), .kept(kept[q*W +: W]));
        end
    endgenerate
`ifdef SCTORCH_TRACE
    reg [M*W-1:0] shown;
    assign trace_mem = shown[N*W-1:0];
    /* verilator lint_off UNUSEDSIGNAL */
    wire [M*W+Q*W-1:0] showing = {shown, kept};
    /* verilator lint_on UNUSEDSIGNAL */
    always @(posedge clk) if (go3) shown <= showing[M*W-1:0];
`endif
endmodule
