// Two images of N features, one being written while the other is read, P features a word.
//
// `index` counts the features of the image being written; `data` is word `group` of the one being read, a clock later.
module sct_fold_image #(
    parameter N = 1,
    parameter B = 8,
    parameter P = 1,
    parameter SW = 1,
    parameter AW = (N > 1) ? $clog2(N) : 1,
    parameter G = (N + P - 1) / P,
    parameter GW = (G > 1) ? $clog2(G) : 1
) (
    input  wire           clk,
    input  wire           rst,
    output wire           ready,     // there is room for an image
    input  wire           write,
    input  wire [AW-1:0]  index,
    input  wire           complete,
    input  wire [B-1:0]   feature,
    input  wire [SW-1:0]  steps,     // taken with `complete`
    output wire           valid,     // there is an image to read
    output wire [SW-1:0]  steps_out,
    input  wire           done,      // it has been read
    input  wire [GW-1:0]  group,
    output reg  [P*B-1:0] data
);
    (* no_rw_check *) reg [P*B-1:0] words [0:2*(1<<GW)-1];
    reg [1:0] full;
    reg to, from;
    reg [SW-1:0] steps0, steps1;
    assign ready = ~(to ? full[1] : full[0]);
    assign valid = from ? full[1] : full[0];
    assign steps_out = from ? steps1 : steps0;

    wire [P*B-1:0] word;
    wire [GW-1:0]  place;
    wire           ends;  // the word is whole
    generate
        if (P == 1) begin : single
            assign word = feature;
            assign place = index;
            assign ends = 1'b1;
        end else begin : several
            localparam PW = $clog2(P);
            /* verilator lint_off WIDTH */
            localparam [PW-1:0] END = P - 1;
            /* verilator lint_on WIDTH */
            reg [PW-1:0] lane;
            reg [GW-1:0] row;
            reg [(P-1)*B-1:0] part;
            wire fresh = index == {AW{1'b0}};
            wire [PW-1:0] at = fresh ? {PW{1'b0}} : lane;
            assign place = fresh ? {GW{1'b0}} : row;
            assign ends = (at == END) | complete;
            genvar p;
            for (p = 0; p < P; p = p + 1) begin : lanes
                /* verilator lint_off WIDTH */
                localparam [PW-1:0] ME = p;
                /* verilator lint_on WIDTH */
                if (p == P - 1) assign word[p*B +: B] = feature;
                else begin : kept
                    assign word[p*B +: B] = (at == ME) ? feature : part[p*B +: B];
                    always @(posedge clk) if (write && at == ME) part[p*B +: B] <= feature;
                end
            end
            always @(posedge clk)
                if (write) begin
                    lane <= (at == END) ? {PW{1'b0}} : at + 1'b1;
                    row  <= (at == END) ? place + 1'b1 : place;
                end
        end
    endgenerate
    always @(posedge clk) begin
        if (write & ends) words[{to, place}] <= word;
        data <= words[{from, group}];
        if (complete) begin
            if (to) steps1 <= steps;
            else steps0 <= steps;
        end
        if (rst) begin
            full <= 2'b00;
            to   <= 1'b0;
            from <= 1'b0;
        end else begin
            if (complete) begin
                full[to] <= 1'b1;
                to <= ~to;
            end
            if (done) begin
                full[from] <= 1'b0;
                from <= ~from;
            end
        end
    end
endmodule
