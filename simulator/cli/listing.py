"""`simulate list`: list the shipped files, one line each."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from simulator.base.shipped import shipped_names, trained_names
from simulator.cli.formatting import Choice, Command
from simulator.cli.options import shared
from simulator.cli.output import console

if TYPE_CHECKING:
    from simulator.machines import Hardware
    from simulator.report.tables import Kind, Table

Row = dict[str, Any]

_EXAMPLES = """
Examples:

\b
  simulate list
  simulate list networks
  simulate list tables --json
"""


@click.command("list", cls=Command, epilog=_EXAMPLES)
@click.argument("what", required=False, type=Choice(["networks", "machines", "tables"]))
@shared("json")
def listing(what: str | None, as_json: bool) -> None:
    """List shipped networks, hardware files and tables.

    Each line describes a file by values from the file itself. GMAC counts all layers of one image,
    full-precision ones included.
    """
    names = _SECTIONS if what is None else _OF[what]
    rows = {name: _SECTIONS[name].rows() for name in names}
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    from simulator.report.tables import print_table

    for name in names:
        print_table(_table(rows[name], _SECTIONS[name]), console())
        click.echo()
    click.echo("simulate show NAME prints a file, to copy.")


def _networks() -> list[Row]:
    return [_network(name) for name in shipped_names("workloads")]


def _trained() -> list[Row]:
    return [_network(name) for name in trained_names()]


def _network(name: str) -> Row:
    from simulator.workload import load_workload

    workload = load_workload(name)
    return {
        "name": name,
        "layers": len(workload.layers),
        "binary_layers": len(workload.binary_layers),
        "input_size": f"{workload.input_height}x{workload.input_width}",
        "gmac": sum(layer.macs for layer in workload.layers) / 1e9,
        "bits": workload.bits,
        "title": workload.title.removesuffix(f", {name}"),
    }


def _machines() -> list[Row]:
    from simulator.machines import load_hardware

    machines = {name: load_hardware(name) for name in shipped_names("hw_configs")}
    return [
        {
            "name": name,
            "machine": hardware.machine,
            "pes": hardware.pes,
            "clock_ghz": hardware.clock_ghz,
            "buffers_kib": _buffer_kib(hardware),
            "dram": hardware.dram.timing,
        }
        for name, hardware in machines.items()
    ]


def _buffer_kib(hardware: "Hardware") -> float | None:
    """Return the size of the on-chip buffers in KiB; None if the network decides it."""
    from simulator.machines.families import family_of

    if hardware.pes is None:
        return None
    return family_of(hardware).buffer_kib(hardware, ())


def _dram_tables() -> list[Row]:
    from simulator.dram.tables import load_dram

    tables = {name: load_dram(name) for name in shipped_names("hw_configs/dram")}
    return [
        {
            "name": name,
            "channels": table.organisation.channels,
            "clock_mhz": table.clock_mhz,
            "title": table.title,
        }
        for name, table in tables.items()
    ]


def _energy_tables() -> list[Row]:
    from simulator.machines import load_energy

    names = shipped_names("hw_configs/energy")
    return [{"name": name, "title": load_energy(name).title} for name in names]


@dataclass(frozen=True, slots=True)
class _Section:
    """One kind of file: its usage, its rows, and its visible columns."""

    heading: str
    rows: Callable[[], list[Row]]
    columns: dict[str, str]
    """Headings by key."""


_SECTIONS = {
    "networks": _Section(
        "Networks: --model NAME, with --bits or --tau",
        _networks,
        {
            "name": "name",
            "layers": "layers",
            "gmac": "GMAC",
            "input_size": "input",
            "title": "title",
        },
    ),
    "trained_networks": _Section(
        "Trained networks: --model NAME, at the bits per weight of the file",
        _trained,
        {
            "name": "name",
            "layers": "layers",
            "gmac": "GMAC",
            "input_size": "input",
            "bits": "bits",
            "title": "title",
        },
    ),
    "machines": _Section(
        "Machines: --hw NAME",
        _machines,
        {
            "name": "name",
            "pes": "PEs",
            "clock_ghz": "GHz",
            "buffers_kib": "buffers KiB",
            "dram": "DRAM",
        },
    ),
    "dram_tables": _Section(
        "DRAM tables: --set memory.dram.timing=NAME",
        _dram_tables,
        {"name": "name", "channels": "channels", "clock_mhz": "MHz", "title": "title"},
    ),
    "energy_tables": _Section(
        "Energy tables: --energy NAME", _energy_tables, {"name": "name", "title": "title"}
    ),
}
_KINDS: "dict[str, Kind]" = {"title": "text"}
_OF = {
    "networks": ("networks", "trained_networks"),
    "machines": ("machines",),
    "tables": ("dram_tables", "energy_tables"),
}


def _table(rows: Sequence[Row], section: _Section) -> "Table":
    """The visible columns of a section, as a table."""
    from simulator.report.tables import Column, Table

    return Table(
        title=section.heading,
        columns=[
            Column(
                title=title,
                cells=[_cell(row[key]) for row in rows],
                kind="number"
                if isinstance(rows[0][key], int | float)
                else _KINDS.get(key, "label"),
                importance=60 if key == "input_size" else 100,
            )
            for key, title in section.columns.items()
        ],
    )


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    return str(value)
