"""The option --rename: names in a state dict and in the network."""

import click


def parse_renames(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Parse `OLD=NEW`, each with at most one `*`; repeatable."""
    renames = []
    for text in texts:
        old, equals, new = text.partition("=")
        stars = old.count("*"), new.count("*")
        if not old or not equals or max(stars) > 1 or stars[1] > stars[0]:
            raise click.BadParameter(
                f"{text!r}: expected OLD=NEW, such as 'features.*=layer*', with at most one * each"
            )
        renames.append((old, new))
    return tuple(renames)
