"""Runs the benchmark task with one of the peers in one process, in the way that its documentation recommends: for every block, the
three largest channels of the hidden state after it; for every head, the importance of key 0 (the mean attention weight over the
queries that can attend to it).

    work.py transformers|transformers_outputs|transformer_lens|nnsight MODEL TOKENS float32|bfloat16

TOKENS is a JSON array of rows of ids, one batch. After a short warm-up pass, the task is timed once. Prints a line of JSON: seconds,
peak_bytes (of the process, including loading), top (magnitudes per block), importance (per layer and head). All tools except
transformers_outputs reduce each value in a hook and store no matrix; all compute as few logits as possible.
"""

import json
import resource
import sys
import time

import torch


def top_of(state):  # [B, T, C]
    return state.abs().amax((0, 1)).float().topk(3).values.tolist()


def importance_of(pattern):  # [B, H, T, T]
    return pattern[..., 0].float().mean(-1).mean(0).tolist()


class Transformers:
    """Uses forward hooks on the layers of the model without its head."""

    def __init__(self, model, dtype):
        from transformers import AutoModel

        self.model = AutoModel.from_pretrained(model, dtype=dtype, attn_implementation="eager")

    def __call__(self, ids):
        top, importance, hooks = [], [], []
        for layer in self.model.layers:
            hooks += [
                layer.self_attn.register_forward_hook(lambda _, args, output: importance.append(importance_of(output[1]))),
                layer.post_attention_layernorm.register_forward_pre_hook(lambda _, args: top.append(top_of(args[0]))),
                layer.register_forward_hook(lambda _, args, output: top.append(top_of(output))),
            ]
        self.model(ids, use_cache=False)
        for hook in hooks:
            hook.remove()
        return top, importance


class TransformersOutputs(Transformers):
    """Uses the attention matrices that the model returns, and hooks for the states (it returns none between two blocks)."""

    def __call__(self, ids):
        top, hooks = [], []
        for layer in self.model.layers:
            hooks += [
                layer.post_attention_layernorm.register_forward_pre_hook(lambda _, args: top.append(top_of(args[0]))),
                layer.register_forward_hook(lambda _, args, output: top.append(top_of(output))),
            ]
        attentions = self.model(ids, use_cache=False, output_attentions=True).attentions
        for hook in hooks:
            hook.remove()
        return top, [importance_of(pattern) for pattern in attentions]


class TransformerLens:
    """Uses temporary hooks for one run, selected by the ends of their names."""

    def __init__(self, model, dtype):
        from transformer_lens.model_bridge import TransformerBridge

        self.model = TransformerBridge.boot_transformers(model, dtype=dtype, device="cpu")

    def __call__(self, ids):
        top, importance = [], []
        states = ("hook_resid_mid", "hook_resid_post")
        hooks = [
            (lambda name: name.endswith(states), lambda state, hook: top.append(top_of(state))),
            (lambda name: name.endswith("attn.hook_pattern"), lambda pattern, hook: importance.append(importance_of(pattern))),
        ]
        # With return_type=None alone, the bridge still computes the logits of every token.
        self.model.run_with_hooks(ids, return_type=None, fwd_hooks=hooks, logits_to_keep=1)
        return top, importance


class NNsight:
    """Uses a trace that stops after the last layer."""

    def __init__(self, model, dtype):
        from nnsight import TransformersModel

        self.model = TransformersModel(model, task="text-generation", dtype=dtype, attn_implementation="eager", dispatch=True)

    def __call__(self, ids):
        import nnsight

        with self.model.trace(ids, use_cache=False) as tracer:
            top, importance = nnsight.save([]), nnsight.save([])
            for layer in self.model.model.layers:
                importance.append(importance_of(layer.self_attn.output[1]))
                top.append(top_of(layer.post_attention_layernorm.input))
                top.append(top_of(layer.output))
            tracer.stop()
        return top, importance


TOOLS = {
    "transformers": Transformers,
    "transformers_outputs": TransformersOutputs,
    "transformer_lens": TransformerLens,
    "nnsight": NNsight,
}


def main():
    tool, model, tokens, dtype = sys.argv[1:]
    ids = torch.tensor(json.load(open(tokens)))
    with torch.no_grad():
        work = TOOLS[tool](model, getattr(torch, dtype))
        work(ids[:1, :16])
        start = time.perf_counter()
        top, importance = work(ids)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak_bytes": peak, "top": top, "importance": importance}))


if __name__ == "__main__":
    main()
