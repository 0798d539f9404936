// The gradient of stochastic weights; see currents.cpp.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

// Groups of GROUP ticks: a byte per row and input holds their bits. The gradient of a weight is a sum of rows of the
// current's gradient over the ticks with a bit; a table of the 2^GROUP sums of one group turns GROUP additions into one.
// GROUP is that of calls.py.
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
