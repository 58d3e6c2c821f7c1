"""What one of the peers does in one process, as its documentation has users do it: for every block the three largest channels of
the hidden state after it, and for every head the importance of key 0 (the mean attention that it receives from the queries that see it).

    work.py transformers|transformer_lens|nnsight MODEL TOKENS float32|bfloat16

TOKENS is a JSON array of rows of ids, one batch. After a short pass that does not count, the work is timed once; printed is a line
of JSON: seconds, peak_bytes (of the process), top (per block, magnitudes), importance (per layer and head).
"""

import json
import resource
import sys
import time

import torch


def top_of(state):
    return state.abs().amax((0, 1)).float().topk(3).values.tolist()


def importance_of(pattern):  # [B, H, T, T]
    return pattern[..., 0].float().mean(-1).mean(0).tolist()


def load(model, dtype, attention):
    import transformers

    return transformers.AutoModelForCausalLM.from_pretrained(model, dtype=dtype, attn_implementation=attention).eval()


class Transformers:
    """Hidden states from hooks on the modules whose outputs are added to the stream, attention from output_attentions."""

    def __init__(self, model, dtype):
        self.model = load(model, dtype, "eager")

    def __call__(self, ids):
        middles = []
        hooks = [layer.post_attention_layernorm.register_forward_pre_hook(lambda _, inputs: middles.append(inputs[0]))
                 for layer in self.model.model.layers]
        ends = []
        hooks += [layer.register_forward_hook(lambda _, inputs, output: ends.append(output if torch.is_tensor(output) else output[0]))
                  for layer in self.model.model.layers]
        out = self.model.model(ids, output_attentions=True, use_cache=False)
        for hook in hooks:
            hook.remove()
        top = [top_of(state) for pair in zip(middles, ends) for state in pair]
        return top, [importance_of(pattern) for pattern in out.attentions]


class TransformerLens:
    """A cache of the two states and the pattern of every layer."""

    def __init__(self, model, dtype):
        from transformer_lens.model_bridge import TransformerBridge

        self.model = TransformerBridge.boot_transformers(model, dtype=dtype, device="cpu")

    def __call__(self, ids):
        wanted = ("hook_resid_mid", "hook_resid_post", "attn.hook_pattern")
        _, cache = self.model.run_with_cache(ids, return_type=None, names_filter=lambda name: name.endswith(wanted))
        layers = range(self.model.cfg.n_layers)
        top = [top_of(cache[f"blocks.{layer}.{state}"]) for layer in layers for state in ("hook_resid_mid", "hook_resid_post")]
        return top, [importance_of(cache[f"blocks.{layer}.attn.hook_pattern"]) for layer in layers]


class NNsight:
    """A trace that reduces each value where it is."""

    def __init__(self, model, dtype):
        from nnsight import LanguageModel

        self.model = LanguageModel(model, dtype=dtype, attn_implementation="eager", dispatch=True)

    def __call__(self, ids):
        layers = len(self.model.model.layers)
        with self.model.trace(ids):
            top, importance = [].save(), [].save()
            for layer in range(layers):
                block = self.model.model.layers[layer]
                top.append(block.post_attention_layernorm.input.abs().amax((0, 1)).float().topk(3).values)
                importance.append(block.self_attn.output[1][..., 0].float().mean(-1).mean(0))
                top.append(block.output.abs().amax((0, 1)).float().topk(3).values)
        return [row.tolist() for row in top], [row.tolist() for row in importance]


TOOLS = {"transformers": Transformers, "transformer_lens": TransformerLens, "nnsight": NNsight}


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
