"""A bounded cache of a function's results and of its input errors."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from simulator.base.errors import InputError

T = TypeVar("T")


def remembered(function: Callable[..., T], kept: int) -> Callable[..., T]:
    """Return the function with a bounded cache of its results and of the input errors it raises."""

    @lru_cache(maxsize=kept)
    def outcome(_spelt: str, *key: Any) -> T | InputError:
        try:
            return function(*key)
        except InputError as error:
            return error

    def call(*key: Any) -> T:
        value = outcome(repr(key), *key)  # 1, 1.0 and True are equal, but different overrides
        if isinstance(value, InputError):
            raise InputError(str(value))
        return value

    return call
