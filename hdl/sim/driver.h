// Drives a design compiled by CXXRTL and records what its trace ports show.
//
// The including file defines DESIGN (the class that CXXRTL wrote) and SIGNALS(X), which calls
// X(member, stage) for every traced port in order. The class is used directly and not through the C
// interface, whose description of every wire would take longer to compile than the design itself.
//
// One call runs any sequence of clocks from reset. Every traced signal comes with one bit of
// trace_valid; a row of it is recorded in each clock in which that bit is set.
#include <cstdint>
#include <cstring>

namespace sctorch {

template <size_t Bits> void assign(cxxrtl::value<Bits> &port, const uint32_t *words) {
    std::memcpy(port.data, words, sizeof port.data);
}
template <size_t Bits> const cxxrtl::value<Bits> &read(const cxxrtl::value<Bits> &port) { return port; }
template <size_t Bits> const cxxrtl::value<Bits> &read(const cxxrtl::wire<Bits> &port) { return port.curr; }
template <size_t Bits> size_t words(const cxxrtl::value<Bits> &) { return (Bits + 31) / 32; }

}  // namespace sctorch

extern "C" {

// data: [rows][words of in_data]; flags: per row bit 0 valid, bit 1 first, bit 2 last, bit 3 rst.
// buffers: per signal where its rows go, [capacity][words]; counts: rows recorded.
// Returns 0, or -1 if a signal gave more rows than fit.
int32_t sctorch_run(int64_t rows, const uint32_t *data, const uint8_t *flags, uint32_t **buffers, int64_t capacity,
                    int64_t *counts) {
    using namespace sctorch;
    DESIGN top;
    int32_t signals = 0;
#define SCTORCH_CLEAR(member, stage) counts[signals++] = 0;
    SIGNALS(SCTORCH_CLEAR)
    // A step commits registers and then stops, so combinational outputs show the state before it:
    // they are read after the step that brings the clock down, with the next inputs on the ports.
    for (int64_t row = -1; row <= rows; row++) {
        const uint32_t flag = row < 0 ? 8 : row < rows ? flags[row] : 0;  // one clock of reset before all others
        top.p_rst.data[0] = flag >> 3 & 1;
        top.p_in__valid.data[0] = flag & 1;
        top.p_in__first.data[0] = flag >> 1 & 1;
        top.p_in__last.data[0] = flag >> 2 & 1;
        if (row >= 0 && row < rows) assign(top.p_in__data, data + row * words(top.p_in__data));
        top.p_clk.data[0] = 0;
        top.step();
        const auto &valid = read(top.p_trace__valid);
        int32_t s = 0;
#define SCTORCH_RECORD(member, stage)                                                               \
    if (row >= 0 && valid.data[(stage) / 32] >> ((stage) % 32) & 1) {                                \
        if (counts[s] == capacity) return -1;                                                       \
        const auto &value = read(top.member);                                                       \
        std::memcpy(buffers[s] + counts[s]++ * words(value), value.data, sizeof value.data);        \
    }                                                                                               \
    s++;
        SIGNALS(SCTORCH_RECORD)
        top.p_clk.data[0] = 1;
        top.step();
    }
    return 0;
}

}  // extern "C"
