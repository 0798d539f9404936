#ifndef SCTORCH_ENCODER_H_
#define SCTORCH_ENCODER_H_

#include "ap_int.h"
#include "sctorch_source.h"

namespace nnet {

// values[j] becomes the bit values[j] > R_j[k], for each of the timestep's n_ticks ticks, tick by tick.
template <class data_T, class res_T, typename CONFIG_T> struct sctorch_rate_encoder {
    static void run(data_T values[CONFIG_T::n], res_T bits[CONFIG_T::n_ticks * CONFIG_T::n], bool first) {
        #pragma HLS INLINE
        typedef typename CONFIG_T::source source;
        static bool reg[source::lanes][source::length];
        #pragma HLS ARRAY_PARTITION variable=reg complete dim=0

        if (first)
            sctorch_restart<source>(reg);
    Ticks:
        for (unsigned l = 0; l < CONFIG_T::n_ticks; l++) {
            #pragma HLS PIPELINE II=1
            for (unsigned j = 0; j < CONFIG_T::n; j++) {
                #pragma HLS UNROLL
                bits[l * CONFIG_T::n + j] = values[j] > sctorch_random<source>(reg, j);
            }
            sctorch_advance<source>(reg);
        }
    }
};

// Thermometer code: bit j * levels + l is values[j] > l, the same at every tick.
template <class data_T, class res_T, typename CONFIG_T> struct sctorch_level_encoder {
    static void run(data_T values[CONFIG_T::n], res_T bits[CONFIG_T::n_ticks * CONFIG_T::n * CONFIG_T::levels], bool) {
        #pragma HLS INLINE
        for (unsigned t = 0; t < CONFIG_T::n_ticks; t++) {
            #pragma HLS UNROLL
            for (unsigned j = 0; j < CONFIG_T::n; j++) {
                #pragma HLS UNROLL
                for (unsigned l = 0; l < CONFIG_T::levels; l++) {
                    #pragma HLS UNROLL
                    bits[(t * CONFIG_T::n + j) * CONFIG_T::levels + l] = values[j] > l;
                }
            }
        }
    }
};

// Events are bits already, and a direct encoder's integers are what its synapse takes.
template <class data_T, class res_T, typename CONFIG_T> struct sctorch_event_encoder {
    static void run(data_T events[CONFIG_T::n_ticks * CONFIG_T::n], res_T bits[CONFIG_T::n_ticks * CONFIG_T::n], bool) {
        #pragma HLS INLINE
        for (unsigned i = 0; i < CONFIG_T::n_ticks * CONFIG_T::n; i++) {
            #pragma HLS UNROLL
            bits[i] = events[i];
        }
    }
};

} // namespace nnet

#endif
