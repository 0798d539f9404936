#ifndef SCTORCH_SYNAPSE_H_
#define SCTORCH_SYNAPSE_H_

#include "ap_int.h"
#include "sctorch_source.h"

namespace nnet {

// current[i] = bias[i] + sum over ticks l and inputs j of bit_j[l] * sign(w_ij) * (|w_ij| > R_j).
//
// data holds data_ticks rows of n_in bits: n_ticks rows from an encoder, or one row of spikes
// that hold for the whole timestep.
template <class data_T, class res_T, typename CONFIG_T>
void sctorch_stochastic_synapse(data_T data[CONFIG_T::data_ticks * CONFIG_T::n_in], res_T current[CONFIG_T::n_out]) {
    typedef typename CONFIG_T::source source;
    static typename CONFIG_T::step_t step = 0;
    #pragma HLS RESET variable=step
    static bool reg[source::lanes][source::length];
    res_T sum[CONFIG_T::n_out];
    #pragma HLS ARRAY_PARTITION variable=reg complete dim=0
    #pragma HLS ARRAY_PARTITION variable=sum complete

    if (step == 0)
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
    step = sctorch_next_step<typename CONFIG_T::step_t, CONFIG_T::num_steps>(step);
}

// current[i] = bias[i] + sum over inputs j of x_j * w_ij; x_j is a spike or a direct encoder's integer.
template <class data_T, class res_T, typename CONFIG_T>
void sctorch_fixed_synapse(data_T data[CONFIG_T::n_in], res_T current[CONFIG_T::n_out]) {
    #pragma HLS PIPELINE II=1
    for (unsigned i = 0; i < CONFIG_T::n_out; i++) {
        #pragma HLS UNROLL
        res_T sum = typename CONFIG_T::bias_t(CONFIG_T::bias(i));
        for (unsigned j = 0; j < CONFIG_T::n_in; j++) {
            #pragma HLS UNROLL
            const typename CONFIG_T::weight_t w = CONFIG_T::weight(i * CONFIG_T::n_in + j);
            sum += data[j] * w;
        }
        current[i] = sum;
    }
}

} // namespace nnet

#endif
