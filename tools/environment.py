"""Create the virtual environments of the Makefile, and report each step.

    python3 tools/environment.py .venv

An environment is current if its file `ready` contains the fingerprint of its inputs. Otherwise,
this script recreates it from scratch. An interrupted attempt therefore never breaks the next
attempt.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BASE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)
"""Python itself, also if this script runs in the environment that it recreates."""
COLUMNS = 80
FIRST_IMPORTS = "matplotlib.pyplot, pandas, rich.progress, simpy, yaml"
"""Heavy libraries of the main job. pip leaves their compilation to the first import."""
GPU_LIBRARIES = ("nvidia-", "cuda-", "triton")
"""Prefixes of the packages that a GPU build of torch brings."""


@dataclass(frozen=True)
class Environment:
    """One of the Makefile's environments."""

    extra: str
    """Extra of pyproject.toml to install; empty: the base package."""
    title: str
    """Contents of the environment, for the report."""
    download_mb: int
    """Download size if pip has no cached packages, in MB (Linux x86-64)."""
    constraints: str = "constraints.txt"


ENVIRONMENTS = {
    ".venv": Environment("", "numpy, pandas, matplotlib and 6 more packages", 60),
    ".venv-test": Environment("test", "the packages that the tests need", 230),
    ".venv-torch": Environment("test-torch", "the packages that the tests need, and torch", 480),
    ".venv-lowest": Environment(
        "test", "the lowest versions that the tests run with", 220, "constraints-lowest.txt"
    ),
}


class SetupError(Exception):
    """An error that the user must fix. The message describes the fix in one line."""


