// Registers of a wrapped design on AXI-Lite, 32 bits each; docs/interfaces.md has the map.
//
// An address is written or read only as a whole register; one that is not there, or a write to one that is read only,
// answers SLVERR. `clear` lasts one clock. Counters wrap around.
//
// With LOAD weights come in: WEIGHT_WORD (0x40) chooses a layer and a word in it, WEIGHT_DATA (0x44) stores its next 32
// bits (`store`), if the place is there (`there`). Both need a design that holds its input and has nothing under way.
module sct_io_axilite #(
    parameter [31:0] VERSION = 0,
    parameter [31:0] NETWORK = 0,
    parameter STEPS = 2,
    parameter SW = 2,
    parameter LOAD = 0,
    parameter LW = 1,
    parameter WW = 1,
    parameter PW = 1
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
    input  wire          answer,
    output wire          store,
    output wire [LW-1:0] store_layer,  // bits 31 to 24 of WEIGHT_WORD
    output wire [WW-1:0] store_word,   // bits 23 to 0
    output wire [PW-1:0] store_part,   // counts up, and starts again with a write to WEIGHT_WORD
    output wire [31:0]   store_data,
    /* verilator lint_off UNUSEDSIGNAL */
    input  wire          there
    /* verilator lint_on UNUSEDSIGNAL */
);
    localparam [31:0] LIMIT = STEPS;
    localparam [1:0] OKAY = 2'b00, SLVERR = 2'b10;
    reg [31:0] windows, clocks, errors, count;
    wire [31:0] counted = first ? 32'd1 : count + 32'd1;

    reg write;  // address and data are both there; ready must not follow valid within a clock
    assign awready = write;
    assign wready = write;
    wire sound = (wstrb == 4'hf) & (awaddr[1:0] == 2'b00);
    wire to_control = sound & (awaddr[7:2] == 6'd2);
    wire to_word, to_data;
    wire to_steps = sound & (awaddr[7:2] == 6'd4) & (wdata != 32'd0) & (wdata <= LIMIT);
    always @(posedge clk) begin
        write <= ~rst & awvalid & wvalid & ~bvalid & ~write;
        clear <= ~rst & write & to_control & wdata[1];
        if (rst) begin
            bvalid <= 1'b0;
            enable <= 1'b1;
            steps <= LIMIT[SW-1:0];
        end else if (write) begin
            bvalid <= 1'b1;
            bresp <= (to_control | to_steps | to_word | to_data) ? OKAY : SLVERR;
            if (to_control) enable <= wdata[0];
            if (to_steps) steps <= wdata[SW-1:0];
        end else if (bready) bvalid <= 1'b0;
    end

    generate
        if (LOAD != 0) begin : loading
            localparam [31:0] LAYERS = (1 << LW) - 1, WORDS = (1 << WW) - 1;
            reg [LW-1:0] layer;
            reg [WW-1:0] word;
            reg [PW-1:0] part;
            reg [31:0]   data;
            reg          stores;
            wire idle = ~enable & ~busy;
            assign to_word = sound & idle & (awaddr[7:2] == 6'd16)
                & (({8'd0, wdata[31:24]} & ~LAYERS[15:0]) == 16'd0) & (({8'd0, wdata[23:0]} & ~WORDS) == 32'd0);
            assign to_data = sound & idle & (awaddr[7:2] == 6'd17) & there;
            assign store = stores;
            assign store_layer = layer;
            assign store_word = word;
            assign store_part = part;
            assign store_data = data;
            always @(posedge clk) begin
                stores <= ~rst & write & to_data;
                if (write & to_word) begin
                    layer <= wdata[24 +: LW];
                    word  <= wdata[WW-1:0];
                    part  <= {PW{1'b0}};
                end else if (stores) part <= part + 1'b1;
                if (write) data <= wdata;
            end
        end else begin : fixed
            assign to_word = 1'b0;
            assign to_data = 1'b0;
            assign store = 1'b0;
            assign store_layer = {LW{1'b0}};
            assign store_word = {WW{1'b0}};
            assign store_part = {PW{1'b0}};
            assign store_data = 32'd0;
        end
    endgenerate

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
