# Every task of this repository. `make` alone lists them; ARGS="..." is handed through.
# Nothing is written outside this folder, except what `midwatch start` itself says it writes.

# PYTHON=/path/to/python3.12 picks the interpreter; else the first of these that preflight accepts.
PYTHON ?=
PYTHONS := python3.13 python3.12 python3.11 python3.14 python3
ARGS ?=

BIN := .venv/bin
PREFLIGHT := src/midwatch/preflight.py
# -I: neither PYTHONPATH nor the user's own packages take part in the set-up.
PIP_FLAGS := --quiet --no-input --disable-pip-version-check --no-cache-dir
INSTALL := $(BIN)/python -I -m pip install $(PIP_FLAGS)
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-config --no-cache --python-version 3.11 $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help setup start test check fix lock bench nightly wheel clean
.NOTPARALLEL:

help: ## list what can be done here
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: .venv/.dev ## create .venv with the locked dependencies, for work on Midwatch
	@echo "Ready: .venv"

start: .venv/.core ## set up what is needed, then stand one watch on this machine
	@$(BIN)/midwatch start $(ARGS)

test: .venv/.dev ## set up what is needed, then run the whole test suite
	@$(BIN)/python -m pytest -n auto -m "not nightly" $(ARGS)

check: .venv/.dev ## linters, formatting, types, import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: .venv/.dev ## let the linter and the formatter repair what they can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lock: .venv/.dev ## resolve the dependencies anew; ARGS=--upgrade takes newer ones
	@$(COMPILE) pyproject.toml --extra dev --group build --output-file requirements/dev.txt
	@$(COMPILE) pyproject.toml --constraint requirements/dev.txt --output-file requirements/core.txt
	@$(COMPILE) --group build --constraint requirements/dev.txt --output-file requirements/build.txt

bench: .venv/.dev ## measure against the targets; see bench/README.md
	@$(BIN)/python -m bench $(ARGS)

nightly: .venv/.dev ## the tests that take minutes
	@$(BIN)/python -m pytest -m nightly $(ARGS)

wheel: .venv/.dev ## build dist/*.whl and dist/*.tar.gz
	@$(BIN)/python -m hatchling build

clean: ## remove .venv, caches and build results
	@rm -rf .venv dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: a second `make start` finds them newer than what they were made from, and starts at once.
.venv/.python:
	@found=; first=; \
	for python in $(if $(PYTHON),"$(PYTHON)",$(PYTHONS)); do \
		"$$python" -c pass >/dev/null 2>&1 || continue; \
		first="$${first:-$$python}"; \
		if "$$python" -I $(PREFLIGHT) >/dev/null 2>&1; then found="$$python"; break; fi; \
	done; \
	if [ -z "$$first" ]; then \
		echo "No Python found ($(or $(PYTHON),$(PYTHONS)))." >&2; \
		echo "  fix: install Python 3.11 or newer, or name one: make start PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	if [ -z "$$found" ]; then "$$first" -I $(PREFLIGHT); exit 1; fi; \
	echo "Setting up .venv with $$("$$found" --version) (once; removed by: make clean)"; \
	if "$$found" -I -c 'import ensurepip' 2>/dev/null; then "$$found" -I -m venv .venv; \
	else "$$found" -I -m venv --without-pip .venv && "$$found" -I -m pip --python $(BIN)/python install \
		$(PIP_FLAGS) --require-hashes --requirement requirements/build.txt; fi
	@touch $@

.venv/.core: .venv/.python requirements/core.txt requirements/build.txt pyproject.toml
	@echo "Installing $$(cat requirements/core.txt requirements/build.txt | grep -c ==) locked packages" \
		"(about half a minute) ..."
	@$(INSTALL) --require-hashes --requirement requirements/core.txt --requirement requirements/build.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.core requirements/dev.txt
	@echo "Installing the locked packages for tests and checks (about half a minute) ..."
	@$(INSTALL) --require-hashes --requirement requirements/dev.txt
	@touch $@
