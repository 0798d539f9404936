#ifndef SCTORCH_SOURCE_H_
#define SCTORCH_SOURCE_H_

#include "ap_int.h"

namespace nnet {

// A stream source is a few registers and a table of wires (docs/semantics.md, section 3).
//
// SOURCE has: n inputs, bits of R, lanes (registers side by side) of length bits each;
// is_counter, or else the LFSR's width and taps (bit e - 1 is exponent e);
// start(i): bit i of all lanes at the window's first tick;
// wire(j * bits + i): which register bit is bit i of R_j.

template <class SOURCE> void sctorch_restart(bool reg[SOURCE::lanes][SOURCE::length]) {
    #pragma HLS INLINE
    for (unsigned lane = 0; lane < SOURCE::lanes; lane++) {
        #pragma HLS UNROLL
        for (unsigned i = 0; i < SOURCE::length; i++) {
            #pragma HLS UNROLL
            reg[lane][i] = SOURCE::start(lane * SOURCE::length + i);
        }
    }
}

// One tick: a counter adds one, an LFSR shifts its next bit in at position 0.
template <class SOURCE> void sctorch_advance(bool reg[SOURCE::lanes][SOURCE::length]) {
    #pragma HLS INLINE
    for (unsigned lane = 0; lane < SOURCE::lanes; lane++) {
        #pragma HLS UNROLL
        if (SOURCE::is_counter) {
            bool carry = true;
            for (unsigned i = 0; i < SOURCE::length; i++) {
                #pragma HLS UNROLL
                const bool bit = reg[lane][i];
                reg[lane][i] = bit != carry;
                carry = bit && carry;
            }
        } else {
            bool next = false;
            for (unsigned i = 0; i < SOURCE::width; i++) {
                #pragma HLS UNROLL
                if ((SOURCE::taps >> i) & 1u)
                    next = next != reg[lane][i];
            }
            for (unsigned i = SOURCE::length - 1; i > 0; i--) {
                #pragma HLS UNROLL
                reg[lane][i] = reg[lane][i - 1];
            }
            reg[lane][0] = next;
        }
    }
}

// R_j of this tick.
template <class SOURCE>
ap_uint<SOURCE::bits> sctorch_random(const bool reg[SOURCE::lanes][SOURCE::length], unsigned j) {
    #pragma HLS INLINE
    const unsigned lane = SOURCE::lanes == 1 ? 0 : j;
    unsigned r = 0;
    for (unsigned i = 0; i < SOURCE::bits; i++) {
        #pragma HLS UNROLL
        r |= unsigned(reg[lane][SOURCE::wire(j * SOURCE::bits + i)]) << i;
    }
    return r;
}

// Stands where a layer needs no random numbers; its one bit is used by nothing.
struct sctorch_no_source {
    static const unsigned bits = 1, lanes = 1, length = 1, width = 1, taps = 0;
    static const bool is_counter = true;
    static bool start(unsigned) { return false; }
    static unsigned wire(unsigned) { return 0; }
};

} // namespace nnet

#endif
