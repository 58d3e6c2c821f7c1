#pragma once

#include <map>
#include <memory>
#include <set>

#include "model/weight_names.h"
#include "spikesink/model/transformer.h"
#include "spikesink/model/weight_loader.h"
#include "spikesink/weights/weight_source.h"

namespace spikesink::detail {

/// Returns the prefix of the body's tensor names in this file. Throws FileError when the
/// embedding is missing.
std::string find_base(const WeightSource& source, const WeightNames& names);

/// A parameter and its new values.
struct WeightValues {
  torch::Tensor parameter, values;
};

/// Sets the parameters to their values, without copies.
void set_weights(const std::vector<WeightValues>& values);

/// A model's parameters, each with its location in a checkpoint file.
class StoredWeights {
 public:
  /// Throws FileError for a tensor that is missing, unused or wrongly shaped. Reads no values,
  /// except of biases that the model does not have.
  StoredWeights(const TransformerImpl& model, std::unique_ptr<WeightSource> source,
                WeightNames names, const std::string& base, const torch::TensorOptions& options);

  /// Reads and converts the values of a group's parameters. Throws FileError for a tensor that is
  /// not floating point or not finite. Not thread-safe.
  std::vector<WeightValues> read(WeightGroup group);
  /// Makes a group's parameters empty, and frees the memory of the file's bytes.
  void unload(WeightGroup group) const;

  int64_t group_count() const { return static_cast<int64_t>(groups_.size()); }
  /// Returns the size of a group's parameters in memory.
  int64_t bytes(WeightGroup group) const;
  /// Returns the number of tensors of the file that are used.
  size_t tensors() const { return used_.size(); }

 private:
  /// A parameter and the location of its values.
  struct Entry {
    std::string name;
    torch::Tensor parameter;
    std::vector<int64_t> shape;
    StoredParameter stored;
    std::vector<std::string> choices;  // the first tensor of each alternative location
  };
  /// By the first tensor of the location, so that a tensor with several parameters is read once.
  using ByTensor = std::map<std::string, std::vector<Entry>>;
  /// A parameter that is computed from the configuration.
  struct ComputedEntry {
    torch::Tensor parameter;
    int64_t elements;
    std::function<torch::Tensor(const ModelConfig&)> values;
  };
  struct Group {
    ByTensor entries;
    std::vector<ComputedEntry> computed;
    bool is_finite = false;  // true after the first read
  };

  void add(const std::string& name, const torch::Tensor& parameter);
  bool add_computed(const std::string& name, const torch::Tensor& parameter);
  void check();
  void refuse_unused() const;
  void refuse_shared_fallbacks(const std::string& tensor,
                               const std::vector<const Entry*>& all) const;
  [[noreturn]] void fail_shape(const Entry& entry, torch::IntArrayRef stored) const;
  bool repeats_tied(const std::string& tensor) const;
  bool is_in_prediction_layer(const std::string& tensor) const;
  void check_exists(const std::string& tensor, const Entry& entry) const;
  torch::Tensor shape_in_file(const Entry& entry);
  torch::Tensor stored_values(const Entry& entry, bool check_finite) const;
  torch::Tensor read(const std::string& name) const;
  torch::Tensor extract(const Entry& entry, const torch::Tensor& stored) const;
  torch::Tensor convert(const Entry& entry, const torch::Tensor& values) const;
  void release(const Entry& entry) const;
  std::string where() const { return source_->path().string(); }

  std::unique_ptr<WeightSource> source_;
  WeightNames names_;
  ModelConfig config_;
  torch::TensorOptions options_;
  std::string base_;
  std::vector<Group> groups_;  // by WeightGroup::index
  std::set<std::string> used_;
};

}  // namespace spikesink::detail
