"""Find the known names that are nearest to an unknown name, for errors."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

_MOST = 3
"""Maximum number of names that one error suggests."""
_TITLE_CUTOFF = 0.8
"""Minimum similarity of titles, which are long; at difflib's 0.6, unrelated titles match."""


def nearest(text: str, names: Iterable[str], titles: Mapping[str, str] | None = None) -> list[str]:
    """Return the names that `text` may mean, at most three, the likeliest first.

    A name matches by its own spelling, the last part of a dotted key (`pes` for `array.pes`), or
    its title (`resnet18` for `r18`, ResNet-18). Case, hyphens and spaces do not count.

    Args:
        text: the unknown name.
        names: the known names.
        titles: titles by name, if the names have titles.

    """
    known, titles = list(names), titles or {}
    given = _plain(text)
    if not given:
        return []
    spelled = {name: {_plain(name), _plain(name.rpartition(".")[2])} for name in known}
    if same := [name for name in known if given in spelled[name]]:
        return same[:_MOST]
    if begun := _of_titles(given, titles):
        return begun[:1]
    if begun := [name for name in known if _begins(given, name.rpartition(".")[2])]:
        return begun[:_MOST]
    near = get_close_matches(text, known, n=1, cutoff=0.6)
    return near or _by_parts(given, spelled) or _close_titles(given, titles)


def did_you_mean(text: str, names: Iterable[str], titles: Mapping[str, str] | None = None) -> str:
    """Return `did you mean 'r18'?` with the nearest names, or an empty text if no name is near."""
    near = " or ".join(repr(name) for name in nearest(text, names, titles))
    return f"did you mean {near}?" if near else ""


def _plain(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", text.casefold())


def _begins(given: str, name: str) -> bool:
    return len(given) > 2 and _plain(name).startswith(given)


def _of_titles(given: str, titles: Mapping[str, str]) -> list[str]:
    """Names that begin with the text, or have a title that does, the shortest first."""
    begun = [
        name for name, title in titles.items() if _begins(given, name) or _begins(given, title)
    ]
    return sorted(begun, key=lambda name: (len(name), name))


def _by_parts(given: str, spelled: Mapping[str, set[str]]) -> list[str]:
    """The name with the closest spelling, if any is close."""
    names = {part: name for name, parts in reversed(list(spelled.items())) for part in parts}
    return [names[part] for part in get_close_matches(given, names, n=1, cutoff=0.6)]


def _close_titles(given: str, titles: Mapping[str, str]) -> list[str]:
    """The name with the closest title, up to a parenthesis or comma, if any is close."""
    names: dict[str, str] = {}
    for name, title in titles.items():
        names.setdefault(_plain(re.split(r"[(,]", title)[0]), name)
    near = get_close_matches(given, names, n=1, cutoff=_TITLE_CUTOFF)
    return [names[title] for title in near]
