// The parts of a decode step between its matrix products, one call each.
//
// Activations are T (float or bfloat16), sums are float. Nothing here knows of torch: pointers and
// sizes come from `rollout/fused/compiled_ops.py`, which checks them. Loops over rows are shared among
// OpenMP threads; the runtime is the one that torch has loaded.

#include "numbers.h"

#include <type_traits>
#include <vector>

namespace {

template <class T>
void norm_row(const float* x, const float* factor, float eps, int64_t size, T* out) {
  float scale = 1.0f / std::sqrt(mean_square(x, size) + eps);
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) store(out + i, x[i] * scale * factor[i]);
}

// residual += branch, or += the branch's own norm; out = norm of the residual.
template <class T>
void add_and_norm(float* residual, const T* branch, const float* branch_factor, const float* factor,
                  float eps, int64_t rows, int64_t size, T* out, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t row = 0; row < rows; ++row) {
    float* x = residual + row * size;
    if (branch) {
      const T* added = branch + row * size;
      if (branch_factor) {
        float scale = 1.0f / std::sqrt(mean_square(added, size) + eps);
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) x[i] += to_float(added[i]) * scale * branch_factor[i];
      } else {
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) x[i] += to_float(added[i]);
      }
    }
    norm_row(x, factor, eps, size, out + row * size);
  }
}

struct Heads {
  int64_t rows, query_heads, key_heads, channels, columns;  // columns: of the cache
  int64_t window;                                           // 0: none
  float scaling, softcap, eps;                              // softcap 0: none
};

// One head of one row: its own norm, if the family has one, then its rotary position. The first half
// of `sin` is negated, as in `Turn`.
template <class T>
void turned_head(const T* head, const float* factor, const float* cos, const float* sin,
                 const Heads& h, float* out) {
  float normed[1024];
  float scale = factor ? 1.0f / std::sqrt(mean_square(head, h.channels) + h.eps) : 1.0f;
#pragma omp simd
  for (int64_t i = 0; i < h.channels; ++i)
    normed[i] = to_float(head[i]) * scale * (factor ? factor[i] : 1.0f);
  int64_t half = h.channels / 2;
#pragma omp simd
  for (int64_t i = 0; i < half; ++i) {
    out[i] = normed[i] * cos[i] + normed[i + half] * sin[i];
    out[i + half] = normed[i + half] * cos[i + half] + normed[i] * sin[i + half];
  }
}

constexpr int64_t kAhead = 32;  // columns to fetch before they are read

// Scores of Q turned queries against the columns [first, last] of their key head, C at a time; past the
// end the last column is computed again. A key is read once for all queries. Values are fetched on
// the way, since they are read next.
template <int Q, int C, class T>
void scores_of(const float* queries, const T* keys, const T* values, int64_t first, int64_t last,
               const Heads& h, float* scores) {
  for (int64_t c = first; c <= last; c += C) {
    const T* key[C];
    for (int64_t j = 0; j < C; ++j) key[j] = keys + std::min(c + j, last) * h.channels;
    for (int64_t j = 0; j < C; ++j)
      for (int64_t i = 0; i < h.channels; i += 64 / sizeof(T)) {
        __builtin_prefetch(key[j] + kAhead * h.channels + i);
        __builtin_prefetch(values + (c + j) * h.channels + i);
      }
    float8 sum[Q][C] = {};
    for (int64_t i = 0; i < h.channels; i += 8)
      for (int64_t j = 0; j < C; ++j) {
        float8 k = load8(key[j] + i);
        for (int q = 0; q < Q; ++q) sum[q][j] += load8(queries + q * h.channels + i) * k;
      }
    for (int q = 0; q < Q; ++q)
      for (int64_t j = 0; j < C; ++j) {
        float score = sum8(sum[q][j]) * h.scaling;
        if (h.softcap > 0) score = h.softcap * std::tanh(score / h.softcap);
        scores[q * h.columns + std::min(c + j, last)] = score;
      }
  }
}

// Eight times N channels of the weighted sums of values, times `scales`, for Q queries. The sums stay
// in registers.
template <int Q, int N, class T>
void weighted_sums(const T* values, const float* weights, int64_t first, int64_t last,
                   const Heads& h, const float* scales, T* out) {
  float8 sum[Q][N] = {};
  for (int64_t c = first; c <= last; ++c)
    for (int n = 0; n < N; ++n) {
      float8 value = load8(values + c * h.channels + 8 * n);
      for (int q = 0; q < Q; ++q) sum[q][n] += weights[q * h.columns + c] * value;
    }
  for (int q = 0; q < Q; ++q)
    for (int n = 0; n < N; ++n)
      for (int i = 0; i < 8; ++i)
        store(out + q * h.channels + 8 * n + i, sum[q][n][i] * scales[q]);
}

