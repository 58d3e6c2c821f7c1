#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

namespace bench {

inline double seconds(const std::function<void()>& what) {
  const auto start = std::chrono::steady_clock::now();
  what();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Times in seconds and their statistics.
struct Times {
  std::vector<double> values;

  double fastest() const { return *std::min_element(values.begin(), values.end()); }
  double slowest() const { return *std::max_element(values.begin(), values.end()); }
  double median() const {
    auto sorted = values;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
};

/// The times of two functions that run alternately, so that a drift of the machine's speed affects
/// both equally. Each runs once before the timing.
struct Pair {
  Times first, second, ratios;  // second / first

  Pair(const std::function<void()>& one, const std::function<void()>& other, int repeats) {
    one();
    other();
    for (int repeat = 0; repeat < repeats; ++repeat) {
      const bool in_order = repeat % 2 == 0;
      if (in_order) first.values.push_back(seconds(one));
      second.values.push_back(seconds(other));
      if (!in_order) first.values.push_back(seconds(one));
      ratios.values.push_back(second.values.back() / first.values.back());
    }
  }
};

}  // namespace bench
