"""Find constructions that never belong in the project's English.

    python -m tests.prose

Checks README.md, CHANGELOG.md and all Markdown of docs/, reports/, benchmarks/ and simulator/,
without code. Checks the messages of simulator/ too: string literals of two words or more, and the
help of commands. Prints each hit as `file:line: construction: text` and exits with 1 if it finds
one.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_ISE = (
    "author|binar|capital|categor|character|custom|emphas|final|general|initial|local|maxim|memor|"
    "minim|normal|optim|organ|parallel|popular|quant|random|raster|real|recogn|serial|special|"
    "stabil|standard|summar|synchron|synthes|token|util|vector|visual"
)
"""Stems of the verbs in -ize that this field uses."""

CONSTRUCTIONS = {
    "noun-clause start": (r"(?:^|[.!] |^[#|*-]+ )(?:What|Which|Whether|How|Why|Who)\b(?![^.]*\?)"),
    "fronted Of": r"(?:^|[.;:] )[Oo]f ",
    "says": r"\b(?:says?|said)\b",
    "stands, lies": r"\b(?:stands?|lies?)\b",
    "colon + clause": r": (?:what|which|where|whether|how|why|when)\b",
    "beside, anew": r"\b(?:[Bb]esides?|anew|[Ll]ikewise)\b",
    "the X before": r"\b(?:layer|step|one|command|bunch|drain|image)s? before\b",
    "is there": r"\b(?:is|are) there\b",
    "is no N": r"\b(?:is|are) no (?!longer|more|less|fewer)",
    "bind": r"\bbinds?\b",
    "goes on": r"\b(?:go|goes|went) on\b",
    "else": r"[,;(] ?else\b",
    "British spelling": (
        rf"(?i)\b(?:de|re|un)?(?:{_ISE})is(?:e[drs]?|ers|ing|ations?)\b|\banalys(?:e[dr]?|ing)\b|"
        r"\b\w*(?:behaviour|colour|favour|neighbour)|"
        r"\b(?:cancel|channel|label|model|signal|travel)l(?:ed|ing)\b|"
        r"\b(?:artefact|catalogue|centre|defence|fibre|grey|licence|metre|programme)s?\b"
    ),
}
"""Regular expressions of constructions without a correct use, by their names in reports."""

ALLOWED: dict[str, str] = {}
"""Correct phrases in which a construction matches, with the reason."""


@dataclass(frozen=True)
class Prose:
    """A paragraph, or a message, on one line."""

    path: str
    text: str
    """Words separated by single spaces."""
    lines: tuple[int, ...]
    """Line in the file of each word."""

    def line_at(self, offset: int) -> int:
        """Line in the file of the word at an offset in the text."""
        return self.lines[self.text.count(" ", 0, offset)]


@dataclass(frozen=True)
class Hit:
    """A match of a construction."""

    path: str
    line: int
    construction: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.construction}: {self.text}"


def find(prose: Prose) -> Iterator[Hit]:
    """Yield every construction in a text, except within an allowed phrase."""
    allowed = [
        range(found.start(), found.end())
        for phrase in ALLOWED
        for found in re.finditer(re.escape(phrase), prose.text)
    ]
    for name, pattern in CONSTRUCTIONS.items():
        for found in re.finditer(pattern, prose.text):
            start, end = found.span()
            if not any(start in part and end - 1 in part for part in allowed):
                around = prose.text[max(0, start - 30) : end + 40]
                yield Hit(prose.path, prose.line_at(end - 1), name, around)


def markdown(path: str, text: str) -> Iterator[Prose]:
    """Yield the paragraphs, list items, headings and table cells of a page, without code."""
    text = re.sub(r"^ *```.*?^ *```", _blank, text, flags=re.M | re.S)
    text = re.sub(r"`[^`]+`", lambda code: "`code`" + _blank(code), text)
    text = re.sub(r"\]\([^)]*\)", lambda link: "]" + _blank(link), text)
    words: list[tuple[str, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.strip().strip("|").split("|") if line.startswith("|") else [line]
        for cell in cells:
            if words and (len(cells) > 1 or re.match(r"\s*$|\s*(?:[-*|#>]|\d+\.)(?:\s|$)", cell)):
                yield _prose(path, words)
                words = []
            words += [(word, number) for word in re.sub(r"^\s*[-*#>]+\s", "", cell).split()]
    if words:
        yield _prose(path, words)


def messages(path: str, source: str) -> Iterator[Prose]:
    """Yield the string literals of two words or more, and the docstrings of commands."""
    tree = ast.parse(source)
    done: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            done.add(id(node.value))  # a docstring
        elif isinstance(node, ast.JoinedStr):
            done.update(id(value) for value in node.values)
            parts = [
                value.value if isinstance(value, ast.Constant) else "NAME" for value in node.values
            ]
            yield from _message(path, node, "".join(map(str, parts)))
        elif isinstance(node, ast.FunctionDef) and _is_command(node):
            yield from _message(path, node.body[0], ast.get_docstring(node) or "")
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in done
        ):
            yield from _message(path, node, node.value)


def _is_command(function: ast.FunctionDef) -> bool:
    """True if click shows the docstring as help."""
    names = [ast.unparse(decorator).partition("(")[0] for decorator in function.decorator_list]
    return any(name.endswith(("command", "group")) for name in names)


def _message(path: str, node: ast.expr | ast.stmt, text: str) -> Iterator[Prose]:
    for paragraph in text.split("\n\n"):
        words = paragraph.split()
        if len(words) > 1:
            yield _prose(path, [(word, node.lineno) for word in words])


def _prose(path: str, words: list[tuple[str, int]]) -> Prose:
    return Prose(path, " ".join(word for word, _ in words), tuple(line for _, line in words))


def _blank(found: re.Match[str]) -> str:
    """Return only the line breaks of a match, to keep line numbers."""
    return "\n" * found[0].count("\n")


def project(root: Path = ROOT) -> Iterator[Prose]:
    """Yield all checked text."""
    pages = [root / "README.md", root / "CHANGELOG.md"]
    for folder in ("docs", "reports", "benchmarks", "simulator"):
        pages += sorted((root / folder).rglob("*.md"))
    for page in pages:
        yield from markdown(str(page.relative_to(root)), page.read_text(encoding="utf-8"))
    for module in sorted((root / "simulator").rglob("*.py")):
        yield from messages(str(module.relative_to(root)), module.read_text(encoding="utf-8"))


def main(root: Path = ROOT) -> int:
    """Print all hits; return the exit status."""
    hits = [hit for prose in project(root) for hit in find(prose)]
    for hit in hits:
        print(hit)
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main())