// Softmax attention of Q turned queries over the columns [first, last] of one key head.
template <int Q, class T>
void attend_heads(const float* queries, const T* keys, const T* values, int64_t first, int64_t last,
                  const Heads& h, float* scores, T* out) {
  scores_of<Q, Q == 1 ? 4 : 2>(queries, keys, values, first, last, h, scores);
  float scales[Q];
  for (int q = 0; q < Q; ++q) {
    float *row = scores + q * h.columns, highest = -INFINITY, total = 0;
#pragma omp simd reduction(max : highest)
    for (int64_t c = first; c <= last; ++c) highest = std::max(highest, row[c]);
#pragma omp simd reduction(+ : total)
    for (int64_t c = first; c <= last; ++c) total += row[c] = exp_negative(row[c] - highest);
    scales[q] = 1.0f / total;
  }
  constexpr int kParts = 8 / Q;
  int64_t i = 0;
  for (; i + 8 * kParts <= h.channels; i += 8 * kParts)
    weighted_sums<Q, kParts>(values + i, scores, first, last, h, scales, out + i);
  for (; i < h.channels; i += 8)
    weighted_sums<Q, 1>(values + i, scores, first, last, h, scales, out + i);
}

constexpr int kQueriesAtOnce = 4;

// Rows are tokens: row r stands in slot `slots[r]` of the cache (null: in slot r) at `positions[r]`. Where a
// slot has several rows, all keys are written before any is read. A row is computed in the same way
// whichever rows stand beside it.
template <class T>
void attend(const T* qkv, const float* cos, const float* sin, const float* factors, T* keys,
            T* values, const int64_t* positions, const int64_t* slots, const Heads& h, T* out,
            int threads) {
  int64_t group = h.query_heads / h.key_heads;
  int64_t width = (h.query_heads + 2 * h.key_heads) * h.channels;
#pragma omp parallel num_threads(threads)
  {
    std::vector<float> scores(kQueriesAtOnce * h.columns), turned(kQueriesAtOnce * h.channels);
    auto turn = [&](int64_t row, int64_t head, float* place) {
      turned_head(qkv + row * width + head * h.channels, factors ? factors + head * h.channels : factors,
                  cos + row * h.channels, sin + row * h.channels, h, place);
    };
    auto place_of = [&](int64_t row, int64_t key_head) {
      return ((slots ? slots[row] : row) * h.key_heads + key_head) * h.columns * h.channels;
    };
    auto write = [&](int64_t row, int64_t key_head) {
      int64_t column = place_of(row, key_head) + positions[row] * h.channels;
      int64_t head = h.query_heads + key_head;
      turn(row, head, turned.data());
      for (int64_t i = 0; i < h.channels; ++i) store(keys + column + i, turned[i]);
      std::memcpy(values + column, qkv + row * width + (head + h.key_heads) * h.channels,
                  h.channels * sizeof(T));
    };
    if (slots) {
#pragma omp for schedule(static)
      for (int64_t item = 0; item < h.rows * h.key_heads; ++item)
        write(item / h.key_heads, item % h.key_heads);
    }
#pragma omp for schedule(dynamic, 8)
    for (int64_t item = 0; item < h.rows * h.key_heads; ++item) {
      int64_t row = item / h.key_heads, key_head = item % h.key_heads, last = positions[row];
      int64_t first = h.window ? std::max<int64_t>(0, last - h.window + 1) : 0;
      if (!slots) write(row, key_head);
      const T* row_keys = keys + place_of(row, key_head);
      const T* row_values = values + place_of(row, key_head);

      auto attend_some = [&](auto some, int64_t query) {
        constexpr int kQueries = decltype(some)::value;
        for (int q = 0; q < kQueries; ++q) turn(row, query + q, turned.data() + q * h.channels);
        attend_heads<kQueries>(turned.data(), row_keys, row_values, first, last, h, scores.data(),
                               out + (row * h.query_heads + query) * h.channels);
      };
      int64_t query = key_head * group, end = query + group;
      for (; query + 4 <= end; query += 4) attend_some(std::integral_constant<int, 4>(), query);
      for (; query + 2 <= end; query += 2) attend_some(std::integral_constant<int, 2>(), query);
      if (query < end) attend_some(std::integral_constant<int, 1>(), query);
    }
  }
}

