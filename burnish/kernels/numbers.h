// Numbers as the kernels see them: bfloat16 in memory, float in sums; eight at a time where it pays.

#pragma once

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

struct bf16 {
  uint16_t bits;
};

inline float to_float(float x) { return x; }

inline float to_float(bf16 x) {
  uint32_t bits = uint32_t(x.bits) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline void store(float* place, float x) { *place = x; }

// Rounds to nearest, ties to even. A NaN stays one: its payload is not all in the lower half here.
inline void store(bf16* place, float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  place->bits = uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// e^x for x <= 0 with an error of about one unit in the last place; 0 below -87. (Range reduction
// to [-ln 2 / 2, ln 2 / 2] and the Taylor series to x^7.)
inline float exp_negative(float x) {
  float clipped = std::max(x, -87.0f);
  float n = std::nearbyint(clipped * 1.44269504f);
  float r = clipped - n * 0.693359375f + n * 2.12194440e-4f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  int32_t exponent = (int32_t(n) + 127) << 23;
  float scale;
  std::memcpy(&scale, &exponent, sizeof scale);
  return x < -87.0f ? 0.0f : p * scale;
}

// Eight numbers at a time, whatever the machine's registers hold.
typedef float float8 __attribute__((vector_size(32)));
typedef uint32_t uint8x32 __attribute__((vector_size(32)));
typedef uint16_t uint8x16 __attribute__((vector_size(16)));

inline float8 load8(const float* place) {
  float8 x;
  std::memcpy(&x, place, sizeof x);
  return x;
}

inline float8 load8(const bf16* place) {
#ifdef __AVX2__  // what the generic code below should become, and with gcc 12 does not
  __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(place));
  return (float8)_mm256_slli_epi32(_mm256_cvtepu16_epi32(packed), 16);
#else
  uint8x16 bits;
  std::memcpy(&bits, place, sizeof bits);
  return (float8)(__builtin_convertvector(bits, uint8x32) << 16);
#endif
}

inline float sum8(float8 x) {
  return ((x[0] + x[4]) + (x[1] + x[5])) + ((x[2] + x[6]) + (x[3] + x[7]));
}

template <class T>
float mean_square(const T* x, int64_t size) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < size; ++i) sum += to_float(x[i]) * to_float(x[i]);
  return sum / size;
}

inline float logistic(float x) {
  float e = exp_negative(-std::abs(x));
  return (x >= 0 ? 1.0f : e) / (1.0f + e);
}

inline float silu(float x) { return x * logistic(x); }

// x (1 + tanh(u)) / 2 = x logistic(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3).
inline float gelu_tanh(float x) {
  return x * logistic(1.5957691216f * (x + 0.044715f * x * x * x));
}
