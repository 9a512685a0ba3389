# coldtrail: `make demo` shows a real pipeline, `make test` runs every check. Both install what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PAGE := src/coldtrail/server/page/index.html
WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts -type f 2>/dev/null)
STAMP := $(VENV)/.stamp

.PHONY: help setup demo dev test check lint bench clean
.DEFAULT_GOAL := help

help: ## Show what there is.
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | column -t -s '|'

setup: $(STAMP)-debian $(STAMP)-python $(PAGE) ## Install everything that demo and tests need; safe to repeat.
	@echo "setup: done. 'make demo' shows a running pipeline, 'make test' runs the tests."

$(STAMP)-debian: scripts/debian.sh
	@bash scripts/debian.sh
	@mkdir -p $(VENV) && touch $@

$(STAMP)-python: pyproject.toml requirements.lock $(STAMP)-debian
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup: Python 3.11 or newer is needed; say where with PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || { echo "setup: making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "setup: installing the locked Python packages"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

web/node_modules/.package-lock.json: web/package.json web/package-lock.json $(STAMP)-debian
	@echo "setup: installing the page's packages"
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGE): web/node_modules/.package-lock.json $(WEB_SOURCES)
	@echo "setup: building the page"
	@cd web && npm run build --silent
	@touch $@

demo: setup ## Run a real serverless pipeline and watch it on the page.
	@$(BIN)/coldtrail demo $(ARGS)

dev: setup ## Run the server, restarted when a source changes.
	@$(BIN)/python -m watchfiles --filter python '$(BIN)/coldtrail up $(ARGS)' src

test: setup lint check ## Run every check and test.
	@$(BIN)/python -m pytest $(ARGS)

check: setup ## Check the page: types, unit tests, sizes.
	@cd web && npm run check --silent && npm run budget --silent

lint: setup ## Style, types, and the direction of imports.
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup ## Measure; prints one table (ARGS="--spans 500000" for a quick one).
	@$(BIN)/python -m bench $(ARGS)

clean: ## Remove what setup made.
	rm -rf $(VENV) web/node_modules src/coldtrail/server/page build dist
