#ifndef SCTORCH_AXIS_H_
#define SCTORCH_AXIS_H_

#include "ap_int.h"
#include "hls_stream.h"

#ifdef __has_include
#if __has_include("ap_axi_sdata.h")
#include "ap_axi_sdata.h"
#define SCTORCH_HAS_AXI_SDATA
#endif
#endif
#ifndef SCTORCH_HAS_AXI_SDATA
// Vitis makes pins of this type's members. Its header is not among hls4ml's, so C simulation without Vitis has this one.
template <int WIDTH, int, int, int> struct ap_axiu {
    ap_uint<WIDTH> data;
    ap_uint<(WIDTH + 7) / 8> keep, strb;
    ap_uint<1> last;
};
#endif

namespace nnet {

// A packet comes in beats of PER_BEAT entries of WIDTH bits, the first lowest. A TLAST ends its packet and the window,
// whatever is missing (and is taken as 0): so a packet that was cut short does not shift what follows.
template <unsigned ENTRIES, unsigned PER_BEAT, unsigned WIDTH, class beat_T, class packet_T>
void sctorch_from_axis(hls::stream<beat_T> &in, hls::stream<packet_T> &packets) {
    packet_T packet;
    bool last = false;
Beats:
    for (unsigned b = 0; b < (ENTRIES + PER_BEAT - 1) / PER_BEAT; b++) {
        #pragma HLS PIPELINE II=1
        beat_T beat;
        if (last)
            beat.data = 0;
        else
            beat = in.read();
        last = last || beat.last != 0;
        for (unsigned e = 0; e < PER_BEAT; e++) {
            #pragma HLS UNROLL
            if (b * PER_BEAT + e < ENTRIES)
                packet[b * PER_BEAT + e] = beat.data.range((e + 1) * WIDTH - 1, e * WIDTH);
        }
    }
    packet[ENTRIES] = last;
    packets.write(packet);
}

// An answer is one beat, sign-extended where it has a sign; TLAST says that it is a window's.
template <class packet_T, class beat_T>
void sctorch_to_axis(hls::stream<packet_T> &answers, hls::stream<beat_T> &out) {
    #pragma HLS PIPELINE II=1
    const packet_T answer = answers.read();
    beat_T beat;
    beat.data = answer[0];
    beat.keep = -1;
    beat.strb = -1;
    beat.last = answer[1] != 0;
    out.write(beat);
}

} // namespace nnet

#endif
