# Two commands from a fresh clone: `make test` and `make demo`. Each makes the environments that it needs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Default: found where it is (requirements/find_python.sh).
PYTHON ?=
UV := .venvs/tools/bin/uv
AIRFLOW := .venvs/airflow/bin/python
SERVICES := .venvs/services/bin/python
EMBEDDED := $(AIRFLOW) -m services.embedded
OF_DATA = $(if $(DATA),--data "$(DATA)")
# These run in the environment of the services that they test; everything else runs in Airflow's.
SERVICE_TESTS := tests/services/nppes_sample tests/services/sandbox tests/services/webhooks
# The vendors' own clients do not resolve with anything else, nor do those for Node.
JUDGES := .venvs/judges/bin/python
export PYTHONPATH := $(CURDIR):$(CURDIR)/plugins
# Where this is set, as some build machines do, each of the many processes would compile all of our code again.
unexport PYTHONDONTWRITEBYTECODE

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

env: .venvs/airflow.done .venvs/services.done .venvs/emulators.done ## Make the three environments (every other target does it by itself)

.venvs/tools.done: requirements/tools.txt .python-version
	@python="$$(requirements/find_python.sh $(PYTHON))" && echo "$$python -m venv .venvs/tools" && "$$python" -m venv .venvs/tools
	.venvs/tools/bin/python -m pip install --quiet --require-hashes -r requirements/tools.txt
	@touch $@

.venvs/airflow.done: .venvs/tools.done requirements/airflow.txt requirements/dev.txt
	[ -x .venvs/airflow/bin/python ] || $(UV) venv --quiet --python .venvs/tools/bin/python .venvs/airflow
	$(UV) pip sync --quiet --compile-bytecode --require-hashes --python .venvs/airflow requirements/airflow.txt requirements/dev.txt
	@touch $@

.venvs/services.done: .venvs/tools.done requirements/services.txt requirements/services-dev.txt
	[ -x .venvs/services/bin/python ] || $(UV) venv --quiet --python .venvs/tools/bin/python .venvs/services
	$(UV) pip sync --quiet --compile-bytecode --require-hashes --python .venvs/services requirements/services.txt requirements/services-dev.txt
	@touch $@

.venvs/emulators.done: .venvs/tools.done requirements/emulators.txt
	[ -x .venvs/emulators/bin/python ] || $(UV) venv --quiet --python .venvs/tools/bin/python .venvs/emulators
	$(UV) pip sync --quiet --compile-bytecode --require-hashes --python .venvs/emulators requirements/emulators.txt
	@touch $@

judges: .venvs/judges.done .venvs/judges-node.done ## Make the environments of the vendors' own clients (`make test` does it by itself)

.venvs/judges.done: .venvs/tools.done requirements/judges.txt
	[ -x .venvs/judges/bin/python ] || $(UV) venv --quiet --python .venvs/tools/bin/python .venvs/judges
	$(UV) pip sync --quiet --compile-bytecode --require-hashes --python .venvs/judges requirements/judges.txt
	@touch $@

# Without Node nothing is made here, and the tests that need it are skipped by name.
.venvs/judges-node.done: tests/judges/package.json tests/judges/package-lock.json
	@mkdir -p .venvs/judges-node && cp tests/judges/package.json tests/judges/package-lock.json .venvs/judges-node
	@if command -v npm >/dev/null; then cd .venvs/judges-node && npm ci --ignore-scripts --no-audit --no-fund --silent; fi
	@if command -v npm >/dev/null; then touch $@; fi

# The processors are busy with other processes: a second thread costs the warehouse more than it brings.
demo test test-fast: export GTM_WAREHOUSE_THREADS := 1

demo: env ## Run the whole loop, two weeks, through Airflow (NPPES_DIR=<folder> for your own NPPES files)
	$(AIRFLOW) -m services.demo $(if $(NPPES_DIR),--nppes-dir "$(NPPES_DIR)")

test: env judges ## Run every test against the embedded cloud and the sandbox
	$(SERVICES) -m pytest -n 2 --dist worksteal $(SERVICE_TESTS)
	$(JUDGES) -m pytest -n 2 --dist worksteal tests/judges
	$(AIRFLOW) -m pytest -n 2 --dist worksteal $(SERVICE_TESTS:%=--ignore=%) --ignore=tests/judges

# Without what is marked slow; a test that takes longer than the limit has to be marked. A file's tests stay in one process, which parses and analyzes once.
test-fast: env ## Run what a change needs, in under two minutes: rules, pure functions, hooks, Google's SQL analyzer, the DAGs (`make test` has the rest, all that needs the warehouse or a vendor among it)
	$(AIRFLOW) -m pytest -n 2 --dist loadfile -m "not slow" --timeout 60 $(SERVICE_TESTS:%=--ignore=%) --ignore=tests/judges

