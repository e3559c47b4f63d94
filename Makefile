# Everything runs in a virtual environment inside the tree; nothing is installed anywhere else.
# `make` alone lists what there is. `make demo` and `make test` need nothing but Python >= 3.11 and make.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Where `python3` is too old, a newer one that is installed beside it will do.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(if $(shell \
	$(p) -c 'import sys; print("ok" if sys.version_info >= (3, 11) else "")' 2>/dev/null),$(p))))
# Arguments for pytest and the benchmark: `make test ARGS="-k framing -x"`. `ARGS=-n0` runs tests in one process.
ARGS ?=
WORKERS := -n auto --dist worksteal

# The versions that are supported stand among the classifiers. pyenv shows all that it has only to those who ask for all.
SUPPORTED = $(shell sed -n 's/.*"Programming Language :: Python :: \(3\.[0-9]*\)".*/\1/p' pyproject.toml)
EVERY_PYTHON := PYENV_VERSION="$$(pyenv versions --bare 2>/dev/null | paste -sd : -)"
OTHERS = $(shell $(EVERY_PYTHON); export PYENV_VERSION; \
	for v in $(filter-out $(shell $(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'),$(SUPPORTED)); do \
	python$$v -c '' 2>/dev/null && echo $$v; done | paste -sd , -)
TOX := $(EVERY_PYTHON) $(BIN)/python -m tox run

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-others test-all regen check diff lint types format runtime bench soak clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.development ## Create .venv with all that development needs

demo: $(VENV)/.package ## Run the quick start on the embedded runtime
	@$(BIN)/python examples/quickstart.py

test: $(VENV)/.development ## Run all tests (on the real runtime too, where it is built)
	@$(BIN)/python -m pytest $(WORKERS) $(ARGS)

test-others: $(VENV)/.development ## Run the quicker tests on the other supported Pythons that are here
	@others='$(OTHERS)'; if [ -n "$$others" ]; then \
		$(TOX) -e "$$others" -- $(WORKERS) -k "not real" tests/core tests/e2e tests/test_packaging.py $(ARGS); \
	else echo "There is none of $(SUPPORTED) here beside the Python of $(VENV)."; fi

test-all: $(VENV)/.development ## Run all tests on each supported Python that is here, and on each backend alone
	@$(TOX) -- $(WORKERS) $(ARGS)

regen: $(VENV)/.development ## Rebuild openrpc.json, the generated package and pages from contract/*.yaml
	@$(BIN)/python -m codegen regen

check: $(VENV)/.development ## Fail when generated files do not match the contract
	@$(BIN)/python -m codegen check

diff: $(VENV)/.development ## Tell what has changed since the last released contract
	@$(BIN)/python -m codegen diff contract/released/openrpc.json contract/openrpc.json \
		--accepted contract/released/accepted.yaml

lint: $(VENV)/.development ## Check format, style and the contract's house rules
	@$(BIN)/python -m ruff format --quiet --check
	@$(BIN)/python -m ruff check --quiet
	@$(BIN)/python -m codegen lint

types: $(VENV)/.development ## Run mypy and pyright, both strict
	@$(BIN)/python -m mypy --no-error-summary
	@for v in $(SUPPORTED); do $(BIN)/python -m mypy --no-error-summary --python-version $$v src || exit 1; done
	@$(BIN)/python -m pyright --warnings

format: $(VENV)/.development ## Format and apply the safe fixes
	@$(BIN)/python -m ruff check --quiet --fix
	@$(BIN)/python -m ruff format --quiet

runtime: $(VENV)/.package ## Build the real runtime into the user's cache (needs cargo; minutes, once)
	@$(BIN)/python scripts/build_runtime.py

bench: $(VENV)/.package ## Measure speed next to the peer and the floor: ARGS=stream for one part
	@$(BIN)/python -m bench $(ARGS)

soak: $(VENV)/.package ## Work for minutes while faults are injected, then judge what is left: ARGS="--minutes 2"
	@$(BIN)/python -m tests.soak $(ARGS)

clean: ## Remove the virtual environment and all caches of the tree
	@rm -rf $(VENV) .tox build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.created:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or newer is needed and was not found." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
		"$(PYTHON) is Python %d.%d; 3.11 or newer is needed" % sys.version_info[:2])'
	@echo "Creating $(VENV) ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@# The pip that comes with Python 3.11 knows neither --group nor license expressions.
	@$(PIP) install --upgrade 'pip>=25.1'
	@touch $@

# The stamps are newer than pyproject.toml exactly when the environment was installed from it.
$(VENV)/.package: pyproject.toml | $(VENV)/.created
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.development: pyproject.toml | $(VENV)/.created
	@echo "Installing the development tools into $(VENV) ..." >&2
	@$(PIP) install --editable . --group dev
	@touch $@ $(VENV)/.package
