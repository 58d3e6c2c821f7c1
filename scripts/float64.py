"""Runs transformers entirely in float64. Without this, norms, angles, softmax and routers use float32 in a model of any dtype."""
from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class NoFloat32(TorchDispatchMode):
    """Raises an error on any operation that creates a float32 tensor."""
    forbidden = torch.float32

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        output = function(*args, **kwargs or {})
        for part in output if isinstance(output, (tuple, list)) else (output,):
            assert not isinstance(part, torch.Tensor) or part.dtype != self.forbidden, f"{function} rounds to float32"
        return output


@contextmanager
def float64():
    """Rebinds torch's names for float32 to float64 while transformers builds and runs a model."""
    names = dict(float32=torch.float32, float=torch.float)
    to_float, default = torch.Tensor.float, torch.get_default_dtype()
    for name in names:
        setattr(torch, name, torch.float64)
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)
    try:
        with NoFloat32():
            yield
    finally:
        for name, dtype in names.items():
            setattr(torch, name, dtype)
        torch.Tensor.float = to_float
        torch.set_default_dtype(default)
