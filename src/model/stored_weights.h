#pragma once

#include <map>
#include <memory>
#include <set>

#include "model/weight_names.h"
#include "spikesink/model/transformer.h"
#include "spikesink/model/weight_loader.h"
#include "spikesink/weights/weight_source.h"

namespace spikesink::detail {

/// What the names of the body begin with in this file; FormatError when its embedding is missing.
std::string find_base(const WeightSource& source, const WeightNames& names);

/// A parameter and the values that it is to have.
struct WeightValues {
  torch::Tensor parameter, values;
};

void set_weights(const std::vector<WeightValues>& values);

/// A model's parameters, each with its place in a file.
class StoredWeights {
 public:
  /// A tensor that is missing, unused or wrongly shaped is a FormatError. No values are read yet.
  StoredWeights(const TransformerImpl& model, std::unique_ptr<WeightSource> source,
                WeightNames names, const std::string& base, const torch::TensorOptions& options);

  /// The values of a group's parameters, converted. A tensor that is not floating point, or not
  /// finite, is a FormatError. Not from two threads at once.
  std::vector<WeightValues> read(WeightGroup group);
  /// A group's parameters become empty, and the memory of its bytes in the file is freed.
  void unload(WeightGroup group) const;

  int64_t group_count() const { return static_cast<int64_t>(groups_.size()); }
  /// What a group's parameters take in memory.
  int64_t bytes(WeightGroup group) const;
  /// How many tensors of the file are read.
  size_t tensors() const { return used_.size(); }

 private:
  /// A parameter and where its values are.
  struct Wanted {
    std::string name;
    torch::Tensor parameter;
    std::vector<int64_t> shape;
    StoredParameter stored;
    std::vector<std::string> choices;  // the first tensor of each of its possible alternatives
  };
  /// By the first tensor of the place: a tensor is read once, whatever the number of parameters in
  /// it.
  using ByTensor = std::map<std::string, std::vector<Wanted>>;
  struct Group {
    ByTensor wanted;
    bool is_finite = false;  // as far as is known
  };

  void want(const std::string& name, const torch::Tensor& parameter);
  void check();
  void refuse_unused() const;
  void refuse_stand_ins(const std::string& tensor, const std::vector<const Wanted*>& all) const;
  [[noreturn]] void fail_shape(const Wanted& wanted, torch::IntArrayRef stored) const;
  bool is_stored(const std::string& tensor) const;
  bool repeats_tied(const std::string& tensor) const;
  std::vector<std::string> in_file(const std::string& tensor, const Wanted& wanted) const;
  torch::Tensor shape_in_file(const Wanted& wanted);
  torch::Tensor stored_values(const Wanted& wanted, bool check_finite) const;
  torch::Tensor read(const std::string& name) const;
  torch::Tensor taken(const Wanted& wanted, const torch::Tensor& stored) const;
  torch::Tensor converted(const Wanted& wanted, const torch::Tensor& values) const;
  void release(const Wanted& wanted) const;
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
