#ifndef SCTORCH_READOUT_H_
#define SCTORCH_READOUT_H_

#include "ap_int.h"
#include "sctorch_neuron.h"
#include "sctorch_source.h"

namespace nnet {

// score[i] = leak(score[i]) + data[i]: spike counts without a leak, or membranes.
template <class data_T, class res_T, typename CONFIG_T>
void sctorch_readout(data_T data[CONFIG_T::n], res_T score[CONFIG_T::n]) {
    #pragma HLS PIPELINE II=1
    static typename CONFIG_T::step_t step = 0;
    #pragma HLS RESET variable=step
    static res_T mem[CONFIG_T::n];
    #pragma HLS ARRAY_PARTITION variable=mem complete

    for (unsigned i = 0; i < CONFIG_T::n; i++) {
        #pragma HLS UNROLL
        const res_T before = step == 0 ? res_T(0) : mem[i];
        const res_T leaked = CONFIG_T::leak::apply(before, i);
        mem[i] = leaked + (res_T(data[i]) << CONFIG_T::current_shift);
        score[i] = mem[i];
    }
    step = sctorch_next_step<typename CONFIG_T::step_t, CONFIG_T::num_steps>(step);
}

// The index of the largest score; ties go to the lowest index.
template <class data_T, class res_T, typename CONFIG_T> void sctorch_decision(data_T score[CONFIG_T::n], res_T decision[1]) {
    #pragma HLS PIPELINE II=1
    data_T best = score[0];
    res_T index = 0;
    for (unsigned i = 1; i < CONFIG_T::n; i++) {
        #pragma HLS UNROLL
        if (score[i] > best) {
            best = score[i];
            index = i;
        }
    }
    decision[0] = index;
}

} // namespace nnet

#endif
