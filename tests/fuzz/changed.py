"""Changed input in the current folder, and the run that reads it."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import yaml

from tests.fuzz.mutations import bytes_changed, data_changed, text_changed
from tests.fuzz.seeds import Seeds

Words = list[str]
"""The arguments of the command."""
Make = Callable[[Seeds, Random], Words | Callable[[], object]]
"""A function of the valid input and the case's random stream; returns the command, or a call."""

RUN = ["--hw", "hardware.yaml", "--model", "network.yaml", "--bits", "0.56"]


def write(name: str, data: bytes | str) -> None:
    """Write a file into the current folder; a text may hold surrogates."""
    text = isinstance(data, str)
    Path(name).write_bytes(data.encode("utf-8", "surrogatepass") if text else data)


def write_text(seeds: Seeds, name: str, random: Random) -> None:
    """Write a text file, changed as text or as bytes."""
    if random.random() < 0.7:
        write(name, text_changed(seeds.files[name].decode(), random))
    else:
        write(name, bytes_changed(seeds.files[name], random))


def write_yaml(seeds: Seeds, name: str, random: Random) -> None:
    """Write a YAML file, changed as data, as text or as bytes."""
    if random.random() < 0.5:
        data = data_changed(seeds.plain[name], random)
        write(name, yaml.safe_dump(data, allow_unicode=True))
    else:
        write_text(seeds, name, random)


def bytes_of(name: str, *command: str) -> Make:
    """Return the kind that changes the bytes of a file, and runs a command."""

    def kind(seeds: Seeds, random: Random) -> Words:
        write(name, bytes_changed(seeds.files[name], random))
        return list(command)

    kind.__doc__ = f"The bytes of {name}."
    return kind
