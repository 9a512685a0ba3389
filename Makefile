# coldtrail: `make demo` shows a real pipeline, `make test` runs every check. Both install what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PAGE := src/coldtrail/server/page/index.html
WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts -type f 2>/dev/null)
STAMP := $(VENV)/.stamp
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
OFFLINE := packages could not be fetched (see above): is there a network, or a proxy to name? Then run it again.

# Python's packages and the page's, checks of the code and of the page: two cores do both at once.
MAKEFLAGS += --jobs=2

.PHONY: help setup debian demo dev test check lint bench clean
.DEFAULT_GOAL := help

help: ## Show what there is.
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | column -t -s '|'

setup: debian $(STAMP)-python $(PAGE) ## Install everything that demo and tests need; safe to repeat.
	@echo "setup: done. 'make demo' shows a running pipeline, 'make test' runs the tests."

debian:
	@PYTHON="$(PYTHON)" bash scripts/debian.sh

$(STAMP)-python: pyproject.toml requirements.lock | debian
	@$(BIN)/python -c '' 2>/dev/null || { echo "setup: making $(VENV)"; $(PYTHON) -m venv --clear $(VENV); }
	@echo "setup: installing the locked Python packages"
	@$(PIP) -r requirements.lock || { echo "setup: $(OFFLINE)" >&2; exit 1; }
	@$(PIP) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src # or the first start of all would take two seconds longer
	@touch $@

web/node_modules/.package-lock.json: web/package.json web/package-lock.json | debian
	@echo "setup: installing the page's packages"
	@cd web && npm ci --no-audit --no-fund --loglevel=error || { echo "setup: $(OFFLINE)" >&2; exit 1; }
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
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

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
