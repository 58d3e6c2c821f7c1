"""not_finite: the hook points that show NaN or infinite values, in the order of the forward pass."""

import numpy

from claims import Given


def points_of(trace):
    """What each hook point shows of a sequence. Of a norm or a projection alone its result is here."""
    points = {}
    for layer, traced in enumerate(trace.layers):
        shown = {
            "hook_resid_pre": trace.states[2 * layer],
            "ln1.hook_normalized": traced.attention_normed,
            "attn.hook_in": traced.attention_in,
            "attn.hook_v": traced.v,
            "attn.hook_rot_q": traced.q,
            "attn.hook_rot_k": traced.k,
            "attn.hook_z": traced.z,
            "hook_attn_out": trace.outputs[2 * layer],
            "hook_resid_mid": trace.states[2 * layer + 1],
            "ln2.hook_normalized": traced.mlp_normed,
            "mlp.hook_in": traced.mlp_in,
            "mlp.hook_pre": traced.gate,
            "mlp.hook_pre_linear": traced.up,
            "mlp.hook_act": traced.activated,
            "mlp.hook_post": traced.post,
            "hook_mlp_out": trace.outputs[2 * layer + 1],
            "hook_resid_post": trace.states[2 * layer + 2],
        }
        points |= {f"blocks.{layer}.{name}": value for name, value in shown.items()}
    points["ln_final.hook_scale"] = trace.final_scale
    points["ln_final.hook_normalized"] = trace.final_normed
    points["unembed.hook_in"] = trace.unembedded
    points["unembed.hook_out"] = trace.logits
    return points


def first_place(values):
    """(sequence, index) of the first value that is not finite, of one array a sequence; None without."""
    for sequence, value in enumerate(values):
        places = numpy.argwhere(~numpy.isfinite(value))
        if len(places):
            return sequence, places[0].tolist()
    return None


def not_finite(run):
    """None where all is finite."""
    shown = [points_of(trace) for trace in run.traces]
    points = []
    for name in shown[0]:
        values = [points[name] for points in shown]
        place = first_place(values)
        if place is None:
            continue
        nan, infinite = (int(sum(kind(value).sum() for value in values)) for kind in (numpy.isnan, numpy.isinf))
        points.append({"point": name, "nan": nan, "infinite": infinite, "sequence": place[0], "index": place[1]})
    return {"definition": Given(), "options": {"patterns": []}, "points": points} if points else None
