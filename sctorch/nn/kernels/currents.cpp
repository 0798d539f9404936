// Compiled once per machine by loader.py and called through ctypes; each function has an equal in torch,
// in currents.py, which stays the reference. Plain C++17, with AVX-512 where the compiler has it.
// Every result is independent of the number of threads.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>
#if defined(__AVX512BW__) && defined(__AVX512VPOPCNTDQ__)
#include <immintrin.h>
#define WIDE 1
#else
#define WIDE 0
#endif

namespace {

using Word = uint64_t;
constexpr int64_t LANES = 8;  // neurons that one 512-bit register holds, one word each
constexpr int64_t ROWS = 4;   // batch rows that share one load of the weights

#if !WIDE
// 64 bytes, each 0 or 1, become one word.
Word gather(const uint8_t* bytes) {
    Word word = 0;
    for (int k = 0; k < 8; ++k) {
        Word eight;
        std::memcpy(&eight, bytes + 8 * k, 8);
        word |= ((eight * 0x0102040810204080ull) >> 56) << (8 * k);
    }
    return word;
}
#endif

Word pack(const uint8_t* bits, int64_t n) {
#if WIDE
    __mmask64 part = n >= 64 ? ~0ull : (1ull << n) - 1;
    __m512i x = _mm512_maskz_loadu_epi8(part, bits);
    return _mm512_test_epi8_mask(x, x);
#else
    uint8_t bytes[64] = {0};
    for (int64_t k = 0; k < std::min<int64_t>(n, 64); ++k) bytes[k] = bits[k] != 0;
    return gather(bytes);
#endif
}

Word pack(const float* bits, int64_t n) {
#if WIDE
    Word word = 0;
    for (int64_t k = 0; k < std::min<int64_t>(n, 64); k += 16) {
        __mmask16 part = n - k >= 16 ? 0xffff : (1u << (n - k)) - 1;
        __m512 x = _mm512_maskz_loadu_ps(part, bits + k);
        word |= Word(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NEQ_UQ)) << k;
    }
    return word;
#else
    uint8_t bytes[64] = {0};
    for (int64_t k = 0; k < std::min<int64_t>(n, 64); ++k) bytes[k] = bits[k] != 0;
    return gather(bytes);
#endif
}

Word above(const uint8_t* magnitude, const uint8_t* random) {
#if WIDE
    return _mm512_cmpgt_epu8_mask(_mm512_loadu_si512(magnitude), _mm512_loadu_si512(random));
#else
    uint8_t bytes[64];
    for (int k = 0; k < 64; ++k) bytes[k] = magnitude[k] > random[k];
    return gather(bytes);
#endif
}

// Weights by word of inputs and neuron: 64 magnitudes and the word of their signs.
struct Weights {
    int64_t words, width;
    std::vector<uint8_t> magnitude;
    std::vector<Word> negative;

    Weights(const float* weight, int64_t n_out, int64_t n_in)
        : words((n_in + 63) / 64), width((n_out + LANES - 1) / LANES * LANES),
          magnitude(words * width * 64), negative(words * width) {
        for (int64_t i = 0; i < n_out; ++i)
            for (int64_t j = 0; j < n_in; ++j) {
                float w = weight[i * n_in + j];
                magnitude[((j / 64) * width + i) * 64 + j % 64] = uint8_t(std::fabs(w));
                negative[(j / 64) * width + i] |= Word(w < 0) << (j % 64);
            }
    }

    // The weights' bits of one tick; random holds words * 64 values.
    void sample(const uint8_t* random, Word* positive_bits, Word* negative_bits) const {
        for (int64_t w = 0; w < words; ++w)
            for (int64_t i = 0; i < width; ++i) {
                int64_t at = w * width + i;
                Word on = above(&magnitude[at * 64], random + w * 64);
                positive_bits[at] = on & ~negative[at];
                negative_bits[at] = on & negative[at];
            }
    }
};

