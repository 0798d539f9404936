// UART transmitter, 8N1, CLOCKS clocks per bit.
module sct_io_uart_tx #(
    parameter CLOCKS = 104
) (
    input  wire       clk,
    input  wire       rst,
    input  wire       valid,
    output wire       ready,
    input  wire [7:0] data,
    output wire       tx
);
    localparam CW = $clog2(CLOCKS);
    localparam [31:0] FULL = CLOCKS - 1;
    reg [8:0] shift;
    reg [3:0] bits;  // still to go
    reg [CW-1:0] wait_bit;
    assign tx = shift[0];
    assign ready = bits == 4'd0;
    always @(posedge clk)
        if (rst) begin
            shift <= 9'h1ff;
            bits <= 4'd0;
        end else if (ready) begin
            if (valid) begin
                shift <= {data, 1'b0};
                bits <= 4'd10;
                wait_bit <= FULL[CW-1:0];
            end
        end else if (wait_bit != {CW{1'b0}}) wait_bit <= wait_bit - 1'b1;
        else begin
            wait_bit <= FULL[CW-1:0];
            shift <= {1'b1, shift[8:1]};
            bits <= bits - 4'd1;
        end
endmodule
