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
            for (int64_t word = 0; word < words; ++word) {
                const float* from = weight + i * n_in + word * 64;
                int64_t n = std::min<int64_t>(64, n_in - word * 64), at = word * width + i;
                uint8_t below[64] = {0};
                for (int64_t k = 0; k < n; ++k) {
                    magnitude[at * 64 + k] = uint8_t(int32_t(std::fabs(from[k])));
                    below[k] = from[k] < 0.0f;
                }
                negative[at] = pack(below, 64);
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
        std::vector<Word> positive(words * width), negative(words * width), spikes(rows * words);
#pragma omp for schedule(dynamic)
        for (int64_t piece = 0; piece < period * pieces; ++piece) {
            int64_t first = (piece % pieces) * rows, count = std::min(rows, batch - first);
            if (count <= 0) continue;
            // Either a timestep is one tick, and others follow with the same weights, or it has several of its own.
            int64_t stride = length == 1 ? period : 1, from = piece / pieces * length;
            int64_t end = length == 1 ? steps : from + length;
            for (int64_t tick = from; tick < end; tick += stride) {
                int64_t t = tick / length;
                if (length > 1 || tick == from) {
                    for (int64_t j = 0; j < n_in; ++j) level[j] = uint8_t(int32_t(random[tick * n_in + j]));
                    weights.sample(level.data(), positive.data(), negative.data());
                }
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
