# `make` alone lists what there is.
.DEFAULT_GOAL := help
SHELL := /usr/bin/env bash
RUN := .venv/bin
PYTEST_ARGS ?=
BENCH_ARGS ?=

# Every run of Dagster's is a new process. Where this is set, as many containers do, each of them compiles
# whatever the installer did not.
unexport PYTHONDONTWRITEBYTECODE

TEST_PACKAGES := mariadb-server chromium postgresql pgbouncer openssh-client php-cli php-curl php-mbstring php-mysql
# Build tools, so that an installation needs nothing that is not locked; uv installs and locks.
BUILD_TOOLS := editables hatchling uv
COMPILE := $(RUN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-strip-extras --no-annotate --no-emit-index-url --no-emit-find-links \
	--custom-compile-command 'make lock' --extra demo --extra dev

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Sync a sample shop through Dagster, change it, sync again, prove it equal
	@bin/bootstrap mariadb-server
	@$(RUN)/bitrix-pipeline demo

.PHONY: ui
ui: ## Serve the Dagster UI over the demo's data
	@bin/bootstrap mariadb-server
	@$(RUN)/bitrix-pipeline ui

.PHONY: test
test: ## Run the tests on real servers and in a real browser (PYTEST_ARGS="-k word")
	@bin/bootstrap $(TEST_PACKAGES)
	$(RUN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

.PHONY: lint
lint: ## Check style, types, layers and shell scripts
	@bin/bootstrap shellcheck
	$(RUN)/ruff check
	$(RUN)/ruff format --check
	$(RUN)/mypy
	$(RUN)/lint-imports
	shellcheck bin/* .ci/run bitrix_module/deploy

.PHONY: bench
bench: bench-sync bench-webhooks bench-push ## Measure everything

.PHONY: bench-sync
bench-sync: ## Measure against other ways to load the same tables (BENCH_ARGS=...)
	@bin/bootstrap --lock requirements-bench.lock mariadb-server
	$(RUN)/python benchmarks/run.py $(BENCH_ARGS)

.PHONY: bench-webhooks
bench-webhooks: ## Measure the receiver, the drain, and the way from one to the other
	@bin/bootstrap --lock requirements-bench.lock mariadb-server
	@missed=; for part in receiver drain latency; do \
		$(RUN)/python benchmarks/$$part.py || missed="$$missed $$part"; done; \
	[ -z "$$missed" ] || { echo "missed its goals:$$missed" >&2; exit 1; }

.PHONY: bench-push
bench-push: ## Measure how fast statuses reach Bitrix, and with how many requests
	@bin/bootstrap --lock requirements-bench.lock mariadb-server
	$(RUN)/python benchmarks/push.py

.PHONY: docs
docs: ## Write the reference pages of docs/ from the code
	@bin/bootstrap
	@$(RUN)/python -m bitrix_pipeline.reference

.PHONY: lock
lock: ## Lock the newest versions that pyproject.toml allows
	@bin/bootstrap
	printf '%s\n' $(BUILD_TOOLS) | $(COMPILE) --upgrade --output-file requirements.lock pyproject.toml -
	printf '%s\n' $(BUILD_TOOLS) | $(COMPILE) --upgrade --constraint requirements.lock --extra bench \
		--output-file requirements-bench.lock pyproject.toml -
	@! grep -nE '(https?|file)://' requirements*.lock

.PHONY: clean
clean: ## Remove caches and the data of the demo; .venv stays
	find .data -name files -type l -lname '/var/tmp/bitrix-pipeline/*' \
		-exec sh -c 'rm -rf "$$(readlink "$$1")"' _ {} \; 2>/dev/null || true
	rm -rf .data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .tmp_dagster_home_*
	find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +
