#ifndef SCTORCH_NEURON_H_
#define SCTORCH_NEURON_H_

#include "ap_int.h"
#include "nnet_helpers.h"
#include "sctorch_source.h"

namespace nnet {

// What is left of a membrane after one timestep. All are floors: >> of a signed ap_int is arithmetic.
// `source` gives the random numbers of a stochastic leak (sctorch_source.h).
struct sctorch_no_leak {
    typedef sctorch_no_source source;
    template <class mem_T> static mem_T apply(mem_T m, unsigned, unsigned) { return m; }
};

template <unsigned SHIFT> struct sctorch_shift_leak {
    typedef sctorch_no_source source;
    template <class mem_T> static mem_T apply(mem_T m, unsigned, unsigned) { return m - (m >> SHIFT); }
};

// FACTOR has: type, and value(i) of neuron i. The product of two ap_int is as wide as both together.
template <unsigned SHIFT, class FACTOR> struct sctorch_multiply_leak {
    typedef sctorch_no_source source;
    template <class mem_T> static mem_T apply(mem_T m, unsigned i, unsigned) {
        const typename FACTOR::type factor = FACTOR::value(i);
        return (m * factor) >> SHIFT;
    }
};

template <unsigned SHIFT, class FACTOR, class SOURCE> struct sctorch_stochastic_leak {
    typedef SOURCE source;
    template <class mem_T> static mem_T apply(mem_T m, unsigned i, unsigned r) {
        const typename FACTOR::type factor = FACTOR::value(i);
        return (m * factor + ap_int<SHIFT + 1>(r)) >> SHIFT;
    }
};

enum sctorch_reset { sctorch_reset_subtract, sctorch_reset_zero, sctorch_reset_none, sctorch_reset_subtract_snntorch };

template <typename CONFIG_T>
bool sctorch_fires(typename CONFIG_T::membrane_t m, typename CONFIG_T::threshold_t threshold) {
    #pragma HLS INLINE
    return CONFIG_T::fires_at_threshold ? m >= threshold : m > threshold;
}

// The membrane once its spike, if it had one, has reset it.
template <typename CONFIG_T>
typename CONFIG_T::membrane_t sctorch_after_reset(typename CONFIG_T::membrane_t m, bool spiked,
                                                  typename CONFIG_T::threshold_t threshold) {
    #pragma HLS INLINE
    if (!spiked || CONFIG_T::reset == sctorch_reset_none)
        return m;
    if (CONFIG_T::reset == sctorch_reset_zero)
        return 0;
    return m - threshold;
}

// One timestep of a layer: leak, charge, fire, reset (docs/semantics.md, section 6).
//
// A delayed reset acts on the leaked membrane of the next timestep. The spike that causes it needs
// no register of its own: the membrane it came from is still there.
template <class data_T, class res_T, typename CONFIG_T> struct sctorch_neuron {
    static void run(data_T current[CONFIG_T::n], res_T spike[CONFIG_T::n], bool first) {
        #pragma HLS INLINE
        typedef typename CONFIG_T::membrane_t membrane_t;
        static membrane_t mem[CONFIG_T::n];
        #pragma HLS ARRAY_PARTITION variable=mem complete
        typedef typename CONFIG_T::leak::source source;
        static bool reg[source::lanes][source::length];
        #pragma HLS ARRAY_PARTITION variable=reg complete dim=0

        if (first)
            sctorch_restart<source>(reg);
        for (unsigned i = 0; i < CONFIG_T::n; i++) {
            #pragma HLS UNROLL
            const typename CONFIG_T::threshold_t threshold = CONFIG_T::threshold(i);
            const membrane_t before = first ? membrane_t(0) : mem[i];
            membrane_t charged = CONFIG_T::leak::apply(before, i, sctorch_random<source>(reg, i));
            if (CONFIG_T::reset_delay)
                charged = sctorch_after_reset<CONFIG_T>(charged, sctorch_fires<CONFIG_T>(before, threshold), threshold);
            charged += membrane_t(current[i]) << CONFIG_T::current_shift;
            membrane_t compared = charged;
            // snntorch: a membrane that its reset left above the threshold is compared as if reset once more.
            if (CONFIG_T::reset == sctorch_reset_subtract_snntorch && sctorch_fires<CONFIG_T>(before, threshold))
                compared -= threshold;
            const bool fired = sctorch_fires<CONFIG_T>(compared, threshold);
            mem[i] = CONFIG_T::reset_delay ? charged : sctorch_after_reset<CONFIG_T>(charged, fired, threshold);
            spike[i] = fired;
        }
        sctorch_advance<source>(reg);

#ifndef __SYNTHESIS__
        // hls4ml traces layer outputs; the membranes go the same way, unless a trace was set up without them.
        if (trace_enabled && (trace_outputs == NULL || trace_outputs->count(CONFIG_T::membrane_key()) > 0))
            save_layer_output<membrane_t>(mem, CONFIG_T::membrane_key(), CONFIG_T::n);
#endif
    }
};

// Axonal delay: the spikes of `delay` timesteps ago, silence before the window's start.
template <class data_T, class res_T, typename CONFIG_T> struct sctorch_delay {
    static void run(data_T spikes[CONFIG_T::n], res_T delayed[CONFIG_T::n], bool first) {
        #pragma HLS INLINE
        static bool line[CONFIG_T::delay][CONFIG_T::n];
        #pragma HLS ARRAY_PARTITION variable=line complete dim=0

        for (unsigned i = 0; i < CONFIG_T::n; i++) {
            #pragma HLS UNROLL
            delayed[i] = !first && line[CONFIG_T::delay - 1][i];
            for (unsigned d = CONFIG_T::delay - 1; d > 0; d--) {
                #pragma HLS UNROLL
                line[d][i] = !first && line[d - 1][i];
            }
            line[0][i] = spikes[i] != 0;
        }
    }
};

} // namespace nnet

#endif
