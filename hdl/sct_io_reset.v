// Reset of a board: some clocks after power-up, and while the button is pressed (low). The button is asynchronous
// and taken through two flip-flops.
module sct_io_reset (
    input  wire clk,
    input  wire button_n,
    output wire rst
);
    reg [3:0] up = 4'd0;
    reg [1:0] released = 2'b11;
    assign rst = ~up[3];
    always @(posedge clk) begin
        released <= {released[0], button_n};
        if (~released[1]) up <= 4'd0;
        else if (rst) up <= up + 4'd1;
    end
endmodule
