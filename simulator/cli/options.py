"""Options that several commands share; each has one name, one meaning and one help text."""

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.base.errors import InputError
from simulator.cli.formatting import Choice, Option, former_option, integer, number
from simulator.cli.parsing import parse_baseline_bits, parse_input_size, parse_layer_taus
from simulator.cli.renames import parse_renames

if TYPE_CHECKING:
    from simulator.base.progress import Progress
    from simulator.machines import Hardware
    from simulator.workload import Workload
    from simulator.workload.choice import Choice as SubsetChoice

NETWORK = "Network"
TRAINED = "Trained network"
HARDWARE = "Hardware"
RUN = "Run"
OUTPUT = "Output"

PRECISION = ("bits", "tau", "tau-1x1", "layer-tau")
"""Options that choose the bits of each layer."""
READING = ("network", "rename", "center", "binarize")
"""Options that decide how every command reads a model's file; `reading_from` takes them out."""
SUBSETS = ("subset", "seed")
"""Options that choose the subsets of a trained network."""
SHAPE = ("activation-bits", "shortcut-bits", "batch", "input-size", "scope")
"""Options that decide what one run computes, in addition to its precision."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """One option."""

    section: str
    help: str
    click: dict[str, Any]
    """Click's arguments for an option of one value."""
    lists: str | None = None
    """The metavar of a list or range; None if the option never takes one."""
    names: tuple[str, ...] = field(default=())
    """Spelling and parameter, if they differ from the option's name."""


_SHARED = {
    "hw": _Shared(
        HARDWARE,
        "Hardware file: a shipped name (simulate list machines) or a path.",
        {"metavar": "NAME"},
        lists="NAMES",
    ),
    "set": _Shared(
        HARDWARE,
        "Override a key of the hardware file, such as array.pes=128. A number may be an expression "
        "over other keys, such as array.pes*2.5. Repeatable.",
        {"multiple": True, "metavar": "KEY=VALUE"},
        lists="KEY=VALUES",
        names=("--set", "settings"),
    ),
    "model": _Shared(
        NETWORK,
        "Network: a shipped name (simulate list networks), or the path of a network file, a "
        "workload file, a trained network, or a workload of SCALE-Sim, Timeloop or ZigZag.",
        {"metavar": "NAME"},
        lists="NAMES",
    ),
    "bits": _Shared(
        NETWORK,
        "Bits per weight, such as 0.56; 1 is a BNN, 32 full precision. A workload file brings its "
        "own. Default: 1 on a machine without a baseline.",
        {"type": number, "metavar": "BITS"},
        lists="VALUES",
    ),
    "tau": _Shared(
        NETWORK,
        "Index width of kernels in bits, 1 to 9, instead of --bits; at most a kernel's weights.",
        {"type": integer, "metavar": "K"},
        lists="VALUES",
    ),
    "tau-1x1": _Shared(
        NETWORK,
        "Index width of a 1x1 vector in bits, 1 to 8. Default: as --tau, at most 8.",
        {"type": integer, "metavar": "K"},
        lists="VALUES",
    ),
    "layer-tau": _Shared(
        NETWORK,
        "Index width of layer NAME in bits, 1 to 9. Overrides --bits and --tau. Repeatable.",
        {"multiple": True, "metavar": "NAME=K", "callback": parse_layer_taus},
        names=("--layer-tau", "taus"),
    ),
    "activation-bits": _Shared(
        NETWORK,
        "Bits per activation of every binary layer, 1 to 32. Default: those of the network's file, "
        "or 1.",
        {"type": integer, "metavar": "BITS"},
        lists="VALUES",
    ),
    "shortcut-bits": _Shared(
        NETWORK,
        "Bits per value of maps between binary layers in scope network, 1 to 32. Default: those of "
        "the network's file, or 16.",
        {"type": integer, "metavar": "BITS"},
        lists="VALUES",
    ),
    "batch": _Shared(
        NETWORK,
        "Images per run, 1 to 65536.",
        {"type": integer, "default": 1, "show_default": True, "metavar": "N"},
        lists="VALUES",
    ),
    "input-size": _Shared(
        NETWORK,
        "Input height x width in pixels, such as 160 or 600x1000, instead of the file's.",
        {"metavar": "SIZE", "callback": parse_input_size},
        lists="VALUES",
    ),
    "scope": _Shared(
        NETWORK,
        "Layers that run. binary: the binary layers, as in the paper. weights: also the "
        "full-precision first, last, and downsample layers. network: also normalization, "
        "additions, and pooling. Default: binary; weights if a run or its baseline has 32 bits; "
        "network on a pipeline, which runs whole networks only.",
        {"type": Choice(["binary", "weights", "network"])},
    ),
    "baseline-bits": _Shared(
        NETWORK,
        "Bits per weight of the baseline.",
        {"type": number, "default": 1.0, "show_default": True, "metavar": "BITS"},
    ),
    "network": _Shared(
        TRAINED,
        "Network of a trained file: a shipped name, or the path of a network file.",
        {"metavar": "NAME"},
    ),
    "rename": _Shared(
        TRAINED,
        "Give name OLD of a state dict the name NEW of the network. A * matches any text, such as "
        "'features.*=layer*'. An empty NEW leaves tensors out. Repeatable.",
        {"multiple": True, "metavar": "OLD=NEW", "callback": parse_renames},
        names=("--rename", "renames"),
    ),
    "center": _Shared(
        TRAINED,
        "Mean to subtract from real weights before the sign, per output channel (IR-Net, AdaBin), "
        "layer, or output channel and kernel position (XNOR-Net). auto: as the graph in the file "
        "does; none in a state dict.",
        {
            "type": Choice(["auto", "channel", "layer", "position", "none"]),
            "default": "auto",
            "show_default": True,
        },
    ),
    "subset": _Shared(
        TRAINED,
        "Method that chooses each layer's subset. Default: the subset in the file.",
        {"type": Choice(["refined", "random", "uniform", "frequent"])},
    ),
    "seed": _Shared(
        TRAINED,
        "Seed of --subset random. Default: 0.",
        {"type": click.IntRange(0), "metavar": "N"},
    ),
    "binarize": _Shared(
        TRAINED,
        "Layers of a graph (ONNX) or of another simulator's file to binarize. Repeatable.",
        {"multiple": True, "metavar": "GLOB"},
    ),
    "engine": _Shared(
        RUN,
        "Engine; fast and event (SimPy, the reference) give the same cycles.",
        {"type": Choice(["auto", "fast", "event"]), "default": "auto", "show_default": True},
    ),
    "energy": _Shared(
        RUN,
        "Energy table for an energy estimate: a shipped name (45nm, 7nm) or a path.",
        {"metavar": "TABLE"},
    ),
    "out": _Shared(OUTPUT, "", {"type": click.Path(path_type=Path), "metavar": "FOLDER"}),
    "style": _Shared(
        OUTPUT,
        "Style of the figures of --out; paper: one column wide, PDF and SVG, without titles. "
        "Default: screen.",
        {"type": Choice(["screen", "paper"])},
    ),
    "json": _Shared(
        OUTPUT,
        "Print one JSON object instead of tables.",
        {"is_flag": True},
        names=("--json", "as_json"),
    ),
    "quiet": _Shared(OUTPUT, "Print errors only; no progress bar.", {"is_flag": True}),
}
_FORMER = {"scope": ("include-full-precision", "--scope weights")}
"""For an option, the name of the one that it replaced, and what to write instead."""


