"""Random wrong input of every kind that a user can hand in (`make fuzz`).

python -m tests.fuzz --cases 100000 --seed 7
python -m tests.fuzz --seed 7 --only 4711      one case again, with its traceback

A case is a pure function of the seed and its number. It changes valid input, by structure or by
bytes, and runs the command, or a function of the API, in this process. The case fails if anything
escapes but the program's own error, if the status is neither 0 nor 2, if status 2 comes with other
than one line, if a temporary file is left, or if the run exceeds its bound.
"""
