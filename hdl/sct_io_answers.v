// Answers of a core that cannot wait, for a taker that may make it: a FIFO of DEPTH (a power of two), and `room` while
// another answer may be asked for. `issue` marks a timestep that will give one: room is kept for what is under way,
// so nothing is lost.
module sct_io_answers #(
    parameter W = 4,
    parameter DEPTH = 2,
    parameter EVERY = 0
) (
    input  wire         clk,
    input  wire         rst,
    input  wire         issue,
    output wire         room,
    input  wire         in_valid,
    input  wire         in_last,
    input  wire [W-1:0] in_data,
    output wire         m_valid,
    input  wire         m_ready,
    output wire         m_last,
    output wire [W-1:0] m_data,
    output wire         busy
);
    localparam CW = $clog2(DEPTH + 1);
    localparam [31:0] ALL = DEPTH;
    reg [CW-1:0] promised;
    wire put = in_valid & (in_last | (EVERY != 0));
    wire get = m_valid & m_ready;
    assign room = promised != ALL[CW-1:0];
    assign busy = promised != {CW{1'b0}};
    always @(posedge clk)
        if (rst) promised <= {CW{1'b0}};
        else if (issue & ~get) promised <= promised + 1'b1;
        else if (get & ~issue) promised <= promised - 1'b1;
    generate
        if (DEPTH == 1) begin : single
            reg held;
            reg [W:0] kept;
            assign m_valid = held;
            assign {m_last, m_data} = kept;
            always @(posedge clk) begin
                held <= ~rst & (put | (held & ~get));
                if (put) kept <= {in_last, in_data};
            end
        end else begin : several
            localparam AW = $clog2(DEPTH);
            reg [W:0] kept [0:DEPTH-1];
            reg [AW:0] head, tail;
            assign m_valid = head != tail;
            assign {m_last, m_data} = kept[tail[AW-1:0]];
            always @(posedge clk) begin
                if (put) kept[head[AW-1:0]] <= {in_last, in_data};
                head <= rst ? {AW+1{1'b0}} : head + {{AW{1'b0}}, put};
                tail <= rst ? {AW+1{1'b0}} : tail + {{AW{1'b0}}, get};
            end
        end
    endgenerate
endmodule
