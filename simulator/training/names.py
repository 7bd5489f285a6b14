"""What the methods are called; without torch, for the command line."""

TITLES = {
    "full-precision": "full precision",
    "1-bit": "1 bit",
    "vanilla": "Vanilla-SNN",
    "snn": "SNN",
    "baseline-a": "Baseline A",
    "baseline-b": "Baseline B",
    "baseline-b-10": "Baseline B-10",
}
"""Every method, as the command line calls it, and its name in the paper."""
