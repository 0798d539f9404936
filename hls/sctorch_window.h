#ifndef SCTORCH_WINDOW_H_
#define SCTORCH_WINDOW_H_

#include "ap_int.h"
#include "hls_stream.h"

namespace nnet {

// A layer is a kernel, which computes one timestep of plain arrays, and one of the functions below, which count the
// timesteps and say which is a window's first. Each layer counts for itself: none relies on the state of another.
//
// CONFIG has: n_data and n_result entries of a timestep, num_steps of a whole window, step_t, and has_last: a stream's
// packets have one more entry behind the others, which is not 0 at a window's last timestep. A window also ends by
// itself after num_steps timesteps, and the flag that goes on says so.

// io_parallel: one call is one timestep.
template <template <class, class, class> class KERNEL, class data_T, class res_T, typename CONFIG_T>
void sctorch_timestep(data_T data[CONFIG_T::n_data], res_T result[CONFIG_T::n_result]) {
    #pragma HLS INLINE
    static typename CONFIG_T::step_t step = 0; // back at 0 on ap_rst too, and all state with it
    #pragma HLS RESET variable=step

    KERNEL<data_T, res_T, CONFIG_T>::run(data, result, step == 0);
    step = step == CONFIG_T::num_steps - 1 ? typename CONFIG_T::step_t(0) : typename CONFIG_T::step_t(step + 1);
}

// io_stream: one packet is one timestep.
template <template <class, class, class> class KERNEL, class data_T, class res_T, typename CONFIG_T>
void sctorch_timestep(hls::stream<data_T> &data, hls::stream<res_T> &result) {
    #pragma HLS INLINE
    static typename CONFIG_T::step_t step = 0;
    #pragma HLS RESET variable=step
    typename data_T::value_type values[CONFIG_T::n_data];
    typename res_T::value_type results[CONFIG_T::n_result];
    #pragma HLS ARRAY_PARTITION variable=values complete
    #pragma HLS ARRAY_PARTITION variable=results complete

    const data_T packet = data.read();
    for (unsigned i = 0; i < CONFIG_T::n_data; i++) {
        #pragma HLS UNROLL
        values[i] = packet[i];
    }
    KERNEL<typename data_T::value_type, typename res_T::value_type, CONFIG_T>::run(values, results, step == 0);
    res_T answer;
    for (unsigned i = 0; i < CONFIG_T::n_result; i++) {
        #pragma HLS UNROLL
        answer[i] = results[i];
    }
    bool last = step == CONFIG_T::num_steps - 1;
    if (CONFIG_T::has_last) {
        last = last || packet[data_T::size - 1] != 0;
        answer[res_T::size - 1] = last;
    }
    step = last ? typename CONFIG_T::step_t(0) : typename CONFIG_T::step_t(step + 1);
    result.write(answer);
}

// A kernel without loops in time takes a timestep per clock.
template <template <class, class, class> class KERNEL, class data_T, class res_T, typename CONFIG_T>
void sctorch_layer(data_T data[CONFIG_T::n_data], res_T result[CONFIG_T::n_result]) {
    #pragma HLS PIPELINE II=1
    sctorch_timestep<KERNEL, data_T, res_T, CONFIG_T>(data, result);
}

template <template <class, class, class> class KERNEL, class data_T, class res_T, typename CONFIG_T>
void sctorch_layer(hls::stream<data_T> &data, hls::stream<res_T> &result) {
    #pragma HLS PIPELINE II=1
    sctorch_timestep<KERNEL, data_T, res_T, CONFIG_T>(data, result);
}

// A kernel that pipelines loops of its own: over a timestep's ticks, or over multipliers that are used again.
template <template <class, class, class> class KERNEL, class data_T, class res_T, typename CONFIG_T>
void sctorch_looped_layer(data_T data[CONFIG_T::n_data], res_T result[CONFIG_T::n_result]) {
    sctorch_timestep<KERNEL, data_T, res_T, CONFIG_T>(data, result);
}

template <template <class, class, class> class KERNEL, class data_T, class res_T, typename CONFIG_T>
void sctorch_looped_layer(hls::stream<data_T> &data, hls::stream<res_T> &result) {
    sctorch_timestep<KERNEL, data_T, res_T, CONFIG_T>(data, result);
}

} // namespace nnet

#endif
