"""Messages are grammatical for every category, number of layers, and value."""

import re
from itertools import product
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from simulator import load_workload, simulate
from simulator.analysis.reasons import LayerParts, reasons
from simulator.analysis.sensitivity import Effect, KeyEffects
from simulator.analysis.settings import SettingEffect
from simulator.analysis.title import covered, scope_title
from simulator.base.wording import (
    counted,
    different,
    kilobytes,
    layers_phrase,
    listed,
    percent,
    signed_percent,
    significant,
    time_pair,
)
from simulator.machines.lut_array.vocabulary import CATEGORIES
from simulator.program import CategoryTerm
from simulator.report.printed import printed
from simulator.report.roofline import plot_roofline
from simulator.report.timeline import plot_timeline
from simulator.report.why import print_attribution
from simulator.workload import Workload
from tests.build import layer, machine, network
from tests.numbering import PARTS, Part

pytestmark = pytest.mark.unit

_BROKEN = re.compile(
    "|".join(
        (
            r"  | [,.]|\(\)|\.\.|[{}]",  # a gap in a template
            r"\b(layers|and conv\d|to conv\d) (is|has|hides|needs|runs|takes|reloads|rereads)\b",
            r"\b1 (bytes|cycles|entries|layers|more layers|output channels|rows)\b",
            r"\bs takes\b|\bNone\b|\bbefore\b|\bbinds?\b|\btable\b",
        )
    )
)
_NOTE = re.compile(r"at \S+ bit( and at \S+ bit| \(baseline\))?: \S.*[a-z0-9)]\.")


def assert_note(text: str) -> None:
    assert not _BROKEN.search(text), (text, _BROKEN.search(text))
    assert text.endswith(".")
    assert text == text.strip()


# --- phrases --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "text", "plural"),
    [
        ("a", "a", False),
        ("ab", "a and b", True),
        ("ac", "a and c", True),
        ("abc", "a to c", True),
        ("bdf", "b, d, and f", True),
        ("abdefgh", "a, b, and d to h", True),
        ("acegi", "a, c, e, g, and 1 more layer", True),
        ("acegik", "a, c, e, g, and 2 more layers", True),
        ("acfgij", "a, c, f, g, and 2 more layers", True),
        ("aceghj", "a, c, e, g, and 2 more layers", True),
        ("acegijk", "a, c, e, g, and 3 more layers", True),
        ("abcdefghijk", "all layers", True),
    ],
)
def test_layers(names: str, text: str, plural: bool) -> None:
    phrase = layers_phrase(list(names), list("abcdefghijk"))
    assert (phrase.text, phrase.plural) == (text, plural)
    agreed = phrase.inflect("{layers} is", "{layers} are")
    assert agreed == f"{text} {'are' if plural else 'is'}"


def test_the_only_layer_of_a_network_is_named() -> None:
    assert layers_phrase(["conv"], ["conv"]).text == "conv"


@given(st.lists(st.booleans(), min_size=1, max_size=30).filter(any))
def test_every_layer_is_named_or_counted(chosen: list[bool]) -> None:
    every = [f"n{number}." for number in range(len(chosen))]
    names = [name for name, one in zip(every, chosen, strict=True) if one]
    text = layers_phrase(names, every).text
    if text == "all layers":
        assert names == every
        return
    shown = {name for name in every if name in text}
    for first, last in re.findall(r"(n\d+\.) to (n\d+\.)", text):
        shown |= set(every[every.index(first) : every.index(last) + 1])
    more = re.search(r"(\d+) more layer", text)
    assert shown <= set(names)
    assert len(shown) + (int(more[1]) if more else 0) == len(names)


def test_lists_counts_and_sizes() -> None:
    assert [listed(list("abc"[:n])) for n in (1, 2, 3)] == ["a", "a and b", "a, b, and c"]
    assert listed(list("abc"), "or") == "a, b, or c"
    assert [counted(n, "entry", "entries") for n in (0, 1, 2000)] == [
        "0 entries", "1 entry", "2,000 entries",
    ]  # fmt: skip
    assert [kilobytes(n) for n in (1, 999, 1000, 2_303_200)] == [
        "1 byte", "999 bytes", "1.0 kB", "2,303.2 kB",
    ]  # fmt: skip


def test_three_significant_digits() -> None:
    numbers = (0, 0.0004, 0.9996, 9.996, 931.4, 99_961.0)
    assert [significant(x) for x in numbers] == ["0", "0.000400", "1.00", "10.0", "931", "99,961"]
    assert time_pair(0.931456, 0.63) == ("0.931 ms", "0.630 ms")
    assert time_pair(0.0004, 0.000413) == ("0.400 µs", "0.413 µs")
    assert time_pair(0.93151, 0.93154) == ("0.93151 ms", "0.93154 ms")
    assert [percent(x) for x in (0, 0.0012, 0.0999, 0.5)] == ["0 %", "0.12 %", "10 %", "50 %"]
    assert [signed_percent(x) for x in (0.0325, -0.5, 2e-5, 0)] == [
        "+3.25 %", "-50.00 %", "+0.002 %", "+0 %",
    ]  # fmt: skip