def shared(
    *names: str, lists: bool = False, required: tuple[str, ...] = (), **helps: str
) -> Callable[[Any], Any]:
    """Give a command options of `_SHARED`, in this order.

    Args:
        names: names of the options.
        lists: accept a list or range of values, as text, if the option can.
        required: names of the required options.
        helps: help texts for this command, by option name.

    """
    options = [_option(name, lists, name in required, helps.get(name)) for name in names]
    options += [former_option(*_FORMER[name]) for name in names if name in _FORMER]

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _option(name: str, lists: bool, required: bool, text: str | None) -> Callable[[Any], Any]:
    one = _SHARED[name]
    attributes = {**one.click, "required": required, "help": text or one.help}
    if lists and one.lists is not None:
        several = name in {"hw", "model", "set"}
        attributes = {"metavar": one.lists, "multiple": several, "required": required}
        extent = "a list" if name in {"hw", "model"} else "a list or range"
        attributes["help"] = f"{text or one.help} May be {extent}."
    return click.option(
        *(one.names or (f"--{name}",)), cls=Option, section=one.section, **attributes
    )


def baseline_or_none(command: Any) -> Any:
    """Give a command `--baseline-bits`, which may be `none`; its default is the machine's."""
    return click.option(
        "--baseline-bits",
        cls=Option,
        section=NETWORK,
        help=_SHARED["baseline-bits"].help,
        metavar="BITS|none",
        callback=parse_baseline_bits,
        show_default="1, or none for a dense machine",
    )(command)


