"""Copies of functions in which fields of their memory are constants.

The compiler then knows these values. With one lane, for example, a block is a number, and a loop
over lanes is a step.
"""

import ast
from collections.abc import Callable, Mapping
from inspect import isfunction
from pathlib import Path
from types import ModuleType
from typing import Any

Function = Callable[..., Any]


def functions_of(module: ModuleType) -> list[Function]:
    """Return the functions that a module defines."""
    found = filter(isfunction, vars(module).values())
    return [each for each in found if each.__module__ == module.__name__]


def with_constants(
    modules: tuple[ModuleType, ...], constants: Mapping[str, int]
) -> dict[Function, Function]:
    """Return a copy of every function of some modules; the copies call each other.

    Args:
        modules: modules whose functions name their memory `m`.
        constants: a field's name, such as `LANES` -> the value of `m[LANES]`.

    """
    copies: dict[Function, Function] = {}
    spaces = []
    for module in modules:
        space = dict(vars(module))
        exec(_code(module, constants), space)  # the module's own source
        copies |= {each: space[each.__name__] for each in functions_of(module)}
        spaces.append(space)
    for space in spaces:
        for name, value in space.items():
            if isfunction(value):
                space[name] = copies.get(value, value)
    return copies


def _code(module: ModuleType, constants: Mapping[str, int]) -> Any:
    """Return the code that defines a module's functions, with constants."""
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    tree.body = [each for each in tree.body if isinstance(each, ast.FunctionDef)]
    return compile(_Constants(constants).visit(tree), module.__file__, "exec")


class _Constants(ast.NodeTransformer):
    """Replaces `m[FIELD]` by its value."""

    def __init__(self, constants: Mapping[str, int]) -> None:
        self._constants = constants

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Subscript(ast.Name("m"), ast.Name(field), ast.Load()):
                if field in self._constants:
                    return ast.copy_location(ast.Constant(self._constants[field]), node)
        return node
