// Answers of a core that cannot wait, for a taker that may make it: a FIFO of DEPTH (a power of two), and `room` while
// `asked` more answers may be asked for. `issue` asks for them: room is kept for what is under way, so nothing is lost.
// MOST is the largest `asked`, which is 1 where it is not looked at.
module sct_io_answers #(
    parameter W = 4,
    parameter DEPTH = 2,
    parameter EVERY = 0,
    parameter MOST = 1,
    parameter MW = $clog2(MOST + 1)
) (
    input  wire         clk,
    input  wire         rst,
    input  wire         issue,
    /* verilator lint_off UNUSEDSIGNAL */
    input  wire [MW-1:0] asked,
    /* verilator lint_on UNUSEDSIGNAL */
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
    assign busy = promised != {CW{1'b0}};
    generate
        if (MOST == 1) begin : one
            assign room = promised != ALL[CW-1:0];
            always @(posedge clk)
                if (rst) promised <= {CW{1'b0}};
                else if (issue & ~get) promised <= promised + 1'b1;
                else if (get & ~issue) promised <= promised - 1'b1;
        end else begin : many
            /* verilator lint_off WIDTH */
            wire [CW:0] more = promised + asked;
            assign room = more <= ALL[CW:0];
            always @(posedge clk)
                if (rst) promised <= {CW{1'b0}};
                else promised <= (issue ? more[CW-1:0] : promised) - get;
            /* verilator lint_on WIDTH */
        end
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
