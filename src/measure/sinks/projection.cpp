#include "spikesink/measure/sinks/projection.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "detail/fail.h"

namespace spikesink {
namespace {

constexpr int64_t kMostPoints = 2000;
constexpr double kInitialSpread = 1e-4;  // standard deviation of the first coordinate at the start

torch::Tensor checked(const torch::Tensor& points) {
  if (points.dim() != 2)
    detail::fail_argument("[projection] points: got shape {}, expected [n, d]",
                          c10::str(points.sizes()));
  auto on_cpu = points.detach().to(torch::kCPU, torch::kDouble);
  if (!on_cpu.isfinite().all().item<bool>())
    detail::fail_argument(
        "[projection] points: got values that are not finite, expected finite ones");
  return on_cpu;
}

// How alike each point finds the others, given how fast likeness falls with distance. Returns the
// entropy in nats.
double likeness(const double* distances, int64_t self, int64_t count, double precision,
                double* row) {
  double nearest = std::numeric_limits<double>::infinity();
  for (int64_t j = 0; j < count; ++j) {
    if (j != self) nearest = std::min(nearest, distances[j]);
  }
  double sum = 0, weighted = 0;
  for (int64_t j = 0; j < count; ++j) {
    const double above = distances[j] - nearest;
    row[j] = j == self ? 0 : std::exp(-precision * above);
    sum += row[j];
    weighted += above * row[j];
  }
  for (int64_t j = 0; j < count; ++j) row[j] /= sum;
  return std::log(sum) + precision * weighted / sum;
}

// The precision at which the entropy is that of `perplexity` equal neighbours, by bisection; the
// row of likenesses is left in `row`.
void fit_row(const double* distances, int64_t self, int64_t count, double perplexity, double* row) {
  const double wanted = std::log(perplexity);
  double low = 0, high = std::numeric_limits<double>::infinity(), precision = 1;
  for (int step = 0; step < 200; ++step) {
    const double excess = likeness(distances, self, count, precision, row) - wanted;
    if (std::abs(excess) < 1e-5) return;
    (excess > 0 ? low : high) = precision;
    precision = std::isinf(high) ? 2 * precision : (low + high) / 2;
  }
}

// P of the paper, symmetric, summing to one. [n, n]
torch::Tensor neighbourhoods(const torch::Tensor& points, double perplexity) {
  const int64_t count = points.size(0);
  constexpr int64_t kByDifference = 2;  // a matrix product would lose the small distances
  const auto distances = at::cdist(points, points, 2, kByDifference).square().contiguous();
  auto p = torch::zeros({count, count}, torch::kDouble);
  for (int64_t i = 0; i < count; ++i)
    fit_row(distances.data_ptr<double>() + i * count, i, count, perplexity,
            p.data_ptr<double>() + i * count);
  return ((p + p.t()) / (2.0 * static_cast<double>(count))).contiguous();
}

// The embedding on its way down.
class Descent {
 public:
  Descent(const torch::Tensor& p, const torch::Tensor& start, double exaggeration)
      : count_(start.size(0)),
        rate_(std::max(static_cast<double>(count_) / exaggeration / 4, 50.0)),
        p_(p),
        y_(start.contiguous().clone()),
        gradient_(2 * count_),
        speed_(2 * count_),
        gain_(2 * count_, 1.0),
        kernel_(count_ * count_) {}

  void step(double exaggeration, double momentum) {
    find_gradient(exaggeration);
    auto* y = y_.data_ptr<double>();
    for (int64_t c = 0; c < 2 * count_; ++c) {
      const bool turns = (gradient_[c] > 0) == (speed_[c] > 0);
      gain_[c] = turns ? std::max(0.01, 0.8 * gain_[c]) : gain_[c] + 0.2;
      speed_[c] = momentum * speed_[c] - rate_ * gain_[c] * gradient_[c];
      y[c] += speed_[c];
    }
  }
  torch::Tensor embedding() const { return y_ - y_.mean(0); }

 private:
  // 4 sum_j (p_ij - q_ij) (y_i - y_j) / (1 + |y_i - y_j|^2)
  void find_gradient(double exaggeration) {
    const auto* y = y_.data_ptr<double>();
    double total = 0;
    for (int64_t i = 0; i < count_; ++i) {
      for (int64_t j = 0; j < count_; ++j) {
        const double dx = y[2 * i] - y[2 * j], dy = y[2 * i + 1] - y[2 * j + 1];
        kernel_[i * count_ + j] = i == j ? 0 : 1 / (1 + dx * dx + dy * dy);
        total += kernel_[i * count_ + j];
      }
    }
    const auto* p = p_.data_ptr<double>();
    for (int64_t i = 0; i < count_; ++i) {
      double gx = 0, gy = 0;
      for (int64_t j = 0; j < count_; ++j) {
        const double kernel = kernel_[i * count_ + j];
        const double pull = (exaggeration * p[i * count_ + j] - kernel / total) * kernel;
        gx += pull * (y[2 * i] - y[2 * j]);
        gy += pull * (y[2 * i + 1] - y[2 * j + 1]);
      }
      gradient_[2 * i] = 4 * gx;
      gradient_[2 * i + 1] = 4 * gy;
    }
  }

  int64_t count_;
  double rate_;
  torch::Tensor p_, y_;
  std::vector<double> gradient_, speed_, gain_;  // [n, 2]
  std::vector<double> kernel_;                   // [n, n]
};

// The PCA, scaled down and jittered: points on a line would never leave it.
torch::Tensor starting_points(const torch::Tensor& points, uint64_t seed) {
  const auto flat = pca(points);
  const double spread = flat.select(1, 0).std().item<double>();
  const auto jitter = at::randn(flat.sizes(), at::detail::createCPUGenerator(seed), torch::kDouble);
  const auto scaled = spread > 0 ? flat * (kInitialSpread / spread) : flat;
  return scaled + 0.01 * kInitialSpread * jitter;
}

}  // namespace

torch::Tensor pca(const torch::Tensor& points) {
  const auto all = checked(points);
  auto flat = torch::zeros({all.size(0), 2}, torch::kDouble);
  if (all.numel() == 0) return flat;
  const auto centred = all - all.mean(0);
  const auto directions =
      std::get<1>(at::linalg_eigh(at::matmul(centred.t(), centred))).flip(1);  // [d, d]
  for (int64_t c = 0; c < std::min<int64_t>(2, all.size(1)); ++c) {
    const auto direction = directions.select(1, c);
    const auto sign = direction[direction.abs().argmax()].sign();
    flat.select(1, c).copy_(at::matmul(centred, direction * sign));
  }
  return flat;
}

torch::Tensor tsne(const torch::Tensor& points, const TsneOptions& options) {
  if (points.dim() == 2 && points.size(0) > kMostPoints)
    detail::fail_argument("[tsne] points: got {} of them, expected at most {}", points.size(0),
                          kMostPoints);
  const auto all = checked(points);
  if (all.size(0) < 4 || all.size(1) == 0) return pca(all);
  const double most = static_cast<double>(all.size(0) - 1) / 3;
  Descent descent(neighbourhoods(all, std::min(options.perplexity, most)),
                  starting_points(all, options.seed), options.exaggeration);
  for (int64_t iteration = 0; iteration < options.iterations; ++iteration) {
    const bool early = iteration < options.early_iterations;
    descent.step(early ? options.exaggeration : 1.0, early ? 0.5 : 0.8);
  }
  return descent.embedding();
}

}  // namespace spikesink
