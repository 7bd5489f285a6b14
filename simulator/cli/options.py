"""Options that several commands share."""

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from simulator.progress import Progress
    from simulator.workload import Workload
    from simulator.workload.model import Choice


def input_size(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> tuple[int, int] | None:
    """`224`, or `600x1000` as height x width."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() and 0 < int(part) < 1 << 16 for part in parts):
        raise click.BadParameter(f"{text!r} is no size: expected pixels such as 224 or 600x1000")
    return int(parts[0]), int(parts[-1])


def layer_taus(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> dict[str, int]:
    """`NAME=K`, several times."""
    taus: dict[str, int] = {}
    for text in texts:
        name, _, tau = text.rpartition("=")
        if not name or not tau.isdecimal() or len(tau) > 9 or name in taus:
            raise click.BadParameter(f"{text!r}: expected NAME=K, each layer once, K 1 to 9")
        taus[name] = int(tau)
    return taus


def trained_options(command: Any) -> Any:
    """Options that say how the file of a trained network is read."""
    for option in (
        click.option(
            "--binarize",
            multiple=True,
            metavar="GLOB",
            help="Layers of a graph (ONNX) whose weights' signs count. Repeatable.",
        ),
        click.option("--seed", type=click.IntRange(0), help="Seed of --subset random (default 0)."),
        click.option(
            "--subset",
            type=click.Choice(["refined", "random", "uniform", "frequent"]),
            help="How a trained network's subsets are chosen; as its file holds them if not given.",
        ),
        click.option(
            "--layer-tau",
            "taus",
            multiple=True,
            metavar="NAME=K",
            callback=layer_taus,
            help="tau of one layer, over --bits and --tau. Repeatable.",
        ),
        click.option(
            "--network",
            help="Network file, shipped name or path, whose layers a trained network's file holds.",
        ),
    ):
        command = option(command)
    return command


def choice_from(options: dict[str, Any]) -> "Choice":
    """How subsets are chosen; takes `subset` and `seed` out of a command's options."""
    from simulator.workload.model import Choice

    return Choice(
        subset=options.pop("subset"),
        seed=options.pop("seed"),
        **{name: options[name] for name in ("bits", "tau", "tau_1x1", "taus")},
    )


def workload_from(
    model: str, options: dict[str, Any], command: str, progress: "Progress | None" = None
) -> "Workload":
    """Load `--model`; takes out of `options` what says how, leaves what says at which precision."""
    from simulator.workload.model import load_model

    workload = load_model(
        model,
        network=options.pop("network"),
        input_size=options.pop("input_size"),
        binarize=options.pop("binarize"),
        choice=choice_from(options),
        progress=progress,
    )
    asked = options["bits"] is not None or options["tau"] is not None or options["taus"]
    if not asked and not workload.is_trained:
        raise click.UsageError(f"missing option --bits or --tau (see {command} --help)")
    return workload


def network_options(command: Any) -> Any:
    """Options that say which network at which precision."""
    command = trained_options(command)
    for option in (
        click.option(
            "--include-full-precision",
            is_flag=True,
            help="Add the full-precision first, last and downsample layers.",
        ),
        click.option(
            "--input-size",
            metavar="SIZE",
            callback=input_size,
            help="Input height x width in pixels, such as 160 or 600x1000, instead of the file's.",
        ),
        click.option(
            "--baseline-bits",
            type=float,
            default=1.0,
            show_default=True,
            help="Bits per weight of the baseline.",
        ),
        click.option(
            "--activation-bits",
            type=int,
            default=1,
            show_default=True,
            help="Bits per activation, 1 to 32; they go bit-serially through the dot unit.",
        ),
        click.option("--tau-1x1", type=int, help="Bits of a 1x1 vector's index, 1 to 8."),
        click.option(
            "--tau", type=int, help="Bits of a 3x3 kernel's index, 1 to 9, instead of --bits."
        ),
        click.option("--bits", type=float, help="Bits per weight, such as 0.56; 1 is a BNN."),
        click.option(
            "--model",
            help="Network: a shipped name, or the path of a network file, a workload file or a "
            "trained network.",
        ),
    ):
        command = option(command)
    return command
