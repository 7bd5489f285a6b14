"""Linked keys: values of a hardware file that are expressions over its other keys.

A text is an expression if its key takes numbers. Exceptions are words that the key takes, such as
`none`, and numbers in quotes. Expressions become numbers after every key has its value. A link
therefore follows the keys that it refers to.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from typing import Any

import msgspec

from simulator.base.errors import InputError
from simulator.base.nearest import did_you_mean
from simulator.machines.expressions import Expression, number, parse
from simulator.machines.keys import NumberKey

Schema = Mapping[str, NumberKey | None]
"""Every key of a hardware file; None: the key takes texts only."""


class Link(msgspec.Struct, frozen=True, order=True):
    """A key and the expression for its value."""

    key: str
    expression: str

    def __str__(self) -> str:
        """The link as `KEY = EXPRESSION`."""
        return f"{self.key} = {self.expression}"


def links_in(data: Mapping[str, Any], schema: Schema) -> tuple[Link, ...]:
    """Return the links of a hardware file's plain data, in the order of the schema."""
    return tuple(
        Link(key, " ".join(value.split()))
        for key in schema
        if is_expression(key, value := at(data, key), schema)
    )


def is_expression(key: str, value: object, schema: Schema) -> bool:
    """True if the value of a key is an expression, valid or not."""
    numbers = schema.get(key)
    if not isinstance(value, str) or numbers is None or value in numbers.words:
        return False
    try:
        float(value)
    except ValueError:
        return True
    return "_" in value  # the schema refuses other numbers in quotes


def resolved(
    data: dict[str, Any], links: tuple[Link, ...], schema: Schema, source_of: Callable[[str], str]
) -> dict[str, Any]:
    """Return plain data with a number at each linked key; do not change `data`.

    Args:
        data: plain data of a hardware file.
        links: from `links_in`.
        schema: every key.
        source_of: returns the source of a linked key's value, for errors: a file or an option.

    Raises:
        InputError: a malformed expression, a reference without a number, circular references, or a
            value that the key does not take.

    """
    expressions = {}
    for link in links:
        with _named(link, source_of):
            expressions[link.key] = require_links(link.key, link.expression, schema)
    try:
        order = order_of(expressions)
    except InputError as error:
        raise InputError(f"{source_of(links[0].key)}: {error}") from error
    exact: dict[str, Fraction] = {}
    plain = data
    for key in order:
        numbers = schema[key]
        assert numbers is not None  # because its text is an expression
        with _named(Link(key, expressions[key].text), source_of):
            exact[key] = expressions[key].value(
                lambda name: exact[name] if name in exact else _given(data, name, schema)
            )
            plain = replaced(plain, key, _accepted(exact[key], numbers))
    return plain


def order_of(expressions: Mapping[str, Expression]) -> list[str]:
    """Return the linked keys, each after the keys that it refers to.

    Args:
        expressions: the expressions by linked key.

    Raises:
        InputError: some keys refer to one another in a circle.

    """
    needs = {
        key: [name for name in expression.keys if name in expressions]
        for key, expression in expressions.items()
    }
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise InputError(f"a circle of references: {circle}") from error


def require_links(key: str, text: str, schema: Schema) -> Expression:
    """Return a key's expression, if it is well-formed and refers to known numbers.

    Raises:
        InputError: the expression is invalid. The message is a clause without the key.

    """
    expression = parse(text)
    for name in expression.keys:
        if name == key:
            raise InputError("it refers to itself")
        if name in schema and schema[name] is None:
            raise InputError(f"{name} is not a number")
        if name not in schema:
            raise InputError(_unknown(name, key, schema))
    return expression


def _unknown(name: str, key: str, schema: Schema) -> str:
    """Return the error for an unknown name, with the nearest name or the values of the key."""
    numbers = schema[key]
    assert numbers is not None  # because its text is an expression
    words = sorted(numbers.words)
    hint = did_you_mean(name, [*words, *(known for known, takes in schema.items() if takes)])
    number = "a whole number" if numbers.whole else "a number"
    others = ", ".join([*words, number])
    takes = f"{others}{',' * bool(words)} or an expression over other keys"
    return f"unknown key {name!r}: {hint or f'expected {takes}'}"


@contextmanager
def _named(link: Link, source_of: Callable[[str], str]) -> Iterator[None]:
    """Prefix an error with source, key and expression."""
    try:
        yield
    except InputError as error:
        source = source_of(link.key)
        said = source.endswith(f"{link.key}={link.expression}")
        shown = source if said else f"{source}: {link.key} is {link.expression!r}"
        raise InputError(f"{shown}: {error}") from error


def _given(data: Mapping[str, Any], key: str, schema: Schema) -> Fraction:
    """Return the number at a key without a link.

    Raises:
        InputError: the key has no number.

    """
    value, numbers = at(data, key), schema[key]
    if value is None and numbers is not None:
        value = numbers.default
    if value is None or value is msgspec.NODEFAULT:
        raise InputError(f"it needs {key}, which is not set")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"it needs {key}, which is {str(value)[:60]}, not a number")
    return number(value)


def _accepted(value: Fraction, key: NumberKey) -> int | float:
    """Return the value in the type of the key.

    Raises:
        InputError: a fraction instead of a whole number, or a value out of range.

    """
    if key.whole and value.denominator != 1:
        raise InputError(f"{float(value):g} is not a whole number; ceil(...) rounds up")
    number = int(value) if key.whole else float(value)
    try:
        msgspec.convert(number, key.kind)
    except msgspec.ValidationError as error:
        reason = str(error).replace("`", "")
        raise InputError(f"{number:g}: {reason[0].lower()}{reason[1:]}") from error
    return number


# --- plain data ---------------------------------------------------------------------------------


def at(data: Mapping[str, Any], key: str) -> Any:
    """Return the value of a dotted key of plain data; None if the key is missing."""
    value: Any = data
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def replaced(data: Mapping[str, Any], key: str, value: object) -> dict[str, Any]:
    """Return plain data with another value at a dotted key; do not change the given data."""
    first, _, rest = key.partition(".")
    return {**data, first: replaced(data[first], rest, value) if rest else value}
