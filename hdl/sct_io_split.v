// Beats of a bus become words of B bits, the first bits lowest: what a core takes that reads a feature, or some spikes,
// at a time. A frame is WORDS words, an image or a tick; its last beat is filled up, and what fills it is dropped.
//
// `push` takes a beat, only with `ready`; `ends` marks the frame's last one. `mark` is kept of the latest beat.
// `clear` drops a frame whose last beat has not come, and the beat that comes with it; one that is whole goes on.
// Bits are counted in units of U, the largest number that divides BUS and B.
module sct_io_split #(
    parameter BUS = 8,
    parameter B = 8,
    parameter U = 8,
    parameter WORDS = 2,
    parameter M = 1
) (
    input  wire           clk,
    input  wire           rst,
    input  wire           clear,
    input  wire           push,
    input  wire           ends,
    input  wire [BUS-1:0] beat,
    input  wire [M-1:0]   mark,
    output wire           ready,
    output wire           valid,
    output wire           first,
    output wire           last,
    output wire [B-1:0]   word,
    output reg  [M-1:0]   marked,
    input  wire           take,   // the word goes on
    output wire           busy
);
    localparam PLACES = B / U;  // a beat comes to lie after fewer units than a word has
    localparam S = B - U + BUS;
    localparam HW = $clog2(PLACES + BUS / U);
    localparam IW = (WORDS > 1) ? $clog2(WORDS) : 1;
    /* verilator lint_off WIDTH */
    localparam [HW:0] WHOLE = PLACES;
    localparam [IW-1:0] TOP = WORDS - 1;
    localparam [HW:0] MORE = BUS / U;
    /* verilator lint_on WIDTH */
    reg [S-1:0]  buffer;
    reg [HW:0]   have;    // units in the buffer
    reg [IW-1:0] index;
    reg          ending;  // the frame's last beat is in the buffer
    wire over = take & last;
    wire [HW:0] left = over ? {(HW+1){1'b0}} : take ? have - WHOLE : have;
    assign valid = ending | (have >= WHOLE);
    assign first = index == {IW{1'b0}};
    assign last = index == TOP;
    assign word = buffer[B-1:0];
    assign ready = (left < WHOLE) & (~ending | over);
    assign busy = ending | (have != {(HW+1){1'b0}}) | ~first;

    // What is not yet filled is 0, so that a beat is put in its place by "or".
    wire [S-1:0] moved = over ? {S{1'b0}} : take ? buffer >> B : buffer;
    wire [S-1:0] placed;
    generate
        if (PLACES == 1) begin : even
            assign placed = beat;
        end else begin : shifted
            reg [S-1:0] at;
            integer k;
            /* verilator lint_off BLKSEQ */
            /* verilator lint_off WIDTH */
            always @* begin
                at = {S{1'b0}};
                for (k = 0; k < PLACES; k = k + 1)
                    if (left == k) at = at | ({{(S-BUS){1'b0}}, beat} << (k * U));
            end
            /* verilator lint_on WIDTH */
            /* verilator lint_on BLKSEQ */
            assign placed = at;
        end
    endgenerate
    always @(posedge clk)
        if (rst | (clear & ~(ending & ~over))) begin
            buffer <= {S{1'b0}};
            have   <= {(HW+1){1'b0}};
            index  <= {IW{1'b0}};
            ending <= 1'b0;
        end else begin
            buffer <= push ? moved | placed : moved;
            have   <= push ? left + MORE : left;
            if (take) index <= last ? {IW{1'b0}} : index + 1'b1;
            if (push) marked <= mark;
            ending <= (push & ends) | (ending & ~over);
        end
endmodule
