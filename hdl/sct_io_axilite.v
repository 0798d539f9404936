// Registers of a wrapped design on AXI-Lite, 32 bits each; docs/interfaces.md has the map.
//
// An address is written or read only as a whole register; one that is not there, or a write to one that is read only,
// answers SLVERR. `clear` lasts one clock. Counters wrap around.
module sct_io_axilite #(
    parameter [31:0] VERSION = 0,
    parameter [31:0] NETWORK = 0,
    parameter STEPS = 2,
    parameter SW = 2
) (
    input  wire          clk,
    input  wire          rst,
    input  wire          awvalid,
    output wire          awready,
    input  wire [7:0]    awaddr,
    input  wire          wvalid,
    output wire          wready,
    input  wire [31:0]   wdata,
    input  wire [3:0]    wstrb,
    output reg           bvalid,
    input  wire          bready,
    output reg  [1:0]    bresp,
    input  wire          arvalid,
    output wire          arready,
    input  wire [7:0]    araddr,
    output reg           rvalid,
    input  wire          rready,
    output reg  [31:0]   rdata,
    output reg  [1:0]    rresp,
    output reg           enable,
    output reg           clear,
    output reg  [SW-1:0] steps,
    input  wire          busy,
    input  wire          error,
    input  wire          first,
    input  wire          last,
    input  wire          answer
);
    localparam [31:0] LIMIT = STEPS;
    localparam [1:0] OKAY = 2'b00, SLVERR = 2'b10;
    reg [31:0] windows, clocks, errors, count;
    wire [31:0] counted = first ? 32'd1 : count + 32'd1;

    wire write = awvalid & wvalid & ~bvalid;
    assign awready = write;
    assign wready = write;
    wire sound = (wstrb == 4'hf) & (awaddr[1:0] == 2'b00);
    wire to_control = sound & (awaddr[7:2] == 6'd2);
    wire to_steps = sound & (awaddr[7:2] == 6'd4) & (wdata != 32'd0) & (wdata <= LIMIT);
    always @(posedge clk) begin
        clear <= ~rst & write & to_control & wdata[1];
        if (rst) begin
            bvalid <= 1'b0;
            enable <= 1'b1;
            steps <= LIMIT[SW-1:0];
        end else if (write) begin
            bvalid <= 1'b1;
            bresp <= (to_control | to_steps) ? OKAY : SLVERR;
            if (to_control) enable <= wdata[0];
            if (to_steps) steps <= wdata[SW-1:0];
        end else if (bready) bvalid <= 1'b0;
    end

    assign arready = ~rvalid;
    always @(posedge clk) begin
        if (rst) rvalid <= 1'b0;
        else if (arvalid & ~rvalid) begin
            rvalid <= 1'b1;
            rresp <= OKAY;
            case (araddr)
                8'h00: rdata <= VERSION;
                8'h04: rdata <= NETWORK;
                8'h08: rdata <= {31'd0, enable};
                8'h0c: rdata <= {30'd0, errors != 32'd0, busy};
                8'h10: rdata <= {{32-SW{1'b0}}, steps};
                8'h14: rdata <= windows;
                8'h18: rdata <= clocks;
                8'h1c: rdata <= errors;
                8'h20: rdata <= LIMIT;
                default: begin
                    rdata <= 32'd0;
                    rresp <= SLVERR;
                end
            endcase
        end else if (rready) rvalid <= 1'b0;
    end

    always @(posedge clk) begin
        count <= counted;
        if (rst | clear) begin
            windows <= 32'd0;
            clocks <= 32'd0;
            errors <= 32'd0;
        end else begin
            if (answer) windows <= windows + 32'd1;
            if (error) errors <= errors + 32'd1;
            if (last) clocks <= counted;
        end
    end
endmodule
