// SPI slave, mode 0, highest bit first, sampled by clk: sck must be slower than clk / 6.
//
// A transfer is what happens while cs_n is low. Its first byte from the master says what it is for, and the status
// goes out meanwhile: bit 7 is 1, bit 1 says that a packet may be sent, bit 0 that an answer waits. WRITE (1): each
// byte that follows is a beat. READ (2): each byte that follows is a byte of an answer, 0 when there is none. Anything
// else: status alone. After a transfer of WRITE `cut` gives up what is incomplete. A byte that the design was not ready
// to take is lost (`overrun`), and the bytes after it are ignored.
module sct_io_spi (
    input  wire       clk,
    input  wire       rst,
    input  wire       sck,
    input  wire       cs_n,
    input  wire       mosi,
    output wire       miso,
    output reg        s_valid,
    input  wire       s_ready,
    output reg  [7:0] s_data,
    output reg        cut,
    output reg        overrun,
    input  wire       m_valid,
    output reg        m_ready,
    input  wire [7:0] m_data
);
    localparam [7:0] WRITE = 8'd1, READ = 8'd2;
    reg [2:0] sck_q, cs_q;
    reg [1:0] mosi_q;
    reg [2:0] count;
    reg [6:0] in;
    reg [7:0] out;
    reg begun, writing, reading, lost, sending, closing;
    wire selected = ~cs_q[1];
    wire opened = cs_q[2] & ~cs_q[1];
    wire closed = ~cs_q[2] & cs_q[1];
    wire rise = selected & ~sck_q[2] & sck_q[1];
    wire fall = selected & sck_q[2] & ~sck_q[1];
    wire [7:0] got = {in, mosi_q[1]};
    wire byte_end = rise & (count == 3'd7);
    assign miso = out[7];
    always @(posedge clk) begin
        sck_q <= {sck_q[1:0], sck};
        cs_q <= {cs_q[1:0], cs_n};
        mosi_q <= {mosi_q[0], mosi};
        cut <= 1'b0;
        overrun <= 1'b0;
        m_ready <= 1'b0;
        if (s_ready) s_valid <= 1'b0;
        if (rise) begin
            in <= got[6:0];
            count <= count + 3'd1;
        end
        if (fall) out <= {out[6:0], 1'b0};
        if (byte_end) begin
            begun <= 1'b1;
            m_ready <= sending;  // the answer's byte has gone out whole
            if (~begun) begin
                writing <= got == WRITE;
                reading <= got == READ;
            end else if (writing & ~lost) begin
                if (s_valid & ~s_ready) begin
                    lost <= 1'b1;
                    overrun <= 1'b1;
                end else begin
                    s_valid <= 1'b1;
                    s_data <= got;
                end
            end
        end
        // After a byte's last falling edge the next one is laid out.
        if (fall & (count == 3'd0)) begin
            out <= (reading & m_valid) ? m_data : 8'd0;
            sending <= reading & m_valid;
        end
        if (opened) begin
            count <= 3'd0;
            begun <= 1'b0;
            writing <= 1'b0;
            reading <= 1'b0;
            lost <= 1'b0;
            sending <= 1'b0;
            out <= {6'b100000, s_ready, m_valid};
        end
        if (closed) closing <= writing;
        else if (closing & ~s_valid) begin  // no beat meets the cut
            closing <= 1'b0;
            cut <= 1'b1;
        end
        if (rst) begin
            sck_q <= 3'b000;
            cs_q <= 3'b111;
            s_valid <= 1'b0;
            cut <= 1'b0;
            overrun <= 1'b0;
            m_ready <= 1'b0;
            closing <= 1'b0;
            writing <= 1'b0;
        end
    end
endmodule
