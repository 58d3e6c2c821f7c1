#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/stored_layout.h"

namespace spikesink::detail {

/// Where one parameter, or all those of one module ("attn.q" for its weight and bias), is found. In
/// both names "{}" stands for the number of an expert; where only `tensor` has it, the parameter is
/// the stack of all those tensors.
struct WeightName {
  std::string parameter;
  std::string tensor;
  Take take = nullptr;  // null: stored as it is
};

/// The tensor names of one architecture in one format. Several names of one parameter are
/// alternatives.
struct WeightNames {
  std::string first;                 // a body tensor that is in every file, to tell the base by
  std::vector<std::string> bases;    // what may stand before the names of the body
  std::string layer;                 // the layers' own beginning, "{}" being the number
  std::vector<WeightName> body;      // after the base; parameters as ModelConfig's model has them
  std::vector<WeightName> in_layer;  // after the base and the layer; without "blocks.N."
  std::vector<WeightName> end;       // as they stand
  std::vector<std::string> superfluous;  // may be there and carries nothing; "*" at an end: any
};

/// A parameter's place in a file.
struct StoredParameter {
  std::vector<std::string> tensors;  // one, or those whose stack it is
  bool stacked = false;
  Take take;
  int64_t expert = 0;
};

/// The alternatives where `parameter` of this name may be found, `base` being what the file begins
/// its body's names with. Empty when no name is known.
std::vector<StoredParameter> stored_as(const std::string& parameter, int64_t rows,
                                       const WeightNames& names, const std::string& base);

bool is_superfluous(const std::string& tensor, const WeightNames& names);

/// Gives the entry of a parameter another tensor.
void rename(WeightNames& names, std::string_view parameter, const std::string& tensor);

std::vector<WeightName> operator+(std::vector<WeightName> a, const std::vector<WeightName>& b);

}  // namespace spikesink::detail
