#ifndef SCTORCH_SYNAPSE_H_
#define SCTORCH_SYNAPSE_H_

#include "ap_int.h"
#include "sctorch_source.h"
#include <cstddef>

namespace nnet {

// current[i] = bias[i] + sum over ticks l and inputs j of bit_j[l] * sign(w_ij) * (|w_ij| > R_j).
//
// data holds data_ticks rows of n_in bits: n_ticks rows from an encoder, or one row of spikes
// that hold for the whole timestep.
template <class data_T, class res_T, typename CONFIG_T> struct sctorch_stochastic_synapse {
    static void run(data_T data[CONFIG_T::data_ticks * CONFIG_T::n_in], res_T current[CONFIG_T::n_out], bool first) {
        #pragma HLS INLINE
        typedef typename CONFIG_T::source source;
        static bool reg[source::lanes][source::length];
        typename CONFIG_T::accum_t sum[CONFIG_T::n_out];
        #pragma HLS ARRAY_PARTITION variable=reg complete dim=0
        #pragma HLS ARRAY_PARTITION variable=sum complete

        if (first)
            sctorch_restart<source>(reg);
        for (unsigned i = 0; i < CONFIG_T::n_out; i++) {
            #pragma HLS UNROLL
            sum[i] = typename CONFIG_T::bias_t(CONFIG_T::bias(i));
        }
    Ticks:
        for (unsigned l = 0; l < CONFIG_T::n_ticks; l++) {
            #pragma HLS PIPELINE II=1
            const unsigned row = CONFIG_T::data_ticks == 1 ? 0 : l;
            for (unsigned j = 0; j < CONFIG_T::n_in; j++) {
                #pragma HLS UNROLL
                const bool bit = data[row * CONFIG_T::n_in + j] != 0;
                const ap_uint<source::bits> r = sctorch_random<source>(reg, j);
#ifndef __SYNTHESIS__
                if (!bit) // adds nothing; the C simulation of a large layer takes a sixth of the time without
                    continue;
#endif
                for (unsigned i = 0; i < CONFIG_T::n_out; i++) {
                    #pragma HLS UNROLL
                    const typename CONFIG_T::weight_t w = CONFIG_T::weight(i * CONFIG_T::n_in + j);
                    const bool negative = w < 0;
                    const ap_uint<source::bits> magnitude = negative ? ap_uint<source::bits>(-w) : ap_uint<source::bits>(w);
                    // An unconditional sum of terms, so that the tool may balance it into a tree.
                    const ap_int<2> term = bit && magnitude > r ? (negative ? -1 : 1) : 0;
                    sum[i] += term;
                }
            }
            sctorch_advance<source>(reg);
        }
        for (unsigned i = 0; i < CONFIG_T::n_out; i++) {
            #pragma HLS UNROLL
            current[i] = sum[i];
        }
    }
};

// current[i] = bias[i] + sum over inputs j of x_j * w_ij; x_j is a spike or a direct encoder's integer.
// CONFIG::dense is hls4ml's own, with its strategy and reuse factor.
template <class data_T, class res_T, typename CONFIG_T> struct sctorch_fixed_synapse {
    static void run(data_T data[CONFIG_T::n_data], res_T current[CONFIG_T::n_out], bool) {
        #pragma HLS INLINE
        CONFIG_T::template dense<data_T, res_T>(data, current);
    }
};

#ifndef __SYNTHESIS__
// Fills an array of ap_int: its own initialiser takes the compiler minutes for a large layer.
template <class T, class table_T, size_t N> bool sctorch_fill(T (&array)[N], const table_T (&values)[N]) {
    for (size_t i = 0; i < N; i++)
        array[i] = values[i];
    return true;
}
#endif

} // namespace nnet

#endif
