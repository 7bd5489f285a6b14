"""Run the command in an environment without some libraries."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

_HOOK = """\
import sys
class Without:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Without)
"""


def without(folder: Path, *libraries: str) -> dict[str, str]:
    """Environment variables that hide libraries from Python and its child processes.

    Args:
        folder: folder of the import hook.
        libraries: names of modules.

    """
    hidden = folder / "-".join(("without", *libraries))
    hidden.mkdir(exist_ok=True)
    (hidden / "sitecustomize.py").write_text(_HOOK.format(names=set(libraries)))
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(hidden), str(ROOT)])}


def run_without(
    folder: Path, libraries: tuple[str, ...], *arguments: object
) -> subprocess.CompletedProcess[str]:
    """Run `python -m simulator` in `folder` with some libraries hidden."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "simulator", *map(str, arguments)],
        cwd=folder,
        env=without(folder, *libraries),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,  # only guards against hanging
    )
