#include "spikesink/measure/sinks/pca_tsne.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "detail/fail.h"

namespace spikesink {
namespace {

constexpr int64_t kMaxPoints = 2000;
constexpr double kInitialSpread = 1e-4;  // standard deviation of the first coordinate at the start
// smaller values of P are set to 0: subnormal products are slow
constexpr double kNoNeighbour = 1e-200;

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

// Computes the conditional probabilities p(j
//
// i) of point `self` for a Gaussian with this precision: p(j
//
// i) is proportional to exp(-precision * squared distance). Returns their entropy in nats.
double conditional_probabilities(const double* distances, int64_t self, int64_t count,
                                 double precision, double* row) {
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

// Finds the precision whose entropy is log(perplexity), by bisection. Writes the probabilities to
// `row`.
void fit_row(const double* distances, int64_t self, int64_t count, double perplexity, double* row) {
  const double target = std::log(perplexity);
  double low = 0, high = std::numeric_limits<double>::infinity(), precision = 1;
  for (int step = 0; step < 200; ++step) {
    const double excess =
        conditional_probabilities(distances, self, count, precision, row) - target;
    if (std::abs(excess) < 1e-5) return;
    (excess > 0 ? low : high) = precision;
    precision = std::isinf(high) ? 2 * precision : (low + high) / 2;
  }
}

// Returns the symmetric matrix P of the t-SNE paper, [n, n]. Its sum is 1.
torch::Tensor joint_probabilities(const torch::Tensor& points, double perplexity) {
  const int64_t count = points.size(0);
  // a matrix product would lose small distances to rounding
  constexpr int64_t kByDifference = 2;
  const auto distances = at::cdist(points, points, 2, kByDifference).square().contiguous();
  auto p = torch::zeros({count, count}, torch::kDouble);
  for (int64_t i = 0; i < count; ++i)
    fit_row(distances.data_ptr<double>() + i * count, i, count, perplexity,
            p.data_ptr<double>() + i * count);
  p = ((p + p.t()) / (2.0 * static_cast<double>(count))).contiguous();
  return p.masked_fill_(p < kNoNeighbour, 0);
}

// KL(P || Q) of a layout [2, n] and its gradient. The entropy of P is left out, because
// it is constant.
class Objective {
 public:
  explicit Objective(const torch::Tensor& p)
      : count_(p.size(0)), p_(p), distances_(torch::empty_like(p)), sums_(5 * count_) {}

  // 4 sum_j (exaggeration p_ij - q_ij) (y_i - y_j) / (1 + |y_i - y_j|^2)
  void gradient(const torch::Tensor& layout, double exaggeration, double* out) {
    std::fill(sums_.begin(), sums_.end(), 0);
    double *pull_x = sums_.data(), *pull_y = pull_x + count_, *push_x = pull_y + count_,
           *push_y = push_x + count_, *kernels = push_y + count_;
    const auto *x = layout.data_ptr<double>(), *y = x + count_, *p = p_.data_ptr<double>();
    for (int64_t i = 0; i < count_; ++i, p += count_) {
      const double xi = x[i], yi = y[i];
#pragma GCC ivdep  // no sum within a row: the compiler may use vectors without reordering one
      for (int64_t j = 0; j < count_; ++j) {
        const double dx = x[j] - xi, dy = y[j] - yi, kernel = 1 / (1 + (dx * dx + dy * dy));
        const double pull = p[j] * kernel, push = kernel * kernel;
        pull_x[j] += pull * dx;
        pull_y[j] += pull * dy;
        push_x[j] += push * dx;
        push_y[j] += push * dy;
        kernels[j] += kernel;
      }
    }
    total_ = std::accumulate(kernels, kernels + count_, -static_cast<double>(count_));
    for (int64_t c = 0; c < 2 * count_; ++c)
      out[c] = 4 * (exaggeration * pull_x[c] - push_x[c] / total_);
  }

  // Returns sum_ij p_ij log(1 + |y_i - y_j|^2) + log(sum of all kernels). `gradient` must have been
  // called last with the same layout.
  double value(const torch::Tensor& layout) {
    const auto *x = layout.data_ptr<double>(), *y = x + count_;
    auto* distance = distances_.data_ptr<double>();
    for (int64_t i = 0; i < count_; ++i, distance += count_) {
      for (int64_t j = 0; j < count_; ++j) {
        const double dx = x[j] - x[i], dy = y[j] - y[i];
        distance[j] = 1 + (dx * dx + dy * dy);
      }
    }
    distances_.log_();
    return std::inner_product(p_.data_ptr<double>(), p_.data_ptr<double>() + p_.numel(),
                              distances_.data_ptr<double>(), std::log(total_));
  }

 private:
  int64_t count_;
  torch::Tensor p_, distances_;  // [n, n]
  std::vector<double> sums_;     // [5, n]
  double total_ = 0;             // sum of 1 / (1 + |y_i - y_j|^2) over all pairs
};

// Gradient descent of the t-SNE paper, with momentum and one gain per coordinate. It may oscillate,
// so L-BFGS follows.
void descend(Objective& objective, torch::Tensor& layout, const TsneOptions& options) {
  const auto size = static_cast<size_t>(layout.numel());
  const double rate =
      std::max(static_cast<double>(layout.size(1)) / options.exaggeration / 4, 50.0);
  std::vector<double> gradient(size), speed(size), gain(size, 1.0);
  auto* y = layout.data_ptr<double>();
  for (int64_t iteration = 0; iteration < options.iterations; ++iteration) {
    const bool early = iteration < options.early_iterations;
    objective.gradient(layout, early ? options.exaggeration : 1.0, gradient.data());
    for (size_t c = 0; c < size; ++c) {
      const bool turns = (gradient[c] > 0) == (speed[c] > 0);
      gain[c] = turns ? std::max(0.01, 0.8 * gain[c]) : gain[c] + 0.2;
      speed[c] = (early ? 0.5 : 0.8) * speed[c] - rate * gain[c] * gradient[c];
      y[c] += speed[c];
    }
  }
}

// Runs L-BFGS until the gradient is small. Its line search never increases the objective. If L-BFGS
// makes no progress, it is restarted from the gradient direction. If the restart does not help,
// rounding limits the precision and the loop ends.
void converge(Objective& objective, torch::Tensor& layout, const TsneOptions& options) {
  const double max_gradient = options.tolerance / static_cast<double>(layout.size(1));
  int64_t evaluations_left = options.max_evaluations;
  double value = 0;
  layout.mutable_grad() = torch::zeros_like(layout);
  const auto evaluate = [&] {
    objective.gradient(layout, 1, layout.mutable_grad().data_ptr<double>());
    value = objective.value(layout);
    --evaluations_left;
    return torch::tensor(value, torch::kDouble);
  };
  const auto is_flat = [&] { return !(layout.grad().abs().max().item<double>() > max_gradient); };
  evaluate();
  for (double before = INFINITY; !is_flat() && value < before && evaluations_left > 0;) {
    before = value;
    torch::optim::LBFGS({layout}, torch::optim::LBFGSOptions(1)
                                      .max_iter(evaluations_left)
                                      .max_eval(evaluations_left)
                                      .tolerance_grad(max_gradient)
                                      .tolerance_change(0)
                                      .history_size(20)
                                      .line_search_fn("strong_wolfe"))
        .step(evaluate);
    evaluate();
  }
}

// Returns the PCA, scaled down, with noise. Without noise, points on a line would stay on it.
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
  if (points.dim() == 2 && points.size(0) > kMaxPoints)
    detail::fail_argument("[tsne] points: got {} of them, expected at most {}", points.size(0),
                          kMaxPoints);
  const auto all = checked(points);
  if (all.size(0) < 4 || all.size(1) == 0) return pca(all);
  const double max_perplexity = static_cast<double>(all.size(0) - 1) / 3;
  Objective objective(joint_probabilities(all, std::min(options.perplexity, max_perplexity)));
  auto layout = starting_points(all, options.seed).t().contiguous();  // [2, n]
  descend(objective, layout, options);
  converge(objective, layout, options);
  return (layout - layout.mean(1, true)).t().contiguous();
}

}  // namespace spikesink
