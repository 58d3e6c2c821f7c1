#include "weights/quantised/codes.h"
#include "weights/quantised/methods.h"

// MLX's affine quantisation (mlx.core.quantize). Of a matrix [rows, columns]:
//   weight uint32 [rows, columns * bits / 32]   codes, packed along the columns
//   scales, biases [rows, groups]
// weight = code * scale + bias.

namespace spikesink::detail {
namespace {

DerivedTensor derive_mlx(const QuantisedModule& module, int64_t group_size) {
  const auto& words = module.shape(".weight", 2, "U32");
  const auto& scales = module.shape(".scales", 2);
  int64_t columns = 0;
  if (__builtin_mul_overflow(scales[1], group_size, &columns) || columns < 1)
    module.fail(".scales", fmt::format("{} groups", scales[1]), "at least one, and fewer");
  const int64_t bits = words[1] <= columns ? words[1] * kWordBits / columns : 0;
  if (bits < 2 || bits > 8 || columns * bits / kWordBits != words[1])
    module.fail(".weight", fmt::format("{} words a row", words[1]),
                fmt::format("2 to 8 bits for each of {} columns", columns));
  module.expect_shape(".scales", {words[0], scales[1]});
  module.expect_shape(".biases", {words[0], scales[1]});
  return module.weight(words[0], columns, {".weight", ".scales", ".biases"},
                       [bits](const auto& inputs) {
                         return dequantize_codes(unpack_codes(inputs[0], bits),
                                                 {.scales = inputs[1], .biases = inputs[2]});
                       });
}

// Modules may have settings of their own, under their name.
int64_t group_size_of(const QuantisedModule& module, const nlohmann::json& settings,
                      int64_t absent) {
  const auto found = settings.find(module.name());
  if (found == settings.end() || !found->is_object()) return absent;
  const auto size = found->find("group_size");
  return size != found->end() && is_int64(*size) ? size->template get<int64_t>() : absent;
}

}  // namespace

Quantisation read_mlx(JsonKeys& keys) {
  if (keys.text("mode", "affine") != "affine") keys.refuse("mode", "affine");
  const auto group_size = keys.integer("group_size", 64);
  if (group_size < 1) keys.refuse("group_size", "a positive number");
  Quantisation result;
  result.summary = fmt::format("mlx, {} bits, groups of {}", keys.integer("bits", 4), group_size);
  result.derive = [group_size, settings = keys.value()](const WeightSource& source) {
    return weights_of(modules_with(source, ".scales"), [&](const QuantisedModule& module) {
      return derive_mlx(module, group_size_of(module, settings, group_size));
    });
  };
  return result;
}

}  // namespace spikesink::detail
