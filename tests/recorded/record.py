"""Record the values of all configurations, or compare them with the record.

python -m tests.recorded.record --help
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count

import click

from simulator import InputError
from simulator.machines.families import family_of
from simulator.report.progress import progress_bar
from tests.recorded.cases import CASES, cases_of
from tests.recorded.configurations import (
    Configuration,
    configuration,
    random_configuration,
    shipped_configurations,
)
from tests.recorded.figures import (
    TRACE_NAMES,
    contents,
    differences,
    figures,
    read_figures,
    trace_numbers,
    write_figures,
)

WANTED = {(False, False): 180, (True, False): 40, (False, True): 60, (True, True): 20}
"""Number of random configurations by (DRAM table, one-ported buffer)."""
MOST_COMMANDS = {False: 4000, True: 1500}
"""Most commands of both runs, without and with a DRAM table. All runs together take seconds."""


@click.command(epilog="Exit status: 0 if all figures are equal, 1 if not, 2 for bad options.")
@click.option("--check", is_flag=True, help="Compare with the recorded figures; write nothing.")
@click.option("--choose", is_flag=True, help="Choose the random configurations first.")
@click.option("--cases", is_flag=True, help="Print how many configurations have each case.")
@click.option("--show", metavar="NAME", help="Print everything behind one configuration's digests.")
@click.option(
    "--only", metavar="TEXT", default="", help="Take the configurations whose names contain TEXT."
)
@click.option(
    "--figure", "chosen", metavar="NAME", multiple=True,
    help="Compare this figure, a column of the file. Repeatable; all if not given.",
)  # fmt: skip
@click.option(
    "--engine",
    type=click.Choice(["event", "fast"]),
    default="event",
    show_default=True,
    help="Compare runs of this engine; fast leaves out what it does not cover.",
)
def main(
    *,
    check: bool,
    choose: bool,
    cases: bool,
    show: str | None,
    only: str,
    chosen: tuple[str, ...],
    engine: str,
) -> None:
    """Record the figures of all configurations in tests/recorded/figures.csv.

    \b
    Examples:
      python -m tests.recorded.record --check
      python -m tests.recorded.record --check --only random --figure trace
      python -m tests.recorded.record --show random-17
    """
    if [check, choose, cases, show is not None].count(True) > 1:
        raise click.UsageError("choose one of --check, --choose, --cases and --show")
    if not check and (only or chosen or engine != "event"):
        raise click.UsageError("--only, --figure and --engine need --check")
    if show is not None:
        click.echo(shown(_known(show)))
    elif cases:
        click.echo(case_table())
    elif check:
        sys.exit(1 if compare(only, _columns(chosen), engine) else 0)
    else:
        names = choice() if choose else [name for name in read_figures() if is_random(name)]
        write_figures([figures(each) for each in watched([*names, *shipped_configurations()])])


def _known(name: str) -> Configuration:
    if name not in read_figures():
        raise click.UsageError(f"--show {name}: no configuration of figures.csv has this name")
    return configuration(name)


def _columns(chosen: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values to compare: the chosen ones, or all."""
    columns = tuple(next(iter(read_figures().values())))
    for figure in chosen:
        if figure not in columns:
            raise click.UsageError(f"--figure {figure}: unknown; known are {', '.join(columns)}")
    return chosen or columns


def is_random(name: str) -> bool:
    """True if a random configuration has this name."""
    return name.startswith("random-")


def watched(names: Iterable[str]) -> Iterator[Configuration]:
    """Yield the configurations one by one, with a progress bar on stderr."""
    listed = list(names)
    with progress_bar() as report:
        for place, name in enumerate(listed):
            report("running configurations", place, len(listed))
            yield configuration(name)


def compare(only: str, chosen: tuple[str, ...], engine: str) -> int:
    """Print every difference from the record; return how many configurations differ."""
    recorded = {name: row for name, row in read_figures().items() if only in name}
    if not recorded:
        raise click.UsageError(f"--only {only}: no configuration's name contains this")
    differing = compared = 0
    for each in watched(recorded):
        if engine == "fast" and family_of(each.hardware).why_not_fast(each.hardware):
            continue
        before = {k: v for k, v in recorded[each.name].items() if k in chosen}
        lines = differences(before, figures(each, engine))
        compared += 1
        differing += bool(lines)
        for line in lines:
            click.echo(f"{each.name}: {line}")
        if lines:
            click.echo(f"  {each.title}")
    click.echo(f"{compared} configurations: {compared - differing} equal, {differing} differ")
    return differing


def choice() -> list[str]:
    """Choose random configurations by number: the first possible and short ones."""
    left = Counter(WANTED)
    names = []
    with progress_bar() as report:
        for number in count():
            report("choosing configurations", len(names), sum(WANTED.values()))
            if not left.total():
                return names
            each = random_configuration(number)
            memory = each.hardware.memory
            table = memory.dram.timing != "fixed"
            family = table, any(buffer.ports == 1 for buffer in memory.buffers.values())
            if not left[family]:
                continue
            try:
                commands = int(figures(each)["commands"])
            except InputError:
                continue
            if commands <= MOST_COMMANDS[table]:
                left[family] -= 1
                names.append(each.name)
    raise AssertionError("numbers do not end")  # pragma: no cover


def counted() -> Counter[str]:
    """Number of random configurations with each case."""
    found: Counter[str] = Counter()
    for each in watched(filter(is_random, read_figures())):
        found.update(cases_of(each.run()))
    return found


def case_table() -> str:
    """The README's table of cases."""
    found = counted()
    rows = [f"| {case} | {found[case]} |" for case in CASES]
    return "\n".join(["| case | configurations |", "| --- | --- |", *rows])


def shown(each: Configuration) -> str:
    """All data with a recorded digest, as JSON, for comparing two versions by `diff`."""
    result = each.run()
    columns = [*TRACE_NAMES, *trace_numbers(result.trace)]
    rows = result.trace[columns].astype(dict.fromkeys(TRACE_NAMES, str)).sort_values(columns)
    found = {"title": each.title, **contents(result), "trace": rows.to_dict("records")}
    return json.dumps(found, indent=1)


if __name__ == "__main__":
    main()
