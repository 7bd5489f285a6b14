"""Read PyTorch checkpoints: a state dict, bare or under `state_dict`; never run their code."""

import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.base.extras import require
from simulator.workload import arrays
from simulator.workload.importers.tensors import TensorFile

_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")


def read_checkpoint(path: Path) -> TensorFile:
    """Read a checkpoint's tensors; in torch's zip format, load only the tensors in use.

    Raises:
        InputError: torch is missing, the file is broken, or it holds more than plain data.

    """
    state = _state_dict(_load(path), path)
    there = path.stat().st_size
    tensors = {name: value for name, value in state.items() if _is_tensor(name, value, path, there)}

    def load(name: str) -> NDArray[Any]:
        tensor = tensors[name]
        if not (tensor.is_floating_point() or tensor.dtype.itemsize == 1):
            raise InputError(f"{path}: {name} is of {tensor.dtype}: expected floating point")
        values: NDArray[Any] = tensor.float().numpy(force=True)
        return values

    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    return TensorFile(path=path, shapes=shapes, load=load)


def _load(path: Path) -> Any:
    zipped = zipfile.is_zipfile(path)
    if zipped:
        _require_stored(path)
    require("torch", f"{path}: reading PyTorch checkpoints")
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as error:  # a broken pickle may raise any error
        if found := _GLOBAL.search(str(error)):
            raise InputError(
                f"{path}: refused because loading it would call {found[1]}; save the model's "
                "state_dict()"
            ) from error
        reason = str(error).partition(". ")[0].partition("\n")[0][:200] or type(error).__name__
        raise InputError(f"{path}: not a readable PyTorch checkpoint: {reason}") from error


def _require_stored(path: Path) -> None:
    """Refuse TorchScript archives and compressed members.

    torch.save never compresses; a compressed member may be a zip bomb.
    """
    with arrays.opened(path, "PyTorch checkpoint") as archive:
        arrays.check_sizes(archive, path)
        for info in archive.infolist():
            if "/code/" in info.filename:
                raise InputError(f"{path}: is a TorchScript archive; save the model's state_dict()")
            if info.compress_type != zipfile.ZIP_STORED:
                raise InputError(
                    f"{path}: {info.filename[:80]!r} is compressed; save the model with torch.save"
                )


def _state_dict(content: Any, path: Path) -> dict[str, Any]:
    state = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(state, dict):
        raise InputError(f"{path}: expected a state dict; found {type(state).__name__}")
    if not all(isinstance(name, str) for name in state):
        raise InputError(f"{path}: its keys are not names; save the model's state_dict()")
    return state


def _is_tensor(name: str, value: Any, path: Path, there: int) -> bool:
    """True if a value is a tensor; refuse tensors that are not dense or not wholly in the file."""
    import torch

    if not isinstance(value, torch.Tensor):
        return False
    if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized:
        raise InputError(f"{path}: {name[:80]} is not a dense tensor of plain numbers")
    stored = value.untyped_storage().nbytes()
    if not value.numel() * value.element_size() <= stored <= there:
        raise InputError(
            f"{path}: {name[:80]} claims the shape {list(value.shape)}, but stores {stored:,} "
            f"bytes in this file of {there:,} bytes"
        )
    return True
