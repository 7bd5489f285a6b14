"""Check the arguments of the Python functions; an error is one line with the type to use.

The command line has its own parser; these checks serve the public functions, such as
`simulator.simulate`.
"""

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from simulator.base.errors import InputError


def number(name: str, value: Any, example: str) -> float:
    """Return a real number as a float.

    Args:
        name: name of the argument, for the error.
        value: the user's value.
        example: an allowed value, for the error.

    Raises:
        InputError: the value is not a number.

    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise wrong_type(name, value, f"a number such as {example}")
    return float(value)


def whole(name: str, value: Any, example: str) -> int:
    """Return a whole number as an int; the arguments are those of `number`.

    Raises:
        InputError: the value is not a whole number.

    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise wrong_type(name, value, f"a whole number such as {example}")
    return int(value)


def optional_whole(name: str, value: object, example: str) -> int | None:
    """Return a whole number, or None if it is not given."""
    return None if value is None else whole(name, value, example)


def flag(name: str, value: Any) -> bool:
    """Return True or False.

    Raises:
        InputError: the value is not a bool.

    """
    if not isinstance(value, bool):
        raise wrong_type(name, value, "True or False")
    return value


def text(name: str, value: Any, example: str) -> str:
    """Return a string; the arguments are those of `number`.

    Raises:
        InputError: the value is not a string.

    """
    if not isinstance(value, str):
        raise wrong_type(name, value, f"a name such as {example!r}")
    return value


def optional_text(name: str, value: Any, example: str) -> str | None:
    """Return a string, or None if it is not given."""
    return None if value is None else text(name, value, example)


def name_or_path(name: str, value: Any, example: str, instead: str = "") -> str | Path:
    """Return a shipped name or a path.

    Args:
        name: name of the argument, for the error.
        value: the user's value.
        example: a shipped name, for the error.
        instead: another type that the argument takes, for the error, such as `a Hardware`.

    Raises:
        InputError: the value is not a string or a path.

    """
    if not isinstance(value, str | Path):
        more = f", a path or {instead}" if instead else " or a path"
        raise wrong_type(name, value, f"a name such as {example!r}{more}")
    return value


def input_size(value: Any) -> tuple[int, int]:
    """Return (height, width) in pixels, from one number or from a pair.

    Raises:
        InputError: the value is not one or two whole numbers.

    """
    sizes = list(value) if isinstance(value, tuple | list) else [value]
    if len(sizes) > 2 or not sizes:
        raise wrong_type("input_size", value, "pixels such as 224, or (height, width)")
    pixels = [whole("input_size", size, "224, or (height, width)") for size in sizes]
    return pixels[0], pixels[-1]


def overrides(value: Any) -> dict[str, Any]:
    """Return the hardware keys of `set` with plain values; NumPy scalars become Python numbers.

    Raises:
        InputError: the value is not a mapping, or a key is not a string.

    """
    example = "a dictionary such as {'array.pes': 128}"
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise wrong_type("set", value, example)
    for key in value:
        if not isinstance(key, str):
            raise wrong_type("a key of set", key, example)
    return {key: plain(one) for key, one in value.items()}


def taus_by_layer(value: Any) -> dict[str, int] | None:
    """Return the taus of single layers by name.

    Raises:
        InputError: the value is not a mapping of names to whole numbers.

    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise wrong_type("taus", value, "a dictionary such as {'layer4.1.conv2': 3}")
    return {
        text("a key of taus", key, "layer4.1.conv2"): whole(f"taus[{key!r}]", tau, "5")
        for key, tau in value.items()
    }


def listed(value: Any) -> list[Any]:
    """Return the items of a sequence or an array as a list, or any other value in a list."""
    if isinstance(value, str | bytes | Mapping):
        return [value]
    if isinstance(value, Sequence | range) or hasattr(value, "tolist"):
        return [plain(one) for one in value] if getattr(value, "ndim", 1) else [plain(value)]
    return [value]


def plain(value: Any) -> Any:
    """Return a NumPy scalar as a Python number, and any other value unchanged."""
    import numpy as np

    return value.item() if isinstance(value, np.generic) else value


def wrong_type(name: str, value: Any, use: str) -> InputError:
    """Return the error for a value of the wrong type."""
    shown = repr(value)
    if len(shown) > 60:
        shown = shown[:57] + "..."
    return InputError(f"{name} is {' '.join(shown.split())} ({type(value).__name__}): use {use}")
