# Headwater: `make demo` and `make test` need Python >= 3.11 and make, nothing else.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := demo

.PHONY: help install demo test test-real lint audit format bench dev dashboard docs clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP)  ## .venv, from the lock file

$(STAMP): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit("Headwater needs Python 3.11 or newer, found " + sys.version.split()[0] + "; name one with make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv sync --frozen --inexact --active --quiet --compile-bytecode
	@touch $@

demo: $(STAMP)  ## a made-up shop, from its log to attributed sales
	$(BIN)/headwater demo $(DEMO)

test: $(STAMP)  ## unit, golden, property and short integration tests (under ten minutes)
	$(BIN)/pytest -m "not real" -n auto --dist worksteal

test-real: $(STAMP)  ## the long tests: real data, servers
	$(BIN)/pytest -m real -rs

lint: $(STAMP)  ## ruff, mypy, the import contracts, the SQL linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/headwater check

audit: $(STAMP)  ## known vulnerabilities of what is locked; exits 3 where not all could be looked up
	$(BIN)/uv export --frozen --all-groups --no-emit-project --quiet --output-file $(VENV)/requirements.txt
	@$(BIN)/python -m tests.audit $(VENV)/requirements.txt

format: $(STAMP)  ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## the speed table
	$(BIN)/python -m benchmarks

dev: $(STAMP)  ## the Dagster UI on the demo's home, http://127.0.0.1:3000
	@test -f $(DEMO)/config/headwater.yaml || $(MAKE) demo
	HEADWATER_HOME=$(CURDIR)/$(DEMO) DAGSTER_HOME=$(CURDIR)/$(DEMO)/.dagster $(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p 3000

dashboard: $(STAMP)  ## the dashboards of the demo's home, http://127.0.0.1:8050
	@test -f $(DEMO)/config/headwater.yaml || $(MAKE) demo
	$(BIN)/headwater dashboard --home $(DEMO)

docs: $(STAMP)  ## docs/data-dictionary.md, from the models' headers
	$(BIN)/headwater docs --out docs/data-dictionary.md

clean:  ## remove what was built, not the homes
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