@given(st.floats(1e-7, 1e5), st.floats(0.5, 2))
def test_different_times_have_different_texts(time: float, ratio: float) -> None:
    one, other = time_pair(time, time * ratio)
    assert one.split()[1] == other.split()[1]
    if abs(ratio - 1) > 1e-5:
        assert one != other
    assert different(3.0, 3.0) == ("3.00", "3.00")


# --- reasons --------------------------------------------------------------------------------------

_REASON = re.compile(
    r"(the bottleneck moves from [a-zA-Z -]+ to [a-zA-Z -]+ in"
    r"|compute (now|no longer) hides the (weight|input) transfers of"
    r"|(more|less) time in [a-zA-Z -]+ in)"
    r" (all layers|conv0|conv0 and 1 more layer|conv0 and [2-9] more layers)"
    r" \([+-][\d,]+ cycles?\)"
)


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("one", PARTS)
def test_a_reason_for_every_pair_of_parts(one: Part, count: int) -> None:
    def layers(part: Part, cycles: int) -> list[LayerParts]:
        changed = [LayerParts(name=f"conv{n}", parts={part: cycles + n}) for n in range(count)]
        return [*changed, LayerParts(name="other", parts={part: 1})][: max(2, count)]

    for other in PARTS:
        for before, after in ((100, 140), (140, 100)):
            texts = reasons(
                layers(one, before), layers(other, after), map(CategoryTerm.of, CATEGORIES)
            )
            assert texts
            for text in texts:
                assert_reason(text)


def assert_reason(text: str) -> None:
    assert not _BROKEN.search(text), text
    assert re.fullmatch(_REASON, re.sub(r"conv\d", "conv0", text)), text


def test_one_cycle_is_singular() -> None:
    one, other = ([LayerParts(name="a", parts={Part.DRAIN: n})] for n in (1, 2))
    assert reasons(one, other, map(CategoryTerm.of, CATEGORIES)) == [
        "more time in drains in a (+1 cycle)"
    ]


# --- settings and effects -------------------------------------------------------------------------


def effect(**changed: object) -> SettingEffect:
    fields = {
        "key": "array.pes", "before": 64, "after": 128, "time_ms_before": 0.0004,
        "time_ms_after": 0.000413, "speedup_before": 3.128, "speedup_after": 2.315, "reason": None,
    }  # fmt: skip
    return SettingEffect(**{**fields, **changed})  # type: ignore[arg-type]


def test_sentences_of_settings() -> None:
    assert effect().sentence == (
        "array.pes 64 -> 128 lengthens the run from 0.400 µs to 0.413 µs (+3.25 %) and changes the "
        "speedup from 3.13× to 2.31×."
    )
    assert effect(time_ms_after=0.0003, speedup_after=3.128).sentence == (
        "array.pes 64 -> 128 shortens the run from 0.400 µs to 0.300 µs (-25.00 %) and leaves the "
        "speedup at 3.13×."
    )
    assert effect(time_ms_after=0.0004, before=None).sentence == (
        "array.pes unset -> 128 leaves the run at 0.400 µs and changes the speedup from 3.13× to "
        "2.31×."
    )
    assert effect(causes=("a grows", "b shrinks")).sentence == (
        "array.pes 64 -> 128 lengthens the run from 0.400 µs to 0.413 µs (+3.25 %) and changes the "
        "speedup from 3.13× to 2.31×: a grows; b shrinks."
    )
    assert effect(time_ms_before=None, speedup_before=None, reason="x").sentence == (
        "array.pes 64 -> 128 makes the run possible because x."
    )
    assert effect(reason="it is only a label").sentence == (
        "array.pes 64 -> 128 has no effect because it is only a label."
    )


def test_sentences_of_effects() -> None:
    def one(change: float | None, reason: str) -> Effect:
        return Effect(value=1, cycles=None, time_ms=None, change=change, reason=reason)

    both = KeyEffects(key="array.pes", value=2, halved=one(0.5, "x"), doubled=one(-0.25, "y"))
    assert both.sentences == [
        "halving array.pes makes the run 50.00 % longer: x",
        "doubling array.pes makes the run 25.00 % shorter: y",
    ]


# --- notes ----------------------------------------------------------------------------------------

