"""The command `python -m rtl.cosimulation`: run layers on RTL and simulator, and compare."""

import sys
from pathlib import Path

import click

from rtl.cosimulation.case import Case
from rtl.cosimulation.circuit import build, missing_tools
from rtl.cosimulation.compare import compare
from rtl.cosimulation.fixed import fixed_cases
from rtl.cosimulation.make import CI_MACHINES, MACHINES, random_case


@click.command(
    epilog="Exit status: 0 if all layers agree, 1 if not, 2 for bad options or no Verilator."
)
@click.option(
    "--seed",
    "seeds",
    type=int,
    multiple=True,
    help="Compare the random layer with this seed. Repeatable.",
)
@click.option(
    "--count", type=click.IntRange(1), help="Compare the random layers with seeds 0 to COUNT - 1."
)
@click.option(
    "--ci",
    is_flag=True,
    help="Draw random layers only on the hardware configurations of the CI set.",
)
@click.option("--case", "name", help="Compare one fixed layer; `list` prints the names.")
@click.option("--vcd", type=click.Path(dir_okay=False, path_type=Path), help="Write a waveform.")
def main(
    seeds: tuple[int, ...], count: int | None, ci: bool, name: str | None, vcd: Path | None
) -> None:
    """Compare the RTL with the simulator: all command cycles and outputs, with zero tolerance.

    Without options, compare all fixed layers.

    \b
    Examples:
      python -m rtl.cosimulation --count 300
      python -m rtl.cosimulation --seed 17
      python -m rtl.cosimulation --case "two passes" --vcd two_passes.vcd
    """
    if missing := missing_tools():
        raise click.UsageError(f"not installed: {', '.join(missing)}")
    if name == "list":
        click.echo("\n".join(case.name for case in fixed_cases()))
        return
    cases = _cases((*seeds, *range(count or 0)), ci, name)
    if vcd and len(cases) != 1:
        raise click.UsageError("--vcd: needs exactly one layer; use --seed or --case")
    if vcd:
        vcd.parent.mkdir(parents=True, exist_ok=True)
    with click.progressbar(
        cases, file=sys.stderr, item_show_func=lambda case: case.name if case else ""
    ) as bar:
        agreeing = [_agrees(case, vcd) for case in bar]
    differ = agreeing.count(False)
    click.echo(f"{len(agreeing)} layers: {len(agreeing) - differ} agree, {differ} differ")
    sys.exit(1 if differ else 0)


def _cases(seeds: tuple[int, ...], ci: bool, name: str | None) -> list[Case]:
    if name is not None:
        found = [case for case in fixed_cases() if case.name == name]
        if not found:
            raise click.UsageError(
                f"--case {name!r}: not a fixed layer; `--case list` prints the names"
            )
        return found
    machines = CI_MACHINES if ci else MACHINES
    return [random_case(seed, machines) for seed in seeds] or fixed_cases()


def _agrees(case: Case, vcd: Path | None) -> bool:
    result = compare(case, build(case.parameters, trace=vcd is not None), vcd)
    for line in result.differences:
        click.echo(f"{case.name}: {line}")
    return not result.differences


if __name__ == "__main__":
    main()