bench-backfill: env ## Load eight weeks in shuffled orders through Airflow; every table must come out equal
	$(AIRFLOW) -m bench.backfill

bench-convert: env ## Measure the conversion of a generated 1 GB file, and compare every column with a plain parse
	$(AIRFLOW) -m bench.convert

bench-clean: env ## Measure what CLEAN says against a generated registry of known truth, Splink beside it, and how fast it is
	$(AIRFLOW) -m bench.clean

bench-enrich: env ## Measure the waterfall: use of the limits, cost of each order of vendors, and what 50 killed runs pay
	$(AIRFLOW) -m bench.enrich

mutants: env ## Change the guards one at a time: which change does no test see? (SAMPLE=<n> SEED=<n> ROOM=<name or file>)
	$(AIRFLOW) -m bench.mutants $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) $(if $(ROOM),--room "$(ROOM)")

bigquery-dry-run: env ## Dry-run every statement in an empty BigQuery project: make bigquery-dry-run PROJECT=<project> (docs/real-bigquery.md)
	@[ -n "$(PROJECT)" ] || { echo "usage: make bigquery-dry-run PROJECT=<an empty project> [KEEP=1]"; exit 2; }
	$(AIRFLOW) -m tests.sql.dry_run "$(PROJECT)" $(if $(KEEP),--keep)


up: env ## Start the embedded stack, with the data that it had, and keep it running (FRESH=1 empties it first; DATA=demo goes on with the last demo)
	@$(EMBEDDED) up $(OF_DATA) $(if $(filter-out 0 no false,$(FRESH)),--fresh)

down: ## Stop the embedded stack, whatever became of its processes; its data stays
	@if [ -x $(AIRFLOW) ]; then $(EMBEDDED) down $(OF_DATA); else echo "The stack is not up."; fi

status: ## Show each process of the stack, the DAGs and the addresses
	@if [ -x $(AIRFLOW) ]; then $(EMBEDDED) status $(OF_DATA); else echo "The stack is not up."; fi

dag: env ## Run one DAG for one date on the running stack: make dag DAG=clean_providers DATE=2025-11-09 (TIMEOUT=<seconds>)
	@[ -n "$(DAG)" ] && [ -n "$(DATE)" ] || { echo "usage: make dag DAG=<dag_id> DATE=<YYYY-MM-DD>"; exit 2; }
	@$(EMBEDDED) dag "$(DAG)" "$(DATE)" $(OF_DATA) $(if $(TIMEOUT),--timeout "$(TIMEOUT)")

lint: env ## Check style and format (Python, SQL, Dockerfile), types and the import rules
	$(AIRFLOW) -m ruff check .
	$(AIRFLOW) -m ruff format --check .
	$(AIRFLOW) -m sqlfluff lint --disable-progress-bar include/sql
	.venvs/tools/bin/hadolint Dockerfile
	$(AIRFLOW) -m mypy
	$(AIRFLOW) -m pytest tests/test_import_rules.py

format: env ## Format the code
	$(AIRFLOW) -m ruff check --fix-only --quiet .
	$(AIRFLOW) -m ruff format .

docs: env ## Write the pages that are made from code: docs/dags.md, docs/tables.md, docs/sandbox.md
	$(AIRFLOW) -m tests.docs.pages
	$(SERVICES) -m services.sandbox.modeled

secrets: .venvs/tools.done ## Look for keys and passwords in the tree and in its whole history; asks nobody whether they are valid
	.venvs/tools/bin/kingfisher scan --no-validate --no-update-check --redact --quiet .

# The warning says that a lock does not tell which package wants which.
sbom: .venvs/tools.done ## Write a bill of materials of each lock: build/sbom/<lock>.json (CycloneDX)
	@mkdir -p build/sbom
	@for lock in requirements/*.txt; do \
		name="$$(basename "$$lock" .txt)"; \
		PYTHONWARNINGS=ignore .venvs/tools/bin/cyclonedx-py requirements "$$lock" --pyproject pyproject.toml --output-reproducible --no-validate -o "build/sbom/$$name.json" || exit 1; \
		echo "build/sbom/$$name.json"; \
	done

locks: .venvs/tools.done ## Compile the locks anew from requirements/*.in
	requirements/lock.sh

locks-check: .venvs/tools.done ## Fail where a lock does not follow from its .in file
	requirements/lock.sh --check

clean: down ## Remove what runs leave behind, the stack's data too (environments stay)
	rm -rf build

.PHONY: help env judges demo test test-fast docs secrets sbom bench-backfill bench-convert bench-clean bench-enrich mutants bigquery-dry-run up down status dag lint format locks locks-check clean
