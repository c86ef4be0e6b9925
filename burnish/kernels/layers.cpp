// Layers of a transformer that are no matrix product, forward and backward, for training.
//
// X is the type of the input, Y of the output (float or bfloat16); sums are float. Pointers and
// sizes come from `models/fused_layers.py`, which checks them.

#include "numbers.h"

#include <omp.h>

#include <vector>

namespace {

// y = x / rms(x) * (offset + weight); `inverse` keeps 1 / rms of each row for the backward pass.
template <class X, class Y>
void norm(const X* x, const float* weight, float offset, float eps, int64_t rows, int64_t size, Y* y,
          float* inverse, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t row = 0; row < rows; ++row) {
    const X* in = x + row * size;
    float scale = inverse[row] = 1.0f / std::sqrt(mean_square(in, size) + eps);
    for (int64_t i = 0; i < size; ++i)
      store(y + row * size + i, to_float(in[i]) * scale * (offset + weight[i]));
  }
}

// With u = x / rms(x) and g = grad_y * (offset + weight):
// grad_x = (g - u mean(g u)) / rms(x);  grad_weight = sum over rows of grad_y u.
template <class X, class Y>
void norm_backward(const X* x, const float* weight, float offset, const float* inverse,
                   const Y* grad_y, int64_t rows, int64_t size, X* grad_x, float* grad_weight,
                   int threads) {
  // Summed by thread and then in the order of threads, so that the same input gives the same bits.
  std::vector<float> partial(threads * size);
#pragma omp parallel num_threads(threads)
  {
    float* own = partial.data() + omp_get_thread_num() * size;
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row) {
      const X* in = x + row * size;
      const Y* grad = grad_y + row * size;
      float scale = inverse[row], sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t i = 0; i < size; ++i)
        sum += to_float(grad[i]) * (offset + weight[i]) * to_float(in[i]);
      float shared = sum / size * scale * scale;
      for (int64_t i = 0; i < size; ++i) {
        float g = to_float(grad[i]), value = to_float(in[i]);
        store(grad_x + row * size + i, scale * (g * (offset + weight[i]) - value * shared));
        own[i] += g * value * scale;
      }
    }
  }
  for (int64_t i = 0; i < size; ++i) {
    grad_weight[i] = 0;
    for (int t = 0; t < threads; ++t) grad_weight[i] += partial[t * size + i];
  }
}

struct Silu {
  static float value(float x) { return silu(x); }
  static float slope(float x) {
    float s = logistic(x);
    return s * (1.0f + x * (1.0f - s));
  }
};

struct GeluTanh {
  static float value(float x) { return gelu_tanh(x); }
  static float slope(float x) {
    float s = logistic(1.5957691216f * (x + 0.044715f * x * x * x));
    return s + x * s * (1.0f - s) * 1.5957691216f * (1.0f + 0.134145f * x * x);
  }
};

template <class A, class T>
void gate(const T* g, const T* up, int64_t size, T* out, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t i = 0; i < size; ++i) store(out + i, A::value(to_float(g[i])) * to_float(up[i]));
}

template <class A, class T>
void gate_backward(const T* g, const T* up, const T* grad_out, int64_t size, T* grad_g, T* grad_up,
                   int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t i = 0; i < size; ++i) {
    float x = to_float(g[i]), grad = to_float(grad_out[i]);
    store(grad_up + i, A::value(x) * grad);
    store(grad_g + i, A::slope(x) * to_float(up[i]) * grad);
  }
}

}  // namespace

extern "C" {

#define NORM(NAME, X, Y)                                                                           \
  void norm_##NAME(const X* x, const float* weight, float offset, float eps, int64_t rows,        \
                   int64_t size, Y* y, float* inverse, int threads) {                             \
    norm(x, weight, offset, eps, rows, size, y, inverse, threads);                                \
  }                                                                                               \
  void norm_backward_##NAME(const X* x, const float* weight, float offset, const float* inverse,  \
                            const Y* grad_y, int64_t rows, int64_t size, X* grad_x,               \
                            float* grad_weight, int threads) {                                    \
    norm_backward(x, weight, offset, inverse, grad_y, rows, size, grad_x, grad_weight, threads);  \
  }

NORM(float32_float32, float, float)
NORM(float32_bfloat16, float, bf16)
NORM(bfloat16_bfloat16, bf16, bf16)

#define GATE(NAME, A, T)                                                                           \
  void gate_##NAME(const T* g, const T* up, int64_t size, T* out, int threads) {                  \
    gate<A>(g, up, size, out, threads);                                                           \
  }                                                                                               \
  void gate_backward_##NAME(const T* g, const T* up, const T* grad_out, int64_t size, T* grad_g,  \
                            T* grad_up, int threads) {                                            \
    gate_backward<A>(g, up, grad_out, size, grad_g, grad_up, threads);                            \
  }

GATE(silu_float32, Silu, float)
GATE(silu_bfloat16, Silu, bf16)
GATE(gelu_tanh_float32, GeluTanh, float)
GATE(gelu_tanh_bfloat16, GeluTanh, bf16)
}
