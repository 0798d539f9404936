// Drives a design whose in_ready may be low: a beat stays on the port until it is taken (the rule of AXI-Stream).
//
// As driver.h, which it includes; besides, the design's trace build has trace_busy, which says that work is under way.
// STEPS_PORT is defined for a design with a port `steps`.
#include "driver.h"

extern "C" {

// data, flags: as for sctorch_run; a row with valid lasts until in_ready, any other one clock. steps: per row.
// buffers: per signal where its rows go, [capacities][words]; counts: rows recorded.
// clocks: the clock of every row of the last signal. Ends when all rows are gone and nothing is under way.
// Returns 0, -1 if a signal gave more rows than fit, or -2 if nothing moved for `patience` clocks.
int32_t sctorch_stream(int64_t rows, const uint32_t *data, const uint8_t *flags, const uint32_t *steps,
                       uint32_t **buffers, const int64_t *capacities, int64_t *counts, int64_t *clocks,
                       int64_t patience) {
    using namespace sctorch;
    DESIGN top;
    int32_t signals = 0;
#define SCTORCH_ZERO(member, stage) counts[signals++] = 0;
    SIGNALS(SCTORCH_ZERO)
    int64_t waited = 0;
    for (int64_t row = -1, clock = 0;; clock++) {
        const uint32_t flag = row < 0 ? 8 : row < rows ? flags[row] : 0;
        top.p_rst.data[0] = flag >> 3 & 1;
        top.p_in__valid.data[0] = flag & 1;
        top.p_in__first.data[0] = flag >> 1 & 1;
        top.p_in__last.data[0] = flag >> 2 & 1;
        if (row >= 0 && row < rows) {
            assign(top.p_in__data, data + row * words(top.p_in__data));
#ifdef STEPS_PORT
            top.p_steps.data[0] = steps[row];
#endif
        }
        top.p_clk.data[0] = 0;
        top.step();
        const auto &valid = read(top.p_trace__valid);
        const bool ready = read(top.p_in__ready).data[0] & 1, busy = read(top.p_trace__busy).data[0] & 1;
        int32_t s = 0;
#define SCTORCH_KEEP(member, stage)                                                                 \
    if (row >= 0 && valid.data[(stage) / 32] >> ((stage) % 32) & 1) {                               \
        if (counts[s] == capacities[s]) return -1;                                                  \
        const auto &value = read(top.member);                                                       \
        if (s == signals - 1) clocks[counts[s]] = clock;                                            \
        std::memcpy(buffers[s] + counts[s]++ * words(value), value.data, sizeof value.data);        \
        waited = 0;                                                                                 \
    }                                                                                               \
    s++;
        SIGNALS(SCTORCH_KEEP)
        top.p_clk.data[0] = 1;
        top.step();
        if (row >= rows) {
            if (!busy) return 0;
        } else if (row < 0 || (flag & 9) != 1 || ready) {
            row++;
            waited = 0;
        }
        if (waited++ > patience) return -2;
    }
}

}  // extern "C"
