"""Option values that are more than a number or a name, parsed and checked."""

import click

from simulator.base.guard import whole_number
from simulator.cli.formatting import number


def parse_input_size(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> tuple[int, int] | None:
    """Parse `224`, or `600x1000` as height x width."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(whole_number(part, (1 << 16) - 1) for part in parts):
        raise click.BadParameter(
            f"{text!r} is not an image size; use pixels, such as 224 or 600x1000"
        )
    return int(parts[0]), int(parts[-1])


def parse_baseline_bits(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> float | str | None:
    """Bits per weight, or `none`; None if the machine decides."""
    if text is None or text == "none":
        return text
    try:
        return number(text)
    except click.BadParameter as error:
        raise click.BadParameter(f"{text!r}: expected a number, or none") from error


def parse_layer_taus(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> dict[str, int]:
    """Parse `NAME=K`; repeatable."""
    taus: dict[str, int] = {}
    for text in texts:
        name, _, tau = text.rpartition("=")
        if not name or not tau.isdecimal() or len(tau) > 9 or name in taus:
            raise click.BadParameter(f"{text!r}: expected NAME=K, each layer once, K 1 to 9")
        taus[name] = int(tau)
    return taus
