// The membranes of membranes.py, one pass over time forward and one backward; see currents.cpp.
// An element is one neuron of one row of the batch; a block of them walks through time with its state in the L1 cache.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

extern "C" {
struct Rule {
    int32_t leak, at_least, reset, delay;
    float leak_scale;  // 2^-shift
    float gain;        // membrane units of one unit of current
    float unit;        // 2^-frac: the surrogate takes value units
    float beta;        // real factor of the leak, except of a multiply leak
};
}

namespace {

enum Leak { LEAK_NONE, LEAK_SHIFT, LEAK_MULTIPLY };
enum Reset { RESET_NONE, RESET_SUBTRACT, RESET_ZERO };
constexpr int64_t BLOCK = 128;
constexpr float PI = 3.14159265358979f;

// Thresholds and factors, one (size 1) or one per neuron; null where the rule has none.
struct Values {
    const float *threshold, *factor;
    int64_t n_threshold, n_factor;
};

float just_below(float x) {
    if (x == 0.0f) return -1e-38f;
    int32_t bits;
    std::memcpy(&bits, &x, 4);
    bits += x > 0 ? -1 : 1;
    std::memcpy(&x, &bits, 4);
    return x;
}

// The values of `count` elements from `first` on, in rows of n.
void spread(const float* values, int64_t n, int64_t first, int64_t count, float* to) {
    for (int64_t k = 0, i = first % n; k < count; ++k, i = i + 1 == n ? 0 : i + 1) to[k] = values[i];
}

// A processor foresees no leap to the next timestep.
inline void fetch(const float* row, int64_t n) {
    for (int64_t k = 0; k < n; k += 16) __builtin_prefetch(row + k);
}

struct Block {
    float threshold[BLOCK], fire_above[BLOCK], factor[BLOCK];

