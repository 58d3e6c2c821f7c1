#include "spikesink/model/layer.h"

#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

LayerImpl::LayerImpl(const ModelConfig& config, HookRegistry& hooks, int64_t layer)
    : hook_resid_pre(hooks.make(in_block(layer, kResidPre))),
      ln1(config.d_model, config.norm_epsilon, hooks, in_block(layer, "ln1")),
      attn(config, hooks, layer),
      hook_attn_out(hooks.make(in_block(layer, kAttnOut))),
      hook_resid_mid(hooks.make(in_block(layer, kResidMid))),
      ln2(config.d_model, config.norm_epsilon, hooks, in_block(layer, "ln2")),
      mlp(config, hooks, layer),
      hook_mlp_out(hooks.make(in_block(layer, kMlpOut))),
      hook_resid_post(hooks.make(in_block(layer, kResidPost))) {
  register_module("ln1", ln1);
  register_module("attn", attn);
  register_module("ln2", ln2);
  register_module("mlp", mlp);
}

torch::Tensor LayerImpl::forward(torch::Tensor stream, const RotaryTable& rotary) {
  stream = hook_resid_pre(stream);
  stream = hook_resid_mid(stream + hook_attn_out(attn(ln1(stream), rotary)));
  stream = hook_resid_post(stream + hook_mlp_out(mlp(ln2(stream))));
  return stream;
}

}  // namespace spikesink
