"""Options that several commands share."""

from typing import Any

import click


def input_size(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> tuple[int, int] | None:
    """`224`, or `600x1000` as height x width."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() and 0 < int(part) < 1 << 16 for part in parts):
        raise click.BadParameter(f"{text!r} is no size: expected pixels such as 224 or 600x1000")
    return int(parts[0]), int(parts[-1])


def network_options(command: Any) -> Any:
    """Options that say which network at which precision."""
    for option in (
        click.option(
            "--include-full-precision",
            is_flag=True,
            help="Add the full-precision first, last and downsample layers.",
        ),
        click.option(
            "--input-size",
            metavar="SIZE",
            callback=input_size,
            help="Input height x width in pixels, such as 160 or 600x1000, instead of the file's.",
        ),
        click.option(
            "--baseline-bits",
            type=float,
            default=1.0,
            show_default=True,
            help="Bits per weight of the baseline.",
        ),
        click.option(
            "--activation-bits",
            type=int,
            default=1,
            show_default=True,
            help="Bits per activation, 1 to 32; they go bit-serially through the dot unit.",
        ),
        click.option("--tau-1x1", type=int, help="Bits of a 1x1 vector's index, 1 to 8."),
        click.option(
            "--tau", type=int, help="Bits of a 3x3 kernel's index, 1 to 9, instead of --bits."
        ),
        click.option("--bits", type=float, help="Bits per weight, such as 0.56; 1 is a BNN."),
        click.option("--model", help="Network: a shipped name or a path to its YAML file."),
    ):
        command = option(command)
    return command
