"""Suggest `--rename` options for names that match by shape and order."""

import shlex
from collections.abc import Sequence

from simulator.workload.importers.names import Rename

_MOST = 4
"""Maximum number of options in a suggestion."""


def suggestion(pairs: Sequence[Rename]) -> str:
    """Return a hint with the options that rename the pairs; empty without pairs.

    Args:
        pairs: (name in the file, name in the network).

    """
    if not pairs:
        return ""
    options = _common(pairs) or list(pairs)
    texts = [shlex.join(["--rename", "=".join(one)]) for one in options[:_MOST]]
    more = f" and {len(options) - _MOST} more" if len(options) > _MOST else ""
    return f" (these match by shape and order: {' '.join(texts)}{more})"


def _common(pairs: Sequence[Rename]) -> list[Rename]:
    """One rename with a `*` that fits all of several pairs; none if no rename fits."""
    if len(pairs) < 2:
        return []
    olds, news = zip(*pairs, strict=True)
    before_old, before_new = _beginning(olds), _beginning(news)
    rests_old = [old.removeprefix(before_old) for old in olds]
    rests_new = [new.removeprefix(before_new) for new in news]
    if rests_old == rests_new:
        return [(f"{before_old}*", f"{before_new}*")]
    ends = _beginning([old[::-1] for old in olds])[::-1]
    if [old.removesuffix(ends) for old in olds] == list(news):
        return [(f"*{ends}", "*")]
    return []


def _beginning(names: Sequence[str]) -> str:
    """The characters that all names begin with."""
    shared = ""
    for characters in zip(*names, strict=False):
        if len(set(characters)) > 1:
            break
        shared += characters[0]
    return shared
