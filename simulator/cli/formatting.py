"""Format of help and errors: 80 columns, sections, nearest names."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, TypeVar

import click

from simulator.base.nearest import did_you_mean

T = TypeVar("T", int, float)

WIDTH = 80
_HYPHEN = "\N{NON-BREAKING HYPHEN}"
"""A placeholder for a hyphen during wrapping, which keeps option names and words on one line."""


class _Formatter(click.HelpFormatter):
    """Help of at most 80 columns that never breaks a word at a hyphen."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, _unbroken(args), prefix)

    def write_text(self, text: str) -> None:
        super().write_text(_unbroken(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], *args: Any, **options: Any) -> None:
        super().write_dl([(_unbroken(a), _unbroken(b)) for a, b in rows], *args, **options)

    def getvalue(self) -> str:
        return super().getvalue().replace(_HYPHEN, "-")


def _unbroken(text: str) -> str:
    return text.replace("-", _HYPHEN)


class Context(click.Context):
    """A context that formats help with `_Formatter`."""

    formatter_class = _Formatter


class Option(click.Option):
    """An option that belongs to a section of its command's help."""

    def __init__(self, *names: Any, section: str = "Options", **attributes: Any) -> None:
        """Take the section in addition to click's own arguments."""
        super().__init__(*names, **attributes)
        self.section = section


def former_option(name: str, instead: str) -> Callable[[Any], Any]:
    """Create a hidden option whose use is an error that names what to write instead."""

    def answer(_context: click.Context, _option: click.Parameter, used: bool) -> None:
        if used:
            raise click.UsageError(f"--{name} is now {instead}")

    return click.option(f"--{name}", is_flag=True, hidden=True, expose_value=False, callback=answer)


class Command(click.Command):
    """A command with a help that lists its options by section."""

    context_class = Context

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list of options for each section, in the order of first use."""
        write_sections(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 # click's signature
        """Write the examples without click's indentation."""
        write_epilog(self, formatter)


def write_epilog(command: click.Command, formatter: click.HelpFormatter) -> None:
    """Write a command's examples at the margin; long commands then fit in 80 columns."""
    formatter.write_paragraph()
    formatter.write_text((command.epilog or "").strip())


def write_sections(
    command: click.Command, ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    """Write a command's options by section, with --help and --version last."""
    sections: dict[str, list[tuple[str, str]]] = {}
    options = [each for each in command.get_params(ctx) if isinstance(each, click.Option)]
    for parameter in sorted(options, key=lambda each: not isinstance(each, Option)):
        name = parameter.section if isinstance(parameter, Option) else "Help"
        record = parameter.get_help_record(ctx)
        if record is not None:
            sections.setdefault(name, []).append(record)
    for name, records in sections.items():
        with formatter.section(name):
            formatter.write_dl(records, col_max=26)


class Choice(click.Choice[str]):
    """A choice with an error that names the nearest value."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the value, or fail and name the nearest value and all values."""
        if value not in self.choices:
            hint = f"{did_you_mean(str(value), self.choices)} allowed are".lstrip()
            self.fail(f"{value!r}: {hint} {', '.join(self.choices)}", param, ctx)
        return str(value)


def integer(text: Any) -> int:
    """Parse one whole number; a list of numbers belongs to `simulate sweep`."""
    return _number(text, int, "a whole number")


def number(text: Any) -> float:
    """Parse one number; a list of numbers belongs to `simulate sweep`."""
    return _number(text, float, "a number")


def _number(text: Any, kind: Callable[[Any], T], expected: str) -> T:
    try:
        if isinstance(text, str) and ("_" in text or not text.isascii()):
            raise ValueError  # Python would read 1_000 as 1000
        return kind(text)
    except ValueError as error:
        several = isinstance(text, str) and ("," in text or text.count(":") > 1)
        hint = "; lists and ranges belong to `simulate sweep`" if several else ""
        raise click.BadParameter(f"{text!r}: expected {expected}{hint}") from error


def unknown_command(ctx: click.Context, name: str, known: Sequence[str]) -> NoReturn:
    """Fail and suggest the nearest command."""
    hint = f"{did_you_mean(name, known)} commands are {', '.join(known)}".lstrip()
    ctx.fail(f"unknown command {name!r}: {hint}")