// current[r][i] (+)= popcount(s & positive) - popcount(s & negative) for R rows and eight neurons
template <int R>
void product(const Word* spikes, int64_t words, const Word* positive, const Word* negative, int64_t width,
             float* current, int64_t stride, int64_t n, bool add) {
#if WIDE
    __m512i sum[R];
    for (int r = 0; r < R; ++r) sum[r] = _mm512_setzero_si512();
    for (int64_t w = 0; w < words; ++w) {
        __m512i p = _mm512_loadu_si512(positive + w * width), q = _mm512_loadu_si512(negative + w * width);
        for (int r = 0; r < R; ++r) {
            __m512i s = _mm512_set1_epi64(int64_t(spikes[r * words + w]));
            sum[r] = _mm512_add_epi64(sum[r], _mm512_popcnt_epi64(_mm512_and_si512(s, p)));
            sum[r] = _mm512_sub_epi64(sum[r], _mm512_popcnt_epi64(_mm512_and_si512(s, q)));
        }
    }
    __mmask8 part = n >= LANES ? 0xff : (1u << n) - 1;
    for (int r = 0; r < R; ++r) {
        __m256 value = _mm512_cvtepi64_ps(sum[r]);
        if (add) value = _mm256_add_ps(value, _mm256_maskz_loadu_ps(part, current + r * stride));
        _mm256_mask_storeu_ps(current + r * stride, part, value);
    }
#else
    for (int r = 0; r < R; ++r)
        for (int64_t i = 0; i < std::min(n, LANES); ++i) {
            int64_t sum = 0;
            for (int64_t w = 0; w < words; ++w) {
                Word s = spikes[r * words + w];
                sum += __builtin_popcountll(s & positive[w * width + i]);
                sum -= __builtin_popcountll(s & negative[w * width + i]);
            }
            current[r * stride + i] = float(sum) + (add ? current[r * stride + i] : 0.0f);
        }
#endif
}

template <class Bit>
void currents(const Bit* bits, const float* weight, const float* random, float* current, int64_t steps, int64_t length,
              int64_t batch, int64_t n_in, int64_t n_out, int threads) {
    Weights weights(weight, n_out, n_in);
    int64_t words = weights.words, width = weights.width;
    // One piece of work is one timestep, or, where those are few, some rows of it.
    int64_t pieces = std::clamp<int64_t>((4 * threads + steps - 1) / steps, 1, (batch + 15) / 16);
    int64_t rows = (batch + pieces - 1) / pieces;
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        std::vector<uint8_t> level(words * 64, 255);
        std::vector<Word> positive(words * width), negative(words * width), spikes(rows * words);
#pragma omp for schedule(static)
        for (int64_t piece = 0; piece < steps * pieces; ++piece) {
            int64_t t = piece / pieces, first = (piece % pieces) * rows, count = std::min(rows, batch - first);
            for (int64_t tick = t * length; tick < (t + 1) * length && count > 0; ++tick) {
                for (int64_t j = 0; j < n_in; ++j) level[j] = uint8_t(random[tick * n_in + j]);
                weights.sample(level.data(), positive.data(), negative.data());
                for (int64_t b = 0; b < count; ++b)
                    for (int64_t w = 0; w < words; ++w)
                        spikes[b * words + w] = pack(bits + (tick * batch + first + b) * n_in + 64 * w, n_in - 64 * w);
                bool add = tick > t * length;
                float* out = current + (t * batch + first) * n_out;
                int64_t b = 0;
                for (; b + ROWS <= count; b += ROWS)
                    for (int64_t i = 0; i < n_out; i += LANES)
                        product<ROWS>(&spikes[b * words], words, &positive[i], &negative[i], width,
                                      out + b * n_out + i, n_out, n_out - i, add);
                for (; b < count; ++b)
                    for (int64_t i = 0; i < n_out; i += LANES)
                        product<1>(&spikes[b * words], words, &positive[i], &negative[i], width, out + b * n_out + i,
                                   n_out, n_out - i, add);
            }
        }
    }
}

// Groups of GROUP ticks: a byte per row and input holds their bits. The gradient of a weight is a sum of rows of the
// current's gradient over the ticks with a bit; a table of the 2^GROUP sums of one group turns GROUP additions into one.
constexpr int64_t GROUP = 5, TABLE = 1 << GROUP, MOST = 5;

template <class Bit>
void group_bits(const Bit* bits, uint8_t* grouped, int64_t steps, int64_t row, int threads) {
    int64_t groups = (steps + GROUP - 1) / GROUP, block = 4096, blocks = (row + block - 1) / block;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t piece = 0; piece < groups * blocks; ++piece) {
        int64_t g = piece / blocks, from = (piece % blocks) * block, n = std::min(block, row - from);
        uint8_t* out = grouped + g * row + from;
        std::memset(out, 0, n);
        for (int64_t q = 0; q < GROUP && g * GROUP + q < steps; ++q) {
            const Bit* in = bits + (g * GROUP + q) * row + from;
            for (int64_t k = 0; k < n; ++k) out[k] |= uint8_t(in[k] != 0) << q;
        }
    }
}

typedef float Vector __attribute__((vector_size(64)));

template <int V>
struct Row {
    Vector v[V];
};

