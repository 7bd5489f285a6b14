"""Problem YAML of Timeloop, v0.3 and v0.4: one layer as dimensions and projections.

`shape` names dimensions and, for each data space, the dimensions that index it; `instance` (or in
v0.3 the problem itself) their sizes. Files without a shape, or with its name alone, mean
Timeloop's own `cnn-layer`. A file may include another file's text (`{{include_text('base.yaml')}}`)
and extend its keys (`<<<: *base`), as Timeloop's Python front end reads them.

Timeloop has no padding: the input map includes it. Its first window (R, P) is of columns, its
second (S, Q) of rows, as their coefficients Wstride and Hstride tell.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simulator.base.errors import InputError
from simulator.base.guard import read_text
from simulator.base.inputs import convert
from simulator.workload.peers.einsum import Einsum, Window, conv_of
from simulator.workload.peers.layers import Listed, names
from simulator.workload.peers.problem import CNN_LAYER, DataSpace, ProblemShape

_BUILT_IN = frozenset({"cnn-layer", "cnn_layer"})
_INCLUDE = re.compile(r"""\{\{\s*include_text\(['"]([^'"]{1,200})['"]\)\s*\}\}""")
_MOST_BYTES = 1 << 20
"""Upper limit of an included file."""
_WEIGHTS = re.compile(r"w|weights?|filters?|b", re.IGNORECASE)


def expanded(text: str, path: Path) -> str:
    """Return the text of a file with the files that it includes.

    Raises:
        InputError: an included file is missing, or the text has another template.

    """

    def included(found: re.Match[str]) -> str:
        file = path.parent / found[1]
        if Path(found[1]).is_absolute() or not file.is_file() or file.stat().st_size > _MOST_BYTES:
            raise InputError(
                f"{path}: include_text({found[1]!r}): expected a file of at most "
                f"{_MOST_BYTES:,} bytes, relative to this file"
            )
        return read_text(file)

    text = _INCLUDE.sub(included, text)
    if "{{" in text.replace("{{{", ""):
        raise InputError(f"{path}: is a template; render it first: only include_text is read")
    return text


def _extended(data: Any) -> Any:
    """Plain data with the keys that `<<<` adds at any depth; keys of the data itself win."""
    if not isinstance(data, dict):
        return data
    own = {key: _extended(value) for key, value in data.items() if key != "<<<"}
    return _joined(_extended(data["<<<"]), own) if "<<<" in data else own


def _joined(base: Any, own: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(own, dict):
        return own
    return {
        **base, **{key: _joined(base.get(key), value) for key, value in own.items()},
    }  # fmt: skip


def is_problem(data: Any) -> bool:
    """True for a mapping with a problem."""
    return isinstance(data, dict) and isinstance(data.get("problem"), dict)


def read(data: Mapping[str, Any], path: Path) -> Listed:
    """Read a problem.

    Raises:
        InputError: the shape is incomplete, a size is missing, or it is not a product of weights
            and inputs.

    """
    problem, source = _extended(data["problem"]), str(path)
    shape = _shape(problem.get("shape"), source)
    instance = problem.get("instance", {k: v for k, v in problem.items() if k not in _OWN})
    if not isinstance(instance, dict):
        raise InputError(f"{source}: problem.instance: expected a size for every dimension")
    sizes = {
        name: _size(instance, name, None, f"{source}: problem.instance")
        for name in shape.dimensions
    }
    coefficients = {
        one.name: _size(instance, one.name, one.default, f"{source}: problem.instance")
        for one in shape.coefficients
    }
    einsum, notes = _einsum(shape, sizes, coefficients, source)
    name = path.stem or path.name
    notes += _notes(instance, {*sizes, *coefficients}, data)
    return Listed(tool="Timeloop", layers=[{"name": name, **conv_of(einsum, source)}], notes=notes)


_OWN = frozenset({"shape", "version", "instance", "name"})


def _shape(given: Any, source: str) -> ProblemShape:
    if given is None or (isinstance(given, str) and given.lower() in _BUILT_IN):
        return CNN_LAYER
    if not isinstance(given, dict):
        raise InputError(
            f"{source}: problem.shape is {given!r}; write out its dimensions and data_spaces"
        )
    return convert(_underscored(given), ProblemShape, f"{source}: problem.shape")


def _underscored(data: Any) -> Any:
    """Plain data with v0.4's keys: those of v0.3 have hyphens, such as `data-spaces`."""
    if isinstance(data, dict):
        return {str(key).replace("-", "_"): _underscored(value) for key, value in data.items()}
    return [_underscored(item) for item in data] if isinstance(data, list) else data


