#include "model/recompute.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "detail/autocast.h"

namespace spikesink::detail {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct LayerCall : torch::CustomClassHolder {
  LayerCall(Layer a_layer, PassContext a_pass_context, bool uses_autocast)
      : layer(std::move(a_layer)),
        pass_context(std::move(a_pass_context)),
        autocast(uses_autocast) {}
  Layer layer;
  PassContext pass_context;
  bool autocast;
};

// The token embeddings, which gates can read, are a separate argument because they have gradients.
struct CheckpointedLayer : torch::autograd::Function<CheckpointedLayer> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& stream,
                               const torch::Tensor& embedded, const Layer& layer,
                               const PassContext& pass_context) {
    context->save_for_backward({stream, embedded});
    auto call = c10::make_intrusive<LayerCall>(
        layer, pass_context, at::autocast::is_autocast_enabled(stream.device().type()));
    call->pass_context.token_embeddings = torch::Tensor();
    context->saved_data["call"] = c10::IValue::make_capsule(std::move(call));
    return Layer(layer)->forward(stream, pass_context);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto capsule = context->saved_data["call"].toCapsule();
    const auto& call = static_cast<const LayerCall&>(*capsule);
    variable_list inputs;
    for (const auto& saved : context->get_saved_variables())
      inputs.push_back(saved.detach().requires_grad_());
    auto pass_context = call.pass_context;
    pass_context.token_embeddings = inputs[1];
    {
      const torch::AutoGradMode with_gradients(true);
      const AutocastScope autocast(inputs[0].device().type(), call.autocast);
      const auto output = Layer(call.layer)->forward(inputs[0], pass_context);
      torch::autograd::backward({output}, {gradients[0]});
    }
    return {inputs[0].grad(), inputs[1].grad(), {}, {}};
  }
};

}  // namespace

torch::Tensor run_with_checkpointing(const Layer& layer, const torch::Tensor& stream,
                                     const PassContext& pass_context) {
  const auto embedded = pass_context.token_embeddings.defined() ? pass_context.token_embeddings
                                                                : at::empty({0}, stream.options());
  return CheckpointedLayer::apply(stream, embedded, layer, pass_context);
}

}  // namespace spikesink::detail
