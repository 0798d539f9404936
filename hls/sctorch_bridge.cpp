// Runs whole windows of the exported top function in one call and records every traced layer.
// For C simulation from Python, instead of hls4ml's own bridge, which is called once per timestep.
#include "sctorch_top.h" // the project's source, SCTORCH_TOP, SCTORCH_N_IN, SCTORCH_N_OUT, SCTORCH_NUM_STEPS

#include "firmware/nnet_utils/nnet_helpers.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace nnet {
bool trace_enabled = false;
std::map<std::string, void *> *trace_outputs = NULL;
size_t trace_type_size = sizeof(double); // exact: no traced value is wider than 53 bits
} // namespace nnet

namespace {

template <class in_T, class out_T>
void run_windows(void (*top)(in_T *, out_T *), int64_t windows, int64_t rows_per_window, const int64_t *inputs,
                 int64_t *answers, int64_t n_keys, const int64_t *sizes, std::vector<std::vector<double>> &rows,
                 int64_t *const *traces) {
    std::vector<in_T> in(SCTORCH_N_IN);
    std::vector<out_T> out(SCTORCH_N_OUT);
    for (int64_t w = 0; w < windows; w++) {
        for (int64_t t = 0; t < SCTORCH_NUM_STEPS; t++) {
            const int64_t *values = inputs + (w * rows_per_window + (rows_per_window == 1 ? 0 : t)) * SCTORCH_N_IN;
            for (int64_t j = 0; j < SCTORCH_N_IN; j++)
                in[j] = in_T(values[j]);
            top(in.data(), out.data());
            const int64_t row = t * windows + w; // time first, as in ir.simulate
            for (int64_t i = 0; i < SCTORCH_N_OUT; i++)
                answers[row * SCTORCH_N_OUT + i] = int64_t(out[i]);
            for (int64_t k = 0; k < n_keys; k++) {
                for (int64_t i = 0; i < sizes[k]; i++)
                    traces[k][row * sizes[k] + i] = int64_t(rows[k][i]);
            }
        }
    }
}

} // namespace

// inputs: [windows, rows_per_window, SCTORCH_N_IN], one row for the whole window or one per timestep.
// answers: [SCTORCH_NUM_STEPS, windows, SCTORCH_N_OUT]. traces[k]: [SCTORCH_NUM_STEPS, windows, sizes[k]].
extern "C" __attribute__((visibility("default"))) void sctorch_run(int64_t windows, int64_t rows_per_window,
                                                                   const int64_t *inputs, int64_t *answers, int64_t n_keys,
                                                                   const char *const *keys, const int64_t *sizes,
                                                                   int64_t *const *traces) {
    std::vector<std::vector<double>> rows(n_keys);
    std::map<std::string, void *> storage;
    for (int64_t k = 0; k < n_keys; k++) {
        rows[k].resize(sizes[k]);
        storage[keys[k]] = rows[k].data();
    }
    nnet::trace_outputs = &storage;
    nnet::trace_enabled = n_keys > 0;
    run_windows(&SCTORCH_TOP, windows, rows_per_window, inputs, answers, n_keys, sizes, rows, traces);
    nnet::trace_enabled = false;
    nnet::trace_outputs = NULL;
}