def _size(instance: Mapping[str, Any], name: str, default: int | None, where: str) -> int:
    value = instance.get(name, default)
    if value is None:
        raise InputError(f"{where}: has no size of dimension {name}")
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1 << 20:
        raise InputError(
            f"{where}.{name} is {value!r}, expected a whole number from 1 to {1 << 20}"
        )
    return value


def _einsum(
    shape: ProblemShape, sizes: Mapping[str, int], coefficients: Mapping[str, int], source: str
) -> tuple[Einsum, list[str]]:
    """Return the shape's sum of products, and a note if it does not name its weights."""
    outputs = [space for space in shape.data_spaces if space.read_write]
    operands = [space for space in shape.data_spaces if not space.read_write]
    if len(outputs) != 1 or len(operands) != 2:
        raise InputError(
            f"{source}: problem.shape has {len(operands)} read-only and {len(outputs)} read-write "
            "data spaces; expected weights, inputs and one output"
        )
    inputs, weights, is_named = _assigned(operands)
    used = {name for space in shape.data_spaces for name in space.dimensions}
    if unknown := sorted(used ^ sizes.keys()):
        raise InputError(
            f"{source}: problem.shape: {unknown[0]!r} is not in both dimensions and data_spaces"
        )
    windows = [
        _window(terms, outputs[0], coefficients, source)
        for terms in inputs.projection
        if len(terms) > 1
    ]
    if len(windows) > 2 or any(len(terms) > 1 for terms in weights.projection):
        raise InputError(f"{source}: problem.shape is not a convolution of one or two axes")
    columns, rows = (*windows, None, None)[:2]
    einsum = Einsum(
        sizes=sizes,
        weights=weights.dimensions,
        inputs=inputs.dimensions,
        outputs=outputs[0].dimensions,
        windows=(rows, columns),
    )
    return einsum, [] if is_named else [f"the data space {weights.name} counts as the weights."]


def _assigned(operands: list[DataSpace]) -> tuple[DataSpace, DataSpace, bool]:
    """Return inputs and weights, and true if windows or names tell which is which."""
    one, other = operands
    windows = [any(len(terms) > 1 for terms in space.projection) for space in operands]
    named = [bool(_WEIGHTS.fullmatch(space.name)) for space in operands]
    if windows[0] != windows[1]:
        return (one, other, True) if windows[0] else (other, one, True)
    if named[0] and not named[1]:
        return other, one, True
    return one, other, named[1] and other.name.upper() != "B"


def _window(
    terms: tuple[tuple[str, ...], ...],
    outputs: DataSpace,
    coefficients: Mapping[str, int],
    source: str,
) -> Window:
    """The window of a projection such as [[R, Wdilation], [P, Wstride]]."""
    if len(terms) != 2:
        raise InputError(f"{source}: a projection sums {len(terms)} terms; expected two")
    found = []
    for name, *factors in terms:
        for factor in factors:
            if factor not in coefficients:
                raise InputError(f"{source}: the coefficient {factor!r} is not in the shape")
        step = 1
        for factor in factors:
            step *= coefficients[factor]
        found.append((name, step))
    found.sort(key=lambda term: term[0] not in outputs.dimensions)
    (output, stride), (kernel, dilation) = found
    if output not in outputs.dimensions:
        raise InputError(f"{source}: the window of {output} and {kernel} has no output dimension")
    return Window(output=output, kernel=kernel, stride=stride, dilation=dilation)


def _notes(
    instance: Mapping[str, Any], read_keys: set[str], data: Mapping[str, Any]
) -> Iterator[str]:
    if "densities" in instance:
        yield "densities are not modeled: all operands are dense."
    if unread := sorted(str(key) for key in instance.keys() - read_keys - {"densities"}):
        yield f"keys of the instance that the shape does not use: {names(unread)}."
    bases = {key for key, value in data.items() if value is data["problem"].get("<<<")}
    if others := sorted(str(key) for key in data.keys() - {"problem"} - bases):
        yield f"parts of the file other than the problem are not read: {names(others)}."
