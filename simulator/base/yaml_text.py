"""YAML text to plain data, with the numbers of YAML 1.2 and in bounded work.

PyYAML reads YAML 1.1, in which `064` is 52, `16:32` is 992, `1e-1` is text, and `on` is true. This
module replaces its rules for plain scalars by the core schema of YAML 1.2.2, section 10.3.2.
"""

import re
from collections.abc import Callable, Hashable
from typing import Any, ClassVar

import yaml

from simulator.base.errors import InputError

_TAG = "tag:yaml.org,2002:"
_DEEPEST = 64
"""The most levels of nesting; the parser's own composer recurses and crashes far above."""
_MOST_VALUES = 1 << 23
"""The most values of a text, each alias counted with all values to which it refers."""
_MOST_DIGITS = 40
"""The most digits of a whole number, with its sign; Python does not convert thousands."""

_DIGIT = "0123456789"
_PATTERNS = {
    "null": (r"~|null|Null|NULL|", ("~", "n", "N", "")),
    "bool": (r"true|True|TRUE|false|False|FALSE", tuple("tTfF")),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", tuple("-+" + _DIGIT)),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        tuple("-+." + _DIGIT),
    ),
    "merge": (r"<<", ("<",)),
}
"""The plain scalars of each type, and their possible first characters; all others are text.

Only the merge key is not of YAML 1.2. Files of the field use it.
"""
_WHOLE = {name: re.compile(rf"(?:{pattern})\Z") for name, (pattern, _) in _PATTERNS.items()}
_BASES = {"0o": 8, "0x": 16}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # chosen at import
    """A loader with the scalars above, and with texts as keys; repeated keys are errors."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}
    yaml_constructors: ClassVar[dict[str | None, Callable[..., Any]]] = {}

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._flat: set[int] = set()
        """Mappings whose merge keys PyYAML has replaced, by id."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if id(node) not in self._flat:
            self._flat.add(id(node))
            _require_names(node)
            super().flatten_mapping(node)

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict[Hashable, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise _error("expected keys and values", node)
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


def _require_names(node: yaml.MappingNode) -> None:
    """Raise an error if a key is not one text, or if a key is repeated."""
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _error("a key is a list or a mapping; expected a name", key)
        if key.value in seen:
            raise _error(f"the key {_shown(key.value)} is given twice", key)
        seen.add(key.value)


for _name, (_, _first) in _PATTERNS.items():
    _Loader.add_implicit_resolver(_TAG + _name, _WHOLE[_name], list(_first))


def parse_yaml(text: str, source: str) -> Any:
    """Convert YAML text to plain data: None, bool, int, float, str, list, and dict with text keys.

    Args:
        text: one YAML document.
        source: the name of the text in errors.

    Raises:
        InputError: the text is malformed (with its line), nests more than 64 levels, expands to
            more than 2^23 values, or has a value without a meaning, such as `!!int x`.

    """
    try:
        text.encode()
        _require_bounded(text)
        return yaml.load(text, Loader=_Loader)  # a subclass of the safe loader
    except UnicodeEncodeError as error:
        raise InputError(f"{source}: malformed YAML: not UTF-8 text") from error
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(f"{source}{line}: malformed YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{source}: malformed YAML: {str(error).splitlines()[0]}") from error


def _error(problem: str, where: yaml.Node | yaml.Event) -> yaml.MarkedYAMLError:
    mark: Any = where.start_mark  # libyaml's own type or PyYAML's
    return yaml.constructor.ConstructorError(None, None, problem, mark)


def _shown(text: str | None) -> str:
    return repr(text if text is None or len(text) <= 60 else text[:57] + "...")


def _require_bounded(text: str) -> None:
    """Count levels and values before any code that recurses or that follows aliases."""
    sizes: dict[str | None, int] = {}
    """Values of each finished anchor."""
    open_: list[tuple[str | None, int]] = [(None, 0)]
    """The anchor of each unfinished list or mapping, and its values so far."""
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, 1))
            if len(open_) > _DEEPEST:
                raise _error(f"more than {_DEEPEST} levels", event)
            continue
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_):
                raise _error(f"the alias {_shown(event.anchor)} refers to its own contents", event)
            anchor, size = None, sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            anchor, size = event.anchor, 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_.pop()
        else:
            continue
        if anchor is not None:
            sizes[anchor] = size
        outer, before = open_[-1]
        if before + size > _MOST_VALUES:
            raise _error(f"more than {_MOST_VALUES:,} values", event)
        open_[-1] = outer, before + size


# --- values -------------------------------------------------------------------------------------


def _scalar(name: str, convert: Callable[[str], Any]) -> None:
    """Construct scalars of a type, also with its explicit tag, if they have the type's pattern."""

    def construct(loader: Any, node: yaml.Node) -> Any:
        text = loader.construct_scalar(node)
        if not _WHOLE[name].match(text):
            raise _error(f"{_shown(text)} is not of the type !!{name}", node)
        if name == "int" and len(text) > _MOST_DIGITS:
            raise _error(f"a number of {len(text):,} digits; at most {_MOST_DIGITS}", node)
        return convert(text)

    _Loader.add_constructor(_TAG + name, construct)


def _integer(text: str) -> int:
    return int(text[2:], _BASES[text[:2]]) if text[:2] in _BASES else int(text)


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_scalar("null", lambda _: None)
_scalar("bool", lambda text: text.lower() == "true")
_scalar("int", _integer)
_scalar("float", _float)
_Loader.add_constructor(_TAG + "str", _Loader.construct_scalar)
_Loader.add_constructor(_TAG + "seq", _Loader.construct_yaml_seq)
_Loader.add_constructor(_TAG + "map", _Loader.construct_yaml_map)
_Loader.add_constructor(None, _Loader.construct_undefined)
