#ifndef SCTORCH_READOUT_H_
#define SCTORCH_READOUT_H_

#include "ap_int.h"
#include "sctorch_neuron.h"
#include "sctorch_source.h"

namespace nnet {

// score[i] = leak(score[i]) + data[i]: spike counts without a leak, or membranes.
template <class data_T, class res_T, typename CONFIG_T> struct sctorch_readout {
    static void run(data_T data[CONFIG_T::n], res_T score[CONFIG_T::n], bool first) {
        #pragma HLS INLINE
        static res_T mem[CONFIG_T::n];
        #pragma HLS ARRAY_PARTITION variable=mem complete

        for (unsigned i = 0; i < CONFIG_T::n; i++) {
            #pragma HLS UNROLL
            const res_T before = first ? res_T(0) : mem[i];
            const res_T leaked = CONFIG_T::leak::apply(before, i, 0);
            mem[i] = leaked + (res_T(data[i]) << CONFIG_T::current_shift);
            score[i] = mem[i];
        }
    }
};

enum sctorch_rule { sctorch_argmax, sctorch_first_to_threshold, sctorch_threshold_then_argmax, sctorch_binary_logit };

// The answer after this timestep (docs/semantics.md, section 7). Ties go to the lowest index.
template <class data_T, class res_T, typename CONFIG_T> struct sctorch_decision {
    static void run(data_T score[CONFIG_T::n], res_T decision[1], bool first) {
        #pragma HLS INLINE
        static res_T held = 0;     // the class that reached the threshold first
        static bool holds = false; // whether one has

        if (CONFIG_T::rule == sctorch_binary_logit) {
            decision[0] = score[CONFIG_T::n - 1] - score[0];
            return;
        }
        data_T best = score[0];
        res_T largest = 0, lowest = 0;
        bool reached = false;
        for (unsigned i = 0; i < CONFIG_T::n; i++) {
            #pragma HLS UNROLL
            if (score[i] > best) {
                best = score[i];
                largest = i;
            }
            if (!reached && score[i] >= CONFIG_T::threshold) {
                reached = true;
                lowest = i;
            }
        }
        if (CONFIG_T::rule == sctorch_first_to_threshold) {
            if (!first && holds) {
                reached = true;
                lowest = held;
            }
            holds = reached;
            held = lowest;
        }
        decision[0] = CONFIG_T::rule != sctorch_argmax && reached ? lowest : largest;
    }
};

} // namespace nnet

#endif
