"""Mutation run: change the simulator at one random position at a time; a test should fail.

    python -m pip install cosmic-ray
    python -m tests.mutation mapper --minutes 20 --out mapper.jsonl

This is not a tier of the tests: it takes an hour, and somebody has to look at each survivor.
docs/decisions/0061-mutation-run.md has the results of the last run.
"""
