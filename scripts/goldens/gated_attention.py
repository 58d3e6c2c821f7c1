"""The output gates of "Gated Attention for Large Language Models" (arXiv 2505.06708), whose checkpoints transformers does not read: a
Qwen3 whose `q_proj` also computes the logits of the gates.

The rows of `q_proj` are ordered by key head: the query heads of its group, then their gates, one for each head
(`headwise_attn_output_gate`) or for each channel (`elementwise_attn_output_gate`). z is the input of `o_proj`:

    z <- z * sigmoid(gate)
"""
import torch
from torch import nn


class Queries(nn.Linear):
    """Returns the queries and keeps the gates, [B, T, heads, 1 or d_head]."""

    def __init__(self, attention, config, width):
        self.groups, self.heads, self.d_head = config.num_key_value_heads, config.num_attention_heads, attention.head_dim
        super().__init__(config.hidden_size, self.heads * (self.d_head + width), bias=False)

    def forward(self, x):
        rows = super().forward(x).unflatten(-1, (self.groups, -1))
        queries = self.heads // self.groups * self.d_head
        self.gates = rows[..., queries:].flatten(-2).unflatten(-1, (self.heads, -1))
        return rows[..., :queries].flatten(-2)


class Output(nn.Linear):
    def __init__(self, attention, config, queries):
        super().__init__(config.num_attention_heads * attention.head_dim, config.hidden_size, bias=False)
        object.__setattr__(self, "queries", queries)  # not a submodule

    def forward(self, z):
        gates = torch.sigmoid(self.queries.gates)
        return super().forward((z.unflatten(-1, (self.queries.heads, -1)) * gates).flatten(-2))


def has_gates(config):
    return getattr(config, "headwise_attn_output_gate", False) or getattr(config, "elementwise_attn_output_gate", False)


def add_gates(model):
    config = model.config
    for layer in model.model.layers:
        attention = layer.self_attn
        attention.q_proj = Queries(attention, config, 1 if config.headwise_attn_output_gate else attention.head_dim)
        attention.o_proj = Output(attention, config, attention.q_proj)