_BASES: tuple[dict[str, object], ...] = (
    {},
    {"memory.index_buffer.kib": 6.0, "array.pe.partial_sums": 32},
    {"memory.index_buffer.kib": 3.0, "array.pe.partial_sums": 32},
    {"memory.activation_buffer.kib": 0.5},
    {"memory.activation_buffer.kib": 0.4},
    {"array.pe.lut_entries": 8},
    {"array.pe.accumulators": 5},
    {"array.pe.lut_subbanks": 4, "memory.index_buffer.bytes_per_cycle": 20},
    {"memory.activation_buffer.bytes_per_cycle": 1.5},
)
_EXTRAS: tuple[dict[str, object], ...] = (
    {},
    {"memory.index_buffer.ports": 1, "memory.activation_buffer.ports": 1},
    {"memory.index_buffer.encoding": "huffman"},
)
_SUBJECTS = (
    "direct mode", "LUT passes because", "fixed length", "output row because", "every step because",
    "output block and row because", "transfer's inputs", "accumulation takes", "read windows take",
    "lose", "fewer DRAM bytes", "accumulators in its last cycle", "index fetches take",
)  # fmt: skip


def _net(count: int) -> Workload:
    same = (layer(128, 128, 6, 6, tau=5, name=f"conv{n}") for n in range(count))
    return network(*same, layer(128, 16, 6, 6, tau=5, name="narrow"))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.slow
def test_notes_of_machines_with_small_parts(count: int) -> None:
    notes: list[str] = []
    for base, extra in product(_BASES, _EXTRAS):
        notes += simulate(_net(count), machine(base | extra), tau=5).notes()
    for note in notes:
        assert_note(note)
        assert _NOTE.fullmatch(note) or note.startswith("both runs use the event engine because")
    assert [words for words in _SUBJECTS if not any(words in note for note in notes)] == []


def test_equal_notes_of_both_runs_are_printed_once() -> None:
    hardware = machine({"memory.activation_buffer.kib": 0.5})

    def rereads(bits: float) -> list[str]:
        return [note for note in simulate(_net(2), hardware, bits=bits).notes() if "reread" in note]

    (both,), (baseline,) = rereads(0.56), rereads(1)
    assert both.startswith("at 0.56 bit and at 1 bit: conv0 and conv1 reread their inputs for ")
    assert baseline == both.replace("0.56 bit and at ", "")


def test_every_output_names_scope_and_baseline(tmp_path: Path) -> None:
    from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace

    from simulator.analysis.saved import as_saved
    from simulator.api.comparison import Comparison
    from simulator.paper.operations import compare_operations
    from simulator.report.html import write_page
    from simulator.report.perfetto import perfetto_packets

    first = layer(3, 16, 4, 4, full_precision=True, name="first")
    workload = network(first, layer(16, 16, 4, 4, name="a"), layer(16, 16, 4, 4, name="b"))
    result = simulate(workload, machine(), bits=0.56, batch=2, activation_bits=2)
    layers = "scope binary, 2 of 3 layers with weights: binary 3×3 convolutions"
    sentence = f"{layers}; 1-bit baseline on the same PEs; batch 2; 2-bit activations"
    facts = result.summary()["scope"]
    assert facts["sentence"] == covered(result) == sentence
    assert (facts["layers"], facts["layers_with_weights"], facts["binary_kernels"]) == (2, 3, [3])
    assert facts["name"] == "binary"
    plain = " ".join(str(result).split())
    assert layers in plain
    assert "against 1 bit on the same PEs, 2 images, 2-bit activations" in plain
    assert sentence in write_page(result, tmp_path / "x.html", []).read_text()
    trace = Trace.FromString(b"".join(perfetto_packets(result)))
    labels = [label for p in trace.packet for label in p.track_descriptor.process.process_labels]
    assert labels == [sentence] * 2
    assert sentence in plot_roofline(result).axes[0].get_title()
    assert layers in " ".join(plot_timeline(result)._suptitle.get_text().split())  # type: ignore[attr-defined]
    assert layers in result._repr_html_()
    saved = as_saved(result.saved(), "x")
    comparison = Comparison(name_a="a", name_b="b", a=saved, b=saved)
    assert " ".join(str(comparison).split()).count(sentence) == 2
    assert comparison.as_json()["b"]["scope"] == sentence
    assert layers in printed(lambda console: print_attribution(result, console)).replace(
        "\n  ", " "
    )
    assert compare_operations(workload, bits=0.56)["scope"] == {
        "name": "binary",
        "sentence": layers,
    }


def test_full_precision_layers_are_part_of_the_scope() -> None:
    whole = simulate(load_workload("r20", (8, 8)), machine(), bits=0.56, scope="weights")
    facts = whole.summary()["scope"]
    assert facts["sentence"].startswith(
        "scope weights, all 20 layers with weights: 18 binary 3×3 convolutions, 2 "
    )
    assert (facts["layers"], facts["binary_layers"], facts["full_precision_layers"]) == (20, 18, 2)


def test_the_scope_of_one_layer_is_singular() -> None:
    one = network(layer(64, 64, 4, 4, tau=5))
    assert scope_title(one) == "scope weights, 1 layer with weights: binary 3×3 convolution"
    assert (
        scope_title(_net(1)) == "scope weights, all 2 layers with weights: binary 3×3 convolutions"
    )