template <class T, float activation(float)>
void gate(const T* gate_up, int64_t rows, int64_t size, T* out, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t row = 0; row < rows; ++row) {
    const T *g = gate_up + row * 2 * size, *up = g + size;
    T* place = out + row * size;
#pragma omp simd
    for (int64_t i = 0; i < size; ++i) store(place + i, activation(to_float(g[i])) * to_float(up[i]));
  }
}

constexpr int64_t kBlock = 64;

// One token of a row by the inverse of the cumulative distribution at `uniform`, with its
// log-probabilities at temperature 1 and at `temperature`. Two passes over the row: sums of blocks,
// then the tokens of the block in which the running sum passes the target.
template <class T>
int64_t draw_row(const T* logits, int64_t size, float temperature, float uniform, double* sums,
                 float* logp, float* sampler_logp) {
  float highest = -INFINITY;
#pragma omp simd reduction(max : highest)
  for (int64_t i = 0; i < size; ++i) highest = std::max(highest, to_float(logits[i]));
  float inverse = 1.0f / temperature;
  double total = 0, total_own = 0;
  int64_t blocks = (size + kBlock - 1) / kBlock;
  for (int64_t b = 0; b < blocks; ++b) {
    int64_t end = std::min(size, (b + 1) * kBlock);
    float sum = 0, own = 0;
    if (temperature == 1.0f) {
#pragma omp simd reduction(+ : sum)
      for (int64_t i = b * kBlock; i < end; ++i) sum += exp_negative(to_float(logits[i]) - highest);
      own = sum;
    } else {
#pragma omp simd reduction(+ : sum, own)
      for (int64_t i = b * kBlock; i < end; ++i) {
        float z = to_float(logits[i]) - highest;
        sum += exp_negative(z * inverse);
        own += exp_negative(z);
      }
    }
    total_own += own;
    sums[b] = total += sum;
  }
  double target = uniform * total;
  int64_t block = std::upper_bound(sums, sums + blocks, target) - sums;
  block = std::min(block, blocks - 1);
  double running = block ? sums[block - 1] : 0;
  int64_t chosen = block * kBlock;
  for (int64_t i = chosen; i < std::min(size, (block + 1) * kBlock); ++i) {
    float p = exp_negative((to_float(logits[i]) - highest) * inverse);
    if (p == 0) continue;
    chosen = i;  // a last token of the block takes what rounding leaves over
    if ((running += p) > target) break;
  }
  float z = to_float(logits[chosen]) - highest;
  *logp = z - float(std::log(total_own));
  *sampler_logp = z * inverse - float(std::log(total));
  return chosen;
}

template <class T>
void draw(const T* logits, int64_t rows, int64_t size, float temperature, const float* uniforms,
          int64_t* token_ids, float* logp, float* sampler_logp, int threads) {
#pragma omp parallel num_threads(threads)
  {
    std::vector<double> sums((size + kBlock - 1) / kBlock);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row)
      token_ids[row] = draw_row(logits + row * size, size, temperature, uniforms[row], sums.data(),
                                logp + row, sampler_logp + row);
  }
}

}  // namespace

extern "C" {

#define FOR_EACH_TYPE(NAME, T)                                                                      \
  void add_and_norm_##NAME(float* residual, const T* branch, const float* branch_factor,           \
                           const float* factor, float eps, int64_t rows, int64_t size, T* out,     \
                           int threads) {                                                          \
    add_and_norm(residual, branch, branch_factor, factor, eps, rows, size, out, threads);          \
  }                                                                                                \
  void attend_##NAME(const T* qkv, const float* cos, const float* sin, const float* factors,       \
                     T* keys, T* values, const int64_t* positions, const int64_t* slots,           \
                     const Heads* heads, T* out, int threads) {                                    \
    attend(qkv, cos, sin, factors, keys, values, positions, slots, *heads, out, threads);          \
  }                                                                                                \
  void gate_silu_##NAME(const T* gate_up, int64_t rows, int64_t size, T* out, int threads) {       \
    gate<T, silu>(gate_up, rows, size, out, threads);                                              \
  }                                                                                                \
  void gate_gelu_tanh_##NAME(const T* gate_up, int64_t rows, int64_t size, T* out, int threads) {  \
    gate<T, gelu_tanh>(gate_up, rows, size, out, threads);                                         \
  }                                                                                                \
  void draw_##NAME(const T* logits, int64_t rows, int64_t size, float temperature,                 \
                   const float* uniforms, int64_t* token_ids, float* logp, float* sampler_logp,    \
                   int threads) {                                                                  \
    draw(logits, rows, size, temperature, uniforms, token_ids, logp, sampler_logp, threads);       \
  }

FOR_EACH_TYPE(float32, float)
FOR_EACH_TYPE(bfloat16, bf16)
}
