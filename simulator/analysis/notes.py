"""Notes on a result: its model, its machine, dropped kernels, and the effects of overrides."""

from collections.abc import Iterator

from simulator.analysis.outcome import Outcome
from simulator.analysis.run import Run
from simulator.analysis.settings import link_notes
from simulator.base.wording import counted, layers_phrase
from simulator.machines.families import family_of
from simulator.workload import Workload
from simulator.workload.scope import Scope


def notes_of(result: Outcome) -> list[str]:
    """Return notes for the reader of the numbers: cuts, passes, expectations, idle overrides."""
    reason = family_of(result.hardware).why_not_fast(result.hardware)
    subject = "the run uses" if result.baseline is None else "both runs use"
    why_event = [f"{subject} the event engine because {reason}."] if reason else []
    return [
        *why_event,
        *result.run.workload.notes,
        *link_notes(result.hardware, result.settings),
        *_of_runs(*result.runs, told={effect.note for effect in result.settings}),
        *(effect.sentence for effect in result.settings),
    ]


def _of_runs(run: Run, baseline: Run | None = None, *, told: set[str]) -> list[str]:
    """The notes of all runs, equal ones once, without those that the overrides tell."""
    ours, at = list(dict.fromkeys(x for x in _of_run(run) if x not in told)), f"at {run.title}"
    if baseline is None:
        return [f"{at}: {text}" for text in ours]
    base = list(dict.fromkeys(x for x in _of_run(baseline) if x not in told))
    at_base = f"at {baseline.title}" + (" (baseline)" if baseline.title == run.title else "")
    both = at if baseline.title == run.title else f"{at} and {at_base}"
    texts = [f"{both if text in base else at}: {text}" for text in ours]
    texts += [f"{at_base}: {text}" for text in base if text not in ours]
    return texts


def _of_run(run: Run) -> Iterator[str]:
    yield from family_of(run.mapping.hardware).notes(run)
    yield from ignored_in(run.workload)


def ignored_in(workload: Workload) -> list[str]:
    """Return notes on kernels and bits that a configured run ignores."""
    ignored = shortcut_bits_note(workload.scope) if workload.shortcut_bits_ignored else None
    return [
        *_dropped_kernels(workload),
        *_overridden_activations(workload),
        *([ignored] if ignored else []),
    ]


def shortcut_bits_note(scope: Scope) -> str:
    """Return a note on shortcut bits without an effect: in a narrow scope, or at full precision."""
    reason = (
        "no layer is binary, and all maps have the width of full precision"
        if scope == "network"
        else "only scope network has maps between binary layers (--scope network)"
    )
    return f"the shortcut bits have no effect in scope {scope} because {reason}."


def _overridden_activations(workload: Workload) -> list[str]:
    """Return a note on layers to which the file gives other activation bits than the run."""
    if not workload.activations_overridden:
        return []
    names = [layer.name for layer in workload.layers]
    return [
        layers_phrase(workload.activations_overridden, names).inflect(
            f"{{layers}} reads {counted(workload.activation_bits, 'bit')} per activation, as the "
            "command asks; the network's file has another width.",
            f"{{layers}} read {counted(workload.activation_bits, 'bit')} per activation, as the "
            "command asks; the network's file has other widths.",
        )
    ]


def _dropped_kernels(workload: Workload) -> list[str]:
    """Return a note on layers whose kernels have another tau; at 1 bit, any kernel may occur."""
    sub_bit = {layer.name for layer in workload.binary_layers if layer.tau is not None}
    names = [name for name in workload.kernels_dropped if name in sub_bit]
    if not names:
        return []
    return [
        layers_phrase(names, [layer.name for layer in workload.layers]).inflect(
            "{layers} runs shape-only, with evenly spread indices, "
            "because its kernels in the workload have another tau.",
            "{layers} run shape-only, with evenly spread indices, "
            "because their kernels in the workload have another tau.",
        )
    ]
