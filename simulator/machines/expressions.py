"""Arithmetic over the keys of a hardware file, such as `array.pes * 2.5`.

Python's own parser reads the text. `_read` then translates the few kinds of nodes that it knows and
refuses all others. The module never runs a text as Python.
"""

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from simulator.base.errors import InputError

ALLOWED = "numbers, keys, + - * / ( ), min, max, ceil, log2"
"""The elements of an expression."""

_LONGEST = 400
"""The most characters of an expression."""
_DEEPEST = 32
"""The most levels of nested operations."""
_LARGEST = 10**18
"""The largest absolute value of any number or result."""
_FINEST = 10**60
"""The largest denominator of a result, which chains of links could raise without limit."""
_CHARACTERS = re.compile(r"[0-9A-Za-z_.+\-*/(), \t]*")
_RANGE = re.compile(r"[^:=()]+(:[^:=()]+)+")
_PYTHONS = re.compile(r"(?<![\w.])([0-9]+_|0[bBoOxX])\w*")
"""Numbers such as `1_000`, which Python's parser would read."""


@dataclass(frozen=True, slots=True)
class Key:
    """A reference to another dotted key."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A function of one or more values."""

    function: Callable[..., Fraction]
    arguments: "tuple[Tree, ...]"


Tree = Fraction | Key | Operation


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression."""

    text: str
    tree: Tree

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that it refers to, each once."""
        return tuple(dict.fromkeys(_keys(self.tree)))

    def value(self, value_of: Callable[[str], Fraction]) -> Fraction:
        """Return the exact value; only `log2` rounds, unless its number is a power of two.

        Args:
            value_of: a function that returns the value of a key.

        Raises:
            InputError: a division by zero, a logarithm of zero or less, a number out of range.

        """
        return _value(self.tree, value_of)


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """Parse an expression.

    Raises:
        InputError: malformed, too long, too deep, or with other elements than `ALLOWED`. The
            message is a clause without the text.

    """
    if len(text) > _LONGEST:
        raise InputError(f"an expression has at most {_LONGEST} characters, not {len(text):,}")
    if _RANGE.fullmatch(text):
        raise InputError("a run takes one value; ranges belong to `simulate sweep`")
    if found := _PYTHONS.search(text):
        raise InputError(f"{found[0]} is not a number; use decimal digits without underscores")
    if not _CHARACTERS.fullmatch(text):
        raise _refused()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of the style of numbers
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise _refused("malformed; ") from error
    return Expression(" ".join(text.split()), _read(tree, 1))


def number(value: int | float) -> Fraction:
    """Return a number as its decimal digits show it: 0.1 is a tenth.

    Raises:
        InputError: the number is infinite, not a number, or above 10^18.

    """
    if not abs(value) <= _LARGEST:
        raise _too_large()
    return Fraction(repr(value))


def _refused(reason: str = "") -> InputError:
    return InputError(f"{reason}an expression may consist of {ALLOWED}")


# --- from Python's tree to `Tree` ---------------------------------------------------------------


def _read(node: ast.expr, depth: int) -> Tree:
    """Translate one node of Python's tree, with the nodes below it."""
    if depth > _DEEPEST:
        raise InputError(f"an expression has at most {_DEEPEST} levels")
    match node:
        case ast.Constant(value=int() | float() as constant) if not isinstance(constant, bool):
            return number(constant)
        case ast.Name() | ast.Attribute():
            return Key(_dotted(node))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Operation(operator.neg, (_read(operand, depth + 1),))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            sides = (_read(left, depth + 1), _read(right, depth + 1))
            return Operation(_OPERATORS[type(sign)], sides)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            function, least, most = _FUNCTIONS[name]
            if not least <= len(arguments) <= most:
                count = "one value" if most == 1 else "two values or more"
                raise InputError(f"{name} takes {count}, not {len(arguments)}")
            return Operation(function, tuple(_read(one, depth + 1) for one in arguments))
    raise _refused()


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    raise _refused()


def _keys(tree: Tree) -> Iterator[str]:
    if isinstance(tree, Key):
        yield tree.name
    elif isinstance(tree, Operation):
        for argument in tree.arguments:
            yield from _keys(argument)


# --- values -------------------------------------------------------------------------------------


def _value(tree: Tree, value_of: Callable[[str], Fraction]) -> Fraction:
    if isinstance(tree, Fraction):
        return tree
    if isinstance(tree, Key):
        return value_of(tree.name)
    value = tree.function(*(_value(argument, value_of) for argument in tree.arguments))
    if abs(value) > _LARGEST:
        raise _too_large()
    if value.denominator > _FINEST:
        raise InputError("a fraction has a denominator above 10^60")
    return value


def _too_large() -> InputError:
    return InputError("a number is above 10^18")


def _divided(left: Fraction, right: Fraction) -> Fraction:
    if not right:
        raise InputError("division by zero")
    return left / right


def _ceil(value: Fraction) -> Fraction:
    return Fraction(math.ceil(value))


def _log2(value: Fraction) -> Fraction:
    """Return the logarithm: exact for powers of two, in double precision for other numbers."""
    if value <= 0:
        raise InputError("log2 of a number that is not positive")
    over, under = value.as_integer_ratio()
    if over & (over - 1) == 0 and under & (under - 1) == 0:
        return Fraction(over.bit_length() - under.bit_length())
    return Fraction(math.log2(value))


_OPERATORS: dict[type[ast.operator], Callable[..., Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divided,
}
_MANY = 64
_FUNCTIONS: dict[str, tuple[Callable[..., Fraction], int, int]] = {
    "min": (min, 2, _MANY),
    "max": (max, 2, _MANY),
    "ceil": (_ceil, 1, 1),
    "log2": (_log2, 1, 1),
}
"""Functions by name, each with the fewest and the most values that it takes."""
