# Two commands: `make run` and `make test`. Everything lives in this folder.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/sh
.DEFAULT_GOAL := run
.PHONY: run test lint bench bench-formats bench-limit kill-test registry-table clean lock

# The environment is made anew only when what it is made of has changed.
.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q dagster_project
	$(BIN)/python -c "from dagster_project.transform import manifest_file; manifest_file()"
	@touch .venv/.ready

run: .venv/.ready
	@$(BIN)/kpi demo
	@$(BIN)/kpi run --workspace data/demo

test: .venv/.ready lint
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/.ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

bench: .venv/.ready
	@$(BIN)/python -m benchmarks.bench $(BENCH)

bench-formats: .venv/.ready
	@$(BIN)/python -m benchmarks.formats $(BENCH)

kill-test: .venv/.ready
	@$(BIN)/python -m pytest -m kill -o addopts=""

lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --no-strip-extras -o requirements.lock

clean:
	rm -rf .venv dbt/target data/demo/raw data/demo/warehouse data/demo/published data/demo/.releases data/demo/reports data/demo/quarantine data/demo/state
