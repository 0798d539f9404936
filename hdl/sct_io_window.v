// Runs a window of timesteps over an image that is complete (`done`), on a core that sees the whole image.
//
// steps (1 to STEPS; anything else stands for STEPS) is sampled when the window starts. A timestep that will give an
// answer (the last one, or with EVERY each one) waits for room. With DOUBLE the image is copied (`copy`) before it
// runs, so that the next one may be loaded meanwhile; without, `open` is low until the last timestep is taken.
module sct_io_window #(
    parameter STEPS = 2,
    parameter SW = 2,
    parameter EVERY = 0,
    parameter DOUBLE = 0
) (
    input  wire          clk,
    input  wire          rst,
    input  wire          done,
    input  wire [SW-1:0] steps,
    input  wire          room,
    input  wire          core_ready,
    output wire          open,
    output wire          copy,
    output wire          core_valid,
    output reg           core_first,
    output wire          core_last,
    output wire          issue,
    output wire          busy
);
    localparam [31:0] TOP = STEPS - 1;
    reg running;
    reg [SW-1:0] left;
    wire [SW-1:0] asked = steps - 1'b1;  // of 0 it is the largest number, and TOP is less
    wire start, taken, answers;
    assign core_last = left == {SW{1'b0}};
    assign answers = core_last | (EVERY != 0);
    assign core_valid = running & (room | ~answers);
    assign taken = core_valid & core_ready;
    assign issue = taken & answers;
    assign copy = start;
    generate
        if (DOUBLE != 0) begin : two
            reg loaded;
            assign start = loaded & (~running | (taken & core_last));
            assign open = ~loaded;
            assign busy = running | loaded;
            always @(posedge clk)
                if (rst) loaded <= 1'b0;
                else if (done) loaded <= 1'b1;
                else if (start) loaded <= 1'b0;
        end else begin : one
            assign start = done;
            assign open = ~running;
            assign busy = running;
        end
    endgenerate
    always @(posedge clk) begin
        if (rst) running <= 1'b0;
        else if (start) running <= 1'b1;
        else if (taken & core_last) running <= 1'b0;
        if (start) begin
            left <= (asked > TOP[SW-1:0]) ? TOP[SW-1:0] : asked;
            core_first <= 1'b1;
        end else if (taken) begin
            left <= left - 1'b1;
            core_first <= 1'b0;
        end
    end
endmodule