def option(*names: str, section: str, **attributes: Any) -> Callable[[Any], Any]:
    """Create an option for one command alone, in a section of its help."""
    return click.option(*names, cls=Option, section=section, **attributes)


def choice_from(options: dict[str, Any]) -> "SubsetChoice":
    """Return the choice of subsets; take `subset` and `seed` out of a command's options."""
    from simulator.workload.choice import Choice

    return Choice(
        subset=options.pop("subset"),
        seed=options.pop("seed"),
        **{name: options[name] for name in ("bits", "tau", "tau_1x1", "taus")},
    )


def reading_from(options: dict[str, Any]) -> dict[str, Any]:
    """Take the options for reading a trained network out of a command's options."""
    return {name: options.pop(name) for name in ("network", "renames", "center", "binarize")}


def workload_from(
    model: str,
    options: dict[str, Any],
    command: str,
    progress: "Progress | None" = None,
    machines: "Iterable[str] | None" = None,
) -> "Workload":
    """Load `--model`; take the reading options out of `options` and leave the precision.

    Args:
        model: the network.
        options: the command's options.
        command: the command, for a message.
        progress: called while the network is read.
        machines: families of the hardware that runs it; None: none runs it.

    """
    from simulator.workload.model import load_model

    workload = load_model(
        model,
        input_size=options.pop("input_size"),
        choice=choice_from(options),
        progress=progress,
        **reading_from(options),
    )
    asked = options["bits"] is not None or options["tau"] is not None or options["taus"]
    if machines is None or has_baseline(machines):
        require_precision(bool(asked), [workload], command)
    return workload


def has_baseline(machines: "Iterable[str]") -> bool:
    """True if a run on some family has a baseline by default; otherwise it needs no bits."""
    from simulator.machines.families import family_named

    return any(family_named(name).baseline_bits is not None for name in machines)


def require_precision(asked: bool, workloads: "Iterable[Workload]", command: str) -> None:
    """Raise UsageError if no option chooses bits, and a binary network has none of its own."""
    if not asked and any(x.binary_layers and not x.is_trained for x in workloads):
        raise click.UsageError(f"missing option --bits or --tau (see {command} --help)")


def require_no_choice(file: str, options: dict[str, Any]) -> None:
    """Raise InputError if options choose bits for a file that already has its kernels."""
    for name, option in {
        "bits": "bits",
        "tau": "tau",
        "tau_1x1": "tau-1x1",
        "taus": "layer-tau",
    }.items():
        if options[name]:
            raise InputError(f"{file}: holds no real weights; leave out --{option}")


def hardware_from_options(hw: str, settings: tuple[str, ...]) -> "Hardware":
    """Load `--hw` and apply the overrides of `--set KEY=VALUE` in order.

    Raises:
        InputError: as `load_hardware`; for a list or range of values, the message suggests a sweep.

    """
    from simulator.machines import load_hardware

    try:
        return load_hardware(hw, settings)
    except InputError:
        load_hardware(hw)  # report an error in the file itself first
        for setting in settings:
            if is_several(setting):
                raise InputError(
                    f"--set {setting}: expected one value; lists and ranges belong to a sweep: "
                    f"{_as_sweep()}"
                ) from None
        raise


def is_several(setting: str) -> bool:
    """True if a known key has a list or a range that the key itself cannot have as its value."""
    from simulator.studies.axes import setting_axis
    from simulator.studies.columns import hardware_columns

    key, _, text = setting.partition("=")
    if key not in hardware_columns() or key == "name" or not set(text) & {",", ":"}:
        return False
    try:
        return len(setting_axis(setting).values) > 1
    except InputError:
        return False


def given(context: click.Context) -> list[click.Parameter]:
    """The parameters of a command that come from its command line."""
    source = click.core.ParameterSource.COMMANDLINE
    return [
        parameter
        for parameter in context.command.params
        if context.get_parameter_source(str(parameter.name)) is source
    ]


_OF_SWEEP = (
    "hw",
    "model",
    "bits",
    "tau",
    "tau_1x1",
    "batch",
    "activation_bits",
    "shortcut_bits",
    "settings",
)


def _as_sweep() -> str:
    """The sweep command that corresponds to the current command's options."""
    context = click.get_current_context()
    words = ["simulate", "sweep"]
    for parameter in given(context):
        if parameter.name in _OF_SWEEP:
            value = context.params[parameter.name]
            for one in value if isinstance(value, tuple) else (value,):
                words += [parameter.opts[0], str(one)]
    return shlex.join([*words, "--out", "study"])