    Block(const Rule& rule, const Values& values, int64_t first, int64_t count) {
        if (values.factor) spread(values.factor, values.n_factor, first, count, factor);
        if (!values.threshold) return;
        spread(values.threshold, values.n_threshold, first, count, threshold);
        // u >= threshold where u > the float just below it
        for (int64_t k = 0; k < count; ++k) fire_above[k] = rule.at_least ? just_below(threshold[k]) : threshold[k];
    }
};

template <int RESET>
inline float reset(float mem, float spike, float threshold) {
    if (RESET == RESET_SUBTRACT) return mem - spike * threshold;
    return RESET == RESET_ZERO ? mem * (1.0f - spike) : mem;
}

template <int LEAK, int RESET, bool DELAY>
void forward_block(const Rule& rule, const Block& p, const float* current, float* charged, float* spikes, float* after,
                   int64_t steps, int64_t elements, int64_t n) {
    float mem[BLOCK] = {0}, unkept[BLOCK] = {0};
    const float* spiked = unkept;  // of the timestep before
    for (int64_t t = 0; t < steps; ++t) {
        const float* now = current + t * elements;
        if (t + 1 < steps) fetch(now + elements, n);
        float* u_out = charged + t * elements;
        float* s_out = spikes ? spikes + t * elements : unkept;
        for (int64_t k = 0; k < n; ++k) {
            float u = mem[k];
            if (LEAK == LEAK_SHIFT) u -= std::floor(u * rule.leak_scale);
            if (LEAK == LEAK_MULTIPLY) u = std::floor(u * p.factor[k] * rule.leak_scale);
            if (DELAY) u = reset<RESET>(u, spiked[k], p.threshold[k]);
            u += now[k] * rule.gain;
            u_out[k] = u;
            float spike = spikes && u > p.fire_above[k] ? 1.0f : 0.0f;
            s_out[k] = spike;
            mem[k] = DELAY ? u : reset<RESET>(u, spike, p.threshold[k]);
        }
        spiked = s_out;
        if (after) std::copy_n(mem, n, after + t * elements);
    }
}

template <int LEAK, int RESET, bool DELAY>
void forward(const Rule& rule, const Values& values, const float* current, float* charged, float* spikes, float* after,
             int64_t steps, int64_t elements, int threads) {
#pragma omp parallel for schedule(dynamic, 16) num_threads(threads) if (threads > 1)
    for (int64_t first = 0; first < elements; first += BLOCK) {
        int64_t count = std::min(BLOCK, elements - first);
        Block block(rule, values, first, count);
        forward_block<LEAK, RESET, DELAY>(rule, block, current + first, charged + first,
                                          spikes ? spikes + first : nullptr, after ? after + first : nullptr, steps,
                                          elements, count);
    }
}

// charged is null for a membrane that never fires; slope is null for the arctangent.
void backward_block(const Rule& rule, const Block& p, const float* grad, const float* charged, const float* slope,
                    float* result, int64_t steps, int64_t elements, int64_t n) {
    float carry[BLOCK] = {0}, beta[BLOCK];
    for (int64_t k = 0; k < n; ++k) beta[k] = rule.leak == LEAK_MULTIPLY ? p.factor[k] * rule.leak_scale : rule.beta;
    for (int64_t t = steps - 1; t >= 0; --t) {
        int64_t at = t * elements;
        if (t > 0) {
            fetch(grad + at - elements, n);
            if (charged) fetch(charged + at - elements, n);
        }
        if (charged && rule.reset == RESET_ZERO)
            for (int64_t k = 0; k < n; ++k) carry[k] = charged[at + k] > p.fire_above[k] ? 0.0f : carry[k];
        if (!charged) {
            for (int64_t k = 0; k < n; ++k) carry[k] = grad[at + k] + beta[k] * carry[k];
        } else if (slope) {
            for (int64_t k = 0; k < n; ++k)
                carry[k] = grad[at + k] * slope[at + k] * rule.unit + beta[k] * carry[k];
        } else {
            for (int64_t k = 0; k < n; ++k) {
                float x = PI * rule.unit * (charged[at + k] - p.threshold[k]);
                carry[k] = grad[at + k] * rule.unit / (1.0f + x * x) + beta[k] * carry[k];
            }
        }
        for (int64_t k = 0; k < n; ++k) result[at + k] = carry[k] * rule.gain;
    }
}

using Forward = void (*)(const Rule&, const Values&, const float*, float*, float*, float*, int64_t, int64_t, int);

template <int LEAK>
Forward forward_of(const Rule& rule, bool fires) {
    if (fires && rule.reset == RESET_SUBTRACT)
        return rule.delay ? forward<LEAK, RESET_SUBTRACT, true> : forward<LEAK, RESET_SUBTRACT, false>;
    if (fires && rule.reset == RESET_ZERO)
        return rule.delay ? forward<LEAK, RESET_ZERO, true> : forward<LEAK, RESET_ZERO, false>;
    return forward<LEAK, RESET_NONE, true>;
}

}  // namespace

extern "C" {

// Without thresholds nothing fires. spikes and after (membranes behind an at-once reset) may be null.
void sct_forward(const Rule* rule, const float* threshold, int64_t n_threshold, const float* factor, int64_t n_factor,
                 const float* current, float* charged, float* spikes, float* after, int64_t steps, int64_t elements,
                 int32_t threads) {
    Forward run = rule->leak == LEAK_SHIFT      ? forward_of<LEAK_SHIFT>(*rule, threshold)
                  : rule->leak == LEAK_MULTIPLY ? forward_of<LEAK_MULTIPLY>(*rule, threshold)
                                                : forward_of<LEAK_NONE>(*rule, threshold);
    run(*rule, Values{threshold, factor, n_threshold, n_factor}, current, charged, spikes, after, steps, elements,
        threads);
}

void sct_backward(const Rule* rule, const float* threshold, int64_t n_threshold, const float* factor, int64_t n_factor,
                  const float* grad, const float* charged, const float* slope, float* result, int64_t steps,
                  int64_t elements, int32_t threads) {
    Values values{threshold, factor, n_threshold, n_factor};
#pragma omp parallel for schedule(dynamic, 16) num_threads(threads) if (threads > 1)
    for (int64_t first = 0; first < elements; first += BLOCK) {
        int64_t count = std::min(BLOCK, elements - first);
        Block block(*rule, values, first, count);
        backward_block(*rule, block, grad + first, charged ? charged + first : nullptr,
                       slope ? slope + first : nullptr, result + first, steps, elements, count);
    }
}
}  // extern "C"
