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
constexpr int64_t ROWS = 4;   // rows (of one timestep's batch, or of several) that share one load of the weights
constexpr int64_t TOGETHER = 64;  // rows whose bits are packed at a time

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

// The word of n bytes, 64 at most, in which any bit of `which` is set.
Word pack(const uint8_t* bits, int64_t n, uint8_t which = 255) {
#if WIDE
    __mmask64 part = n >= 64 ? ~0ull : (1ull << n) - 1;
    return _mm512_test_epi8_mask(_mm512_maskz_loadu_epi8(part, bits), _mm512_set1_epi8(char(which)));
#else
    uint8_t bytes[64] = {0};
    for (int64_t k = 0; k < std::min<int64_t>(n, 64); ++k) bytes[k] = (bits[k] & which) != 0;
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

typedef Word Words __attribute__((vector_size(8 * LANES)));

Words load(const Word* from) {
    Words words;
    std::memcpy(&words, from, sizeof words);
    return words;
}

// The whole number |weight|; what is no number weighs nothing, as in torch, where no comparison with it holds.
int32_t magnitude_of(float weight) {
    float size = std::fabs(weight);
    return size < 256.0f ? int32_t(size) : 0;
}

// Weights by word of inputs and neuron: the bits of 64 magnitudes, lowest plane first, and the word of their signs.
struct Weights {
    int64_t words, width, planes;
    std::vector<Word> magnitude, negative;

    Weights(const float* weight, int64_t n_out, int64_t n_in)
        : words((n_in + 63) / 64), width((n_out + LANES - 1) / LANES * LANES), planes(0) {
        int32_t any = 0;
        for (int64_t k = 0; k < n_out * n_in; ++k) any |= magnitude_of(weight[k]);
        while (any >> planes) ++planes;
        magnitude.resize(words * planes * width);
        negative.resize(words * width);
        for (int64_t w = 0; w < words; ++w)
            for (int64_t i = 0; i < n_out; ++i) {
                float row[64] = {0};
                uint8_t absolute[64], below[64];
                std::copy_n(weight + i * n_in + w * 64, std::min<int64_t>(64, n_in - w * 64), row);
                for (int k = 0; k < 64; ++k) absolute[k] = uint8_t(magnitude_of(row[k]));
                for (int k = 0; k < 64; ++k) below[k] = row[k] < 0.0f;
                negative[w * width + i] = pack(below, 64);
                for (int64_t p = 0; p < planes; ++p)
                    magnitude[(w * planes + p) * width + i] = pack(absolute, 64, uint8_t(1 << p));
            }
    }

    // The weights' bits of one tick; random holds words * 64 values.
    void sample(const uint8_t* random, Word* positive_bits, Word* negative_bits) const {
        for (int64_t w = 0; w < words; ++w) {
            uint8_t level[64];
            for (int k = 0; k < 64; ++k) level[k] = std::min<int>(random[w * 64 + k], (1 << planes) - 1);
            Word clear[8];
            for (int64_t p = 0; p < planes; ++p) clear[p] = ~pack(level, 64, uint8_t(1 << p));
            const Word* bits = magnitude.data() + w * planes * width;  // empty where every weight is 0
            for (int64_t i = 0; i < width; i += LANES) {
                // |w| > R up to a plane: if w has its bit and R has not, or if they agree and it was so before
                Words on = {};
                for (int64_t p = 0; p < planes; ++p) {
                    Words bit = load(bits + p * width + i);
                    on = (bit & clear[p]) | (on & (bit | clear[p]));
                }
                Words sign = load(&negative[w * width + i]), below = on & sign, above = on & ~sign;
                std::memcpy(negative_bits + w * width + i, &below, sizeof below);
                std::memcpy(positive_bits + w * width + i, &above, sizeof above);
            }
        }
    }
};

// rows[r][i] (+)= popcount(s & positive) - popcount(s & negative) for R rows and the eight neurons from i on
template <int R>
void product(const Word* spikes, int64_t words, const Word* positive, const Word* negative, int64_t width,
             float* const* rows, int64_t i, int64_t n_out, bool add) {
#if WIDE
    __m512i sum[R];
    for (int r = 0; r < R; ++r) sum[r] = _mm512_setzero_si512();
    for (int64_t w = 0; w < words; ++w) {
        __m512i p = _mm512_loadu_si512(positive + w * width + i), q = _mm512_loadu_si512(negative + w * width + i);
        for (int r = 0; r < R; ++r) {
            __m512i s = _mm512_set1_epi64(int64_t(spikes[r * words + w]));
            sum[r] = _mm512_add_epi64(sum[r], _mm512_popcnt_epi64(_mm512_and_si512(s, p)));
            sum[r] = _mm512_sub_epi64(sum[r], _mm512_popcnt_epi64(_mm512_and_si512(s, q)));
        }
    }
    __mmask8 part = n_out - i >= LANES ? 0xff : (1u << (n_out - i)) - 1;
    for (int r = 0; r < R; ++r) {
        __m256 value = _mm512_cvtepi64_ps(sum[r]);
        if (add) value = _mm256_add_ps(value, _mm256_maskz_loadu_ps(part, rows[r] + i));
        _mm256_mask_storeu_ps(rows[r] + i, part, value);
    }
#else
    for (int r = 0; r < R; ++r)
        for (int64_t k = i; k < std::min(n_out, i + LANES); ++k) {
            int64_t sum = 0;
            for (int64_t w = 0; w < words; ++w) {
                Word s = spikes[r * words + w];
                sum += __builtin_popcountll(s & positive[w * width + k]);
                sum -= __builtin_popcountll(s & negative[w * width + k]);
            }
            rows[r][k] = float(sum) + (add ? rows[r][k] : 0.0f);
        }
#endif
}

// Ticks after which a source starts again; it does so often in a window, and weights are then sampled only once.
int64_t period_of(const float* random, int64_t ticks, int64_t n) {
    for (int64_t p = 1; p < ticks; ++p)
        if (random[0] == random[p * n] && !std::memcmp(random, random + p * n, (ticks - p) * n * sizeof(float))) return p;
    return ticks;
}

template <class Bit>
void currents(const Bit* bits, const float* weight, const float* random, float* current, int64_t steps, int64_t length,
              int64_t batch, int64_t n_in, int64_t n_out, int threads) {
    Weights weights(weight, n_out, n_in);
    int64_t words = weights.words, width = weights.width;
    // One piece of work is the timesteps with the same weights, or, where those are few, some rows of them.
    int64_t period = length == 1 ? period_of(random, steps, n_in) : steps;
    int64_t pieces = std::clamp<int64_t>((4 * threads + period - 1) / period, 1, (batch + 15) / 16);
    int64_t rows = (batch + pieces - 1) / pieces;
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        std::vector<uint8_t> level(words * 64, 255);
        std::vector<Word> positive(words * width), negative(words * width), spikes(TOGETHER * words);
        float* out[TOGETHER];
#pragma omp for schedule(dynamic)
        for (int64_t piece = 0; piece < period * pieces; ++piece) {
            int64_t first = (piece % pieces) * rows, count = std::min(rows, batch - first);
            if (count <= 0) continue;
            // Either a timestep is one tick, and others follow with the same weights, or it has several of its own.
            int64_t from = piece / pieces * length, alike = length == 1 ? (steps - from + period - 1) / period : 1;
            for (int64_t tick = from; tick < from + length; ++tick) {
                for (int64_t j = 0; j < n_in; ++j) level[j] = uint8_t(int32_t(random[tick * n_in + j]));
                weights.sample(level.data(), positive.data(), negative.data());
                int64_t now = tick, b = first, left = alike * count;
                while (left > 0) {
                    int64_t n = std::min(TOGETHER, left);
                    for (int64_t k = 0; k < n; ++k) {
                        for (int64_t w = 0; w < words; ++w)
                            spikes[k * words + w] = pack(bits + (now * batch + b) * n_in + 64 * w, n_in - 64 * w);
                        out[k] = current + ((length == 1 ? now : piece / pieces) * batch + b) * n_out;
                        if (++b == first + count) b = first, now += period;
                    }
                    left -= n;
                    for (int64_t i = 0; i < n_out; i += LANES) {
                        int64_t k = 0;
                        for (; k + ROWS <= n; k += ROWS)
                            product<ROWS>(&spikes[k * words], words, positive.data(), negative.data(), width, out + k,
                                          i, n_out, tick > from);
                        for (; k < n; ++k)
                            product<1>(&spikes[k * words], words, positive.data(), negative.data(), width, out + k, i,
                                       n_out, tick > from);
                    }
                }
            }
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
}  // extern "C"
