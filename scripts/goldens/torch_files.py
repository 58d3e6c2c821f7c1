"""Writes tests/goldens/torch: files of torch.save, what they hold as safetensors, and files that must be refused.

    python scripts/goldens/torch_files.py tests/goldens/torch
"""
import json
import pathlib
import sys
from collections import OrderedDict

import torch
from safetensors.torch import save_file

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
          torch.int8, torch.uint8, torch.bool]


def tensors():
    numbers = torch.tensor([[-2.5, 0, 1], [3.25, 100, -7]], dtype=torch.float64)
    shared = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8
    result = OrderedDict((str(dtype).removeprefix("torch."), numbers.abs().to(dtype)) for dtype in DTYPES)
    result["transposed"] = torch.arange(6, dtype=torch.bfloat16).reshape(2, 3).t()
    result["whole"] = shared
    result["tied"] = shared
    result["columns"] = shared[1:3, 1::2]
    result["parameter"] = torch.nn.Parameter(numbers.float())
    result["frozen"] = torch.nn.Parameter(numbers.half(), requires_grad=False)
    result["scalar"] = torch.tensor(0.5)
    result["empty"] = torch.empty(2, 0, 3)
    result["größe"] = torch.full((1, 3), 7, dtype=torch.int16)
    return result


class Layer(torch.nn.Module):
    def forward(self, x):
        return x + 1


def write_shards(folder, state):
    """As save_pretrained did: plain dicts, and an index beside them."""
    folder.mkdir(exist_ok=True)
    names = list(state)
    parts = {"pytorch_model-00001-of-00002.bin": names[:10], "pytorch_model-00002-of-00002.bin": names[10:]}
    for file, part in parts.items():
        torch.save({name: state[name] for name in part}, folder / file)
    weight_map = {name: file for file, part in parts.items() for name in part}
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=1) + "\n")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    state = tensors()
    for protocol in (2, 3, 4, 5):
        torch.save(state, folder / f"protocol{protocol}.bin", pickle_protocol=protocol)
    expected = {name: tensor.detach().clone().contiguous() for name, tensor in state.items()}
    save_file(expected, folder / "expected.safetensors")
    write_shards(folder / "shards", state)

    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    torch.save(module.state_dict(), folder / "module.pt")
    save_file(module.state_dict(), folder / "module.safetensors")

    refused = folder / "refused"
    refused.mkdir(exist_ok=True)
    optimizer = torch.optim.Adam(module.parameters())
    torch.save({"epoch": 3, "loss": 0.5, "model": module.state_dict(), "optimizer": optimizer.state_dict()},
               refused / "checkpoint.pt")
    torch.save(module.state_dict(), refused / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(module, refused / "module.pt")
    torch.jit.save(torch.jit.script(Layer()), str(refused / "script.pt"))


if __name__ == "__main__":
    main()
