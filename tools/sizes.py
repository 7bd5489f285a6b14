"""Print the size of the base package, and the added size of each extra, in MB on disk.

    .venv-torch/bin/python -m tools.sizes

Counts the installed files of every package, with dependencies, without compiled bytecode. Needs an
environment with all extras.
"""

from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

PACKAGE = "subbit-simulator"
EXTRAS = ("fast", "parquet", "safetensors", "onnx", "cluster", "torch", "train", "test")


def required(name: str, extras: frozenset[str], seen: set[str]) -> Iterator[Distribution]:
    """Yield a package and all its requirements, each once."""
    found = distribution(name)
    if name not in seen:
        seen.add(name)
        yield found
    for line in found.requires or ():
        requirement = Requirement(line)
        if requirement.marker is not None:
            chosen = ({"extra": extra} for extra in ("", *extras))
            if not any(map(requirement.marker.evaluate, chosen)):
                continue
        inner = requirement.name.lower().replace("_", "-")
        if inner not in seen or inner == PACKAGE:
            yield from required(inner, frozenset(requirement.extras), seen)


def packages(*extras: str) -> dict[str, int]:
    """Size in bytes of each package in an installation with some extras, without this package."""
    found = required(PACKAGE, frozenset(extras), set())
    return {one.name.lower(): _bytes(one) for one in found if one.name != PACKAGE}


def _bytes(one: Distribution) -> int:
    files = [one.locate_file(file) for file in one.files or () if file.suffix != ".pyc"]
    return sum(path.stat().st_blocks * 512 for path in map(_path, files) if path.is_file())


def _path(located: object) -> Path:
    return Path(str(located))


def main() -> None:
    """Print one line for the base package and for each extra."""
    base = packages()
    print(f"{'base':12} {sum(base.values()) / 2**20:6.0f} MB  {_largest(base)}")
    for extra in EXTRAS:
        more = {name: size for name, size in packages(extra).items() if name not in base}
        print(f"{extra:12} {sum(more.values()) / 2**20:6.0f} MB  {_largest(more)}")


def _largest(sizes: dict[str, int]) -> str:
    names = sorted(sizes, key=lambda name: -sizes[name])
    return ", ".join(f"{name} {sizes[name] / 2**20:.0f}" for name in names[:4])


if __name__ == "__main__":
    main()
