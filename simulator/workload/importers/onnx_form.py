"""The rules of ONNX for the names of values, on which the importer depends.

The importer finds the maker of a value, its shape and its numbers by the value's name. A graph that
breaks the rules gives wrong answers, so the importer refuses it.
"""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.base.errors import InputError
from simulator.workload.importers.onnx_nodes import reads, where

if TYPE_CHECKING:
    from onnx import GraphProto


def require_form(graph: "GraphProto", path: Path) -> None:
    """Check that every value has one maker, which precedes all readers of the value.

    The rules are those of the ONNX specification, "Graphs" and "Names Within a Graph": a single
    static assignment per name, and nodes in topological order. An initializer may have the name of
    an input, whose default it is.

    Args:
        graph: the graph of a model without local functions.
        path: name of the model in errors.

    Raises:
        InputError: two makers have the same name, or a node reads a value that no earlier one
            makes.

    """
    made: set[str] = set()
    for what, values in (("inputs", graph.input), ("initializers", graph.initializer)):
        names = Counter(value.name for value in values)
        for name, count in names.items():
            if count > 1:
                raise InputError(f"{path}: {count} {what} have the name {name!r}, expected one")
        made.update(names)
    for node in graph.node:
        for name in reads(node):
            if name not in made:
                raise InputError(
                    f"{where(path, node)}: reads {name!r}, which is neither an input, an "
                    "initializer, nor the output of an earlier node"
                )
        for name in filter(None, node.output):
            if name in made:
                raise InputError(
                    f"{where(path, node)}: its output {name!r} has the name of an input, an "
                    "initializer, or an output of an earlier node"
                )
            made.add(name)
