#pragma once

#include <functional>
#include <map>
#include <variant>

#include "spikesink/weights/weight_source.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A metadata value. All integers are int64 (a uint64 beyond it is a FormatError), all floats
/// double.
using GgufValue = std::variant<bool, int64_t, double, std::string, std::vector<bool>,
                               std::vector<int64_t>, std::vector<double>, std::vector<std::string>>;

/// A GGUF v2 or v3 file. Types: F32, F16, BF16, F64, I8, I16, I32, I64, Q4_0, Q4_1, Q5_0, Q5_1,
/// Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, TQ1_0, TQ2_0, IQ4_NL, IQ4_XS, MXFP4, NVFP4; quantised ones
/// are dequantised on read, in parallel, bit for bit as the `gguf` Python package does. Throws
/// FormatError on any damage, before allocating what an unchecked length asks for.
class GgufFile : public WeightSource {
 public:
  explicit GgufFile(const std::filesystem::path& path);
  ~GgufFile() override;

  WeightFormat format() const override { return WeightFormat::kGguf; }
  const std::filesystem::path& path() const override;

  /// Every key, sorted.
  const std::map<std::string, GgufValue, std::less<>>& metadata() const;

  /// The value of `key`. Absent or of another kind: FormatError naming key, kind wanted and file.
  template <typename T>
  const T& get(std::string_view key) const;
  /// As `get`, but an absent key gives nullptr.
  template <typename T>
  const T* find(std::string_view key) const;

 protected:
  torch::Tensor read(size_t index) const override;
  std::span<uint8_t> bytes_of(size_t index) const override;

 private:
  struct Contents;
  std::unique_ptr<Contents> contents_;
};

}  // namespace spikesink
