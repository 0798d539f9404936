// UART receiver, 8N1, CLOCKS clocks per bit (4 or more). A byte waits on `data` until it is taken.
//
// A line cannot be told to wait: a byte that meets one not yet taken is lost (`overrun`), and so is one without its stop
// bit. Then every byte is ignored until the line has been idle for IDLE clocks. After that silence `cut` asks for what
// is incomplete to be given up, so that half a packet never meets the next one.
module sct_io_uart_rx #(
    parameter CLOCKS = 104,
    parameter IDLE = 212992
) (
    input  wire       clk,
    input  wire       rst,
    input  wire       rx,
    output reg        valid,
    input  wire       ready,
    output reg  [7:0] data,
    output reg        cut,
    output reg        overrun
);
    localparam CW = $clog2(CLOCKS);
    localparam IW = $clog2(IDLE + 1);
    localparam [31:0] FULL = CLOCKS - 1;
    localparam [31:0] HALF = CLOCKS / 2 - 1;
    localparam [31:0] QUIET = IDLE;
    reg [1:0] sync;
    reg [CW-1:0] wait_bit;
    reg [3:0] bits;  // still to come, the stop bit among them
    reg [7:0] shift;
    reg lost;
    reg [IW-1:0] quiet;
    wire line = sync[1];
    wire receiving = bits != 4'd0;
    wire sample = receiving & (wait_bit == {CW{1'b0}});
    wire stop = sample & (bits == 4'd1);
    wire blocked = stop & (~line | (valid & ~ready));
    wire silent = quiet == QUIET[IW-1:0];
    always @(posedge clk) begin
        sync <= {sync[0], rx};
        if (rst) begin
            sync <= 2'b11;
            bits <= 4'd0;
            valid <= 1'b0;
            lost <= 1'b0;
            cut <= 1'b0;
            overrun <= 1'b0;
            quiet <= QUIET[IW-1:0];
        end else begin
            cut <= 1'b0;
            overrun <= blocked & ~lost;
            if (ready) valid <= 1'b0;
            if (~receiving) begin
                if (~line) begin
                    bits <= 4'd10;
                    wait_bit <= HALF[CW-1:0];
                end
            end else if (~sample) wait_bit <= wait_bit - 1'b1;
            else begin
                wait_bit <= FULL[CW-1:0];
                bits <= (bits == 4'd10 & line) ? 4'd0 : bits - 4'd1;  // a start bit that is none
                shift <= {line, shift[7:1]};
            end
            if (blocked) lost <= 1'b1;
            else if (stop & ~lost) begin
                valid <= 1'b1;
                data <= shift;
            end
            if (receiving | ~line | valid) quiet <= {IW{1'b0}};
            else if (~silent) quiet <= quiet + 1'b1;
            // No byte is under way or waits now, so that no beat meets the cut.
            if (~silent & ~receiving & line & ~valid & (quiet + 1'b1 == QUIET[IW-1:0])) begin
                cut <= 1'b1;
                lost <= 1'b0;
            end
        end
    end
endmodule
