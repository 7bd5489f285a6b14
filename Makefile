# Two commands do everything on a machine with Python >= 3.11, git and make:
#   make run    set up, then simulate ResNet-18 at 0.56 bit against 1 bit
#   make test   set up, then lint, check types and run every test
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint types pytest test-lowest rtl-test rtl-nightly rtl-vcd reproduce bench peers clean

run: .venv/ready
	$(BIN)/simulate --hw hw_configs/cofluent64.yaml --model r18 --bits 0.56 --out out/r18

test: lint types pytest

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.prose

types: .venv/ready
	$(BIN)/mypy

pytest: .venv/ready
	$(BIN)/python -m pytest -n auto

# constraints.txt pins what was tested; pyproject.toml states the ranges that work.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m simulator.warm
	touch $@

# The circuit against the simulator; says what is missing, installs nothing.
rtl-test: .venv/ready
	@for tool in verilator g++ yosys; do command -v $$tool >/dev/null || { echo "make rtl-test: $$tool is missing (Debian: apt-get install verilator g++ yosys)"; exit 1; }; done
	$(BIN)/python -m pytest -n auto -m rtl

# 400 random layers and whole networks; minutes.
rtl-nightly: .venv/ready
	$(BIN)/python -m pytest -n auto -m nightly

# A waveform to look at: out/fetch_binds.vcd.
rtl-vcd: .venv/ready
	$(BIN)/python -m rtl.cosimulation --case "fetch binds" --vcd out/fetch_binds.vcd

# The lowest version of every dependency that pyproject.toml admits.
test-lowest:
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-lowest.txt --editable '.[dev]'
	.venv-lowest/bin/python -m pytest -m "not package"

# The paper's tables and figures, written into reports/.
reproduce: .venv/ready
	for item in table4 table6 figure12 figure13 training-speed; do $(BIN)/simulate reproduce $$item || exit 1; done

bench: .venv/ready
	$(BIN)/python benchmarks/engines.py
	$(BIN)/python benchmarks/sweep.py

# Other simulators on the same job, each in an environment of its own; takes long.
peers: .venv/ready
	$(BIN)/python benchmarks/peers/run.py

clean:
	rm -rf .venv .venv-lowest build dist out .pytest_cache .hypothesis .mypy_cache .ruff_cache