@dataclass(frozen=True)
class Maker:
    """Maker of one environment."""

    folder: Path
    environment: Environment
    torch_index: str = ""
    """URL of an index with a CPU build of torch, `configured` for pip's own settings, or empty."""

    @property
    def ready(self) -> Path:
        """File with the fingerprint of the environment's inputs."""
        return self.folder / "ready"

    @property
    def unfinished(self) -> Path:
        """File that exists during the creation of the environment."""
        return self.folder / "unfinished"

    @property
    def log(self) -> Path:
        """File with all output of pip and other commands."""
        return self.folder / "setup.log"

    @property
    def python(self) -> str:
        """The environment's Python."""
        return str(self.folder / "bin" / "python")

    def fingerprint(self) -> str:
        """Return a text that changes with every input of the environment."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        made_from = [
            project["project"],
            project["build-system"],
            (ROOT / self.environment.constraints).read_text(),
            str(ROOT),
            sys.version,
            sys.base_prefix,
            self.torch_index,
        ]
        return hashlib.sha256(json.dumps(made_from).encode()).hexdigest() + "\n"

    def is_current(self) -> bool:
        """True if no package needs to be installed."""
        return self.ready.exists() and self.ready.read_text() == self.fingerprint()

    def make(self) -> None:
        """Create the environment, install into it, and prepare the first run."""
        began = time.monotonic()
        report(f"1/3 Creating the environment {self.folder.name}")
        self._create()
        self._refuse_gpu_libraries()
        environment = self.environment
        report(f"2/3 Installing {environment.title}")
        report(f"    Download: up to about {environment.download_mb} MB")
        extra = f"[{environment.extra}]" if environment.extra else ""
        self._pip("install", "--no-compile", *self._choice(), "--editable", f".{extra}")
        report("3/3 Compiling what the first run imports")
        self._run("Python", self.python, "-c", f"import {FIRST_IMPORTS}")
        warm = [self.python, "-m", "simulator.engine.warm"]
        for text in self._lines("simulator.engine.warm", warm):
            report(f"    {text.rstrip()}")
        self.ready.write_text(self.fingerprint())
        self.unfinished.unlink()
        seconds = time.monotonic() - began
        report(f"    {self.folder.name}: {megabytes(self.folder):,.0f} MB in {seconds:.0f} s")

    def _create(self) -> None:
        """Create an environment with pip alone, in place of an earlier one."""
        ours = self.ready.exists() or self.unfinished.exists()
        if self.folder.exists() and not ours and any(self.folder.iterdir()):
            raise SetupError(
                f"{self.folder.name} was not made by this Makefile; move it away or remove it"
            )
        self.folder.mkdir(exist_ok=True)
        self.unfinished.touch()
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path != self.unfinished:
                path.unlink()
        self._run("venv", BASE_PYTHON, "-m", "venv", str(self.folder))

    def _choice(self) -> list[str]:
        """Return the options that choose versions and indexes."""
        named = self.torch_index not in {"", "configured"}
        index = ["--extra-index-url", self.torch_index] if named else []
        return ["--constraint", self.environment.constraints, *index]

    def _refuse_gpu_libraries(self) -> None:
        """Refuse a GPU build of torch (gigabytes) before its download."""
        if not self.torch_index:
            return
        # an older pip downloads in a dry run
        self._pip("install", "--no-compile", "--upgrade", *self._choice(), "pip")
        report("    Looking up the build of torch")
        plan = self.folder / "plan.json"
        options = ("--dry-run", "--ignore-installed", "--quiet", "--report", str(plan))
        self._pip("install", *options, *self._choice(), "torch")
        planned: list[dict[str, Any]] = json.loads(plan.read_text())["install"]
        names = sorted(item["metadata"]["name"] for item in planned)
        for name in names:
            if name.startswith(GPU_LIBRARIES):
                raise SetupError(f"pip chose a GPU build of torch ({name}); set TORCH_INDEX=URL")

    def _pip(self, command: str, *arguments: str) -> None:
        """Run pip; report one line per package, and its errors."""
        line = [self.python, "-m", "pip", command, "--no-input", "--disable-pip-version-check"]
        line += ["--progress-bar", "off", "--no-color", *arguments]
        last = ""
        for text in self._lines("pip", line):
            shown = summary(text)
            if shown and shown != last:
                report(shown)
                last = shown

    def _run(self, title: str, *line: str) -> None:
        """Run a command silently."""
        for _ in self._lines(title, line):
            pass

    def _lines(self, title: str, line: Sequence[str]) -> Iterator[str]:
        """Run a command; yield each line of its output, and append it to the log."""
        with (
            self.log.open("a") as log,
            subprocess.Popen(
                line,
                cwd=ROOT,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as running,
        ):
            assert running.stdout is not None
            for text in running.stdout:
                log.write(text)
                log.flush()
                yield text
        if running.returncode != 0:
            raise SetupError(f"{title} failed; its output is in {self.log.relative_to(ROOT)}")


def summary(line: str) -> str:
    """Return the report for a line of pip's output, or an empty text.

    The report has one line for each wheel, with the size if pip downloads it. It has no host names.
    """
    wheel = re.match(
        r"\s*(?:Downloading|Using cached|Processing) (?:\S*/)?([\w.]+)-([\w.!+]+)-\S+\.whl"
        r"(?!\.metadata)(?: \(([\d.]+ [kMG]?B)\))?",
        line,
    )
    if wheel:
        name, version, size = wheel.groups()
        return f"    {name} {version}" + (f", {size}" if size else "")
    if "Installing build dependencies: started" in line:
        return "    hatchling, which builds this package"
    if line.startswith("Installing collected packages:"):
        return f"    Unpacking {line.count(',') + 1} packages"
    line = line.strip()  # pip indents the output of package builds
    if line.startswith("WARNING: Retrying"):
        return "    The package index does not answer; trying again"
    if line.startswith("ERROR:"):
        return re.sub(r"\w+://\S+", "a URL", line)
    return ""


def report(text: str) -> None:
    """Print lines of at most 80 columns, without delay."""
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        print(textwrap.fill(line, COLUMNS, subsequent_indent=indent or "    "), flush=True)


def clean_environment() -> dict[str, str]:
    """Return this process's environment without variables that redirect Python or pip."""
    leads = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"}
    return {name: value for name, value in os.environ.items() if name not in leads}


def megabytes(folder: Path) -> float:
    """Return the space that a folder takes on disk, in MB of 2^20 bytes, as `du -sm` does."""
    paths = [path for path in folder.rglob("*") if not path.is_symlink()]
    return sum(path.stat().st_blocks * 512 for path in paths) / 2**20


def check_modules() -> None:
    """Refuse a Python without the modules that create an environment."""
    for name in ("venv", "ensurepip"):
        if find_spec(name) is None:
            raise SetupError(f"Python's module {name} is missing (Debian: package python3-venv)")


def main(arguments: list[str]) -> int:
    """Create an environment unless it is current; return the exit status."""
    name, torch_index = [*arguments, ""][:2]
    maker = Maker(ROOT / name, ENVIRONMENTS[name], torch_index)
    try:
        check_modules()
        if not maker.is_current():
            maker.make()
    except SetupError as error:
        report(f"make: {error}")
        return 1
    except KeyboardInterrupt:
        report("Interrupted; the next make starts over")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
