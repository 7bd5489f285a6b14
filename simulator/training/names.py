"""The names of the methods, without torch, for the command line."""

TITLES = {
    "full-precision": "full precision",
    "1-bit": "1 bit",
    "vanilla": "Vanilla-SNN",
    "snn": "SNN",
    "baseline-a": "Baseline A",
    "baseline-b": "Baseline B",
    "baseline-b-10": "Baseline B-10",
}
"""The name of every method in the paper, by its name on the command line."""
