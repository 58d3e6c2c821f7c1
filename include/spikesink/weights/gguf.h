#pragma once

#include <functional>
#include <map>
#include <variant>

#include "spikesink/weights/weight_source.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A metadata value. All integers are stored as int64 (a larger uint64 is a FileError), all
/// floats as double.
using GgufValue = std::variant<bool, int64_t, double, std::string, std::vector<bool>,
                               std::vector<int64_t>, std::vector<double>, std::vector<std::string>>;

/// A GGUF v2 or v3 file, or all parts of a split model (llama.cpp's PREFIX-00002-of-00003.gguf, in
/// one folder), of which any may be named; metadata and `path` are those of the first part. Types:
/// F32, F16, BF16, F64, I8, I16, I32, I64, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K,
/// Q6_K, Q8_K, TQ1_0, TQ2_0, IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ4_NL, IQ4_XS,
/// MXFP4, NVFP4. Quantised tensors are dequantised on read, in parallel; the values are equal bit
/// for bit to those of the `gguf` Python package (which does not read Q8_K). Throws FileError for a
/// damaged file and for parts that are missing or not of one model. Lengths are checked before
/// memory is allocated.
class GgufFile : public WeightSource {
 public:
  explicit GgufFile(const std::filesystem::path& path);
  ~GgufFile() override;

  WeightFormat format() const override { return WeightFormat::kGguf; }
  const std::filesystem::path& path() const override;

  /// All metadata, sorted by key.
  const std::map<std::string, GgufValue, std::less<>>& metadata() const;

  /// Returns the value of `key`. Throws FileError with the key, the expected type and the file if
  /// the key is missing or its value has another type.
  template <typename T>
  const T& get(std::string_view key) const;
  /// Like `get`, but returns nullptr for a missing key.
  template <typename T>
  const T* find(std::string_view key) const;

 protected:
  torch::Tensor read(size_t index) const override;
  std::vector<std::span<uint8_t>> byte_ranges_of(size_t index) const override;

 private:
  struct Contents;
  std::unique_ptr<Contents> contents_;
};

}  // namespace spikesink
