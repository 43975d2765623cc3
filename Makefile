# Headwater: `make demo` and `make test` need Python >= 3.11 and make, nothing else.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := demo

.PHONY: help install demo test test-real lint audit format bench dev dashboard docs clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP)  ## create .venv from the lock file

$(STAMP): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit("Headwater needs Python 3.11 or newer, found " + sys.version.split()[0] + "; name one with make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv sync --frozen --inexact --active --quiet --compile-bytecode
	$(BIN)/python -m compileall -q pipelines assets dashboards
	@touch $@

demo: $(STAMP)  ## simulate a shop and compute it, from its log to attributed sales
	$(BIN)/headwater demo $(DEMO)

test: $(STAMP)  ## run the unit, golden, property and short integration tests (under ten minutes)
	$(BIN)/pytest -m "not real" -n auto --dist worksteal

test-real: $(STAMP)  ## run the long tests: real data, servers
	$(BIN)/pytest -m real -rs

lint: $(STAMP)  ## run ruff, mypy, the import contracts and the SQL linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/headwater check

audit: $(STAMP)  ## report known vulnerabilities of the locked packages; exit code 3: some could not be looked up
	$(BIN)/uv export --frozen --all-groups --all-extras --no-emit-project --quiet --output-file $(VENV)/requirements.txt
	@$(BIN)/python -m tests.audit $(VENV)/requirements.txt

format: $(STAMP)  ## fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## run the benchmarks
	$(BIN)/python -m benchmarks

dev: $(STAMP)  ## start the Dagster UI on the demo's home, http://127.0.0.1:3000
	@test -f $(DEMO)/config/headwater.yaml || $(MAKE) demo
	HEADWATER_HOME=$(CURDIR)/$(DEMO) DAGSTER_HOME=$(CURDIR)/$(DEMO)/.dagster $(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p 3000

dashboard: $(STAMP)  ## start the dashboards of the demo's home, http://127.0.0.1:8050
	@test -f $(DEMO)/config/headwater.yaml || $(MAKE) demo
	$(BIN)/headwater dashboard --home $(DEMO)

docs: $(STAMP)  ## write docs/data-dictionary.md from the models' headers
	$(BIN)/headwater docs --out docs/data-dictionary.md

clean:  ## remove .venv and caches, keep the homes
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
