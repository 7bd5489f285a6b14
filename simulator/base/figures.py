"""Matplotlib with the program's own settings, whatever a `matplotlibrc` file sets.

Matplotlib reads the user's file at its import, and prints errors in it, or fails. The settings of
the file, such as LaTeX for all text, would also change or break the figures.
"""

import contextlib
import importlib.util
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simulator.base.notices import tell

_GLYPH = re.compile(r"Glyph (\d+) ")
"""Matplotlib's warning of a character without a glyph."""


@contextlib.contextmanager
def figure_settings(settings: Mapping[str, Any]) -> Iterator[None]:
    """Draw or save figures with Matplotlib's defaults and some changes.

    A `$` in a name stays a character. A notice names characters that the font lacks, which the
    figure shows as boxes.

    Args:
        settings: changes, by the name of Matplotlib's setting.

    """
    matplotlib = _matplotlib()
    with matplotlib.rc_context(), warnings.catch_warnings():
        missing = _missing_characters()
        matplotlib.rcParams.update(_defaults(matplotlib))
        matplotlib.rcParams.update({"text.parse_math": False, **settings})
        yield
        if missing:
            shown = "".join(sorted(missing))
            tell(f"figures show these characters as boxes because their font lacks them: {shown}")


def _missing_characters() -> set[str]:
    """A set that fills with the characters of Matplotlib's warnings, which are not printed."""
    missing = set[str]()
    show = warnings.showwarning

    def collect(message: Warning | str, *rest: Any, **more: Any) -> None:
        if found := _GLYPH.match(str(message)):
            missing.add(chr(int(found[1])))
        else:
            show(message, *rest, **more)

    warnings.filterwarnings("always", message="Glyph ", category=UserWarning)
    warnings.showwarning = collect  # `catch_warnings` restores it
    return missing


def _defaults(matplotlib: Any) -> dict[str, Any]:
    """Return the defaults of all settings that a figure depends on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # for settings that Matplotlib will remove
        return {
            name: value
            for name, value in matplotlib.rcParamsDefault.items()
            if not name.startswith("backend")  # a figure without a window has none
        }


def _matplotlib() -> Any:
    """Import Matplotlib, at the first call without the user's file and without messages."""
    if "matplotlib" not in sys.modules:
        logging.getLogger("matplotlib").addHandler(logging.NullHandler())
        with _in_folder_of_defaults():
            import matplotlib

            return matplotlib
    return sys.modules["matplotlib"]


@contextlib.contextmanager
def _in_folder_of_defaults() -> Iterator[None]:
    """Let Matplotlib find its own `matplotlibrc`: it looks in the current folder first."""
    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None  # a requirement of the package
    assert spec.origin is not None  # a package, not a folder
    try:
        here = Path.cwd()
    except OSError:  # the folder is gone
        yield
        return
    os.chdir(Path(spec.origin).parent / "mpl-data")
    try:
        yield
    finally:
        os.chdir(here)
