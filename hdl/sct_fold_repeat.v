// The timesteps of a window whose features stay the same: `steps` of them, 0 or more than STEPS mean STEPS.
// `take` ends a timestep; `done` comes with the last one's.
module sct_fold_repeat #(
    parameter STEPS = 1,
    parameter SW = $clog2(STEPS + 1)
) (
    input  wire          clk,
    input  wire          rst,
    input  wire [SW-1:0] steps,
    input  wire          take,
    output wire          first,
    output wire          last,
    output wire          done
);
    /* verilator lint_off WIDTH */
    localparam [SW-1:0] MOST = STEPS;
    /* verilator lint_on WIDTH */
    reg  [SW-1:0] step;
    /* verilator lint_off CMPCONST */  // no number is above STEPS where it fills its bits
    wire [SW-1:0] wanted = (steps == {SW{1'b0}} || steps > MOST) ? MOST : steps;
    /* verilator lint_on CMPCONST */
    assign first = step == {SW{1'b0}};
    assign last = step == wanted - 1'b1;
    assign done = take & last;
    always @(posedge clk)
        if (rst) step <= {SW{1'b0}};
        else if (take) step <= last ? {SW{1'b0}} : step + 1'b1;
endmodule
