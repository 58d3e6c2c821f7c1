#include "model/recompute.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "detail/autocast.h"

namespace spikesink::detail {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Again : torch::CustomClassHolder {
  Again(Layer layer_again, PassContext pass_context_again, bool autocast_again)
      : layer(std::move(layer_again)),
        pass_context(std::move(pass_context_again)),
        autocast(autocast_again) {}
  Layer layer;
  PassContext pass_context;
  bool autocast;
};

// The tokens' embeddings, where gates read them, are an argument of their own: they have gradients.
struct Recomputed : torch::autograd::Function<Recomputed> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& stream,
                               const torch::Tensor& embedded, const Layer& layer,
                               const PassContext& pass_context) {
    context->save_for_backward({stream, embedded});
    auto again = c10::make_intrusive<Again>(
        layer, pass_context, at::autocast::is_autocast_enabled(stream.device().type()));
    again->pass_context.token_embeddings = torch::Tensor();
    context->saved_data["again"] = c10::IValue::make_capsule(std::move(again));
    return Layer(layer)->forward(stream, pass_context);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto held = context->saved_data["again"].toCapsule();
    const auto& again = static_cast<const Again&>(*held);
    variable_list inputs;
    for (const auto& saved : context->get_saved_variables())
      inputs.push_back(saved.detach().requires_grad_());
    auto pass_context = again.pass_context;
    pass_context.token_embeddings = inputs[1];
    {
      const torch::AutoGradMode with_gradients(true);
      const AutocastScope autocast(inputs[0].device().type(), again.autocast);
      const auto output = Layer(again.layer)->forward(inputs[0], pass_context);
      torch::autograd::backward({output}, {gradients[0]});
    }
    return {inputs[0].grad(), inputs[1].grad(), {}, {}};
  }
};

}  // namespace

torch::Tensor recomputed(const Layer& layer, const torch::Tensor& stream,
                         const PassContext& pass_context) {
  const auto embedded = pass_context.token_embeddings.defined() ? pass_context.token_embeddings
                                                                : at::empty({0}, stream.options());
  return Recomputed::apply(stream, embedded, layer, pass_context);
}

}  // namespace spikesink::detail
