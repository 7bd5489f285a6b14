"""`simulate init`: create a folder with a hardware file, a network and a study to start from."""

import shlex
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import click

from simulator.base.errors import InputError
from simulator.base.shipped import find
from simulator.cli.formatting import Command

_EXAMPLES = """
Examples:

\b
  simulate init my-study
"""
_TEMPLATES = ("network.yaml", "points.csv", "README.md")
"""Files of the package that the command copies unchanged."""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a machine, a network and a study to start from.

    The files in FOLDER run as they are, with the commands that are printed. Nothing is
    overwritten.
    """
    contents = _contents()
    _write(folder, contents)
    click.echo(f"written: {folder}: {', '.join(contents)}\n")
    if folder.resolve() != Path.cwd():
        click.echo(f"cd {shlex.quote(str(folder))}")
    click.echo(contents["README.md"].split("```")[1].strip())


def _contents() -> dict[str, str]:
    """The text of every file by its name; the hardware is the paper's under another name."""
    machine = find("hw_configs", "cofluent64").read_text(encoding="utf-8")
    start = files("simulator.cli") / "start"
    templates = {name: (start / name).read_text(encoding="utf-8") for name in _TEMPLATES}
    return {
        "machine.yaml": machine.replace("name: cofluent64", "name: machine", 1),
        **templates,
    }


def _write(folder: Path, contents: dict[str, str]) -> None:
    """Write all files, or none.

    Raises:
        InputError: a file that exists, or a folder that cannot be written.

    """
    from simulator.base.guard import require_path
    from simulator.base.writing import writable_folder

    require_path(folder)
    for name in contents:
        if (folder / name).exists():
            raise InputError(f"{folder / name}: exists; choose another folder")
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    written: list[Path] = []
    try:
        writable_folder(folder)
        for name, text in contents.items():
            path = folder / name
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except BaseException as error:
        for path in written:
            path.unlink(missing_ok=True)
        with suppress(OSError):  # the folders may contain other files
            for path in made:
                path.rmdir()
        if isinstance(error, OSError):
            raise InputError(f"{folder}: cannot be written: {error.strerror}") from error
        raise
