"""Mutants: cosmic-ray draws and writes them; here a process changes to one of them."""

import ast
import gc
import random
import re
from collections import defaultdict
from dataclasses import dataclass, field
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FunctionType

from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from tools.environment import ROOT

DECLARATION = re.compile(r"\b(frozen|slots|kw_only|eq|cache_hash|init|repr|strict)=(True|False)")
"""Lines without mutants: no correct program depends on what these keywords forbid."""


@dataclass
class Mutant:
    """A change of one file at one position."""

    file: str
    line: int
    operator: str
    """cosmic-ray's name of the kind of change."""
    occurrence: int
    """Positions in the file at which this kind of change is possible, before this one."""
    outcome: str = ""
    """`killed`, `timeout` or `survived`; `skipped`: see `mutated` and `change`."""
    seconds: float = 0
    changes: list[str] = field(default_factory=list)
    """Lines that it removes and adds."""


def draw(files: list[Path], rng: random.Random) -> list[Mutant]:
    """Draw a mutant for each position of the files, in random order."""
    operators = [(name, get_operator(name)) for name in operator_names()]
    operators = [(name, operator()) for name, operator in operators if not operator.arguments()]
    drawn = []
    for file in files:
        lines, nodes = file.read_text().splitlines(), list(ast_nodes(get_ast_from_path(file)))
        at: defaultdict[object, list[Mutant]] = defaultdict(list)
        for name, operator in operators:
            places = (place for node in nodes for place in operator.mutation_positions(node))
            for number, place in enumerate(places):
                at[place].append(Mutant(str(file.relative_to(ROOT)), place[0][0], name, number))
        chosen = (rng.choice(mutants) for mutants in at.values())
        drawn += [one for one in chosen if not DECLARATION.search(lines[one.line - 1])]
    rng.shuffle(drawn)
    return drawn


def mutated(mutant: Mutant) -> str | None:
    """Return the changed source; None if it is not Python or means the same."""
    source = (ROOT / mutant.file).read_text()
    changed: str = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
    pairs = zip(source.splitlines(), changed.splitlines(), strict=False)
    mutant.changes = [f"- {old.strip()}\n+ {new.strip()}" for old, new in pairs if old != new]
    try:
        same = ast.dump(ast.parse(source)) == ast.dump(ast.parse(changed))
    except SyntaxError:
        return None
    return None if same else changed


def change(path: Path, source: str) -> bool:
    """Change the functions of an imported module.

    Returns:
        False if statements that run at import have changed, such as constants: other modules may
        have used them. Type annotations are such statements as well.

    """
    rest, old = _functions(path.read_text(), path)
    new_rest, new = _functions(source, path)
    if rest != new_rest or old.keys() != new.keys():
        return False
    changed = {place: code for place, code in new.items() if code != old[place]}
    done = set()
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename == str(path):
            place = _place(one.__code__)
            if place in changed:
                one.__code__ = changed[place]
                done.add(place)
    return done == changed.keys()


Place = tuple[str, int]
"""Qualified name and first line of a function."""


def _place(code: CodeType) -> Place:
    return code.co_qualname, code.co_firstlineno


def _functions(source: str, path: Path) -> tuple[CodeType, dict[Place, CodeType]]:
    """Compile a module: its code without that of its functions, and theirs."""
    found: dict[Place, CodeType] = {}

    def without_functions(code: CodeType) -> CodeType:
        consts: list[object] = []
        for const in code.co_consts:
            if not isinstance(const, CodeType):
                consts.append(const)
            elif const.co_flags & CO_OPTIMIZED:
                found[_place(const)] = const
            else:  # the body of a class
                consts.append(without_functions(const))
        return code.replace(co_consts=tuple(consts), co_linetable=b"")

    return without_functions(compile(source, path, "exec")), found
