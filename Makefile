# Two commands do everything on a machine with Python >= 3.11, git and make:
#   make run    set up, then simulate ResNet-18 at 0.56 bits against 1 bit
#   make test   set up, then lint, check types, and run the tests
PYTHON ?= python3
# Index with a CPU build of torch, for `make test-torch`; `configured`: pip's own settings.
TORCH_INDEX ?=

BASE := .venv/bin
TEST := .venv-test/bin
TORCH := .venv-torch/bin
LOWEST := .venv-lowest/bin
SIMULATE := simulate --hw hw_configs/cofluent64.yaml --model r18 --bits 0.56 --out out/r18

.DEFAULT_GOAL := help
.PHONY: help run test lint types pytest test-slow test-torch test-lowest rtl-test rtl-nightly rtl-vcd \
	reproduce validate bench peers fuzz clean FORCE

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

run: .venv/ready ## Set up, then simulate ResNet-18 at 0.56 bits against 1 bit
	@echo "$(SIMULATE)"
	@$(BASE)/$(SIMULATE)

# Types are checked beside the tests: mypy keeps one core busy for half a minute.
test: lint ## Set up, lint, check types, and run the tests
	@$(MAKE) --no-print-directory -j2 types pytest

lint: .venv-test/ready ## Lint, check the format, and check the English
	$(TEST)/ruff check .
	$(TEST)/ruff format --check .
	$(TEST)/python -m tests.prose

types: .venv-test/ready ## Check types
	$(TEST)/mypy

# The tier `base` runs the commands in .venv, which has the base package alone.
pytest: .venv/ready .venv-test/ready ## Run the tests
	$(TEST)/python -m pytest -n auto -m "not slow and not rtl and not nightly"
	@echo "Not run: full sizes, more random draws, the circuit (make test-slow); torch (make test-torch)"

test-slow: .venv/ready .venv-test/ready ## Run full sizes, ten times the random draws, and the RTL
	$(TEST)/python -m pytest -n auto -m "slow or rtl or invariant" --hypothesis-profile=long

ifeq ($(TORCH_INDEX),)
test-torch: ## Run the tests that need torch (TORCH_INDEX=URL)
	@echo "Skipped: make test-torch TORCH_INDEX=URL names an index with a CPU build"
else
test-torch: .venv-torch/ready
	$(TORCH)/mypy
	$(TORCH)/python -m pytest -n auto -m torch
endif

CASES ?= 100000
SEED ?=
fuzz: .venv-test/ready ## Hand in random wrong input (CASES=100000 SEED=...)
	$(TEST)/python -m tests.fuzz --cases $(CASES) $(if $(SEED),--seed $(SEED))

test-lowest: .venv-lowest/ready ## Run the tests with the lowest versions that are allowed
	$(LOWEST)/python -m pytest -n auto -m "not package and not base"

# constraints.txt pins the versions that were tested; pyproject.toml states the ranges that work.
# Installs nothing if the environment is current.
.venv/ready .venv-test/ready .venv-torch/ready .venv-lowest/ready: FORCE
	@command -v $(PYTHON) >/dev/null || { \
		echo "make: $(PYTHON) not found; needs Python 3.11 or newer (make PYTHON=...)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"make: needs Python 3.11 or newer, found %d.%d; set PYTHON=..." % sys.version_info[:2])'
	@$(PYTHON) tools/environment.py $(@D) $(if $(findstring torch,$@),"$(TORCH_INDEX)")

FORCE:

rtl-test: .venv-test/ready ## Compare the RTL with the simulator (needs Verilator, Yosys)
	@for tool in verilator g++ yosys; do command -v $$tool >/dev/null || { \
		echo "make: $$tool is missing (Debian: apt-get install verilator g++ yosys)"; exit 1; }; done
	$(TEST)/python -m pytest -n auto -m rtl

rtl-nightly: .venv-test/ready ## Compare 400 random layers and whole networks (minutes)
	$(TEST)/python -m pytest -n auto -m nightly

rtl-vcd: .venv-test/ready ## Write a waveform to look at: out/fetch_binds.vcd
	$(TEST)/python -m rtl.cosimulation --case "fetch binds" --vcd out/fetch_binds.vcd

reproduce: .venv-test/ready ## Write the paper's tables and figures into reports/
	for item in table4 table6 figure12 figure13 fair equal-area networks whole-network pe-study \
			training-speed accuracy silicon; do \
		$(TEST)/simulate reproduce $$item || exit 1; done

validate: .venv-test/ready ## Compare pipelines with measurements of two boards
	$(TEST)/simulate reproduce silicon

bench: .venv-test/ready ## Measure engines, pipelines, and a study (benchmarks/README.md)
	$(TEST)/python benchmarks/engines.py
	$(TEST)/python benchmarks/pipelines.py
	$(TEST)/python benchmarks/sweep.py

peers: .venv-test/ready ## Run other simulators on the same job
	$(TEST)/python benchmarks/peers/run.py

clean: ## Remove the environments and all that these commands write
	rm -rf .venv .venv-test .venv-torch .venv-lowest build dist out
	rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache
