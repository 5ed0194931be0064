# Two commands: `make run` and `make test`. Everything lives in this folder.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/sh
.DEFAULT_GOAL := run
.PHONY: run test test-duckdb2 lint bench bench-formats bench-limit kill-test registry-table clean lock

# The environment is made anew only when what it is made of has changed. The lock names every package, so pip
# need not look for more; what it installed is compiled on all cores, without what a run never imports.
.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q -j 0 -x '/(tests|geodata|altair|pip|setuptools|pkg_resources)/' .venv/lib dagster_project
	$(BIN)/python -c "from dagster_project.transform import manifest_file; manifest_file()"
	@touch .venv/.ready

run: .venv/.ready
	@$(BIN)/kpi demo
	@$(BIN)/kpi run --workspace data/demo

test: .venv/.ready lint
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# The whole suite on the next DuckDB, in an environment of its own.
test-duckdb2: .venv-duckdb2/.ready
	@.venv-duckdb2/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.venv-duckdb2/.ready: requirements.lock requirements-duckdb2.lock pyproject.toml
	$(PYTHON) -m venv .venv-duckdb2
	.venv-duckdb2/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv-duckdb2/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	.venv-duckdb2/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-duckdb2.lock
	@touch .venv-duckdb2/.ready

lint: .venv/.ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

bench: .venv/.ready
	@$(BIN)/python -m benchmarks.bench $(BENCH)

bench-formats: .venv/.ready
	@$(BIN)/python -m benchmarks.formats $(BENCH)

# MetricFlow has an environment of its own, so that the warehouse's stays lean.
.venv/metrics/.ready: .venv/.ready requirements-metrics.txt
	$(PYTHON) -m venv .venv/metrics
	.venv/metrics/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-metrics.txt
	@touch .venv/metrics/.ready

.PHONY: semantic metrics-test
semantic: .venv/.ready
	@$(BIN)/python -m dagster_project.semantic_layer

metrics-test: .venv/metrics/.ready
	@$(BIN)/python -m pytest -s tests/contract/test_semantic_layer.py tests/e2e/test_semantic_layer.py

kill-test: .venv/.ready
	@$(BIN)/python -m pytest -m kill -o addopts=""

lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --no-strip-extras -o requirements.lock

clean:
	rm -rf .venv .venv-duckdb2 dbt/target data/demo/raw data/demo/warehouse data/demo/published data/demo/.releases data/demo/reports data/demo/quarantine data/demo/state
