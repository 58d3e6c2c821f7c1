#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "detail/json_keys.h"
#include "weights/quantised/quantisation.h"

// The methods of quantisation. Each function reads the settings of one method; the tensors are
// dequantised as the sources named in the .cpp files describe.

namespace spikesink::detail {

Quantisation read_awq(JsonKeys& keys);
Quantisation read_bitsandbytes(JsonKeys& keys);
Quantisation read_compressed_tensors(JsonKeys& keys);
/// FP8 with scales of the whole tensor, of rows, or of square blocks.
Quantisation read_fp8(JsonKeys& keys);
Quantisation read_gptq(JsonKeys& keys);
Quantisation read_mlx(JsonKeys& keys);
Quantisation read_mxfp4(JsonKeys& keys);

/// A module's tensors in a quantised file: "model.layers.0.mlp.up_proj" with ".qweight", ...
class QuantisedModule {
 public:
  QuantisedModule(const WeightSource& source, std::string name)
      : source_(&source), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  std::string tensor_name(std::string_view suffix) const { return name_ + std::string(suffix); }
  bool has(std::string_view suffix) const { return source_->contains(tensor_name(suffix)); }
  /// Returns the tensor's shape. Throws FileError if the tensor is missing or empty.
  const std::vector<int64_t>& shape(std::string_view suffix) const;
  /// Throws FileError, too, for another number of dimensions or another dtype (empty: any).
  const std::vector<int64_t>& shape(std::string_view suffix, size_t dimensions,
                                    std::string_view dtype = "") const;
  /// Throws FileError that names the module, the file and the problem.
  [[noreturn]] void fail(std::string_view suffix, const std::string& got,
                         const std::string& expected) const;
  /// Throws FileError unless the tensor has this shape.
  void expect_shape(std::string_view suffix, const std::vector<int64_t>& expected) const;

  /// Returns the module's weight [rows, columns], computed from tensors with these suffixes.
  DerivedTensor weight(
      int64_t rows, int64_t columns, const std::vector<std::string>& suffixes,
      std::function<torch::Tensor(const std::vector<torch::Tensor>&)> compute) const;

 private:
  const WeightSource* source_;
  std::string name_;
};

/// Returns the modules of a file that have a tensor with this suffix.
std::vector<QuantisedModule> modules_with(const WeightSource& source, std::string_view suffix);
/// Returns the weights of these modules.
std::vector<DerivedTensor> weights_of(
    const std::vector<QuantisedModule>& modules,
    const std::function<DerivedTensor(const QuantisedModule&)>& derive);

/// Reads an array of two positive integers. Throws FileError for anything else.
std::pair<int64_t, int64_t> two_sizes(JsonKeys& keys, std::string_view key);

}  // namespace spikesink::detail
