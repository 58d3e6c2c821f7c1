#include "spikesink/intervene/add_prefix.h"

#include "detail/fail.h"
#include "intervene/checks.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

constexpr const char* kAddPrefix = "AddPrefix";

}  // namespace

AddPrefix::AddPrefix(std::vector<int64_t> tokens) : tokens_(std::move(tokens)) {
  if (tokens_.empty())
    detail::fail_argument("[{}] got no tokens, expected one or more", kAddPrefix);
}

// The ids are placeholders: `attach` replaces their embeddings.
AddPrefix::AddPrefix(torch::Tensor registers) : registers_(std::move(registers)) {
  if (registers_.dim() != 2 || registers_.size(0) == 0)
    detail::fail_argument("[{}] registers: got {}, expected [n, d_embedding]", kAddPrefix,
                          c10::str(registers_.sizes()));
  tokens_.assign(registers_.size(0), 0);
}

HookScope AddPrefix::attach(Transformer& model) const {
  detail::check_range(kAddPrefix, "token", tokens_, model->config().d_vocabulary);
  auto scope = model->hooks().reserve_site("prefix", kAddPrefix);
  if (!registers_.defined()) return scope;
  if (registers_.size(1) != model->config().embedding_width())
    detail::fail_argument("[{}] registers: got {}, expected [n, {}]", kAddPrefix,
                          c10::str(registers_.sizes()), model->config().embedding_width());
  scope += model->hooks().add(
      hook_names::kEmbed, [rows = registers_.to(model->options())](const torch::Tensor& embedded) {
        const auto count = rows.size(0);
        return at::cat(
            {rows.expand({embedded.size(0), count, rows.size(1)}), embedded.slice(1, count)}, 1);
      });
  return scope;
}

}  // namespace spikesink
