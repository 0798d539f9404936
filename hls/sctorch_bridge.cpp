// Runs whole windows of the exported top function in one call and records every traced layer.
// For C simulation from Python, instead of hls4ml's own bridge, which is called once per timestep.
#include "sctorch_top.h" // the project's source, SCTORCH_TOP, SCTORCH_N_IN, SCTORCH_HAS_LAST

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

struct timestep {
    const int64_t *values; // SCTORCH_N_IN of them
    bool last;             // in, and out again
    int64_t answer;
};

// io_parallel: the window's length is fixed, so there is no flag.
template <class in_T, class out_T> void call(void (*top)(in_T *, out_T *), timestep &t) {
    in_T in[SCTORCH_N_IN];
    out_T out[1];
    for (int64_t j = 0; j < SCTORCH_N_IN; j++)
        in[j] = in_T(t.values[j]);
    top(in, out);
    t.answer = int64_t(out[0]);
}

template <class in_T, class out_T>
void call(void (*top)(hls::stream<in_T> &, hls::stream<out_T> &), timestep &t) {
    static hls::stream<in_T> in("in");
    static hls::stream<out_T> out("out");
    in_T packet;
    for (int64_t j = 0; j < SCTORCH_N_IN; j++)
        packet[j] = typename in_T::value_type(t.values[j]);
    if (SCTORCH_HAS_LAST)
        packet[in_T::size - 1] = t.last;
    in.write(packet);
    top(in, out);
    const out_T answer = out.read();
    t.answer = int64_t(answer[0]);
    t.last = SCTORCH_HAS_LAST && answer[out_T::size - 1] != 0;
}

} // namespace

// inputs: [windows, rows_per_window, SCTORCH_N_IN], one row for the whole window or one per timestep.
// last: [windows, steps], the flags that go in and those that come out. answers: [steps, windows].
// traces[k]: [steps, windows, sizes[k]].
extern "C" __attribute__((visibility("default"))) void
sctorch_timesteps(int64_t windows, int64_t steps, int64_t rows_per_window, const int64_t *inputs, uint8_t *last, int64_t *answers,
            int64_t n_keys, const char *const *keys, const int64_t *sizes, int64_t *const *traces) {
    std::vector<std::vector<double>> rows(n_keys);
    std::map<std::string, void *> storage;
    for (int64_t k = 0; k < n_keys; k++) {
        rows[k].resize(sizes[k] + 1); // a packet's flag is traced too
        storage[keys[k]] = rows[k].data();
    }
    nnet::trace_outputs = &storage;
    nnet::trace_enabled = n_keys > 0;
    for (int64_t w = 0; w < windows; w++) {
        for (int64_t t = 0; t < steps; t++) {
            const int64_t row = w * rows_per_window + (rows_per_window == 1 ? 0 : t);
            timestep now = {inputs + row * SCTORCH_N_IN, last[w * steps + t] != 0, 0};
            call(&SCTORCH_TOP, now);
            last[w * steps + t] = now.last;
            answers[t * windows + w] = now.answer; // time first, as in ir.simulate
            for (int64_t k = 0; k < n_keys; k++) {
                for (int64_t i = 0; i < sizes[k]; i++)
                    traces[k][(t * windows + w) * sizes[k] + i] = int64_t(rows[k][i]);
            }
        }
    }
    nnet::trace_enabled = false;
    nnet::trace_outputs = NULL;
}
