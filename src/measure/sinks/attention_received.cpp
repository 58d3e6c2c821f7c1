#include "measure/sinks/attention_received.h"

#include <ATen/Dispatch.h>
#include <ATen/OpMathType.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "measure/core/clones.h"
#include "measure/core/kernel_rows.h"
#include "measure/sinks/score_bias.h"

namespace spikesink::detail {
namespace {

template <typename Sum, typename A, typename B>
inline __attribute__((always_inline)) Sum dot_lanes(const A* a, const B* b, int64_t count) {
  std::array<Sum, kLanes> sums{};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane)
      sums[lane] += static_cast<Sum>(a[i + lane]) * static_cast<Sum>(b[i + lane]);
  }
  for (; i < count; ++i) sums[0] += static_cast<Sum>(a[i]) * static_cast<Sum>(b[i]);
  Sum total = 0;
  for (const Sum sum : sums) total += sum;
  return total;
}

SPIKESINK_CLONES float dot(const float* a, const float* b, int64_t count) {
  return dot_lanes<float>(a, b, count);
}
SPIKESINK_CLONES double dot(const double* a, const double* b, int64_t count) {
  return dot_lanes<double>(a, b, count);
}
SPIKESINK_CLONES float dot(const at::BFloat16* a, const float* b, int64_t count) {
  return dot_lanes<float>(a, b, count);
}
SPIKESINK_CLONES float dot(const at::BFloat16* a, const at::BFloat16* b, int64_t count) {
  return dot_lanes<float>(a, b, count);
}

template <typename T, typename Sum>
void sum_received(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& lse,
                  const AttentionParams& rule, int64_t key, double epsilon, const Received& out) {
  const int64_t length = q.size(1), heads = q.size(2), width = q.size(3);
  const ScoreBias<Sum> bias(rule, length);
  const int64_t first = rule.causal ? key : 0;
  const int64_t last = rule.window > 0 ? std::min(length, key + rule.window) : length;
  const int64_t group = heads / k.size(2);
  at::parallel_for(0, q.size(0) * heads, 1, [&](int64_t begin, int64_t end) {
    std::vector<Sum> key_vector(width);
    for (int64_t index = begin; index < end; ++index) {
      const int64_t sequence = index / heads, head = index % heads;
      const T* key_row =
          k.data_ptr<T>() + sequence * k.stride(0) + key * k.stride(1) + head / group * k.stride(2);
      for (int64_t c = 0; c < width; ++c)
        key_vector[c] = static_cast<Sum>(key_row[c]) * static_cast<Sum>(rule.scale);
      const T* queries = q.data_ptr<T>() + sequence * q.stride(0) + head * q.stride(2);
      const Sum* denominators =
          lse.data_ptr<Sum>() + sequence * lse.stride(0) + head * lse.stride(1);
      double received = 0;
      int64_t exceeding = 0;
      for (int64_t i = first; i < last; ++i) {
        const Sum product = dot(queries + i * q.stride(1), key_vector.data(), width);
        const Sum attention =
            bias.attention(product, head, i, key, denominators[i * lse.stride(2)]);
        received += attention;
        exceeding += attention > epsilon;
      }
      const auto visible_queries = static_cast<double>(length - first);
      out.mean.data_ptr<double>()[index] = received / visible_queries;
      out.share_of_queries.data_ptr<double>()[index] =
          static_cast<double>(exceeding) / visible_queries;
    }
  });
}

template <typename T, typename Sum>
void self_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& lse,
                    const AttentionParams& rule, torch::Tensor& out) {
  const int64_t length = q.size(1), heads = q.size(2), width = q.size(3);
  const int64_t group = heads / k.size(2);
  const auto scale = static_cast<Sum>(rule.scale);
  const ScoreBias<Sum> bias(rule, length);
  at::parallel_for(0, q.size(0) * heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) {
      const int64_t sequence = index / heads, head = index % heads;
      const T* queries = q.data_ptr<T>() + sequence * q.stride(0) + head * q.stride(2);
      const T* keys = k.data_ptr<T>() + sequence * k.stride(0) + head / group * k.stride(2);
      const Sum* denominators =
          lse.data_ptr<Sum>() + sequence * lse.stride(0) + head * lse.stride(1);
      for (int64_t i = 0; i < length; ++i) {
        const Sum product = dot(queries + i * q.stride(1), keys + i * k.stride(1), width) * scale;
        out.data_ptr<double>()[index * length + i] =
            std::exp(bias.score(product, head, i, i) - denominators[i * lse.stride(2)]);
      }
    }
  });
}

// The inputs on the CPU, in the dtypes of the kernels.
struct KernelInputs {
  torch::Tensor q, k, lse;

  KernelInputs(const torch::Tensor& queries, const torch::Tensor& keys,
               const torch::Tensor& denominators)
      : q(rows_on_cpu(queries)),
        k(rows_on_cpu(keys)),
        lse(denominators.to(torch::kCPU, at::toOpMathType(q.scalar_type()))) {}

  static torch::Tensor rows_on_cpu(const torch::Tensor& x) {
    const auto on_cpu = x.to(torch::kCPU, kernel_dtype(x));
    return on_cpu.stride(-1) == 1 ? on_cpu : on_cpu.contiguous();
  }
};

}  // namespace

Received attention_received(const torch::Tensor& q, const torch::Tensor& k,
                            const torch::Tensor& lse, const AttentionParams& rule, int64_t key,
                            double epsilon) {
  const auto shape = {q.size(0), q.size(2)};
  Received out{torch::empty(shape, torch::kDouble), torch::empty(shape, torch::kDouble)};
  const KernelInputs operands(q, k, lse);
  AT_DISPATCH_FLOATING_TYPES_AND(
      torch::kBFloat16, operands.q.scalar_type(), "attention_received", [&] {
        sum_received<scalar_t, at::opmath_type<scalar_t>>(operands.q, operands.k, operands.lse,
                                                          rule, key, epsilon, out);
      });
  return out;
}

torch::Tensor attention_to_self(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& lse, const AttentionParams& rule) {
  auto out = torch::empty({q.size(0), q.size(2), q.size(1)}, torch::kDouble);
  const KernelInputs operands(q, k, lse);
  AT_DISPATCH_FLOATING_TYPES_AND(torch::kBFloat16, operands.q.scalar_type(), "attention_to_self",
                                 [&] {
                                   self_attention<scalar_t, at::opmath_type<scalar_t>>(
                                       operands.q, operands.k, operands.lse, rule, out);
                                 });
  return out;
}

}  // namespace spikesink::detail