template <int V, int G>
void add_rows(const Row<V>* tables, const uint8_t* grouped, int64_t stride, int64_t n, Row<V>* sum) {
    for (int64_t j = 0; j < n; ++j) {
        const Row<V>* from[G];
        int any = 0;
        for (int g = 0; g < G; ++g) {
            int index = grouped[g * stride + j];
            any |= index;
            from[g] = tables + g * TABLE + index;
        }
        if (!any) continue;
        for (int v = 0; v < V; ++v) {
            Vector s = sum[j].v[v];
            for (int g = 0; g < G; ++g) s += from[g]->v[v];
            sum[j].v[v] = s;
        }
    }
}

template <int V>
void weight_gradient(const float* grad, const uint8_t* grouped, float* result, int64_t steps, int64_t batch,
                     int64_t n_in, int64_t n_out, int threads) {
    constexpr int64_t W = 16 * V;
    int64_t groups = (steps + GROUP - 1) / GROUP, passes = (groups + MOST - 1) / MOST;
    int64_t most = (groups + passes - 1) / passes;
    int64_t part = std::max<int64_t>(64, (n_in + threads - 1) / threads);  // inputs of one piece of work
    int64_t parts = (n_in + part - 1) / part, blocks = (n_out + W - 1) / W;
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        std::vector<Row<V>> sums(part), tables(MOST * TABLE);
#pragma omp for schedule(static)
        for (int64_t piece = 0; piece < parts * blocks; ++piece) {
            int64_t from = (piece % parts) * part, n = std::min(part, n_in - from);
            int64_t out = (piece / parts) * W, lanes = std::min(W, n_out - out);
            std::fill(sums.begin(), sums.end(), Row<V>{});
            for (int64_t b = 0; b < batch; ++b)
                for (int64_t first = 0; first < groups; first += most) {
                    int64_t count = std::min(most, groups - first);
                    for (int64_t g = 0; g < count; ++g) {
                        Row<V>* table = &tables[g * TABLE];
                        table[0] = Row<V>{};
                        for (int64_t q = 0; q < GROUP; ++q) {
                            int64_t t = (first + g) * GROUP + q;
                            if (t >= steps) break;
                            Row<V> row{};
                            std::memcpy(&row, grad + (t * batch + b) * n_out + out, lanes * sizeof(float));
                            for (int64_t k = 0; k < (1 << q); ++k)
                                for (int v = 0; v < V; ++v) table[(1 << q) + k].v[v] = table[k].v[v] + row.v[v];
                        }
                    }
                    const uint8_t* index = grouped + (first * batch + b) * n_in + from;
                    int64_t stride = batch * n_in;
                    switch (count) {
                        case 1: add_rows<V, 1>(tables.data(), index, stride, n, sums.data()); break;
                        case 2: add_rows<V, 2>(tables.data(), index, stride, n, sums.data()); break;
                        case 3: add_rows<V, 3>(tables.data(), index, stride, n, sums.data()); break;
                        case 4: add_rows<V, 4>(tables.data(), index, stride, n, sums.data()); break;
                        default: add_rows<V, 5>(tables.data(), index, stride, n, sums.data());
                    }
                }
            for (int64_t i = 0; i < lanes; ++i)
                for (int64_t j = 0; j < n; ++j) result[(out + i) * n_in + from + j] = sums[j].v[i / 16][i % 16];
        }
    }
}

}  // namespace

extern "C" {

void sct_currents(const void* bits, int64_t bytes, const float* weight, const float* random, float* current,
                  int64_t steps, int64_t length, int64_t batch, int64_t n_in, int64_t n_out, int32_t threads) {
    if (bytes)
        currents((const uint8_t*)bits, weight, random, current, steps, length, batch, n_in, n_out, threads);
    else
        currents((const float*)bits, weight, random, current, steps, length, batch, n_in, n_out, threads);
}

void sct_group_bits(const void* bits, int64_t bytes, uint8_t* grouped, int64_t steps, int64_t row, int32_t threads) {
    if (bytes)
        group_bits((const uint8_t*)bits, grouped, steps, row, threads);
    else
        group_bits((const float*)bits, grouped, steps, row, threads);
}

void sct_weight_gradient(const float* grad, const uint8_t* grouped, float* result, int64_t steps, int64_t batch,
                         int64_t n_in, int64_t n_out, int32_t threads) {
    auto run = n_out <= 16 ? weight_gradient<1> : n_out <= 32 ? weight_gradient<2> : weight_gradient<4>;
    run(grad, grouped, result, steps, batch, n_in, n_out, threads);
}
}  // extern "C"
