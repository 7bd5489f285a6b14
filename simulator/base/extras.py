"""Optional libraries: the extras that install them, their benefits, and checks for them."""

from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Literal

from simulator.base.errors import InputError

Name = Literal["fast", "parquet", "torch", "safetensors", "onnx", "train", "cluster"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """One extra of the package."""

    libraries: tuple[tuple[str, str], ...]
    """Module and package name of each library."""
    brings: str
    """Effect of the installation, as a phrase that follows the pip command."""
    instead: str = ""
    """Alternative to the extra, as the end of an error message."""


EXTRAS = MappingProxyType[Name, Extra](
    {
        "fast": Extra(
            libraries=(("numba", "numba"), ("llvmlite", "llvmlite")),
            brings="compiles the fast engine, which then runs about 100 times faster",
        ),
        "parquet": Extra(
            libraries=(("pyarrow", "pyarrow"),),
            brings="writes Parquet, which is smaller and faster to read",
        ),
        "torch": Extra(
            libraries=(("torch", "torch"),),
            brings="reads PyTorch checkpoints",
            instead=", or save the state dict as .npz or .safetensors",
        ),
        "safetensors": Extra(
            libraries=(("safetensors", "safetensors"),), brings="reads .safetensors files"
        ),
        "onnx": Extra(libraries=(("onnx", "onnx"),), brings="reads ONNX graphs"),
        "train": Extra(
            libraries=(("torch", "torch"), ("sklearn", "scikit-learn")),
            brings="trains networks with simulate train",
        ),
        "cluster": Extra(
            libraries=(("distributed", "distributed"),), brings="runs sweeps on a Dask cluster"
        ),
    }
)


def installed(extra: Name) -> bool:
    """True if all libraries of an extra are installed; does not import them."""
    return not _missing(extra)


def require(extra: Name, purpose: str) -> None:
    """Raise an error that names the extra if one of its libraries is not installed.

    Args:
        extra: the required extra.
        purpose: subject of the message, such as "reading .pth files".

    Raises:
        InputError: a library is missing.

    """
    missing = _missing(extra)
    if missing:
        libraries = " and ".join(missing)
        raise InputError(f"{purpose} needs {libraries}: {_pip(extra)}{EXTRAS[extra].instead}")


def hint(extra: Name) -> str:
    """Return one line with the pip command of an extra and the extra's benefit."""
    return f"{_pip(extra)} {EXTRAS[extra].brings}"


def _missing(extra: Name) -> list[str]:
    return [package for module, package in EXTRAS[extra].libraries if not _found(module)]


def _found(module: str) -> bool:
    try:
        spec = find_spec(module)
    except ImportError:  # an import hook that refuses the module
        return False
    return spec is not None and spec.origin is not None  # a folder of that name has no origin


def _pip(extra: Name) -> str:
    return f"pip install 'subbit-simulator[{extra}]'"
